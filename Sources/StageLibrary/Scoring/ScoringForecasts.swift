// What judging will cost: tokens that encoders and reference models read and learn.

import Scheduling

extension ScoreQualityStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let corpus = order.input("corpus") else { return StageForecast() }
    let text = 0.2 + 4e-7 * Double(corpus.bytes + (order.input("reference")?.bytes ?? 0))
    guard let model = order.input("model") else { return StageForecast(seconds: text) }
    let tokens =
      corpus.tokens(for: model) + (order.input("reference")?.tokens(for: model) ?? 0)
    return StageForecast(
      read: tokens,
      seconds: text + 1e-8 * Double(model.weightCount)
        + 1.3 * MachineSpeed.reading(tokens, weights: model.weightCount))
  }
}

extension ScoreBiasStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let corpus = order.input("corpus") else { return StageForecast() }
    let bytes = corpus.bytes + (order.input("reference")?.bytes ?? 0)
    let text = 0.2 + 4e-7 * Double(bytes)
    // A classifier with an encoder says how large it is; one of n-grams reads as fast as text is.
    guard let weights = order.input("classifier")?.weights, weights > 0 else {
      return StageForecast(seconds: text)
    }
    let tokens = min(bytes / 4, 512 * (corpus.documents ?? 1))
    return StageForecast(
      read: tokens, seconds: text + MachineSpeed.reading(tokens, weights: weights))
  }
}

extension TrainClassifierStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let corpus = order.input("corpus") else { return StageForecast() }
    let parameters = order.parameters
    let trainings = 1 + (parameters.optionalInteger("folds") ?? 0)
    guard parameters.string("architecture") == "encoder", let encoder = order.input("encoder")
    else {
      return StageForecast(
        outputs: ["classifier": ArtifactForecast(bytes: 3_000_000)],
        seconds: 0.5 + 3e-6 * Double(corpus.bytes * trainings))
    }
    let texts = min(
      corpus.bytes / 4, parameters.integer("max_length") * (corpus.documents ?? 1))
    let learnt = (parameters.optionalInteger("epochs") ?? 1) * texts * trainings
    // Tables of words are looked up, not multiplied: a third of a small encoder's weights learn.
    let weights = encoder.weights ?? encoder.bytes / 8
    return StageForecast(
      outputs: [
        "classifier": ArtifactForecast(bytes: encoder.bytes, weights: weights)
      ], learnt: learnt, seconds: 1 + MachineSpeed.learning(learnt, weights: weights))
  }
}
