// The stage kind `mix-adapters`: adapters of one model in, their weighted sum as one adapter out. The sum is
// LanguageModels' (AdapterMerge.swift): exact, ranks add up.

import Diagnostics
import LanguageModels
import Scheduling

enum MixAdaptersStage: StageBody {
  static let kind = "mix-adapters"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let inputs = stage.inputs("adapters")
    var weights = stage.parameters.numbers("weights")
    if weights.isEmpty { weights = Array(repeating: 1, count: inputs.count) }
    guard !inputs.isEmpty, weights.count == inputs.count else {
      throw .mixWeights(weights.count, adapters: inputs.count)
    }
    let model = try stage.storedModel()
    var terms: [(adapter: LowRankAdapter, weight: Double)] = []
    for (input, weight) in zip(inputs, weights) where weight != 0 {
      terms.append((try LowRankAdapter(files: input.files, for: model), weight))
    }
    guard !terms.isEmpty else { throw .mixNothing() }
    let sum = try LowRankAdapter.weightedSum(terms, for: model.table)
    stage.log(
      "\(terms.count) adapters with \(terms.map { String($0.adapter.weightCount) }.joined(separator: " + ")) "
        + "weights became one of \(sum.weightCount)")
    try sum.write(
      to: stage.output("adapter").folder, baseName: stage.parameters.optionalString("base_name"),
      base: model)
  }

  static func memory(for order: StageSizes) -> Int {
    ModelMemory(order, storage: WeightStorage(stageName: order.parameters.string("storage")))
      .copying() + 3 * order.bytes(of: "adapters")
  }

  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    return StageForecast(
      outputs: ["adapter": ArtifactForecast(bytes: order.all("adapters")?.bytes ?? 0)],
      seconds: 0.3 + 2e-8 * Double(model.weightCount))
  }
}

extension Diagnostic {
  static func mixWeights(_ weights: Int, adapters: Int) -> Diagnostic {
    Diagnostic(
      "mix-weights", "there are \(weights) weights for \(adapters) adapters",
      help: "give one weight for each adapter in their order, or none: then each counts 1",
      consequence: .stageFailed)
  }

  static func mixNothing() -> Diagnostic {
    Diagnostic(
      "mix-weights", "all weights are 0: the sum would add nothing to the model",
      help: "answer with the model itself instead", consequence: .stageFailed)
  }
}
