// What stages that make corpora will make: sizes from their parameters and from the corpora they read.

import Corpora
import Scheduling

extension ComposeCorpusStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let parameters = order.parameters
    let documents = parameters.integer("documents")
    // About 95 bytes a sentence, and title, source, date and JSON around them.
    let sentences =
      (parameters.integer("least_sentences") + parameters.integer("most_sentences")) / 2
    let bytes = documents * (210 + 95 * sentences)
    return StageForecast(
      outputs: ["corpus": ArtifactForecast(bytes: bytes, documents: documents)],
      seconds: 0.1 + 6e-8 * Double(bytes))
  }
}

extension ImportCorpusStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let parameters = order.parameters
    guard let files = order.input("files") else { return StageForecast() }
    // A file whose rows were not counted has articles of some length.
    let rows = max(1, files.documents ?? files.bytes / 5000)
    var size = files.bytes / rows
    if let words = parameters.optionalInteger("most_words") { size = min(size, 160 + 6 * words) }
    var documents = rows
    switch parameters.string("sampling") {
    case "balanced": documents = min(rows, 3 * parameters.integer("per_label"))
    case "random": documents = min(rows, parameters.optionalInteger("limit") ?? rows)
    default:
      documents = max(1, documents - (order.all("except")?.documents ?? 0))
      documents = min(documents, parameters.optionalInteger("limit") ?? documents)
    }
    return StageForecast(
      outputs: ["corpus": ArtifactForecast(bytes: documents * size, documents: documents)],
      seconds: 0.1 + 4e-8 * Double(files.bytes))
  }
}

extension MitigateStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let parameters = order.parameters
    guard let real = order.input("real") else { return StageForecast() }
    let strategy = Mitigation.Strategy(rawValue: parameters.string("strategy")) ?? .none
    let isEqual = parameters.string("budget") == "equal"
    let recipe = ArtifactForecast(
      bytes: 30,
      identity: "recipe \(strategy.overfits) \(isEqual && strategy != .none) "
        + "\(parameters.integer("overfit_epochs")) \(parameters.number("overfit_weight_decay"))")
    func made(_ corpus: ArtifactForecast, budget: ArtifactForecast) -> StageForecast {
      StageForecast(
        outputs: ["corpus": corpus, "recipe": recipe, "budget": budget],
        seconds: 0.1 + 2e-8 * Double(corpus.bytes))
    }
    // Nothing is mixed into a corpus that stays as it is: its bytes are those of what it came from.
    guard let newest = order.inputs["synthetic"]?.last else { return made(real, budget: real) }
    var corpus = newest
    if strategy.accumulates, let all = order.all("synthetic") {
      corpus = ArtifactForecast(
        bytes: real.bytes + all.bytes, documents: (real.documents ?? 0) + (all.documents ?? 0))
    } else if strategy.preserves {
      if parameters.optionalNumber("mix_fraction") == nil {
        let part = parameters.number("preserve_fraction")
        corpus = ArtifactForecast(
          bytes: newest.bytes + Int(part * Double(real.bytes)),
          documents: (newest.documents ?? 0) + Int(part * Double(real.documents ?? 0)))
      } else {
        corpus.identity = ""
      }
    }
    if parameters.string("budget") == "sample", strategy.accumulates || strategy.preserves {
      // As long as the newest, and never its bytes.
      corpus = ArtifactForecast(bytes: newest.bytes, documents: newest.documents)
    }
    return made(corpus, budget: isEqual ? newest : corpus)
  }
}

extension ComposeBenchmarkStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let parameters = order.parameters
    let perArticle =
      (parameters.string("titles") == "none" ? 0 : 1) + parameters.integer("blocks")
    var articles = 0
    for port in ["training", "held_back"] {
      let all = order.input(port)?.documents ?? 0
      articles += min(all, parameters.optionalInteger("articles") ?? all)
    }
    let prompts = articles * perArticle
    return StageForecast(
      outputs: ["prompts": ArtifactForecast(bytes: 350 * prompts, documents: prompts)],
      seconds: 0.2)
  }
}
