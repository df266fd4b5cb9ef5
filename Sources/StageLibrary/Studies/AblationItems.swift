// Scores of ablated models, sorted by their coordinates into whole models, named sets and random sets.

import CanonicalJSON
import Diagnostics
import ModelAnalysis
import Scheduling

/// Items of compare-ablations as models with their ablations.
struct AblationItems {
  /// Coordinates that name an ablation.
  struct Axes {
    let set: String
    let draw: String
  }

  private struct Item {
    let set: UnitSet
    let draw: Int
    /// All other coordinates.
    let rest: JSONObject
    let bias: Double
    let quality: Double
  }

  let models: [AblatedModel]
  /// Bias and quality of each whole model.
  let whole: [AblationChange]

  /// **Throws**: `ablation-items`, `neuron-scores`, `neuron-metric`.
  init(
    bias: [InputArtifact], quality: [InputArtifact], axes: Axes, biasMetric: ChosenMetric,
    qualityMetric: ChosenMetric
  ) throws(Diagnostic) {
    var items: [Item] = []
    for artifact in bias {
      let partners = quality.filter { $0.coordinates == artifact.coordinates }
      let place = NeuronVersions.shown(artifact.coordinates)
      guard partners.count == 1 else {
        throw .neuronScores(
          "bias at \(place) has \(partners.count) items in the input 'quality'",
          help: "give bias and quality of the same instances")
      }
      let (set, draw) = try Self.ablation(artifact.coordinates, axes)
      let rest = JSONObject(
        artifact.coordinates.members.filter {
          !bytesEqual($0.key, axes.set) && !bytesEqual($0.key, axes.draw)
        }.map { ($0.key, $0.value) })
      if items.contains(where: { $0.set == set && $0.draw == draw && $0.rest == rest }) {
        // A matrix of sets and draws holds the whole model once for each draw.
        if set == .none { continue }
        throw .ablationItems(
          "two items are \(set.rawValue), draw \(draw), at \(place)",
          help: "take each instance once")
      }
      items.append(
        Item(
          set: set, draw: draw, rest: rest, bias: try biasMetric.value(in: artifact),
          quality: try qualityMetric.value(in: partners[0])))
    }
    var places: [JSONObject] = []
    for item in items where item.set != .none && !places.contains(item.rest) {
      places.append(item.rest)
    }
    guard !places.isEmpty else {
      throw .ablationItems(
        "no item has the axis '\(axes.set)'",
        help: "give scores of models from ablate-neurons with sets on this axis, or set set_axis")
    }
    var models: [AblatedModel] = []
    var whole: [AblationChange] = []
    for place in places {
      let base = try Self.whole(place, items)
      models.append(try Self.model(place, items, base))
      whole.append(AblationChange(bias: base.bias, quality: base.quality))
    }
    self.models = models
    self.whole = whole
  }

  private static func ablation(
    _ coordinates: JSONObject, _ axes: Axes
  ) throws(Diagnostic) -> (UnitSet, Int) {
    guard let name = coordinates[axes.set] else { return (.none, 0) }
    guard let set = name.string.flatMap(UnitSet.init(rawValue:)) else {
      throw .ablationItems(
        "'\(NeuronVersions.text(name))' on the axis '\(axes.set)' is no set",
        help: "use none, bias-only, quality-only or both")
    }
    guard let value = coordinates[axes.draw] else { return (set, 0) }
    guard let draw = value.integer, draw >= 0 else {
      throw .ablationItems(
        "'\(NeuronVersions.text(value))' on the axis '\(axes.draw)' is no number of a draw",
        help: "use 0 for the named set and 1, 2 … for random ones")
    }
    // A whole model is the same at every draw.
    return (set, set == .none ? 0 : draw)
  }

  /// The whole model of a place: the one with its coordinates, or the only one with no other value on
  /// an axis that both have.
  private static func whole(_ place: JSONObject, _ items: [Item]) throws(Diagnostic) -> Item {
    let all = items.filter { $0.set == .none }
    if let exact = all.first(where: { $0.rest == place }) { return exact }
    let fitting = all.filter { item in
      item.rest.members.allSatisfy { place[$0.key] == nil || place[$0.key] == $0.value }
    }
    guard fitting.count == 1 else {
      throw .ablationItems(
        "\(fitting.count) whole models fit the ablations at \(NeuronVersions.shown(place))",
        help: "give the scores of the model before ablation, without the set's axis")
    }
    return fitting[0]
  }

  private static func model(
    _ place: JSONObject, _ items: [Item], _ base: Item
  ) throws(Diagnostic) -> AblatedModel {
    func changes(_ set: UnitSet) throws(Diagnostic) -> [AblationChange] {
      let found = items.filter { $0.set == set && $0.rest == place }.sorted { $0.draw < $1.draw }
      guard found.first?.draw == 0, found.count >= 3 else {
        throw .ablationItems(
          "\(set.rawValue) at \(NeuronVersions.shown(place)) has "
            + (found.first?.draw == 0 ? "\(found.count - 1) random sets" : "no draw 0"),
          help: "give draw 0, the named set, and at least 2 random ones; 20 or more are better")
      }
      return found.map {
        AblationChange(bias: $0.bias - base.bias, quality: $0.quality - base.quality)
      }
    }
    let bias = try changes(.biasOnly)
    let quality = try changes(.qualityOnly)
    return AblatedModel(
      name: NeuronVersions.shown(place), biasOnly: bias[0], qualityOnly: quality[0],
      randomForBias: Array(bias.dropFirst()), randomForQuality: Array(quality.dropFirst()))
  }
}
