// What the stages about units say to a person, and the pages behind the ids.

import Diagnostics
import ModelAnalysis

extension Diagnostic {
  static func neuronVersions(_ what: String, help: String) -> Diagnostic {
    Diagnostic("neuron-versions", what, help: help, consequence: .stageFailed)
  }

  static func neuronScores(_ what: String, help: String) -> Diagnostic {
    Diagnostic("neuron-scores", what, help: help, consequence: .stageFailed)
  }

  static func neuronMetric(_ what: String, help: String) -> Diagnostic {
    Diagnostic("neuron-metric", what, help: help, consequence: .stageFailed)
  }

  static func ablationIdle(_ what: String, help: String) -> Diagnostic {
    Diagnostic("ablation-idle", what, help: help, consequence: .stageFailed)
  }

  static func ablationItems(_ what: String, help: String) -> Diagnostic {
    Diagnostic("ablation-items", what, help: help, consequence: .stageFailed)
  }
}

/// Diagnostic id and its page, those of ModelAnalysis with them.
public let neuronStagesExplanations: [(id: String, text: String)] =
  neuronExplanations + [
    (
      "neuron-versions",
      """
      attribute-neurons compares versions of a model that belong to chains: each version was trained
      from the one before. Where a version stands on its chain is its coordinate on x_axis (generation);
      all other axes together (strategy, seed) name the chain. All models need the same layers and the
      same width, since unit i of one must be unit i of the other.
      """
    ),
    (
      "neuron-scores",
      """
      A score belongs to a model if it has all of the model's coordinates with the same values. A model
      without a score is not left out silently: a gap in a chain would make a change over two
      generations look like one over one. Scores without a model are not used, which the log says.
      """
    ),
    (
      "neuron-metric",
      """
      bias_metric and quality_metric name a figure of metrics.json, bias_class and quality_class the
      class it is about where it stands there for each class. plumb metrics shows what there is.
      """
    ),
    (
      "ablation-idle",
      """
      Mean patching needs the input 'corpus', over which the mean is taken. Zeroing needs none.
      """
    ),
    (
      "ablation-items",
      """
      compare-ablations sorts the items of its inputs by their coordinates. With an axis 'set' they are
      ablated: draw 0 (or none) is the named set, draws 1, 2 … are random sets of the same layers.
      Without it, or with set: none, they are the whole model. All other axes name the model, so that
      several models may be compared at once. bias-only and quality-only must both be there, and for
      each at least two random sets; with 20, p can reach 1/21 for a set alone.
      """
    ),
  ]
