// The classifier artifact: classifier.json and the weights of its kind, read as outside bytes. N-gram
// weights are described in Statistics/NgramClassifier.swift; encoders are in EncoderJudge.swift.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Reports
import Scheduling
import Statistics

/// Reads classifiers of either kind, and writes those of n-grams.
enum ClassifierFolder {
  static let description = "classifier.json"
  static let weights = "weights.bin"
  static let kind = "ngram"

  /// A classifier of whichever kind.
  ///
  /// **Throws**: `input-file-missing`, `json-syntax`, `classifier-malformed`, `classifier-weights`,
  /// and what reading an encoder throws.
  static func read(_ artifact: InputArtifact) throws(Diagnostic) -> any TextClassifier {
    let bytes = try artifact.bytes(description)
    let described = try ClassifierDescription(bytes, shown: description)
    let classifier: any TextClassifier =
      described.kind == EncoderJudge.kind
      ? try EncoderJudge(described, artifact)
      : try read(description: bytes, weights: try artifact.bytes(weights))
    return described.mask.isEmpty
      ? classifier : MaskedClassifier(classifier: classifier, mask: described.mask)
  }

  static func write(
    _ classifier: NgramClassifier, mask: NameMask = NameMask([]), training: JSONValue,
    quality: [Metric], to path: (String) -> String
  ) throws(Diagnostic) {
    let features = classifier.features
    let json = ClassifierDescription.json(
      kind: kind, labels: classifier.labels, temperature: classifier.temperature,
      own: [
        "features": .object([
          "order": .integer(features.order), "bits": .integer(features.bits),
        ])
      ],
      mask: mask, training: training, quality: quality)
    try AtomicFile.write(Array(json.indentedText.utf8), to: path(description))
    try AtomicFile.write(
      NgramWeights.bytes(of: classifier.regression, bits: classifier.features.bits),
      to: path(weights))
  }

  /// **Throws**: `json-syntax`, `classifier-malformed`, `classifier-weights`.
  static func read(
    description json: [UInt8], weights bytes: [UInt8]
  ) throws(Diagnostic) -> NgramClassifier {
    func fail(_ reason: String) -> Diagnostic { .classifierMalformed(Self.description, reason) }
    let described = try ClassifierDescription(json, shown: description)
    guard described.kind == kind else {
      throw fail("its kind is neither '\(kind)' nor '\(EncoderJudge.kind)'")
    }
    let features = described.value["features"]
    guard let ngrams = features?["order"]?.integer, NgramFeatures.orders.contains(ngrams)
    else { throw fail("'features.order' is not 1 to 4") }
    guard let bits = features?["bits"]?.integer, NgramFeatures.bitRange.contains(bits)
    else { throw fail("'features.bits' is not 8 to 24") }
    let (model, stored) = try NgramWeights.read(bytes, shown: weights)
    guard stored == bits else {
      throw fail("it says 2^\(bits) features, \(weights) says 2^\(stored)")
    }
    let labels = described.labels
    guard model.classCount == labels.count else {
      throw fail("it has \(labels.count) labels, \(weights) has \(model.classCount) classes")
    }
    return NgramClassifier(
      features: NgramFeatures(order: ngrams, bits: bits), labels: labels,
      temperature: described.temperature, regression: model)
  }
}
