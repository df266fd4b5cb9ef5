// The stage kind `probe-answers`: divergence and emoji along answers, before and after an edit. The sums are
// ModelAnalysis' (AnswerProbe.swift).

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Reports
import Scheduling
import Statistics
import Tokenizers

enum ProbeAnswersStage: StageBody {
  static let kind = "probe-answers"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let form = try stage.chatForm()
    let context = try stage.optionalInput("context").map { artifact throws(Diagnostic) in
      try PromptContext(artifact)
    }
    let model = try stage.storedModel()
    let adapter = try stage.scaledAdapter(beside: model)
    let readings = AnswerReadings(stage, form, context, model.specification)
    let questions = try readings.probes("questions") { questions throws(Diagnostic) in
      try written(questions, stage, form, model)
    }
    var answers = questions
    if stage.optionalInput("answers") != nil {
      answers = try readings.probes("answers") { _ throws(Diagnostic) in [] }
    }
    for (port, probes) in [("questions", questions), ("answers", answers)] where probes.isEmpty {
      throw .probeEmpty(port)
    }
    let capacity = (questions + answers).reduce(1) {
      max($0, $1.before.tokens.count, $1.after.tokens.count)
    }
    let unmoved = Transformer(model, capacity: capacity, trains: false)
    let emoji = EmojiTokens(form.tokenizer, vocabulary: model.specification.vocabulary)
    stage.log(
      "\(emoji.whole.count) tokens hold a whole emoji, \(emoji.part.count) begin one, "
        + "\(emoji.ambiguous.count) begin one or something else")
    let probe = AnswerProbe(
      unmoved: unmoved,
      edited: adapter.map {
        Transformer(model, capacity: capacity, trains: false, adapter: $0)
      } ?? unmoved, emoji: emoji)

    let marks = try AnswerMarks(parameters, context, hasAdapter: adapter != nil)
    let measure = AnswerProbeMeasure(
      marks, positions: parameters.integer("positions"),
      bootstrap: Bootstrap(
        replicates: parameters.integer("bootstrap"), stream: stage.random("probe/locality")))
    let isSame = stage.optionalInput("answers") == nil
    let total = questions.count + (isSame ? 0 : answers.count)
    func run(
      _ probes: [AnswerReadings.Probe], from first: Int
    ) throws(Diagnostic) -> [AnswerProbeMeasure.Row] {
      var rows: [AnswerProbeMeasure.Row] = []
      for item in probes {
        rows.append(
          .init(document: item.document, places: try probe.places(item.before, item.after)))
        stage.progress(step: first + rows.count, of: total, unit: "answers")
        if stage.isStopping { throw .interrupted }
      }
      return rows
    }
    let local = try run(questions, from: 0)
    let along = try isSame ? local : run(answers, from: questions.count)
    try AtomicFile.write(
      Metric.file(measure.metrics(locality: local, answers: along)),
      to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      AnswerProbeMeasure.lines(local, "questions")
        + (isSame ? [] : AnswerProbeMeasure.lines(along, "answers")),
      to: stage.output("scores").path("scores.jsonl"))
  }

  /// What the unmoved model says to questions that nobody has answered.
  private static func written(
    _ questions: [Document], _ stage: StageContext, _ form: ChatForm, _ model: LanguageModel
  ) throws(Diagnostic) -> [[Int32]] {
    guard !questions.isEmpty else { return [] }
    let parameters = stage.parameters
    let length = parameters.integer("max_new_tokens")
    var requests: [GenerationRequest] = []
    for question in questions {
      let prompt = form.prompt(
        system: parameters.optionalString("system"), question: question.question ?? question.text)
      let room = model.specification.context - prompt.count
      guard room >= 1 else {
        throw .questionLength(
          question.id, tokens: prompt.count, context: model.specification.context)
      }
      requests.append(
        GenerationRequest(
          prompt: prompt, length: min(length, room), stream: "probe/\(question.id)"))
    }
    stage.log("the unmoved model answers \(requests.count) questions")
    return try Generator(model, batch: parameters.integer("batch")).run(
      requests, .greedy(stopTokens: form.stopTokens.union(model.specification.endsOfText))
    ).map(\.tokens)
  }

  static func memory(for order: StageSizes) -> Int {
    let parameters = order.parameters
    let storage = WeightStorage(stageName: parameters.string("storage"))
    let memory = ModelMemory(order, storage: storage)
    let tokens = parameters.integer("max_length") + order.bytes(of: "context") / 3
    return max(
      2 * memory.evaluating(tokens: tokens),
      memory.writing(
        sequences: parameters.integer("batch"),
        tokens: 160 + parameters.integer("max_new_tokens")))
      + 8 * order.bytes(of: "adapter") + 8 * order.bytes(of: "questions")
      + 8 * order.bytes(of: "answers")
  }
}

/// Documents as what both models read.
struct AnswerReadings {
  struct Probe {
    let document: Document
    let before: AnswerProbe.Reading
    let after: AnswerProbe.Reading
  }

  private let stage: StageContext
  private let form: ChatForm
  private let context: PromptContext?
  private let limit: Int

  init(
    _ stage: StageContext, _ form: ChatForm, _ context: PromptContext?, _ model: ModelSpecification
  ) {
    self.stage = stage
    self.form = form
    self.context = context
    limit = model.context
  }

  /// - Parameter answering: gives tokens for questions without an answer.
  ///
  /// **Throws**: `probe-texts`, `question-length`.
  func probes(
    _ port: String, answering: ([Document]) throws(Diagnostic) -> [[Int32]]
  ) throws(Diagnostic) -> [Probe] {
    let parameters = stage.parameters
    let labels = parameters.strings("labels")
    var documents: [Document] = []
    try Corpus.forEachDocument(files: stage.input(port).files) { document in
      if labels.isEmpty || labels.contains(document.label ?? "") { documents.append(document) }
    }
    if let limit = parameters.optionalInteger("limit") {
      documents = Array(documents.prefix(limit))
    }
    let open = documents.filter { $0.question == $0.text }
    let written = try answering(open)
    let own = Dictionary(zip(open.map(\.id), written), uniquingKeysWith: { first, _ in first })
    var probes: [Probe] = []
    for document in documents {
      let answer: [Int32]
      if document.question == document.text {
        guard let tokens = own[document.id] else { continue }
        answer = tokens
      } else {
        answer = form.tokenizer.encode(document.text)
      }
      if let probe = try probe(document, answer) { probes.append(probe) }
    }
    return probes
  }

  /// nil where nothing of the answer is left.
  private func probe(_ document: Document, _ answer: [Int32]) throws(Diagnostic) -> Probe? {
    guard document.question != nil else {
      guard context == nil else { throw .probeTexts(document.id) }
      let start = form.tokenizer.endOfText.map { [$0] } ?? []
      let kept = Array((start + answer).prefix(longest))
      guard kept.count > 1 else { return nil }
      let reading = AnswerProbe.Reading(tokens: kept, answerStart: 1)
      return Probe(document: document, before: reading, after: reading)
    }
    let system = stage.parameters.optionalString("system")
    let plain = form.prompt(system: system, question: document.question!)
    let moved = context?.prompt(document, form, system: system) ?? plain
    let room = limit - max(plain.count, moved.count)
    guard room >= 1 else {
      throw .questionLength(
        document.id, tokens: max(plain.count, moved.count), context: limit)
    }
    let kept = answer.prefix(min(room, max(0, longest - plain.count)))
    guard !kept.isEmpty else { return nil }
    return Probe(
      document: document, before: .init(tokens: plain + kept, answerStart: plain.count),
      after: .init(tokens: moved + kept, answerStart: moved.count))
  }

  private var longest: Int { min(limit, stage.parameters.integer("max_length")) }
}

/// Figures of probed answers.
struct AnswerProbeMeasure {
  struct Row {
    let document: Document
    let places: [AnswerProbe.Place]

    func mean(_ value: (AnswerProbe.Place) -> Double) -> Double {
      places.reduce(0) { $0 + value($1) } / Double(max(1, places.count))
    }
  }

  private let place: [(String, JSONValue)]
  private let positions: Int
  private let bootstrap: Bootstrap

  init(_ marks: AnswerMarks, positions: Int, bootstrap: Bootstrap) {
    let label = marks.target.map {
      Opinion(trait: $0.trait, pole: $0.pole, topic: "", question: "", answer: "").label
    }
    var place: [(String, JSONValue)] = [("trait", .string(label ?? "none"))]
    for mark in marks.marks { place.append((mark.name, .string(mark.value))) }
    self.place = place
    self.positions = positions
    self.bootstrap = bootstrap
  }

  func metrics(locality: [Row], answers: [Row]) -> [Metric] {
    var metrics: [Metric] = []
    func add(
      _ name: String, _ values: [Double], unit: String, _ more: [(String, JSONValue)] = [],
      interval: Interval? = nil
    ) {
      guard !values.isEmpty else { return }
      var metric = Metric(
        name, SampleSummary(values).mean, unit: unit, low: interval?.low, high: interval?.high,
        count: values.count, tolerance: 1e-3)
      metric.at = JSONObject(place + more)
      metrics.append(metric)
    }
    let divergences = locality.map { $0.mean(\.divergence) }
    add(
      "locality_kl", divergences, unit: "nats per token",
      interval: bootstrap.means(of: [divergences], clusters: Self.clusters(locality))[0])
    for (when, emoji, ambiguous, loss) in [
      ("before", \AnswerProbe.Place.emojiBefore, \.ambiguousBefore, \.lossBefore),
      (
        "after", \AnswerProbe.Place.emojiAfter, \AnswerProbe.Place.ambiguousAfter,
        \AnswerProbe.Place.lossAfter
      ),
    ] as [Column] {
      let mark = ("when", JSONValue.string(when))
      add(
        "answer_loss", answers.map { $0.mean { $0[keyPath: loss] } }, unit: "nats per token", [mark]
      )
      add(
        "emoji_mass_mean", answers.map { $0.mean { $0[keyPath: emoji] } }, unit: "probability",
        [mark])
      add(
        "emoji_mass_ambiguous", answers.map { $0.mean { $0[keyPath: ambiguous] } },
        unit: "probability", [mark])
      for position in 0..<positions {
        add(
          "emoji_mass",
          answers.filter { $0.places.count > position }.map { $0.places[position][keyPath: emoji] },
          unit: "probability", [mark, ("position", .integer(position))])
      }
    }
    return metrics
  }

  private typealias Column = (
    String, KeyPath<AnswerProbe.Place, Double>, KeyPath<AnswerProbe.Place, Double>,
    KeyPath<AnswerProbe.Place, Double>
  )

  /// Answers on one topic are not independent.
  private static func clusters(_ rows: [Row]) -> [Int] {
    var places: [String: Int] = [:]
    return rows.map { row in
      let topic = row.document.groupValue("topic") ?? row.document.source ?? row.document.id
      let next = places.count
      if let place = places[topic] { return place }
      places[topic] = next
      return next
    }
  }

  /// One line for each answer.
  static func lines(_ rows: [Row], _ port: String) -> [UInt8] {
    rows.flatMap { row in
      JSONValue.object([
        "id": .string(row.document.id), "input": .string(port),
        "tokens": .integer(row.places.count), "divergence": .number(row.mean(\.divergence)),
        "emoji_before": .number(row.mean(\.emojiBefore)),
        "emoji_after": .number(row.mean(\.emojiAfter)),
        "loss_before": .number(row.mean(\.lossBefore)),
        "loss_after": .number(row.mean(\.lossAfter)),
      ]).canonicalBytes + [0x0A]
    }
  }
}

extension Diagnostic {
  static func probeEmpty(_ port: String) -> Diagnostic {
    Diagnostic(
      "probe-empty", "no text of the input '\(port)' has anything to look at",
      help: "give answered questions, or other 'labels'", consequence: .stageFailed)
  }

  static func probeTexts(_ id: String) -> Diagnostic {
    Diagnostic(
      "probe-texts", "'\(id)' has no question that a context could stand before",
      help: "give questions, or take the input 'context' away", consequence: .stageFailed)
  }
}
