// The classifier artifact: classifier.json and weights.bin. What the bytes of the weights mean is in
// Statistics/NgramClassifier.swift; here is the folder, read as outside bytes.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Reports
import Statistics

/// Reads and writes the folder of an n-gram classifier.
enum ClassifierFolder {
  static let description = "classifier.json"
  static let weights = "weights.bin"
  static let kind = "ngram"

  static func write(
    _ classifier: NgramClassifier, training: JSONValue, quality: [Metric],
    to path: (String) -> String
  ) throws(Diagnostic) {
    let features = classifier.features
    let json: JSONValue = .object([
      "kind": .string(kind),
      "labels": .array(classifier.labels.map(JSONValue.string)),
      "temperature": .number(classifier.temperature),
      "features": .object(["order": .integer(features.order), "bits": .integer(features.bits)]),
      "training": training,
      "quality": .array(quality.map(\.json)),
    ])
    try AtomicFile.write(Array(json.indentedText.utf8), to: path(description))
    try AtomicFile.write(
      NgramWeights.bytes(of: classifier.regression, bits: classifier.features.bits),
      to: path(weights))
  }

  /// **Throws**: `json-syntax`, `classifier-malformed`, `classifier-weights`.
  static func read(
    description json: [UInt8], weights bytes: [UInt8]
  ) throws(Diagnostic) -> NgramClassifier {
    func fail(_ reason: String) -> Diagnostic { .classifierMalformed(description, reason) }
    let value = try JSONValue(parsing: SourceText(path: description, bytes: json))
    guard value["kind"]?.string == kind else { throw fail("its kind is not '\(kind)'") }
    guard let items = value["labels"]?.array, (2...1024).contains(items.count) else {
      throw fail("'labels' is not a list of 2 to 1,024 texts")
    }
    let labels = items.compactMap(\.string)
    guard labels.count == items.count, labels.allSatisfy({ !$0.isEmpty }) else {
      throw fail("a label is not text")
    }
    let order = labels.sorted(by: bytesPrecede)
    for (a, b) in zip(order, order.dropFirst()) where bytesEqual(a, b) {
      throw fail("the label '\(a)' stands twice")
    }
    guard let temperature = value["temperature"]?.double, Calibration.range.contains(temperature)
    else { throw fail("'temperature' is not a number from 0.05 to 20") }
    guard let ngrams = value["features"]?["order"]?.integer, NgramFeatures.orders.contains(ngrams)
    else { throw fail("'features.order' is not 1 to 4") }
    guard let bits = value["features"]?["bits"]?.integer, NgramFeatures.bitRange.contains(bits)
    else { throw fail("'features.bits' is not 8 to 24") }
    let (model, stored) = try NgramWeights.read(bytes, shown: weights)
    guard stored == bits else {
      throw fail("it says 2^\(bits) features, \(weights) says 2^\(stored)")
    }
    guard model.classCount == labels.count else {
      throw fail("it has \(labels.count) labels, \(weights) has \(model.classCount) classes")
    }
    return NgramClassifier(
      features: NgramFeatures(order: ngrams, bits: bits), labels: labels,
      temperature: temperature, regression: model)
  }
}
