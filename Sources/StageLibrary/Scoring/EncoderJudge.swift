// A classifier that is an encoder: a folder in the Hugging Face layout with classifier.json beside it.
// It is trained in TrainEncoderClassifier.swift.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Statistics
import Tokenizers

struct EncoderJudge: TextClassifier {
  static let kind = "encoder"
  /// Files of an encoder that belong to its tokenizer and are handed on unchanged.
  static let companions = ["tokenizer_config.json", "special_tokens_map.json", "vocab.txt"]

  let labels: [String]
  let temperature: Double
  /// Longest text, tokens.
  let maximumLength: Int
  /// Most windows of a text; its probabilities are their mean.
  let windows: Int
  let model: LanguageModel
  let tokenizer: any Tokenizer

  /// **Throws**: `classifier-malformed`, and what reading a model or a tokenizer throws.
  init(_ description: ClassifierDescription, _ artifact: InputArtifact) throws(Diagnostic) {
    func fail(_ reason: String) -> Diagnostic {
      .classifierMalformed(ClassifierFolder.description, reason)
    }
    model = try LanguageModel(files: artifact.files)
    tokenizer = try TokenizerFile.read(tokenizerJSON: artifact.bytes("tokenizer.json"))
    guard let classifier = model.specification.classifier else {
      throw fail("the model beside it has no classifier")
    }
    guard classifier.labels.count == description.labels.count,
      zip(classifier.labels, description.labels).allSatisfy(bytesEqual)
    else { throw fail("its labels are not those of config.json's id2label") }
    guard let length = description.value["max_length"]?.integer,
      (1...model.specification.context).contains(length)
    else {
      throw fail("'max_length' is not from 1 to the encoder's \(model.specification.context)")
    }
    windows =
      try description.value["chunks"].map { value throws(Diagnostic) in
        guard let windows = value.integer, (1...1024).contains(windows) else {
          throw fail("'chunks' is not from 1 to 1,024")
        }
        return windows
      } ?? 1
    labels = description.labels
    temperature = description.temperature
    maximumLength = length
  }

  func probabilities(
    of texts: [String], log: (String) -> Void, progress: (Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> [[Double]] {
    let encoded = try EncoderTexts(
      texts, tokenizer: tokenizer, maximumLength: maximumLength, windows: windows,
      context: model.specification.context)
    if let remark = encoded.remark { log(remark) }
    let logits = try EncoderClassifier(model).logits(of: encoded.sequences) {
      (finished: Int) throws(Diagnostic) in
      // Windows are read out of order: of texts, the share is told.
      try progress(finished * texts.count / encoded.sequences.count)
    }
    return encoded.combined(logits).map {
      Statistics.probabilities(logits: $0, temperature: temperature)
    }
  }

  /// - Parameter source: the encoder that was trained; its tokenizer goes with the classifier.
  ///
  /// **Throws**: `file-unwritable`, `weights-not-finite`, `input-file-missing`, `input-unreadable`.
  static func write(
    _ model: LanguageModel, from source: InputArtifact, maximumLength: Int, windows: Int,
    temperature: Double, mask: NameMask, training: JSONValue, quality: [Metric],
    to output: OutputArtifact
  ) throws(Diagnostic) {
    guard let (labels, pooling) = model.specification.classifier else {
      preconditionFailure("an encoder without classes is no classifier")
    }
    try model.write(to: output.folder, tokenizerJSON: try source.bytes("tokenizer.json"))
    for name in companions where source.files[name] != nil {
      try AtomicFile.write(try source.bytes(name), to: output.path(name))
    }
    let json = ClassifierDescription.json(
      kind: kind, labels: labels, temperature: temperature,
      own: [
        "pooling": .string(pooling.rawValue), "max_length": .integer(maximumLength),
        "chunks": .integer(windows),
      ],
      mask: mask, training: training, quality: quality)
    try AtomicFile.write(
      Array(json.indentedText.utf8), to: output.path(ClassifierFolder.description))
  }
}
