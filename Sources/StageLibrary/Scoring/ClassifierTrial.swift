// A classifier tried on documents held out and on sources held out, and set beside the n-grams that were
// tried in just the same way.

import CanonicalJSON
import Corpora
import Diagnostics
import Reports
import Scheduling
import Statistics

struct ClassifierTrial {
  let stage: StageContext
  let split: ClassifierSplit
  let corpus: Corpus

  private var labelled: [Document] { corpus.documents.filter { $0.label != nil } }

  private func numbers(_ documents: [Document]) -> [Int] {
    documents.map { document in split.labels.firstIndex { $0 == document.label! }! }
  }

  private func bootstrap(_ name: String) -> Bootstrap {
    Bootstrap(
      replicates: stage.parameters.integer("bootstrap"), stream: stage.random(name))
  }

  // MARK: Held out

  /// The classifier that is handed on, with its figures.
  func heldOut(
    of learner: any ClassifierLearner
  ) throws(Diagnostic) -> (
    classifier: TemperedClassifier, test: HeldOutTest, temperature: Double, cut: Int
  ) {
    // The parameter's own architecture trains in the stage's folder itself, a baseline beside it.
    let isMain = learner.architecture == stage.parameters.string("architecture")
    let tempered = try TemperedClassifier.learn(
      learner, split.training, labels: split.labels, bySource: split.bySource, stage: stage,
      part: isMain ? "" : "baseline", note: isMain ? "" : "baseline")
    let (logits, cut) = try tempered.classifier.logits(of: split.heldOut, note: "")
    let labels = numbers(split.heldOut)
    let clusters = ClassifierSplit.clusters(split.heldOut)
    let temperature =
      tempered.temperature ?? Calibration.temperature(logits: logits, labels: labels)
    let temperatures =
      tempered.temperature.map { Array(repeating: $0, count: labels.count) }
      ?? HeldOutTest.crossedTemperatures(logits: logits, labels: labels, clusters: clusters)
    let test = HeldOutTest(
      logits: logits, labels: labels, names: split.labels, clusters: clusters,
      bySource: split.bySource, temperatures: temperatures,
      bootstrap: bootstrap("held-out/bootstrap"))
    return (tempered, test, temperature, cut)
  }

  /// The n-grams' figures on the same documents, and what the classifier gains over them.
  func baseline(
    _ learner: any ClassifierLearner, beside test: HeldOutTest
  ) throws(Diagnostic) -> [Metric] {
    let other = try heldOut(of: learner).test
    return chosen(other.metrics(prefix: "baseline_"))
      + gains(test, other, prefix: "", bootstrap("held-out/bootstrap"))
  }

  // MARK: Folds

  /// Figures over all documents, each judged by a classifier that knows nothing of its source; none
  /// where `folds` is 0.
  func folds(
    of learner: any ClassifierLearner, against baseline: (any ClassifierLearner)?
  ) throws(Diagnostic) -> [Metric] {
    let count = stage.parameters.integer("folds")
    guard count > 0 else { return [] }
    let validation = CrossValidation(
      stage: stage, labels: split.labels, documents: labelled,
      folds: try SourceFolds(
        labelled, labels: split.labels, count: count, stage.random("folds/sources")))
    let test = try foldTest(validation, learner)
    var metrics = test.metrics(prefix: "folds_")
    let floor = stage.parameters.number("leaning_floor")
    let macroF1 = test.rows.figures.macroF1
    metrics.append(
      Metric(
        "is_leaning", macroF1 >= floor ? 1 : 0, count: labelled.count,
        at: ["floor": .number(floor)]))
    if macroF1 < floor {
      stage.log(
        "macro-F1 \(macroF1) on sources left out is below \(floor): what this classifier tells "
          + "apart is the style of outlets")
    }
    guard let baseline else { return metrics }
    let other = try foldTest(validation, baseline)
    return metrics + chosen(other.metrics(prefix: "baseline_folds_"))
      + gains(test, other, prefix: "folds_", bootstrap("folds/bootstrap"))
  }

  private func foldTest(
    _ validation: CrossValidation, _ learner: any ClassifierLearner
  ) throws(Diagnostic) -> HeldOutTest {
    let (logits, temperatures) = try validation.judge(learner)
    return HeldOutTest(
      logits: logits, labels: numbers(labelled), names: split.labels,
      clusters: ClassifierSplit.clusters(labelled), bySource: true, temperatures: temperatures,
      bootstrap: bootstrap("folds/bootstrap"))
  }

  /// Of a baseline the summary is enough.
  private func chosen(_ metrics: [Metric]) -> [Metric] {
    metrics.filter { metric in
      ["accuracy", "macro_f1", "by_source", "ece", "ece_untempered", "recall"].contains {
        metric.name.hasSuffix("_" + $0)
      } && !metric.name.hasSuffix("majority_accuracy")
        && !metric.name.hasSuffix("calibration_accuracy")
    }
  }

  /// Differences, both judged on the same resamples.
  private func gains(
    _ test: HeldOutTest, _ other: HeldOutTest, prefix: String, _ bootstrap: Bootstrap
  ) -> [Metric] {
    let (own, base) = (test.rows.figures, other.rows.figures)
    let ends = JudgedRows.differences(
      test.rows, other.rows, bySource: test.bySource, bootstrap)
    func gain(_ name: String, _ value: Double, _ end: Int, _ unit: String) -> Metric {
      Metric(
        prefix + name + "_gain", value, unit: unit, low: ends[end].low, high: ends[end].high,
        count: test.rows.labels.count, at: ["over": .string(ClassifierFolder.kind)])
    }
    var metrics = [
      gain("accuracy", own.accuracy - base.accuracy, 0, "share"),
      gain("macro_f1", own.macroF1 - base.macroF1, 1, ""),
    ]
    if test.bySource {
      metrics.append(
        gain("macro_f1_by_source", own.macroF1BySource - base.macroF1BySource, 3, ""))
    }
    return metrics
  }
}
