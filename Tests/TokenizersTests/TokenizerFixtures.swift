// Where the fixtures lie, and the texts from which the small tokenizer was trained.

import Foundation

@testable import Tokenizers

enum Fixtures {
  static let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("fixtures")

  static func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: folder.appendingPathComponent(name)))
  }

  static func tokenizer() throws -> ByteLevelBPE {
    try ByteLevelBPE(tokenizerJSON: bytes("tokenizer.json"))
  }

  /// A few hundred sentences with words of several scripts: enough for a vocabulary of 700.
  static var trainingTexts: [String] {
    let subjects = [
      "The mayor", "A farmer", "She", "Our council", "Élodie", "Größere Städte", "Мэр города", "市长",
      "I'm told they", "We're sure he",
    ]
    let verbs = [
      "said", "wouldn't say", "wrote in 2017", "has 12 reasons", "voted", "naïvely hoped",
    ]
    let ends = [
      "that the border bill passed.", "nothing -- for now...", "\"taxes fell 3.5%\"!",
      "schools\n\nand   courts", "co\u{00F6}peration 🙂 works 👩‍👧", "they'll pay $40 million;",
    ]
    return subjects.flatMap { subject in
      verbs.flatMap { verb in ends.map { "\(subject) \(verb) \($0)" } }
    }
  }

  static func train() -> ByteLevelBPE {
    var trainer = BytePairTrainer(vocabularySize: 700)
    for text in trainingTexts { trainer.count(Array(text.utf8)) }
    return trainer.train()
  }
}

/// SplitMix64, the same as in fixtures/make_fixtures.py.
struct SplitMix {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9E37_79B9_7F4A_7C15
    var z = state
    z = (z ^ z >> 30) &* 0xBF58_476D_1CE4_E5B9
    z = (z ^ z >> 27) &* 0x94D0_49BB_1331_11EB
    return z ^ z >> 31
  }

  mutating func below(_ bound: Int) -> Int { Int(next() % UInt64(bound)) }

  static let ranges: [(Int, Int)] = [
    (0x20, 0x7F), (0x20, 0x7F), (0x61, 0x7B), (0x61, 0x7B), (0x09, 0x0E), (0x20, 0x21),
    (0x80, 0x250), (0x300, 0x370), (0x370, 0x600), (0x900, 0xA00), (0x2000, 0x2070),
    (0x2150, 0x2190), (0x3000, 0x3100), (0x4E00, 0x5000), (0xAC00, 0xAD00), (0x1F300, 0x1F700),
    (0x10000, 0x11000), (0x0, 0xD800), (0xE000, 0x110000), (0x27, 0x28), (0x30, 0x3A),
  ]

  mutating func text() -> String {
    var view = String.UnicodeScalarView()
    var range = Self.ranges[below(Self.ranges.count)]
    for _ in 0..<below(40) {
      if below(3) == 0 { range = Self.ranges[below(Self.ranges.count)] }
      view.append(Unicode.Scalar(UInt32(range.0 + below(range.1 - range.0)))!)
    }
    return String(view)
  }
}
