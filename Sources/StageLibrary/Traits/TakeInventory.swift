// The stage kind `take-inventory`: a model answers the items of a personality inventory by the
// log-probability of five options. Scoring is in Personality (Inventory.swift).

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelAnalysis
import ModelFiles
import Personality
import Reports
import Scheduling

enum TakeInventoryStage: StageBody {
  static let kind = "take-inventory"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let inventory = try Inventory(
      table: stage.input("items").bytes("file"), path: "the inventory")
    let options = parameters.strings("options")
    guard options.count == 5 else { throw .inventoryOptions(options.count) }
    let prompts = parameters.strings("prompts")
    for prompt in prompts where !prompt.contains("{item}") { throw .inventoryPrompt(prompt) }
    let input = stage.input("model")
    let sequences = try OptionSequences(stage, model: input)
    let model = try stage.storedModel()
    let adapter = try stage.optionalInput("adapter").map { artifact throws(Diagnostic) in
      try LowRankAdapter(files: artifact.files, for: model)
    }
    let scorer = try OptionScorer(model, adapter: adapter)
    var sheets: [[Double]] = []
    var lines: [UInt8] = []
    for (way, prompt) in prompts.enumerated() {
      let values = try sequences.logProbabilities(
        of: options, after: inventory.items.map { prompt.replacing("{item}", with: $0.text) },
        names: inventory.items.map { "item \($0.number)" }, scorer
      ) { answered throws(Diagnostic) in
        stage.progress(
          step: way * inventory.items.count + answered,
          of: prompts.count * inventory.items.count, unit: "items")
        if stage.isStopping { throw .interrupted }
      }
      var answers: [Double] = []
      for (item, values) in zip(inventory.items, values) {
        let shares = shares(values)
        let expected = zip(1...5, shares).reduce(0) { $0 + Double($1.0) * $1.1 }
        answers.append(expected)
        lines +=
          JSONValue.object(
            JSONObject([
              ("prompt", .integer(way)), ("item", .integer(item.number)),
              ("trait", .string(item.trait.rawValue)), ("key", .integer(item.isReversed ? -1 : 1)),
              ("answer", .number(expected)), ("shares", .array(shares.map(JSONValue.number))),
            ])
          ).canonicalBytes + [0x0A]
      }
      sheets.append(answers)
    }
    try AtomicFile.write(lines, to: stage.output("scores").path("scores.jsonl"))
    try AtomicFile.write(
      Metric.file(metrics(inventory, sheets)), to: stage.output("metrics").path("metrics.json"))
  }

  /// Shares of the five options: softmax of their log-probabilities as whole texts.
  private static func shares(_ values: [Double]) -> [Double] {
    let most = values.max() ?? 0
    let weights = values.map { exp($0 - most) }
    let sum = weights.reduce(0, +)
    return weights.map { $0 / sum }
  }

  private static func metrics(_ inventory: Inventory, _ sheets: [[Double]]) -> [Metric] {
    var metrics: [Metric] = []
    for trait in Trait.allCases {
      let at: KeyValuePairs<String, JSONValue> = ["trait": .string(trait.rawValue)]
      let means = sheets.compactMap { inventory.mean(trait, $0) }
      guard !means.isEmpty else { continue }
      metrics.append(
        Metric(
          "inventory_score", means.reduce(0, +) / Double(means.count), unit: "points (1 to 5)",
          low: means.min(), high: means.max(), count: means.count, at: at, tolerance: 1e-3))
      if let alpha = inventory.alpha(trait, sheets: sheets) {
        metrics.append(
          Metric("cronbach_alpha", alpha, count: sheets.count, at: at, tolerance: 1e-2))
      }
    }
    let agreed = sheets.map(inventory.acquiescence)
    metrics.append(
      Metric(
        "acquiescence", agreed.reduce(0, +) / Double(agreed.count), unit: "points (1 to 5)",
        low: agreed.min(), high: agreed.max(), count: agreed.count, tolerance: 1e-3))
    return metrics
  }

  static func memory(for order: StageSizes) -> Int {
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    return ModelMemory(order, storage: storage).comparingOptions(tokens: 256)
      + 4 * order.bytes(of: "adapter")
  }
}

extension Diagnostic {
  static func inventoryOptions(_ count: Int) -> Diagnostic {
    Diagnostic(
      "inventory-options",
      "an answer has five options, from disagreeing to agreeing; there are \(count)",
      help: "name five 'options'", consequence: .stageFailed)
  }

  static func inventoryPrompt(_ prompt: String) -> Diagnostic {
    Diagnostic(
      "inventory-options", "the prompt '\(prompt.prefix(60))' has no place for an item",
      help: "write {item} where the item is to stand", consequence: .stageFailed)
  }
}
