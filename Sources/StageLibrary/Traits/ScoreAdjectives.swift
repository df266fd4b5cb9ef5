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
      let items = inventory.items.filter { $0.trait == trait }
      let scores = try rater.scores(
        items.map(\.text), trait, names: items.map { "item \($0.number)" })
      for (item, score) in zip(items, scores) {
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
    var pairs: [AnswerPair] = []
    for document in answers {
      guard let opinion = Opinion(document), let trait = opinion.trait, opinion.pole == .high,
        (aucs[trait] ?? 0) >= floor, let old = before[opinion.question]
      else { continue }
      pairs.append(AnswerPair(document: document, old: old, opinion: opinion, trait: trait))
    }
    let ratings = try rate(pairs, &rater, stage)
    var changes: [String: [(value: Double, topic: String)]] = [:]
    var lines: [UInt8] = []
    for pair in pairs {
      guard let own = ratings[pair.trait]?[Array(pair.text.utf8)],
        let other = ratings[pair.trait]?[Array(pair.oldText.utf8)]
      else { continue }
      let method = pair.document.groupValue("method") ?? parameters.string("method")
      changes["\(pair.trait.rawValue)/\(method)", default: []]
        .append((own - other, pair.opinion.topic))
      lines +=
        JSONValue.object(
          JSONObject([
            ("id", .string(pair.document.id)), ("trait", .string(pair.trait.rawValue)),
            ("score", .number(own)), ("base_score", .number(other)),
          ])
        ).canonicalBytes
      lines.append(0x0A)
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

  /// An answer and what the base model said to the same question.
  private struct AnswerPair {
    let document: Document
    let old: Document
    let opinion: Opinion
    let trait: Trait

    var text: String { Emoji.removed(from: document.text) }
    var oldText: String { Emoji.removed(from: old.text) }
  }

  /// Ratings of all texts by trait; what was said twice is rated once.
  private static func rate(
    _ pairs: [AnswerPair], _ rater: inout AdjectiveRater, _ stage: StageContext
  ) throws(Diagnostic) -> [Trait: [[UInt8]: Double]] {
    var ratings: [Trait: [[UInt8]: Double]] = [:]
    var done = 0
    for trait in Trait.allCases {
      let some = pairs.filter { $0.trait == trait }
      var texts: [String] = []
      var names: [String] = []
      var seen: Set<[UInt8]> = []
      for pair in some {
        for (text, name) in [(pair.text, pair.document.id), (pair.oldText, pair.old.id)]
        where seen.insert(Array(text.utf8)).inserted {
          texts.append(text)
          names.append(name)
        }
      }
      guard !texts.isEmpty else { continue }
      let scores = try rater.scores(texts, trait, names: names) { rated throws(Diagnostic) in
        stage.progress(
          step: done + rated * some.count / texts.count, of: pairs.count, unit: "answers")
        if stage.isStopping { throw .interrupted }
      }
      ratings[trait] = Dictionary(
        uniqueKeysWithValues: zip(texts.map { Array($0.utf8) }, scores))
      done += some.count
    }
    return ratings
  }

  static func memory(for order: StageSizes) -> Int {
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    return ModelMemory(order, storage: storage).comparingOptions(tokens: 512)
  }
}

/// Mean over a trait's adjectives of log p(adjective | who says it) − log p(adjective | nothing said).
private struct AdjectiveRater {
  let sequences: OptionSequences
  let scorer: OptionScorer
  let prompt: String
  private var priors: [Trait: [Double]] = [:]

  init(_ stage: StageContext) throws(Diagnostic) {
    sequences = try OptionSequences(stage, model: stage.input("model"))
    scorer = try OptionScorer(stage.storedModel())
    prompt = stage.parameters.string("prompt")
    guard prompt.contains("{text}") else { throw .inventoryPrompt(prompt) }
  }

  /// Ratings of several texts for one trait.
  mutating func scores(
    _ texts: [String], _ trait: Trait, names: [String],
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [Double] {
    if priors[trait] == nil {
      priors[trait] = try values([""], trait, names: ["nothing said"])[0]
    }
    let prior = priors[trait]!
    return try values(texts, trait, names: names, progress: progress).map { own in
      zip(own, prior).reduce(0) { $0 + $1.0 - $1.1 } / Double(own.count)
    }
  }

  private func values(
    _ texts: [String], _ trait: Trait, names: [String],
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [[Double]] {
    let prompts = texts.map { text in
      // An answer as long as a page says no more than its beginning, and must fit the context.
      let said = text.split(separator: " ").prefix(200).joined(separator: " ")
      return prompt.replacing("{text}", with: said)
    }
    return try sequences.logProbabilities(
      of: TraitAdjectives.list(trait), after: prompts, names: names, scorer, progress: progress)
  }
}
