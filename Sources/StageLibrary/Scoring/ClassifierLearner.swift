// What the architectures of train-classifier have in common: something that learns from documents,
// and what it has learnt. Everything that tests a classifier is written against these two.

import CanonicalJSON
import Corpora
import Diagnostics
import Reports
import Scheduling
import Statistics

protocol ClassifierLearner {
  /// Value of the parameter `architecture`.
  var architecture: String { get }

  /// - Parameters:
  ///   - validation: documents to stop by; may be empty. A learner may choose to do without.
  ///   - part: where this training puts itself down, unique in the stage.
  ///   - note: shown with progress; empty for none.
  func learn(
    _ documents: [Document], validation: [Document], part: String, note: String
  ) throws(Diagnostic) -> any LearntClassifier
}

protocol LearntClassifier {
  /// Logits of each document, in the order of the labels, and how many could not be read whole.
  func logits(
    of documents: [Document], note: String
  ) throws(Diagnostic) -> (rows: [[Double]], cut: Int)

  /// Of its training, beside those of the test.
  var metrics: [Metric] { get }
  /// For classifier.json.
  var training: [(String, JSONValue)] { get }

  func write(
    temperature: Double, mask: NameMask, training: JSONValue, quality: [Metric],
    to output: OutputArtifact
  ) throws(Diagnostic)
}

/// A classifier, the temperature found without any document it is tested on, and what it was made of.
struct TemperedClassifier {
  let classifier: any LearntClassifier
  /// nil where there were too few validation documents to fit one.
  let temperature: Double?
  let learnt: Int
  let validation: Int

  /// Validation documents below which a temperature says more about them than about the classifier.
  static let fewest = 50

  /// Puts validation documents aside, learns from the others, and fits the temperature.
  ///
  /// - Parameter stream: names of streams are local to this training.
  static func learn(
    _ learner: any ClassifierLearner, _ documents: [Document], labels: [String], bySource: Bool,
    stage: StageContext, part: String, note: String
  ) throws(Diagnostic) -> TemperedClassifier {
    let name = part.isEmpty ? "" : part + "/"
    let capped = SourceBalance.capped(
      documents, atMost: stage.parameters.optionalInteger("most_per_source"),
      stage.random(name + "most-per-source"))
    let share = stage.parameters.number("validation")
    var (learnt, validation) = (capped, [Document]())
    if share > 0 {
      // A label may have one source left; auto then splits by document, which only stops later.
      let inner = try ClassifierSplit(
        Corpus(documents: capped), heldOut: share, way: bySource ? .auto : .document, minimum: 2
      ) { stage.random(name + "validation/" + $0) }
      (learnt, validation) = (inner.training, inner.heldOut)
      // N-grams have nothing to stop: too few to temper by are better learnt from.
      if learner.architecture != EncoderJudge.kind, validation.count < fewest {
        (learnt, validation) = (capped, [])
      }
    }
    let classifier = try learner.learn(learnt, validation: validation, part: part, note: note)
    var temperature: Double?
    if validation.count >= fewest {
      temperature = Calibration.temperature(
        logits: try classifier.logits(of: validation, note: note).rows,
        labels: validation.map { document in labels.firstIndex { $0 == document.label! }! })
    }
    return TemperedClassifier(
      classifier: classifier, temperature: temperature, learnt: learnt.count,
      validation: validation.count)
  }
}
