// Every sentence that models can say; the pages behind the ids are in LanguageModelsExplanations.swift.

import Diagnostics

extension Diagnostic {
  static func modelIsAnEncoder(_ family: String) -> Diagnostic {
    Diagnostic(
      "model-is-an-encoder", "a model of the family '\(family)' gives vectors and writes no text",
      help: "use a GPT-2, a Llama or a Mistral here; encoders go into train-classifier",
      consequence: .stageFailed)
  }

  static func weightsFrozen(_ parameter: String, storage: String) -> Diagnostic {
    Diagnostic(
      "weights-frozen", "'\(parameter)' is kept in \(storage) blocks, which training cannot change",
      help: "train an adapter, or load the model in single precision", consequence: .stageFailed)
  }

  static func weightsNotFinite(_ parameter: String) -> Diagnostic {
    Diagnostic(
      "weights-not-finite",
      "'\(parameter)' holds numbers that are not finite; the model is not written",
      help: "lower learning_rate or set clip_norm", consequence: .stageFailed)
  }

  static func tokenOutsideVocabulary(_ token: Int32, vocabulary: Int) -> Diagnostic {
    Diagnostic(
      "token-outside-vocabulary",
      "token \(token) is none of the model's \(vocabulary) tokens",
      help: "use the tokenizer that the model was made with", consequence: .stageFailed)
  }

  static func exampleLength(_ length: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "example-length",
      "sequences of \(length) tokens do not fit a model that takes 2 to \(context)",
      help: "set max_length to at most \(context)", consequence: .stageFailed)
  }

  static var endOfTextMissing: Diagnostic {
    Diagnostic(
      "end-of-text-missing", "the model names no token that ends a document",
      help: "set learn_end_of_text: false, or give config.json an eos_token_id",
      consequence: .stageFailed)
  }

  static func nothingToLearn(documents: Int) -> Diagnostic {
    Diagnostic(
      "nothing-to-learn", "\(documents) documents hold no token that could be learnt from another",
      help: "check that the corpus has text, and that max_length and examples suit it",
      consequence: .stageFailed)
  }

  static func trainingDiverged(step: Int, loss: Double, norm: Double?) -> Diagnostic {
    // The sign of a NaN depends on the machine and says nothing.
    func said(_ value: Double) -> String { value.isNaN ? "not a number" : "\(value)" }
    let what =
      norm.map { "the gradient's norm is \(said($0))" } ?? "the loss is \(said(loss))"
    return Diagnostic(
      "training-diverged", "at step \(step) \(what); nothing was changed by this step",
      help: "lower learning_rate, add warmup, or set clip_norm", consequence: .stageFailed)
  }

  public static func checkpointOfAnotherRun(_ path: String) -> Diagnostic {
    Diagnostic(
      "checkpoint-of-another-run", "'\(path)' is no checkpoint of this run",
      help: "training starts at the beginning; delete the file to silence this",
      severity: .warning)
  }

  static func evaluationWindow(_ window: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "evaluation-window",
      "a window of \(window) tokens does not fit a model that takes 2 to \(context)",
      help: "choose a window of at most \(context)", consequence: .stageFailed)
  }

  static func evaluationStride(_ stride: Int, window: Int) -> Diagnostic {
    Diagnostic(
      "evaluation-stride", "a stride of \(stride) leaves tokens of a window of \(window) unscored",
      help: "choose a stride from 1 to \(window - 1)", consequence: .stageFailed)
  }

  static func promptLength(_ prompt: Int, length: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "prompt-length",
      "a prompt of \(prompt) tokens and \(length) more do not fit a model that takes 1 to \(context)",
      help: "shorten the prompt or write fewer tokens", consequence: .stageFailed)
  }

  static func blockLength(_ block: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "block-length",
      "a block of \(block) tokens and its continuation need \(2 * block), the model takes \(context)",
      help: "set block to at most \(context / 2)", consequence: .stageFailed)
  }

  static var logitsNotFinite: Diagnostic {
    Diagnostic(
      "logits-not-finite", "the model's logits are not finite, so no token can be chosen",
      help: "the weights are unusable; go back to an earlier model", consequence: .stageFailed)
  }

  static func adapterTarget(_ name: String, names other: String?, known: [String]) -> Diagnostic {
    Diagnostic(
      "adapter-target",
      other.map { "the target '\(name)' also names '\($0)', which cannot be adapted" }
        ?? "the model has no linear layer '\(name)'",
      help: "targets of this model: \(known.joined(separator: ", ")), or all-linear")
  }

  static func adapterBase(
    _ path: String, noted: String, found: String, name: String?
  ) -> Diagnostic {
    Diagnostic(
      "adapter-base", "'\(path)' was trained on another base model",
      notes: [
        Diagnostic.Note(
          "its base has the checksum \(noted)" + (name.map { " and the name '\($0)'" } ?? "")),
        Diagnostic.Note("this base has the checksum \(found)"),
      ],
      help:
        "use the same base in the same storage form: a quantised base computes with other numbers")
  }
}
