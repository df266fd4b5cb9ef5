// Every sentence that encoders and their classifiers can say; the pages are in EncoderExplanations.swift.

import Diagnostics

extension Diagnostic {
  static var encoderNeeded: Diagnostic {
    Diagnostic(
      "encoder-needed", "this model writes text and reads no whole texts: an encoder is needed",
      help: "import a BERT or RoBERTa with import-encoder, or make one with initialise-encoder",
      consequence: .stageFailed)
  }

  static var classifierMissing: Diagnostic {
    Diagnostic(
      "classifier-missing", "this encoder has no classification head",
      help: "train one with train-classifier (architecture: encoder)", consequence: .stageFailed)
  }

  static func classifierClassCount(_ count: Int) -> Diagnostic {
    Diagnostic(
      "classifier-class-count", "a classifier of \(count) class\(count == 1 ? "" : "es")",
      help: "give at least two", consequence: .stageFailed)
  }

  static func encoderSequence(_ length: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "encoder-sequence",
      length == 0
        ? "a text without any token cannot be read"
        : "a text of \(length) tokens does not fit an encoder that reads at most \(context)",
      help: length == 0
        ? "use the encoder's own tokenizer, whose template frames every text"
        : "set max_length to at most \(context)",
      consequence: .stageFailed)
  }
}
