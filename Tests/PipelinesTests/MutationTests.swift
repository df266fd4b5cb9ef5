import Diagnostics
import Testing

@testable import Pipelines

/// A manifest with bytes changed, removed, doubled or swapped gives a pipeline or problems with
/// places, never a crash.
@Suite struct Mutations {
  private struct Dice {
    var state: UInt64
    /// SplitMix64: the tests draw the same mutants every time.
    mutating func roll(_ sides: Int) -> Int {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return Int((z ^ (z >> 31)) % UInt64(sides))
    }
  }

  @Test func neverCrash() throws {
    let original = Array(
      try Fixtures.text("fixtures/bias.yaml").replacing("generations: 10", with: "generations: 2")
        .utf8)
    let spice = Array("[]{}()*&!|>'\"%@`#,:?-=.<$~^\t\n 019aé".utf8) + [0x00, 0xFF, 0xC3]
    var dice = Dice(state: 42)
    var outcomes: [String: Int] = [:]
    for _ in 0..<1_500 {
      var bytes = original
      for _ in 0...dice.roll(4) {
        let at = dice.roll(bytes.count)
        switch dice.roll(5) {
        case 0: bytes[at] = spice[dice.roll(spice.count)]
        case 1: bytes.insert(spice[dice.roll(spice.count)], at: at)
        case 2: bytes.removeSubrange(at..<min(bytes.count, at + 1 + dice.roll(20)))
        case 3:
          let end = min(bytes.count, at + 1 + dice.roll(40))
          bytes.insert(contentsOf: Array(bytes[at..<end]), at: dice.roll(bytes.count))
        default: bytes.swapAt(at, dice.roll(bytes.count))
        }
      }
      let (pipeline, problems) = PipelineResolver.resolve(
        SourceText(path: "m.yaml", bytes: bytes), at: "/m.yaml", catalog: Fixtures.catalog,
        overrides: ManifestOverrides(workingFolder: "/"))
      let isRefused = problems.contains { $0.severity == .error }
      #expect(isRefused == (pipeline == nil), "\(String(decoding: bytes, as: UTF8.self))")
      for problem in problems {
        #expect(problem.span != nil, "\(problem.id)")
        outcomes[problem.id, default: 0] += 1
      }
      _ = DiagnosticPrinter().text(of: problems)
      if pipeline != nil { outcomes["sound", default: 0] += 1 }
    }
    // The mutants reach all floors: syntax, keys, references, and some stay sound.
    for id in ["yaml-syntax", "unknown-key", "unknown-stage", "expression-syntax", "sound"] {
      #expect(outcomes[id, default: 0] > 0, "no mutant gave \(id)")
    }
  }
}
