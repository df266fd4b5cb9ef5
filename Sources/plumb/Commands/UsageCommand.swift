// plumb store du: what the store holds, and what keeps it there.

import ArgumentParser
import ArtifactStore
import Console
import Diagnostics

struct UsageCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "du", abstract: "Say what the store holds, and what keeps it there.",
    discussion: "--why DIGITS names everything that leads to one object or result.")

  @OptionGroup var place: StoreOptions
  @Option(
    help: ArgumentHelp("The first digits of a key or digest.", valueName: "digits"))
  var why: String?

  func run() throws {
    let store = try place.open()
    var output = Output()
    if let why {
      let digits = why.split(separator: ":").last.map { $0.lowercased() } ?? ""
      let found = try store.find(digits)
      let all = found.keys.map { ("result", $0) } + found.objects.map { ("object", $0) }
      guard digits.count >= 4, !all.isEmpty else { throw Diagnostic.artifactUnknown(why) }
      for (kind, digest) in all {
        let size = kind == "object" ? store.size(of: .blob(digest)).map(Figures.bytes) : nil
        output.line("\(output.style(.bold, kind)) \(digest.hex)" + (size.map { "  \($0)" } ?? ""))
        let reasons = try store.reasons(for: digest)
        output.lines((reasons.isEmpty ? ["nothing keeps it"] : reasons).map { "  " + $0.drawable })
      }
      return output.write()
    }
    let usage = try store.usage()
    output.line(
      "\(usage.objects.count) objects (\(Figures.bytes(usage.objects.bytes))), \(usage.results) results"
    )
    if !usage.keepers.isEmpty {
      var table = Table([
        .init("kept by", mayShrink: true), .init("objects", numeric: true),
        .init("size", numeric: true), .init("by nothing else", numeric: true),
      ])
      for keeper in usage.keepers {
        table.add([
          keeper.name, "\(keeper.objects)", Figures.bytes(keeper.bytes),
          Figures.bytes(keeper.alone),
        ])
      }
      output.table(table)
    }
    output.line(
      "kept by nothing: \(usage.unreached.count) objects (\(Figures.bytes(usage.unreached.bytes)))")
    for (name, bytes) in usage.others { output.line("\(name)/: \(Figures.bytes(bytes))") }
    output.write()
  }
}
