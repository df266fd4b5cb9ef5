// A judge of texts, whichever kind it is: what score-bias needs of a classifier. The kinds are n-grams
// (ClassifierFolder.swift) and encoders (EncoderJudge.swift).

import CanonicalJSON
import Diagnostics
import Reports
import Statistics

protocol TextClassifier {
  /// Classes in the order of probabilities.
  var labels: [String] { get }

  /// P(class | text) of each text, tempered.
  ///
  /// - Parameters:
  ///   - log: takes a sentence about texts that could not be read whole.
  ///   - progress: texts finished so far.
  func probabilities(
    of texts: [String], log: (String) -> Void, progress: (Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> [[Double]]
}

extension NgramClassifier: TextClassifier {
  func probabilities(
    of texts: [String], log: (String) -> Void, progress: (Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> [[Double]] {
    var rows: [[Double]] = []
    for text in texts {
      rows.append(probabilities(of: text))
      try progress(rows.count)
    }
    return rows
  }
}

/// A classifier that has learnt from texts without certain names judges texts without them.
struct MaskedClassifier: TextClassifier {
  let classifier: any TextClassifier
  let mask: NameMask

  var labels: [String] { classifier.labels }

  func probabilities(
    of texts: [String], log: (String) -> Void, progress: (Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> [[Double]] {
    try classifier.probabilities(of: texts.map(mask.masked), log: log, progress: progress)
  }
}

/// What classifier.json says of every kind of classifier.
struct ClassifierDescription {
  let value: JSONValue
  let kind: String
  let labels: [String]
  let temperature: Double
  /// Names that are masked in every text; mostly none.
  let mask: NameMask

  /// **Throws**: `json-syntax`, `classifier-malformed`.
  init(_ bytes: [UInt8], shown path: String) throws(Diagnostic) {
    func fail(_ reason: String) -> Diagnostic { .classifierMalformed(path, reason) }
    value = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
    guard let kind = value["kind"]?.string else { throw fail("it does not name its kind") }
    self.kind = kind
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
    self.labels = labels
    guard let temperature = value["temperature"]?.double, Calibration.range.contains(temperature)
    else { throw fail("'temperature' is not a number from 0.05 to 20") }
    self.temperature = temperature
    let names = value["mask"]?.array ?? []
    guard value["mask"] == nil || value["mask"]?.array != nil, names.count <= 1 << 20,
      names.allSatisfy({ $0.string != nil })
    else { throw fail("'mask' is not a list of names") }
    mask = NameMask(names.compactMap(\.string))
  }

  /// The members that every kind writes.
  static func json(
    kind: String, labels: [String], temperature: Double, own: KeyValuePairs<String, JSONValue>,
    mask: NameMask, training: JSONValue, quality: [Metric]
  ) -> JSONValue {
    .object(
      JSONObject(
        [
          ("kind", .string(kind)), ("labels", .array(labels.map(JSONValue.string))),
          ("temperature", .number(temperature)),
        ] + own.map { ($0.key, $0.value) }
          + (mask.isEmpty ? [] : [("mask", .array(mask.names.map(JSONValue.string)))]) + [
            ("training", training), ("quality", .array(quality.map(\.json))),
          ]))
  }
}
