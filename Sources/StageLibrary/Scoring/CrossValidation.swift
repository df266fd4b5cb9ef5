// Leave-source-out cross-validation: every document is judged by a classifier that has seen nothing of its
// source. Folds are kept as inner actions, so that an ended stage, or one with another bootstrap, does
// not train them again.

import CanonicalJSON
import Corpora
import Diagnostics
import ModelFiles
import Scheduling
import Statistics

struct CrossValidation {
  let stage: StageContext
  let labels: [String]
  /// Labelled, names masked.
  let documents: [Document]
  let folds: SourceFolds

  /// Parameters that decide what a fold's classifier says.
  private static let deciding = [
    "order", "feature_bits", "minimum_documents", "l2", "iterations", "tolerance",
    "equal_sources", "epochs", "learning_rate", "pooling", "trained", "max_length", "chunks",
    "batch_documents", "class_weights", "validation", "patience", "warmup", "weight_decay",
    "clip_norm", "dropout", "micro_batch_tokens", "most_per_source", "mask_sources", "mask", "seed",
    "folds",
  ]

  /// What one learner's classifiers say of all documents: logits, and of each the temperature that was
  /// fitted without its source.
  func judge(
    _ learner: any ClassifierLearner
  ) throws(Diagnostic) -> (logits: [[Double]], temperatures: [Double]) {
    var logits = [[Double]](repeating: [], count: documents.count)
    var fitted = [Double?](repeating: nil, count: folds.count)
    for fold in 0..<folds.count {
      let rows = documents.indices.filter { folds.foldOf[$0] == fold }
      let name = "fold-\(learner.architecture)-\(fold + 1)"
      let note =
        (learner.architecture == stage.parameters.string("architecture") ? "" : "baseline, ")
        + "fold \(fold + 1) of \(folds.count)"
      var facts: [(String, JSONValue)] = [
        ("architecture", .string(learner.architecture)), ("fold", .integer(fold)),
      ]
      for parameter in Self.deciding {
        if let value = stage.parameters.values[parameter] { facts.append((parameter, value)) }
      }
      let result = try stage.memo(
        kind: "classifier-fold", revision: 1, facts: facts,
        inputs: [stage.input("corpus").reference]
          + (stage.optionalInput("encoder").map { [$0.reference] } ?? [])
      ) { (folder: String) throws(Diagnostic) in
        stage.log("\(note): \(rows.count) documents held out")
        let tempered = try TemperedClassifier.learn(
          learner, documents.indices.filter { folds.foldOf[$0] != fold }.map { documents[$0] },
          labels: labels, bySource: true, stage: stage, part: name, note: note)
        let held = try tempered.classifier.logits(of: rows.map { documents[$0] }, note: note).rows
        let json = JSONValue.object([
          "temperature": tempered.temperature.map { .number($0) } ?? .null,
          "logits": .array(held.map { .array($0.map { .number($0) }) }),
        ])
        try AtomicFile.write(json.canonicalBytes, to: folder + "/fold.json")
      }
      EncoderCheckpointFolder(stage, part: name).remove()
      let (held, temperature) = try read(result, rows: rows.count)
      for (row, values) in zip(rows, held) { logits[row] = values }
      fitted[fold] = temperature
    }
    return (logits, temperatures(fitted, logits))
  }

  private func read(
    _ artifact: InputArtifact, rows: Int
  ) throws(Diagnostic) -> (logits: [[Double]], temperature: Double?) {
    let json = try JSONValue(
      parsing: SourceText(path: "fold.json", bytes: artifact.bytes("fold.json")))
    let logits = (json["logits"]?.array ?? []).map { ($0.array ?? []).compactMap(\.double) }
    guard logits.count == rows, logits.allSatisfy({ $0.count == labels.count }) else {
      throw .classifierMalformed("fold.json", "it is not what a fold of this corpus wrote")
    }
    return (logits, json["temperature"]?.double)
  }

  /// A fold without validation documents is tempered by what the other folds' classifiers said of
  /// theirs.
  private func temperatures(_ fitted: [Double?], _ logits: [[Double]]) -> [Double] {
    let numbers = documents.map { document in labels.firstIndex { $0 == document.label! }! }
    let all = fitted.enumerated().map { fold, temperature in
      if let temperature { return temperature }
      let others = documents.indices.filter { folds.foldOf[$0] != fold }
      return Calibration.temperature(
        logits: others.map { logits[$0] }, labels: others.map { numbers[$0] })
    }
    return folds.foldOf.map { all[$0] }
  }
}
