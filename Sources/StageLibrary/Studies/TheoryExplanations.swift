// Pages of the diagnostics of the theory's stages.

import ModelAnalysis

public let theoryExplanations: [(id: String, text: String)] =
  projectionExplanations + [
    (
      "projection-path",
      """
      project-bias follows the weights of one chain: the model it started from and the model after each
      generation. It needs at least one update, so two models, or one and a 'start'; adapters stand
      beside the model at 'start'. All items of the list differ on one axis only (generation_axis): a
      study with several strategies and seeds gives project-bias these axes too and puts the results
      together with compare-projections.
      """
    ),
    (
      "projection-metrics",
      """
      compare-projections reads what project-bias wrote: per generation the bias before, its change and
      the projections. Metrics of another stage have no such rows.
      """
    ),
    (
      "estimation-metrics",
      """
      compare-estimations reads what simulate-estimation wrote, whose first row says which cell of the
      factorial the figures are of. Metrics of another stage, or of a version before that row was
      there, cannot be placed: run the chains again.
      """
    ),
    (
      "estimation-twice",
      """
      Each cell of the factorial (truth, family, weights, draws) may come once. Two stages that differ in
      their seed only are of the same cell; more chains of a cell are 'replicates' of one stage.
      """
    ),
  ]
