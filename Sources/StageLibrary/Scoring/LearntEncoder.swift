// An encoder that has learnt its classes: it reads documents, and is written as a classifier.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Tokenizers

/// A model with its tokenizer and its way of reading documents.
struct EncoderReader {
  let stage: StageContext
  let labels: [String]
  let tokenizer: any Tokenizer
  let model: LanguageModel
  let length: Int
  let windows: Int

  func encode(_ documents: [Document], _ what: String) throws(Diagnostic) -> EncoderTexts {
    let texts = try EncoderTexts(
      documents.map(\.text), tokenizer: tokenizer, maximumLength: length, windows: windows,
      context: model.specification.context)
    if let remark = texts.remark { stage.log("\(what): \(remark)") }
    return texts
  }

  /// Windows with the labels of their documents.
  func labelled(_ texts: EncoderTexts, _ documents: [Document]) -> [LabelledSequence] {
    documents.indices.flatMap { row in
      let label = labels.firstIndex { $0 == documents[row].label! }!
      return texts.windows(of: row).map {
        LabelledSequence(tokens: texts.sequences[$0], label: label)
      }
    }
  }
}

struct LearntEncoder: LearntClassifier {
  let reader: EncoderReader
  let encoder: InputArtifact
  let epochs: [EncoderEpoch]
  let steps: Int
  let best: Int?
  /// Documents and tokens of training and validation that could not be read whole.
  let cut: Int
  let cutTokens: Int
  let validation: Int
  let documents: Int

  func logits(
    of documents: [Document], note: String
  ) throws(Diagnostic) -> (rows: [[Double]], cut: Int) {
    let texts = try reader.encode(documents, note.isEmpty ? "held out" : note)
    let stage = reader.stage
    let rows = try EncoderClassifier(reader.model).logits(of: texts.sequences) {
      (finished: Int) throws(Diagnostic) in
      stage.progress(
        step: finished, of: texts.sequences.count, unit: "texts",
        note: note.isEmpty ? "held out" : note)
      if stage.isStopping { throw .interrupted }
    }
    return (texts.combined(rows), texts.cut)
  }

  var metrics: [Metric] {
    var metrics = [
      Metric("epochs", Double(epochs.count), unit: "epochs", count: documents)
    ]
    if let best, let score = epochs[best].score {
      metrics += [
        Metric("best_epoch", Double(epochs[best].epoch), unit: "epochs", count: validation),
        Metric("validation_macro_f1", score, count: validation),
      ]
    }
    return metrics
  }

  var training: [(String, JSONValue)] {
    [
      ("truncated", .integer(cut)), ("truncated_tokens", .integer(cutTokens)),
      ("steps", .integer(steps)), ("best_epoch", best.map { .integer(epochs[$0].epoch) } ?? .null),
      ("epochs", .array(epochs.map(\.json))),
    ]
  }

  func write(
    temperature: Double, mask: NameMask, training: JSONValue, quality: [Metric],
    to output: OutputArtifact
  ) throws(Diagnostic) {
    try EncoderJudge.write(
      reader.model, from: encoder, maximumLength: reader.length, windows: reader.windows,
      temperature: temperature, mask: mask, training: training, quality: quality, to: output)
  }
}

/// Where one training of a stage puts itself down.
struct EncoderCheckpointFolder {
  let folder: String

  init(_ stage: StageContext, part: String) {
    folder = part.isEmpty ? stage.resumeFolder : stage.resumeFolder + "/" + part
  }

  /// **Throws**: `file-unwritable`.
  func prepare() throws(Diagnostic) {
    do {
      try FileManager.default.createDirectory(
        atPath: folder, withIntermediateDirectories: true)
    } catch {
      throw Diagnostic(
        "file-unwritable", "the folder '\(folder)' could not be made: \(error)",
        consequence: .stageFailed)
    }
  }

  /// After its training is done and kept elsewhere.
  func remove() {
    try? FileManager.default.removeItem(
      atPath: folder + "/" + EncoderTrainer.checkpointName)
  }
}
