// What statements and projections can say; the pages behind the ids are with the stages
// (StageLibrary/Studies/ProjectionExplanations.swift).

import Diagnostics

extension Diagnostic {
  static var statementsMissing: Diagnostic {
    Diagnostic(
      "statements-missing", "there is no statement to score",
      help: "both corpora need at least one document", consequence: .stageFailed)
  }

  /// A text that is to be scored whole, and cannot be.
  public static func statementLength(_ name: String, tokens: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "statement-length",
      tokens < 2
        ? "the statement '\(name)' has no token that could be scored"
        : "the statement '\(name)' takes \(tokens) tokens with what stands before it, the model "
          + "reads \(context)",
      help: tokens < 2
        ? "leave it out" : "leave it out or take a shorter prompt: half a statement is another one",
      consequence: .stageFailed)
  }

  static var statementsNotFinite: Diagnostic {
    Diagnostic(
      "statements-not-finite", "a model finds a statement impossible: its bias is not a number",
      help: "look at the training run that made it", consequence: .stageFailed)
  }
}
