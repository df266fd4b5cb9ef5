// Every sentence that the statistics room says to a person, and the pages behind their ids.

import Diagnostics

extension Diagnostic {
  static func classifierWeights(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "classifier-weights", "'\(path)' does not hold n-gram weights: \(reason)",
      help: "make the classifier again with train-classifier", consequence: .stageFailed)
  }
}

/// Diagnostic id → page, for `plumb explain`.
public let statisticsExplanations: [String: String] = [
  "classifier-weights": """
  A classifier of the kind 'ngram' is a folder with classifier.json and weights.bin. The weights are
  checked byte by byte before they are believed: sizes, order of the features, finite numbers. A file
  that fails was cut short, edited or made by something else. Make it again with train-classifier,
  or run `plumb store verify` if it lies in the store.
  """
]
