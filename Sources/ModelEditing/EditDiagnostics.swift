// What editing can say; the pages behind the ids are in EditExplanations.swift.

import Diagnostics

extension Diagnostic {
  static func editLayers(_ wanted: Int, of layers: Int) -> Diagnostic {
    Diagnostic(
      "edit-layers", "the last \(wanted) blocks are to be edited, the model has \(layers)",
      help: "set layers to \(layers) or less", consequence: .stageFailed)
  }

  static func editExamples(answers: Int, others: Int, edits: Int) -> Diagnostic {
    Diagnostic(
      "edit-examples",
      others == 0
        ? "there is no text that edits should leave alone"
        : "\(answers) answers are too few: an edit takes \(edits), and is tried on another",
      help: others == 0
        ? "connect a corpus to the input 'others'" : "give more answers, or lower 'edits'",
      consequence: .stageFailed)
  }

  static func editDiverged(step: Int, loss: Double, locality: Double) -> Diagnostic {
    Diagnostic(
      "edit-diverged",
      "the edit networks diverged at step \(step): loss \(loss), locality \(locality)",
      help: "lower learning_rate, rate_learning_rate or edit_rate", consequence: .stageFailed)
  }
}
