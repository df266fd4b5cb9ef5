// What stages of studies will cost that go through a model many times.

import Scheduling

extension ProjectBiasStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let chain = (order.inputs["models"] ?? []) + (order.inputs["adapters"] ?? [])
    guard let model = order.input("start") ?? order.inputs["models"]?.first, !chain.isEmpty else {
      return StageForecast()
    }
    let tokens = ["left", "right"].reduce(0) { sum, port in
      sum + (order.input(port).map { max(1, $0.tokens(for: model)) } ?? 0)
    }
    // Weights that were kept on the way: each begins another step.
    let kept = (order.all("paths")?.bytes ?? 0) / max(1, 4 * model.weightCount)
    let points = (chain.count + kept) * (order.parameters.integer("nodes") - 1) + 1
    return StageForecast(
      read: tokens * points,
      seconds: 0.3 + MachineSpeed.learning(tokens * points, weights: model.weightCount))
  }
}
