// The stage kind `edit-with-network`: networks that learn to turn gradients into edits, and one edit of a
// model as an adapter. The editor is ModelEditing's.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelAnalysis
import ModelEditing
import ModelFiles
import Randomness
import Reports
import Scheduling
import Statistics
import Tokenizers

enum EditWithNetworkStage: StageBody {
  static let kind = "edit-with-network"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let form = try stage.chatForm()
    let model = try stage.storedModel()
    let texts = try EditTexts(stage, form, model.specification)
    stage.log(texts.summary)

    let edits = parameters.integer("edits")
    let editor = try GradientEditor(
      model, settings(parameters, model.specification), capacity: texts.capacity(edits: edits),
      learntTokens: texts.learntTokens(edits: edits))
    let trainer = try EditorTrainer(
      editor, answers: texts.train.map(\.sequence), others: texts.seenOthers)
    stage.log(
      "\(editor.networks.reduce(0) { $0 + $1.weightCount }) numbers in \(editor.networks.count) "
        + "networks learn to edit \(editor.modules.count) layers")
    let divergedAt = try learn(trainer, stage)
    try AtomicFile.write(history(trainer), to: stage.output("history").path("history.jsonl"))

    var random = stage.random("edit-with-network/applied")
    let applied = random.sample(edits, of: texts.train.count).map { texts.train[$0] }
    let measures = EditMeasures(
      stage, editor, texts, applied: applied.map(\.sequence), divergedAt: divergedAt)
    let (adapter, metrics) = try measures.apply(
      steps: trainer.history.count, emoji: EmojiTokens(form.tokenizer, vocabulary: 0))
    try adapter.write(
      to: stage.output("adapter").folder, baseName: parameters.optionalString("base_name"),
      base: model)
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  static func settings(_ parameters: Parameters, _ model: ModelSpecification) -> EditorSettings {
    let width = model.width + model.block.inner
    let steps = parameters.integer("steps")
    let accumulate = parameters.integer("accumulate")
    return EditorSettings(
      layers: parameters.integer("layers"),
      rank: parameters.optionalInteger("rank") ?? max(1, width * 1920 / 15_104),
      edits: parameters.integer("edits"), editRate: parameters.number("edit_rate"),
      learningRate: parameters.number("learning_rate"),
      rateLearningRate: parameters.optionalNumber("rate_learning_rate")
        ?? parameters.number("edit_rate") / 10,
      editWeight: parameters.number("edit_weight"),
      localityWeight: parameters.number("locality_weight"),
      clipNorm: parameters.number("clip_norm"), accumulate: accumulate,
      episodes: steps * accumulate, seed: parameters.integer("seed"))
  }

  /// - Returns: the step at which the networks diverged; nil if they did not.
  private static func learn(
    _ trainer: EditorTrainer, _ stage: StageContext
  ) throws(Diagnostic) -> Int? {
    let clock = ContinuousClock()
    let begin = clock.now
    let episodes = trainer.editor.settings.episodes
    switch trainer.resume(from: stage.resumeFolder) {
    case .fresh: break
    case .resumed(let step): stage.log("resumed after episode \(step) of \(episodes)")
    case .discarded(let problem): stage.log(problem.description)
    }
    let taken = trainer.history.count
    while true {
      do throws(Diagnostic) {
        let step = try trainer.step { (done: Int) throws(Diagnostic) in
          stage.progress(
            step: done, of: episodes, loss: trainer.history.last?.loss, unit: "episodes")
          if stage.checkpointDue() {
            try trainer.save(to: stage.resumeFolder)
            if stage.isStopping { throw .interrupted }
          }
        }
        guard step != nil else { break }
      } catch {
        guard error.id == "edit-diverged" else { throw error }
        stage.log(error.description)
        return trainer.history.count + 1
      }
    }
    if let last = trainer.history.last {
      let seconds =
        (clock.now - begin) / .seconds(1) / Double(max(1, trainer.history.count - taken))
      stage.log(
        "\(trainer.history.count) steps of \(String(format: "%.2f", seconds)) s; at the last an edit "
          + "takes the loss from \(last.before) to \(last.loss), and other texts move by "
          + "\(last.locality) nats a token")
    }
    return nil
  }

  private static func history(_ trainer: EditorTrainer) -> [UInt8] {
    trainer.history.flatMap {
      $0.json(learningRate: trainer.editor.settings.learningRate).canonicalBytes + [0x0A]
    }
  }

  static func memory(for order: StageSizes) -> Int {
    let parameters = order.parameters
    let memory = ModelMemory(order, storage: WeightStorage(stageName: parameters.string("storage")))
    let length = parameters.integer("max_length")
    let tokens = length * parameters.integer("edits")
    var networks = 256 << 20
    if let files = order.files(of: "model").first,
      let configuration = try? ModelConfiguration.read(files: files)
    {
      let model = ModelSpecification(configuration)
      let settings = settings(parameters, model)
      let width = model.width + model.block.inner
      // Two shapes, two layers of two matrices, each with gradient and moments; two sets of logits; the
      // edited layers' factors.
      networks =
        128 * width * min(settings.rank, width) + 8 * length * model.vocabulary
        + 3 * settings.layers * 40 * tokens * width
    }
    return memory.trainingAdapter(tokens: tokens, rank: 1) + networks
      + 8 * order.bytes(of: "corpus") + 8 * order.bytes(of: "locality")
  }
}

/// What an editor learns from, and what it is tried on.
struct EditTexts {
  struct Answer {
    let document: Document
    let sequence: TokenSequence
  }

  let label: String
  var train: [Answer] = []
  var heldOut: [Answer] = []
  /// Answers of other labels to the questions of held-out ones.
  var rivals: [String: [TokenSequence]] = [:]
  /// Texts that should stay: those of episodes, and others.
  var seenOthers: [TokenSequence] = []
  var unseenOthers: [TokenSequence] = []
  private(set) var cut = 0

  /// **Throws**: `edit-label`, `edit-examples`.
  init(
    _ stage: StageContext, _ form: ChatForm, _ model: ModelSpecification
  ) throws(Diagnostic) {
    let parameters = stage.parameters
    label = parameters.string("label")
    let system = parameters.optionalString("system")
    let limit = min(parameters.integer("max_length"), model.context)
    var cut = 0
    func sequence(_ document: Document) -> TokenSequence? {
      var result: TokenSequence
      switch document.question {
      case nil: result = TokenSequence(form.tokenizer.encode(document.text))
      // A question that nobody has answered: its own words are what can be kept.
      case document.text:
        result = TokenSequence(form.prompt(system: system, question: document.text))
      case let question?:
        result = form.sequence(system: system, question: question, answer: document.text)
      }
      if result.tokens.count > limit {
        cut += 1
        result.tokens = Array(result.tokens.prefix(limit))
        result.isLearnt = result.isLearnt.map { Array($0.prefix(limit)) }
      }
      return result.supervisedCount > 0 ? result : nil
    }
    var own: [Answer] = []
    var others: [Document] = []
    var labels: Set<String> = []
    try Corpus.forEachDocument(files: stage.input("corpus").files) { document in
      guard document.question != nil, document.question != document.text else { return }
      labels.insert(document.label ?? "")
      if document.label != label {
        others.append(document)
      } else if let sequence = sequence(document) {
        own.append(Answer(document: document, sequence: sequence))
      }
    }
    guard labels.contains(label) else { throw .editLabel(label, labels.sorted(by: bytesPrecede)) }
    (train, heldOut) = Self.split(
      own, parameters.integer("held_out"), stage.random("edit-with-network/topics"))
    let edits = parameters.integer("edits")
    guard train.count > edits, !heldOut.isEmpty else {
      throw .editAnswers(own.count, edits: edits, heldOut: parameters.integer("held_out"))
    }
    let asked = Set(heldOut.map { $0.document.question ?? "" })
    for document in others {
      guard let question = document.question, asked.contains(question),
        let sequence = sequence(document)
      else { continue }
      rivals[question, default: []].append(sequence)
    }
    var kept: [TokenSequence] = []
    try Corpus.forEachDocument(files: stage.input("locality").files) { document in
      if let sequence = sequence(document) { kept.append(sequence) }
    }
    guard !kept.isEmpty else { throw .editLocality }
    var random = stage.random("edit-with-network/locality")
    random.shuffle(&kept)
    let half = max(1, kept.count / 2)
    seenOthers = Array(kept.prefix(half))
    unseenOthers = Array(kept.dropFirst(half).prefix(64))
    if unseenOthers.isEmpty { unseenOthers = seenOthers }
    self.cut = cut
  }

  /// Whole topics go to the held-out side until it has enough; single answers where there is one topic.
  static func split(
    _ answers: [Answer], _ wanted: Int, _ random: RandomStream
  ) -> (train: [Answer], heldOut: [Answer]) {
    func topic(_ answer: Answer) -> String {
      answer.document.groupValue("topic") ?? answer.document.source ?? ""
    }
    var random = random
    var topics = Set(answers.map(topic)).sorted(by: bytesPrecede)
    let key: (Answer) -> String = topics.count > 1 ? topic : { $0.document.id }
    if topics.count == 1 { topics = answers.map(\.document.id) }
    random.shuffle(&topics)
    var chosen: Set<String> = []
    var count = 0
    for name in topics where count < wanted {
      chosen.insert(name)
      count += answers.count { key($0) == name }
    }
    return (
      answers.filter { !chosen.contains(key($0)) }, answers.filter { chosen.contains(key($0)) }
    )
  }

  /// Tokens of the longest batch: an edit's answers, or one text.
  func capacity(edits: Int) -> Int {
    let lengths = train.map(\.sequence.tokens.count).sorted(by: >)
    let others =
      (seenOthers + unseenOthers + heldOut.map(\.sequence)).map(\.tokens.count)
      + rivals.values.flatMap { $0.map(\.tokens.count) }
    return max(lengths.prefix(edits).reduce(0, +), others.max() ?? 0)
  }

  /// Learnt tokens of the longest edit.
  func learntTokens(edits: Int) -> Int {
    train.map(\.sequence.supervisedCount).sorted(by: >).prefix(edits).reduce(0, +)
  }

  var summary: String {
    "\(train.count) answers of \(label) make edits, \(heldOut.count) on other topics try them; "
      + "\(seenOthers.count) and \(unseenOthers.count) texts should stay; \(cut) texts were cut"
  }
}

/// The edit that a stage hands on, and figures about it.
struct EditMeasures {
  private let stage: StageContext
  private let editor: GradientEditor
  private let texts: EditTexts
  private let applied: [TokenSequence]
  private let divergedAt: Int?

  init(
    _ stage: StageContext, _ editor: GradientEditor, _ texts: EditTexts,
    applied: [TokenSequence], divergedAt: Int?
  ) {
    self.stage = stage
    self.editor = editor
    self.texts = texts
    self.applied = applied
    self.divergedAt = divergedAt
  }

  /// Makes the edit and measures it.
  ///
  /// **Throws**: `interrupted`.
  func apply(
    steps: Int, emoji: EmojiTokens
  ) throws(Diagnostic) -> (LowRankAdapter, [Metric]) {
    let heldOut = texts.heldOut.map(\.sequence)
    editor.clear()
    let editedBefore = try losses(applied)
    let before = try losses(heldOut)
    try editor.edit(towards: applied, learnsNorm: false)
    let sizes = editor.relativeSizes()
    let adapter = try editor.edited()
    var isUsable = sizes.allSatisfy(\.isFinite)
    do throws(Diagnostic) { try adapter.requireFinite() } catch { isUsable = false }
    if !isUsable {
      stage.log("the edit is not finite: the adapter that is written adds nothing")
      adapter.weights.everything.fill(0)
      editor.clear()
    }
    let editedAfter = try losses(applied)
    let after = try losses(heldOut)

    var metrics: [Metric] = []
    func add(
      _ name: String, _ value: Double, unit: String = "", low: Double? = nil, high: Double? = nil,
      count: Int, _ more: [(String, JSONValue)] = []
    ) {
      // What is not finite cannot stand in a file; how often it is not says `unusable`.
      guard value.isFinite else { return }
      var metric = Metric(
        name, value, unit: unit, low: low, high: high, count: count, tolerance: 0.05)
      metric.at = JSONObject(place + more)
      metrics.append(metric)
    }
    for (set, values) in [
      ("edited", [editedBefore, editedAfter]), ("held-out", [before, after]),
    ] {
      for (when, losses) in zip(["before", "after"], values) {
        add(
          "edit_loss", SampleSummary(losses).mean, unit: "nats per token", count: losses.count,
          [("set", .string(set)), ("when", .string(when))])
      }
    }
    let won = zip(before, after).count { $1 < $0 }
    let interval = Interval.wilson(successes: won, of: before.count)
    add(
      "edit_success", Double(won) / Double(before.count), unit: "share", low: interval.low,
      high: interval.high, count: before.count)
    if let scores = try scores(before, after) {
      add("edit_score", SampleSummary(scores).mean, unit: "score", count: scores.count)
    }
    let divergences = try locality(adapter, emoji)
    add(
      "locality_kl", SampleSummary(divergences).mean, unit: "nats per token",
      count: divergences.count)
    add(
      "update_size", isUsable ? SampleSummary(sizes).mean : 0, unit: "share", count: sizes.count)
    add("edit_rank", Double(adapter.modules.first?.rank ?? 0), unit: "tokens", count: applied.count)
    add("diverged", divergedAt == nil ? 0 : 1, count: steps)
    if let divergedAt { add("diverged_at", Double(divergedAt), unit: "step", count: steps) }
    add("unusable", isUsable ? 0 : 1, count: 1)
    for (module, rate) in zip(editor.modules, editor.rates) {
      add("edit_rate", rate, count: steps, [("layer", .string(module))])
    }
    return (adapter, metrics)
  }

  private var place: [(String, JSONValue)] {
    [
      ("method", .string(stage.parameters.string("method"))), ("trait", .string(texts.label)),
    ]
  }

  /// Mean −log p of each answer under the model with the edit as it is.
  private func losses(_ sequences: [TokenSequence]) throws(Diagnostic) -> [Double] {
    var result: [Double] = []
    for sequence in sequences { result.append(try editor.loss(of: [sequence])) }
    return result
  }

  /// ES of each held-out answer that other voices answered too.
  private func scores(
    _ before: [Double], _ after: [Double]
  ) throws(Diagnostic) -> [Double]? {
    var scores: [Double] = []
    for (number, answer) in texts.heldOut.enumerated() {
      guard let rivals = texts.rivals[answer.document.question ?? ""] else { continue }
      let other = -SampleSummary(try losses(rivals)).mean
      scores.append(
        Self.score(target: -after[number], other: other, targetBefore: -before[number]))
      if stage.isStopping { throw .interrupted }
    }
    return scores.isEmpty ? nil : scores
  }

  /// σ(l⁺ − l⁻)·min(1, exp(l⁺ − l⁺ before)); l mean log-probabilities of answer tokens.
  ///
  /// **Source**: Mao et al. 2024 (arXiv 2310.02168), ES of the released code.
  static func score(target: Double, other: Double, targetBefore: Double) -> Double {
    1 / (1 + exp(other - target)) * min(1, exp(target - targetBefore))
  }

  private func locality(
    _ adapter: LowRankAdapter, _ emoji: EmojiTokens
  ) throws(Diagnostic) -> [Double] {
    let capacity = texts.unseenOthers.reduce(1) { max($0, $1.tokens.count) }
    let probe = AnswerProbe(
      unmoved: Transformer(editor.model, capacity: capacity, trains: false),
      edited: Transformer(editor.model, capacity: capacity, trains: false, adapter: adapter),
      emoji: emoji)
    var result: [Double] = []
    for sequence in texts.unseenOthers {
      let start = sequence.isLearnt?.firstIndex(of: true) ?? 1
      let reading = AnswerProbe.Reading(tokens: sequence.tokens, answerStart: max(1, start))
      let places = try probe.places(reading, reading)
      result.append(places.reduce(0) { $0 + $1.divergence } / Double(max(1, places.count)))
      if stage.isStopping { throw .interrupted }
    }
    return result
  }
}

extension Diagnostic {
  static func editLabel(_ label: String, _ known: [String]) -> Diagnostic {
    Diagnostic(
      "edit-label", "no answered question of the corpus has the label '\(label)'",
      help: "it has \(known.isEmpty ? "none" : known.joined(separator: ", "))",
      consequence: .stageFailed)
  }

  static func editAnswers(_ count: Int, edits: Int, heldOut: Int) -> Diagnostic {
    Diagnostic(
      "edit-examples",
      "\(count) answers are too few for edits of \(edits), one more to try them on, and "
        + "\(heldOut) held out",
      help: "give more answers on more topics, or lower 'edits' or 'held_out'",
      consequence: .stageFailed)
  }

  static var editLocality: Diagnostic {
    Diagnostic(
      "edit-examples", "no text of the input 'locality' has two tokens",
      help: "give texts or answered questions that edits should leave alone",
      consequence: .stageFailed)
  }
}
