// Versions of a model with their scores, in chains: items of three list inputs matched by coordinates.

import CanonicalJSON
import Diagnostics
import ModelAnalysis
import Reports
import Scheduling

/// One number of a metrics artifact.
struct ChosenMetric {
  let name: String
  /// Value of `at.class`; empty for a metric without classes.
  let label: String

  /// "share right"
  var shown: String { label.isEmpty ? name : "\(name) \(label)" }

  /// **Throws**: `neuron-metric`.
  func value(in artifact: InputArtifact) throws(Diagnostic) -> Double {
    let metrics = try Metric.read(artifact.bytes("metrics.json"), shown: "metrics.json")
    let found = metrics.filter { metric in
      bytesEqual(metric.name, name)
        && (label.isEmpty || metric.at["class"]?.string.map { bytesEqual($0, label) } ?? false)
    }
    let place = NeuronVersions.shown(artifact.coordinates)
    guard let metric = found.first else {
      var names: [String] = []
      for metric in metrics {
        let text = metric.at["class"]?.string.map { "\(metric.name) \($0)" } ?? metric.name
        if !names.contains(text) { names.append(text) }
      }
      throw .neuronMetric(
        "the input '\(artifact.port)' at \(place) has no metric '\(shown)'",
        help: "choose one of \(names.prefix(24).joined(separator: ", "))")
    }
    guard found.count == 1 else {
      throw .neuronMetric(
        "the input '\(artifact.port)' at \(place) has \(found.count) metrics '\(shown)'",
        help: "name a class, or a metric that stands there once")
    }
    return metric.value
  }
}

/// All versions, chain after chain, each in the order of the x axis.
struct NeuronVersions {
  struct Version {
    let model: InputArtifact
    let bias: Double
    let quality: Double
    let x: Double
  }

  let versions: [Version]
  /// Versions of each chain.
  let chains: [Int]
  /// Coordinates of each chain without the x axis.
  let names: [String]
  /// Items of scores that belong to no model.
  let unused: Int

  /// - Parameter axis: the axis along which a chain runs.
  ///
  /// **Throws**: `neuron-versions`, `neuron-scores`, `neuron-metric`, what reading metrics throws.
  init(
    models: [InputArtifact], bias: [InputArtifact], quality: [InputArtifact], axis: String,
    biasMetric: ChosenMetric, qualityMetric: ChosenMetric
  ) throws(Diagnostic) {
    var found: [(name: String, version: Version)] = []
    var seen: [JSONObject] = []
    for model in models {
      let place = Self.shown(model.coordinates)
      guard let x = model.coordinates[axis]?.double else {
        throw .neuronVersions(
          "the model at \(place) has no number on the axis '\(axis)'",
          help: "give models of a stage whose matrix has this axis, or set x_axis")
      }
      guard !seen.contains(model.coordinates) else {
        throw .neuronVersions(
          "two models stand at \(place)", help: "take each version once: name all axes")
      }
      seen.append(model.coordinates)
      let rest = model.coordinates.sorted.filter { !bytesEqual($0.key, axis) }
      found.append(
        (
          rest.map { "\($0.key)=\(Self.text($0.value))" }.joined(separator: ","),
          Version(
            model: model,
            bias: try biasMetric.value(in: Self.item(for: model, among: bias, "bias")),
            quality: try qualityMetric.value(in: Self.item(for: model, among: quality, "quality")),
            x: x)
        ))
    }
    // Chains in the order of their first model, which is the manifest's.
    var names: [String] = []
    for item in found where !names.contains(item.name) { names.append(item.name) }
    var versions: [Version] = []
    var chains: [Int] = []
    for name in names {
      let chain = found.filter { $0.name == name }.map(\.version).sorted { $0.x < $1.x }
      versions += chain
      chains.append(chain.count)
    }
    self.versions = versions
    self.chains = chains
    self.names = names
    unused = bias.count + quality.count - 2 * models.count
  }

  /// The one score whose coordinates hold all of the model's.
  private static func item(
    for model: InputArtifact, among scores: [InputArtifact], _ port: String
  ) throws(Diagnostic) -> InputArtifact {
    let matching = scores.filter { score in
      model.coordinates.members.allSatisfy { score.coordinates[$0.key] == $0.value }
    }
    let place = shown(model.coordinates)
    guard let first = matching.first else {
      throw .neuronScores(
        "the model at \(place) has no item in the input '\(port)'",
        help: "give scores of all models, with the same axes, or fewer models")
    }
    guard matching.count == 1 else {
      throw .neuronScores(
        "the model at \(place) has \(matching.count) items in the input '\(port)': "
          + matching.prefix(3).map { shown($0.coordinates) }.joined(separator: ", "),
        help: "select one value of the scores' other axes, as in score[decoding=greedy].metrics")
    }
    return first
  }

  /// "strategy=none,generation=3", as instances are named.
  static func shown(_ coordinates: JSONObject) -> String {
    coordinates.members.isEmpty
      ? "no coordinates"
      : "[" + coordinates.members.map { "\($0.key)=\(text($0.value))" }.joined(separator: ",") + "]"
  }

  static func text(_ value: JSONValue) -> String { value.string ?? value.canonicalText }
}
