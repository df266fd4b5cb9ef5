// What stages that ask, rate, explain and edit will cost. Their lengths are taken from runs with SmolLM2:
// what a chat form, a question and an answer have is said beside each.

import Foundation
import Scheduling

/// Tokens of a question in the form of a chat, and of an answer.
private let (questionTokens, answerTokens) = (45, 40)

extension ForecastOrder {
  /// Items of an inventory, a table with a row of some fifty bytes for each.
  fileprivate var items: Int { max(1, (input("items")?.bytes ?? 6000) / 51) }

  /// - Parameter port: of a corpus of which the first `limit` count.
  fileprivate func first(of port: String, _ limit: String = "limit") -> Int {
    min(max(1, input(port)?.documents ?? 1), parameters.optionalInteger(limit) ?? .max)
  }

  /// Reads tokens with the port's model.
  fileprivate func reading(_ tokens: Int, model: ArtifactForecast, more: Double = 0)
    -> StageForecast
  {
    StageForecast(
      read: tokens,
      seconds: 0.3 + 2e-8 * Double(model.weightCount) + more
        + MachineSpeed.reading(tokens, weights: model.weightCount))
  }
}

extension TakeInventoryStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    // A prompt is read once for its options; each of them has some eight tokens.
    let prompts = order.parameters.strings("prompts").reduce(0) { $0 + 10 + $1.utf8.count / 4 }
    let options =
      8 * order.parameters.strings("prompts").count * order.parameters.strings("options").count
    return order.reading(order.items * (prompts + options), model: model)
  }
}

extension ScoreAdjectivesStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model"), let answers = order.input("answers") else {
      return StageForecast()
    }
    // Eight adjectives of some four tokens for a trait, of whose items a fifth are; an answer and the base's
    // answer.
    let texts = order.items / 5 + 2 * (answers.documents ?? 1)
    return order.reading(texts * (15 + answerTokens + 8 * 4), model: model)
  }
}

extension ProbeAnswersStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    let context = (order.input("context")?.bytes ?? 0) / 4
    let probed =
      order.first(of: "questions")
      + (order.input("answers") == nil ? 0 : order.first(of: "answers"))
    // With and without the tuning; logits of every position are softened for the divergence.
    let tokens = probed * (2 * (questionTokens + answerTokens) + context)
    return order.reading(tokens, model: model, more: 0.1 * Double(probed))
  }
}

extension ScoreTraitStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let answers = order.input("answers") else { return StageForecast() }
    let count = answers.documents ?? 1
    let tokens = count * answerTokens
    var seconds = 0.2 + 2e-3 * Double(count)
    if let judge = order.input("judge")?.weights {
      seconds += MachineSpeed.reading(tokens, weights: judge)
    }
    guard let model = order.input("model") else {
      return StageForecast(read: tokens, seconds: seconds)
    }
    let all = tokens + (order.input("base_answers") == nil ? 0 : tokens)
    return order.reading(all, model: model, more: seconds)
  }
}

extension ExplainTraitStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    let parameters = order.parameters
    let pictures =
      (parameters.strings("emoji").count + parameters.strings("words").count)
      * parameters.strings("templates").count
    let prompts =
      order.first(of: "trait_questions") + order.first(of: "neutral_questions") + pictures
    let tried = min(parameters.integer("tried"), order.first(of: "trait_questions"))
    // Both models read every prompt; each set of units, every answer that is tried.
    let length = questionTokens + (parameters.boolean("read_answers") ? answerTokens : 0)
    let read =
      2 * prompts * length
      + tried * (questionTokens + answerTokens) * (3 + parameters.integer("random_sets"))
    let asked =
      2 * parameters.strings("ask").count * parameters.integer("ask_draws")
      * parameters.integer("ask_tokens")
    // Two models write each round of answers with units set back.
    let again = min(parameters.integer("written"), order.first(of: "trait_questions"))
    let written =
      asked + again * parameters.integer("max_new_tokens")
      * (1 + 2 * (2 + parameters.integer("written_sets")))
    var forecast = order.reading(
      read, model: model,
      more: MachineSpeed.writing(
        written, weights: model.weightCount, sequences: parameters.integer("batch")))
    forecast.written = written
    return forecast
  }
}

extension EditWithNetworkStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    let parameters = order.parameters
    let length = min(parameters.integer("max_length"), questionTokens + answerTokens / 2)
    let episodes = parameters.integer("steps") * parameters.integer("accumulate")
    // An episode learns from its edits, one more answer and another text; held-out answers are read before
    // and after, with those of the four other voices.
    let learnt = episodes * length * (parameters.integer("edits") + 2)
    let read = parameters.integer("held_out") * length * 6 + episodes * length * 2
    var forecast = order.reading(
      read, model: model,
      more: MachineSpeed.learningAdapter(learnt, weights: model.weightCount))
    forecast.learnt = learnt
    forecast.outputs["adapter"] = ArtifactForecast(bytes: model.weightCount / 50)
    return forecast
  }
}
