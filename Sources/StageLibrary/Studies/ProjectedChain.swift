// The points of one chain of models as project-bias gets them: whole models, or one model with adapters;
// between them what fine-tune kept on the way.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Scheduling

struct ProjectedChain {
  /// Holds the tokenizer.
  let first: InputArtifact
  /// Memory of the shape of all models, holding those of `first`; to be overwritten.
  let model: LanguageModel
  private(set) var path: ProjectionPath
  /// The place on the generation's axis where each step of the path ends.
  private(set) var generations: [JSONValue] = []
  /// Stored points inside each generation.
  private(set) var steps: [Int] = []
  /// What all models share: strategy, seed.
  let coordinates: JSONObject

  /// **Throws**: `projection-path`, and what reading models throws.
  init(_ stage: StageContext) throws(Diagnostic) {
    let axis = stage.parameters.string("generation_axis")
    let (models, adapters) = (stage.inputs("models"), stage.inputs("adapters"))
    guard models.isEmpty != adapters.isEmpty else {
      throw .projectionPath(
        models.isEmpty
          ? "there is neither a model nor an adapter" : "there are models and adapters",
        "bind a chain to 'models', or adapters of one model to 'adapters'")
    }
    let items = models + adapters
    let start = stage.optionalInput("start")
    guard start != nil || models.count >= 2 else {
      throw .projectionPath(
        adapters.isEmpty ? "one model makes no step" : "adapters have no model to stand beside",
        "bind the model that the chain started from to 'start'")
    }
    coordinates = try Self.shared(items, axis)
    let first = start ?? items[0]
    self.first = first
    let working = try LanguageModel(files: first.files)
    try working.specification.requireDecoder()
    model = working

    // Only adapters need the model once more: points of models stay in their files.
    let base = adapters.isEmpty ? nil : try LanguageModel(files: first.files, storage: .asStored)
    path = ProjectionPath(from: try WeightPoint(files: first.files, of: working.specification))
    let kept = stage.inputs("paths")
    for item in items.dropFirst(start == nil ? 1 : 0) {
      var between: [WeightPoint] = []
      if let stored = kept.first(where: { $0.coordinates == item.coordinates }) {
        for step in try TrainingPath(files: stored.files).steps {
          between.append(
            try WeightPoint(
              files: ["model.safetensors": step.file], of: working.specification))
        }
      }
      let end =
        if let base {
          WeightPoint(base, try LowRankAdapter(files: item.files, for: base))
        } else {
          try WeightPoint(files: item.files, of: working.specification)
        }
      path.add(through: between, to: end)
      generations.append(item.coordinates[axis] ?? .integer(path.generationCount - 1))
      steps.append(between.count)
    }
  }

  /// The coordinates of one chain: on every axis but the generation's all items are at one place.
  private static func shared(
    _ items: [InputArtifact], _ axis: String
  ) throws(Diagnostic) -> JSONObject {
    let rest = items.map { item in item.coordinates.members.filter { $0.key != axis } }
    for other in rest.dropFirst() {
      for (mine, theirs) in zip(rest[0], other) where mine.value != theirs.value {
        throw .projectionPath(
          "the models are of several chains: \(mine.key) is \(mine.value.canonicalText) and "
            + theirs.value.canonicalText,
          "bind one chain, \(mine.key)=…, and give this stage the same axis, or name another "
            + "generation_axis")
      }
    }
    return JSONObject(rest[0].map { ($0.key, $0.value) })
  }
}

extension Diagnostic {
  static func projectionPath(_ what: String, _ help: String) -> Diagnostic {
    Diagnostic(
      "projection-path", "the models make no path: \(what)", help: help,
      consequence: .stageFailed)
  }
}
