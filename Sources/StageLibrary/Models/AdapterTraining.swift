// What fine-tune-adapter and tune-trait share: low-rank matrices beside a frozen model, from parameters to
// the PEFT folder. The loop is TrainingRun.swift's.

import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling

enum AdapterTraining {
  /// Trains matrices beside the model on sequences and writes the outputs `adapter` and `history`.
  ///
  /// - Parameter totalTokens: supervised tokens altogether; nil: those of the epochs.
  static func run(
    _ stage: StageContext, _ parameters: Parameters, _ model: LanguageModel,
    on sequences: [TokenSequence], totalTokens: Int? = nil
  ) throws(Diagnostic) {
    let rank = parameters.integer("rank")
    var configuration = LowRankConfiguration(
      rank: rank, alpha: parameters.optionalNumber("alpha") ?? 2 * Double(rank),
      dropout: parameters.number("dropout"), targets: parameters.strings("targets"))
    configuration.usesRankStabilisedScale = parameters.boolean("rank_stabilised")
    let adapter = try LowRankAdapter(
      configuration, for: model.table, seed: parameters.integer("seed"))
    if let start = stage.optionalInput("adapter") {
      try takeUp(LowRankAdapter(files: start.files, for: model), into: adapter)
      stage.log("training goes on from the matrices of the input 'adapter'")
    }
    stage.log(
      "\(adapter.weightCount) weights in \(adapter.modules.count) layers learn beside "
        + "\(model.table.weightCount) frozen ones")

    // peft's habit: the frozen model itself drops nothing, the adapter's inputs do.
    let trainer = try Trainer(
      model, on: sequences,
      TrainingRun.settings(parameters, dropout: 0, totalTokens: totalTokens), adapter: adapter)
    try TrainingRun.run(trainer, stage)
    try adapter.write(
      to: stage.output("adapter").folder, baseName: parameters.optionalString("base_name"),
      base: model)
  }

  /// Gives an adapter the numbers of another of the same form.
  ///
  /// **Throws**: `adapter-continuation`.
  static func takeUp(
    _ start: LowRankAdapter, into adapter: LowRankAdapter
  ) throws(Diagnostic) {
    guard start.modules.map(\.name) == adapter.modules.map(\.name) else {
      throw .adapterContinuation(
        "it stands beside \(start.modules.count) layers, 'targets' name \(adapter.modules.count)"
          + (start.modules.count == adapter.modules.count ? " others" : ""))
    }
    for (old, new) in zip(start.modules, adapter.modules)
    where old.rank != new.rank || Float(old.scale) != Float(new.scale) {
      throw .adapterContinuation(
        "its rank is \(old.rank) with the factor \(old.scale), the parameters say \(new.rank) "
          + "with \(new.scale)")
    }
    for (old, new) in zip(start.parameters, adapter.parameters) {
      precondition(old.shape == new.shape, "\(old.name) is \(old.shape), not \(new.shape)")
      let (from, to) = (start.weights[old.region].data, adapter.weights[new.region].data)
      for index in 0..<new.count { to[index] = from[index] }
    }
  }

  /// - Parameter texts: bytes of what is learnt.
  static func memory(for order: StageSizes, texts: Int) -> Int {
    let memory = ModelMemory(
      order, storage: WeightStorage(stageName: order.parameters.string("storage")))
    let tokens = max(
      order.parameters.integer("micro_batch_tokens"), order.parameters.integer("max_length"))
    return memory.trainingAdapter(tokens: tokens, rank: order.parameters.integer("rank"))
      + 12 * texts
  }
}

extension Diagnostic {
  static func adapterContinuation(_ what: String) -> Diagnostic {
    Diagnostic(
      "adapter-continuation", "the adapter cannot be trained further: \(what)",
      help: "give rank, alpha, rank_stabilised and targets as it was made with",
      consequence: .stageFailed)
  }
}
