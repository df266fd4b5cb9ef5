// What a training run changes: all of a model, or an adapter beside a model that stays as it is.
// Trainer.swift and TrainingCheckpoint.swift ask nothing else.

import Diagnostics
import Networks
import Tensors

/// The parameters that learn, with their memory.
struct LearntParameters {
  struct Item {
    /// As in files.
    let name: String
    let region: ArenaPlan.Region
    /// Whether weight decay applies.
    let decays: Bool
  }

  let items: [Item]
  /// Gradients and moments use it too.
  let plan: ArenaPlan
  let weights: Arena

  /// **Throws**: `weights-frozen` where the model has parameters in blocks.
  init(of model: LanguageModel) throws(Diagnostic) {
    if let frozen = model.table.parameters.first(where: { $0.storage != nil }) {
      throw .weightsFrozen(frozen.name, storage: frozen.storage!.rawValue)
    }
    items = model.table.parameters.map {
      Item(name: $0.name, region: $0.region, decays: $0.decays)
    }
    plan = model.table.plan
    weights = model.weights
  }

  init(of adapter: LowRankAdapter) {
    items = adapter.parameters.map { Item(name: $0.name, region: $0.region, decays: $0.decays) }
    plan = adapter.plan
    weights = adapter.weights
  }

  /// With their gradients and moments, as AdamW takes them.
  func trained(gradients: Arena, first: Arena, second: Arena) -> [TrainedParameter] {
    items.map {
      TrainedParameter(
        value: weights[$0.region], gradient: gradients[$0.region], firstMoment: first[$0.region],
        secondMoment: second[$0.region], decays: $0.decays)
    }
  }
}
