// The stage kind `project-bias`: the weights of a chain of models in, the projection of each update on
// the gradient of a bias out. The mathematics is in ModelAnalysis (Projection.swift and its page).

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Reports
import Scheduling

enum ProjectBiasStage: StageBody {
  static let kind = "project-bias"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let corpora = try StatementCorpora(stage)
    let chain = try ProjectedChain(stage)
    let (left, right) = try corpora.sequences(
      ModelTokenizer.read(chain.first.bytes("tokenizer.json")), chain.model.specification)
    let projector = try BiasProjector(
      overwriting: chain.model,
      bias: StatementBias(
        left: left, right: right, scale: parameters.choice("scale")),
      nodes: parameters.integer("nodes"), batchTokens: parameters.integer("batch_tokens"))
    let total = projector.evaluations(chain.path)
    let projections = try projector.follow(chain.path) { (done: Int) throws(Diagnostic) in
      stage.progress(step: done, of: total, unit: "gradients")
      if stage.isStopping { throw .interrupted }
    }
    let rows = ProjectionRow.rows(projections, generations: chain.generations, chain.steps)
    try AtomicFile.write(
      Metric.file(
        rows.flatMap(\.metrics)
          + ProjectionRow.parts(projections, generations: chain.generations)),
      to: stage.output("metrics").path("metrics.json"))
    let section = ProjectionSection(
      [ProjectedRun(chain: chain.coordinates, rows: rows)],
      parts: projections.map { ProjectionSection.kinds($0) })
    try AtomicFile.write(
      section.section.bytes, to: stage.output("section").path("section.json"))
    stage.log(section.claim.evidence)
  }

  static func memory(for order: StageSizes) -> Int {
    // Working weights, their gradient, two parameters, activations; points stay in their files.
    let model = ["start", "models"].flatMap { order.inputs[$0] ?? [] }.max() ?? 0
    return ModelMemory(modelBytes: model).training(
      tokens: order.parameters.integer("batch_tokens"))
      + 8 * order.bytes(of: "adapters") + 24 * (order.bytes(of: "left") + order.bytes(of: "right"))
  }
}
