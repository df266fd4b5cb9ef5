// Text to ids, over the text of a file.

import ArgumentParser
import Foundation
import Tokenizers

/// Files that some operations need; those without theirs are left out.
struct OperationFiles: ParsableArguments {
  @Option(
    help: ArgumentHelp(
      "A tokenizer.json to be timed on the text; may be repeated.", valueName: "file"))
  var tokenizer: [String] = []
  @Option(help: ArgumentHelp("Text to be encoded.", valueName: "file")) var text: String?

  mutating func validate() throws {
    if tokenizer.isEmpty != (text == nil) {
      throw ValidationError("--tokenizer and --text need each other")
    }
  }
}

extension OperationBenches {
  /// On one core, line by line.
  static func tokenizing(_ files: OperationFiles) throws -> [Bench] {
    guard let path = files.text else { return [] }
    let text = try Data(contentsOf: URL(fileURLWithPath: path)).prefix(4 << 20)
    let lines = text.split(separator: 0x0A).map { Array($0) }
    let count = lines.reduce(0) { $0 + $1.count }
    return try files.tokenizer.map { file in
      let bytes = try Data(contentsOf: URL(fileURLWithPath: file))
      let tokenizer = try TokenizerFile.read(tokenizerJSON: Array(bytes), path: file)
      let ids = lines.reduce(0) { $0 + tokenizer.encode($1).count }
      let parts = URL(fileURLWithPath: file).pathComponents
      // Most folders of models are called `model` or by a hash; two names say more than one.
      let name = parts.suffix(3).dropLast().joined(separator: "/")
      return Bench(
        name: "tokenizing, \(name), one core", bytes: Double(count), tokens: Double(ids)
      ) { for line in lines { _ = tokenizer.encode(line) } }
    }
  }
}
