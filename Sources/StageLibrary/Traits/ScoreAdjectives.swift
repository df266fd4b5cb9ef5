// The stage kind `score-adjectives`: a judge model rates by adjectives how well answers fit their trait, and
// shows on an inventory whether its ratings know anything. Adjectives are in Personality.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Personality
import Reports
import Scheduling
import Statistics

enum ScoreAdjectivesStage: StageBody {
  static let kind = "score-adjectives"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let inventory = try Inventory(
      table: stage.input("items").bytes("file"), path: "the inventory")
    var rater = try AdjectiveRater(stage)
    var metrics: [Metric] = []
    var aucs: [Trait: Double] = [:]
    let answers = try Corpus.read(files: stage.input("answers").files).documents
    // A trait that no answer was moved towards needs no test of its ratings.
    let wanted = Set(answers.compactMap { Opinion($0)?.trait })
    for trait in Trait.allCases where wanted.contains(trait) {
      var (plain, reversed): ([Double], [Double]) = ([], [])
      for item in inventory.items where item.trait == trait {
        let score = try rater.score(item.text, trait, name: "item \(item.number)")
        if item.isReversed { reversed.append(score) } else { plain.append(score) }
      }
      guard let auc = TraitAdjectives.auc(positives: plain, negatives: reversed) else { continue }
      aucs[trait] = auc
      metrics.append(
        Metric(
          "adjective_auc", auc, count: plain.count + reversed.count,
          at: ["trait": .string(trait.rawValue)], tolerance: 0.01))
    }
    let floor = parameters.number("least_auc")
    let base = try Corpus.read(files: stage.input("base_answers").files).documents
    var before: [String: Document] = [:]
    for document in base { if let question = document.question { before[question] = document } }
    var changes: [String: [(value: Double, topic: String)]] = [:]
    var lines: [UInt8] = []
    for (number, document) in answers.enumerated() {
      guard let opinion = Opinion(document), let trait = opinion.trait, opinion.pole == .high,
        (aucs[trait] ?? 0) >= floor, let old = before[opinion.question]
      else { continue }
      let own = try rater.score(Emoji.removed(from: document.text), trait, name: document.id)
      let other = try rater.score(Emoji.removed(from: old.text), trait, name: old.id)
      let method = document.groupValue("method") ?? parameters.string("method")
      changes["\(trait.rawValue)/\(method)", default: []].append((own - other, opinion.topic))
      lines +=
        JSONValue.object(
          JSONObject([
            ("id", .string(document.id)), ("trait", .string(trait.rawValue)),
            ("score", .number(own)), ("base_score", .number(other)),
          ])
        ).canonicalBytes
      lines.append(0x0A)
      stage.progress(step: number + 1, of: answers.count, unit: "answers")
      if stage.isStopping { throw .interrupted }
    }
    for (cell, rows) in changes.sorted(by: { bytesPrecede($0.key, $1.key) }) {
      let parts = cell.split(separator: "/", maxSplits: 1).map(String.init)
      let values = rows.map(\.value)
      var place: [String: Int] = [:]
      let clusters = rows.map { row in
        let next = place.count
        return place[row.topic]
          ?? {
            place[row.topic] = next; return next
          }()
      }
      let interval = Bootstrap(replicates: 2000, stream: stage.random("adjectives"))
        .means(of: [values], clusters: clusters)[0]
      metrics.append(
        Metric(
          "adjective_score_change", SampleSummary(values).mean, unit: "nats", low: interval.low,
          high: interval.high, count: values.count,
          at: ["trait": .string(parts[0]), "method": .string(parts[1])], tolerance: 1e-2))
    }
    for trait in Trait.allCases {
      stage.log(
        "\(trait.rawValue): AUC \(aucs[trait].map { String($0) } ?? "unknown") on the inventory"
          + ((aucs[trait] ?? 0) < floor ? ": not measurable by adjectives" : ""))
    }
    try AtomicFile.write(lines, to: stage.output("scores").path("scores.jsonl"))
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  static func memory(for order: StageSizes) -> Int {
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    return ModelMemory(order, storage: storage).writing(sequences: 8, tokens: 256)
  }
}

/// Mean over a trait's adjectives of log p(adjective | who says it) − log p(adjective | nothing said).
private struct AdjectiveRater {
  let sequences: OptionSequences
  let transformer: Transformer
  let prompt: String
  private var priors: [Trait: [Double]] = [:]

  init(_ stage: StageContext) throws(Diagnostic) {
    sequences = try OptionSequences(stage, model: stage.input("model"))
    let model = try stage.storedModel()
    transformer = Transformer(model, capacity: 2048, trains: false)
    prompt = stage.parameters.string("prompt")
    guard prompt.contains("{text}") else { throw .inventoryPrompt(prompt) }
  }

  mutating func score(_ text: String, _ trait: Trait, name: String) throws(Diagnostic) -> Double {
    if priors[trait] == nil { priors[trait] = try values("", trait, name: "nothing said") }
    let own = try values(text, trait, name: name)
    return zip(own, priors[trait]!).reduce(0) { $0 + $1.0 - $1.1 } / Double(own.count)
  }

  private func values(_ text: String, _ trait: Trait, name: String) throws(Diagnostic) -> [Double] {
    // An answer as long as a page says no more than its beginning, and must fit the context.
    let said = text.split(separator: " ").prefix(200).joined(separator: " ")
    return try sequences.logProbabilities(
      of: TraitAdjectives.list(trait), after: prompt.replacing("{text}", with: said), name: name,
      transformer)
  }
}
