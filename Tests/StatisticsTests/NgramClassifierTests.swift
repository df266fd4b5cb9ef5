import Diagnostics
import Testing

@testable import Statistics

@Suite struct WordsTests {
  @Test(arguments: [
    ("Don't PANIC, 42!", ["don't", "panic", "42"]),
    ("’tis “quoted” — the senator’s e–mail…", ["tis", "quoted", "the", "senator's", "e", "mail"]),
    ("rock 'n' roll''s", ["rock", "n", "roll", "s"]),
    ("caf\u{E9} na\u{A0}ve", ["café", "na", "ve"]),
    ("ends'", ["ends"]),
    ("", []),
    ("…", []),
  ])
  func splits(text: String, words: [String]) {
    #expect(Words.split(text).map { String(decoding: $0, as: UTF8.self) } == words)
  }
}

@Suite struct NgramFeaturesTests {
  /// The numbers are part of every classifier ever written: they may not change.
  @Test func hashIsFixed() {
    let vector = NgramFeatures(order: 2, bits: 18).vector(of: "Free and fair, free and fair")
    // The same computed independently in Python.
    #expect(vector.indices == [50532, 71361, 79844, 125042, 146489, 250074])
    let length = vector.values.reduce(0) { $0 + $1 * $1 }
    #expect(abs(length - 1) < 1e-6)
  }

  @Test func emptyTextHasNoFeatures() {
    #expect(NgramFeatures(order: 3, bits: 10).vector(of: " … ").indices.isEmpty)
  }
}

@Suite struct NgramWeightsTests {
  static let model = LogisticRegression(
    classCount: 2, features: [3, 9, 200], weights: [1, -1, 0.5, 2, -3, 4], bias: [0.25, -0.25])
  static let good = NgramWeights.bytes(of: model, bits: 8)

  @Test func readsWhatItWrote() throws {
    let (model, bits) = try NgramWeights.read(Self.good, shown: "weights.bin")
    #expect(model == Self.model && bits == 8)
  }

  static func changed(_ offset: Int, _ bytes: [UInt8]) -> [UInt8] {
    var copy = good
    copy.replaceSubrange(offset..<offset + bytes.count, with: bytes)
    return copy
  }

  @Test(arguments: [
    ([], "begin"),
    (Array("plumbng1".utf8), "begin"),
    (changed(0, [0]), "begin"),
    (changed(8, [1, 0, 0, 0]), "1 classes"),
    (changed(8, [255, 255, 255, 255]), "4294967295 classes"),
    (changed(12, [7, 0, 0, 0]), "7 bits"),
    (changed(12, [255, 255, 255, 255]), "bits"),
    (changed(16, [255, 255, 255, 255]), "features where"),
    (changed(16, [255, 0, 0, 0]), "bytes where"),
    (Array(good.dropLast()), "bytes where"),
    (good + [0], "bytes where"),
    (changed(28, [9, 0, 0, 0]), "follows"),
    (changed(36, [0, 1, 0, 0]), "does not fit"),
    (changed(20, [0, 0, 192, 127]), "finite"),
    (changed(40, [0, 0, 128, 127]), "finite"),
  ])
  func refusesHostileBytes(bytes: [UInt8], words: String) {
    let error = #expect(throws: Diagnostic.self) {
      try NgramWeights.read(bytes, shown: "weights.bin")
    }
    #expect(error?.id == "classifier-weights")
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func classifiesText() {
    let features = NgramFeatures(order: 1, bits: 12)
    let texts = ["tax cuts now", "climate justice now", "tax relief", "justice for all"]
    let (model, _) = LogisticRegression.fit(
      rows: texts.map(features.vector), labels: [0, 1, 0, 1], classCount: 2,
      settings: .init(l2: 0.01))
    let classifier = NgramClassifier(
      features: features, labels: ["right", "left"], temperature: 1, regression: model)
    #expect(classifier.probabilities(of: "Tax!")[0] > 0.6)
    #expect(classifier.probabilities(of: "justice")[1] > 0.6)
    #expect(abs(classifier.probabilities(of: "").reduce(0, +) - 1) < 1e-12)
  }
}
