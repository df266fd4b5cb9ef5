// What `mitigate` may change of a training: recipe.json over the parameters of `fine-tune`.

import CanonicalJSON
import Diagnostics
import Scheduling

enum FineTuneRecipe {
  /// Settings that a recipe may give, and the smallest value of each.
  private static let settings: [(name: String, isInteger: Bool, least: Double)] = [
    ("batch_documents", true, 1), ("batch_tokens", true, 1), ("clip_norm", false, 0),
    ("dropout", false, 0), ("epochs", true, 1), ("learning_rate", false, 0),
    ("max_length", true, 2), ("total_tokens", true, 1), ("warmup", false, 0),
    ("weight_decay", false, 0),
  ]

  /// The parameters with the recipe's values in place of their own; what changed goes to the log.
  ///
  /// **Throws**: `recipe-setting`.
  static func apply(
    _ recipe: InputArtifact?, to parameters: Parameters, log: (String) -> Void
  ) throws(Diagnostic) -> Parameters {
    guard let recipe else { return parameters }
    let source = SourceText(path: "recipe.json", bytes: try recipe.bytes("recipe.json"))
    guard let changes = try JSONValue(parsing: source).object else {
      throw .recipeSetting("it is no JSON object", known: settings.map(\.name) + ["budget"])
    }
    let known = settings.map(\.name) + ["budget"]
    for (name, value) in changes.members {
      if name == "budget" {
        guard value == "equal" else {
          throw .recipeSetting("budget cannot be \(value.canonicalText)", known: known)
        }
        log("the recipe asks for an equal budget of tokens")
        continue
      }
      guard let setting = settings.first(where: { $0.name == name }) else {
        throw .recipeSetting("it sets '\(name)'", known: known)
      }
      guard let number = value.double, number >= setting.least,
        !setting.isInteger || value.integer != nil,
        !["dropout", "warmup"].contains(name) || number < 1,
        name != "learning_rate" || number > 0
      else {
        throw .recipeSetting("\(name) cannot be \(value.canonicalText)", known: known)
      }
      log("the recipe sets \(name) to \(value.canonicalText)")
    }
    let kept = parameters.values.members.filter { changes[$0.key] == nil }
    return Parameters(JSONObject((kept + changes.members).map { ($0.key, $0.value) }))
  }
}

extension Diagnostic {
  static func recipeSetting(_ what: String, known: [String]) -> Diagnostic {
    Diagnostic(
      "recipe-setting", "the recipe cannot be applied: \(what)",
      help: "a recipe may set \(known.joined(separator: ", "))", consequence: .stageFailed)
  }
}

extension Diagnostic {
  static func budgetNotBound() -> Diagnostic {
    Diagnostic(
      "budget-not-bound", "the recipe asks for an equal budget, and nothing says how much that is",
      help: "bind the input 'budget' to the output 'budget' of the same mitigate stage",
      consequence: .stageFailed)
  }
}

/// Pages of the diagnostics of the model stages.
public let modelStagesExplanations: [(id: String, text: String)] = [
  (
    "recipe-setting",
    """
    A training recipe (recipe.json, made by mitigate) is a JSON object whose members take the place
    of parameters of fine-tune, such as {"epochs": 25, "weight_decay": 0}. The message names a member
    that is none of the settings a recipe may change, or a value out of range.
    """
  ),
  (
    "budget-not-bound",
    """
    With 'budget: equal' mitigate asks that a training learns as many tokens as the plain loop would, and
    its output 'budget' holds the documents to count. Training without that input would use the epochs
    and texts of the strategy, and the comparison would not be one of equal budgets.
    """
  ),
  (
    "adapter-continuation",
    """
    fine-tune-adapter goes on with the matrices of its input 'adapter'. They must stand beside the same
    layers, with the same rank and the same factor alpha / rank, as the parameters say: otherwise the
    parameters would be read and ignored.
    """
  ),
  (
    "generation-setting",
    """
    generate-corpus was given settings that do not fit together or not the model. Beam search compares
    several continuations of one prompt until all have ended, so a text that ends one of them early has
    no place in it; and at each step it looks at several tokens for each beam, more than a very small
    vocabulary has.
    """
  ),
  (
    "model-sizes",
    """
    initialise-model was asked for a model that cannot be: each attention head takes an equal part of
    the width, and the weights (four bytes each) must fit the machine's memory.
    """
  ),
  (
    "nothing-written",
    """
    mitigate mixes what the generations before have written. From round 1 on there must be at least
    one such corpus at 'synthetic'; without it every generation would learn the real articles alone
    and the study would measure no loop. Only round 0 has an empty list.
    """
  ),
]
