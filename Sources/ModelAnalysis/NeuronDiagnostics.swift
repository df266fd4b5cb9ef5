// What the analysis of units says to a person; the pages behind the ids are in NeuronExplanations.swift.

import Diagnostics

extension Diagnostic {
  static var neuronCorpusEmpty: Diagnostic {
    Diagnostic(
      "neuron-corpus-empty", "no document of the corpus has a token, so nothing can be activated",
      help: "give documents with text, or leave the corpus out to look at weights alone",
      consequence: .stageFailed)
  }

  public static func neuronsNotFinite(_ what: String) -> Diagnostic {
    Diagnostic(
      "neurons-not-finite", "the model's \(what) are not all finite",
      help: "the weights are unusable; leave this version out", consequence: .stageFailed)
  }

  static func neuronTable(_ place: String, _ what: String) -> Diagnostic {
    Diagnostic(
      "neuron-table", "\(place) \(what)", help: "make the table again with attribute-neurons",
      consequence: .stageFailed)
  }

  public static func neuronSetEmpty(
    _ set: String, measure: String, why: String
  ) -> Diagnostic {
    Diagnostic(
      "neuron-set-empty", "the set '\(set)' of the table's \(measure) figures is empty: \(why)",
      help: "set top: 50 to take the 50 units that come nearest, or attribute with a wider level",
      consequence: .stageFailed)
  }

  static func ablationModel(_ table: String, model: String) -> Diagnostic {
    Diagnostic(
      "ablation-model", "the table is about \(table), the model has \(model)",
      help: "ablate a model of the same sizes as those that the table was made from",
      consequence: .stageFailed)
  }

  static func ablationBias(_ family: String) -> Diagnostic {
    Diagnostic(
      "ablation-bias",
      "a \(family) has no bias behind its feed-forward part that could hold a mean",
      help: "set method: zero, or use a GPT-2 or a Llama, whose files may have one",
      consequence: .stageFailed)
  }
}
