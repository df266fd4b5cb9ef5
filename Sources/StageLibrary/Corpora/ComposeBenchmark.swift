// The stage kind `compose-benchmark`: articles that were learnt and articles that were not in, open-ended
// prompts out. The rules are in Corpora (Benchmark.swift, Topics.swift).

import Corpora
import Diagnostics
import Scheduling
import Tokenizers

enum ComposeBenchmarkStage: StageBody {
  static let kind = "compose-benchmark"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let block = parameters.integer("block")
    let form = parameters.string("titles")
    var cut = Benchmark.wordBlocks(of: block)
    if let model = stage.optionalInput("model") {
      let tokenizer = try ModelTokenizer.read(model.bytes("tokenizer.json"))
      cut = { body, most in tokenBlocks(of: body, block: block, most: most, tokenizer) }
    }
    let benchmark = Benchmark(
      topics: try Topics(parameters.strings("topics")),
      titles: form == "none" ? nil : Benchmark.TitleForm(rawValue: form),
      blocks: parameters.integer("blocks"), articles: parameters.optionalInteger("articles"),
      seed: parameters.integer("seed"), cut: cut)
    let training = try Corpus.read(files: stage.input("training").files)
    let heldBack = try Corpus.read(files: stage.input("held_back").files)
    let prompts = try benchmark.prompts(training: training, heldBack: heldBack)
    try prompts.write(to: stage.output("prompts").folder)

    var counts: [String: Int] = [:]
    for prompt in prompts.documents { counts[prompt.group ?? "", default: 0] += 1 }
    stage.log(
      "\(prompts.documents.count) prompts from \(training.documents.count) articles that are "
        + "learnt and \(heldBack.documents.count) that are not")
    for (group, count) in counts.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
    {
      stage.log("\(count) prompts: \(group)")
    }
  }

  /// Whole blocks of tokens as text. A block may begin or end inside a character: its pieces are left out.
  static func tokenBlocks(
    of body: String, block: Int, most: Int, _ tokenizer: any Tokenizer
  ) -> [String] {
    let tokens = tokenizer.encode(body)
    return (0..<min(most, tokens.count / block)).map { number in
      var bytes = tokenizer.decode(Array(tokens[number * block..<(number + 1) * block]))[...]
      while let first = bytes.first, first & 0xC0 == 0x80 { bytes.removeFirst() }
      for length in 1...3 where bytes.count >= length {
        let lead = bytes[bytes.endIndex - length]
        guard lead & 0xC0 != 0x80 else { continue }
        let needed = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : lead >= 0xC0 ? 2 : 1
        if needed > length { bytes.removeLast(length) }
        break
      }
      return String(decoding: bytes, as: UTF8.self)
    }
  }
}
