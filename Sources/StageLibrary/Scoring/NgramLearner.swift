// Logistic regression on hashed word n-grams, as train-classifier learns it: the baseline of every
// encoder.

import CanonicalJSON
import Corpora
import Diagnostics
import Reports
import Scheduling
import Statistics

struct NgramLearner: ClassifierLearner {
  let architecture = ClassifierFolder.kind
  let stage: StageContext
  let labels: [String]

  func learn(
    _ documents: [Document], validation: [Document], part: String, note: String
  ) throws(Diagnostic) -> any LearntClassifier {
    let parameters = stage.parameters
    let features = NgramFeatures(
      order: parameters.integer("order"), bits: parameters.integer("feature_bits"))
    let (regression, convergence) = try LogisticRegression.fit(
      rows: documents.map { features.vector(of: $0.text) },
      labels: documents.map { document in labels.firstIndex { $0 == document.label! }! },
      classCount: labels.count,
      rowWeights: parameters.boolean("equal_sources") ? SourceBalance.weights(documents) : nil,
      settings: .init(
        l2: parameters.number("l2"), maximumIterations: parameters.integer("iterations"),
        tolerance: parameters.number("tolerance"),
        minimumRows: parameters.integer("minimum_documents"))
    ) { (iteration: Int, loss: Double) throws(Diagnostic) in
      stage.progress(step: iteration, of: nil, loss: loss, note: note.isEmpty ? nil : note)
      if stage.isStopping { throw .interrupted }
    }
    stage.log(
      (note.isEmpty ? "" : note + ": ")
        + "\(regression.features.count) features, \(convergence.iterations) iterations, largest "
        + "derivative \(convergence.gradient): \(convergence.converged ? "" : "not ")converged")
    return LearntNgrams(
      features: features, labels: labels, regression: regression, convergence: convergence)
  }
}

private struct LearntNgrams: LearntClassifier {
  let features: NgramFeatures
  let labels: [String]
  let regression: LogisticRegression
  let convergence: Convergence

  func logits(
    of documents: [Document], note: String
  ) throws(Diagnostic) -> (rows: [[Double]], cut: Int) {
    (documents.map { regression.logits(features.vector(of: $0.text)) }, 0)
  }

  var metrics: [Metric] {
    [Metric("converged", convergence.converged ? 1 : 0, count: convergence.iterations)]
  }

  var training: [(String, JSONValue)] {
    [
      ("converged", .boolean(convergence.converged)),
      ("iterations", .integer(convergence.iterations)), ("objective", .number(convergence.value)),
      ("largest_derivative", .number(convergence.gradient)),
    ]
  }

  func write(
    temperature: Double, mask: NameMask, training: JSONValue, quality: [Metric],
    to output: OutputArtifact
  ) throws(Diagnostic) {
    try ClassifierFolder.write(
      NgramClassifier(
        features: features, labels: labels, temperature: temperature, regression: regression),
      mask: mask, training: training, quality: quality, to: output.path)
  }
}
