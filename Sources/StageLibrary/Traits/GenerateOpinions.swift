// The stage kind `generate-opinions`: a chat model answers questions as a person of each trait; what the judge
// takes for the trait, is whole, new, coherent and free of emoji becomes a corpus of opinions. The sieve is
// in OpinionSieve.swift.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Personality
import Reports
import Scheduling
import Tokenizers

enum GenerateOpinionsStage: StageBody {
  static let kind = "generate-opinions"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let judge = try ClassifierFolder.read(stage.input("judge"))
    let labels = parameters.strings("labels")
    let personas = try labels.map { label throws(Diagnostic) in
      try Self.persona(label, parameters.string("persona"))
    }
    for label in labels where !judge.labels.contains(label) {
      throw .labelUnknown(label, parameter: "labels", labels: judge.labels)
    }
    let form = try stage.chatForm()
    let model = try stage.storedModel()
    var questions = try Corpus.read(files: stage.input("questions").files)
    if let limit = parameters.optionalInteger("limit") { questions = questions.first(limit) }

    // One question for each label: places of AnswerWriting are draws.
    let marks = try AnswerMarks(method: "generated")
    var writing = AnswerWriting(
      questions, form.tokenizer, marks, draws: labels.count, keepsFirstLine: false)
    writing.resume(from: stage.resumeFolder, log: stage.log)
    let places = writing.unwritten
    let requests = try places.map { place throws(Diagnostic) in
      let (question, label) = writing.question(place)
      let prompt = form.prompt(
        system: personas[label], question: question.question ?? question.text)
      let room = model.specification.context - prompt.count
      guard room >= 16 else {
        throw .questionLength(
          question.id, tokens: prompt.count, context: model.specification.context)
      }
      return GenerationRequest(
        prompt: prompt, length: min(parameters.integer("max_new_tokens"), room),
        stream: "opinion/\(labels[label])/\(question.id)")
    }
    let decoding = Decoding(
      samples: true, temperature: parameters.number("temperature"),
      topP: parameters.number("top_p"),
      stopTokens: form.stopTokens.union(model.specification.endsOfText),
      seed: parameters.integer("seed"))
    let clock = ContinuousClock()
    let start = clock.now
    var tokens = 0
    try Generator(model, batch: parameters.integer("batch")).run(
      requests, decoding,
      stopTexts: form.stopTexts.isEmpty
        ? nil : StopTexts(form.stopTexts) { form.tokenizer.decode([$0]) }
    ) { number, continuation throws(Diagnostic) in
      tokens += continuation.tokens.count
      writing.take(
        places[number], continuation.tokens, endingAt: continuation.stopTextStart,
        isWhole: continuation.isStopped)
      stage.progress(
        step: writing.finishedCount, of: writing.count,
        rate: Double(tokens) / max(1e-9, (clock.now - start) / .seconds(1)), unit: "tokens")
      if stage.checkpointDue() {
        try writing.save(to: stage.resumeFolder)
        if stage.isStopping { throw .interrupted }
      }
    }

    let answers = writing.answers.compactMap { $0 }
    // The judge never sees an emoji, as in score-trait.
    let rows = try judge.probabilities(of: answers.map { Emoji.removed(from: $0.text) }) {
      stage.log($0)
    } progress: { (done: Int) throws(Diagnostic) in
      stage.progress(step: done, of: answers.count, unit: "answers", note: "judging")
      if stage.isStopping { throw .interrupted }
    }
    var sieve = OpinionSieve(
      leastEntropy: parameters.number("least_entropy"),
      leastProbability: parameters.number("least_probability"))
    var documents: [Document] = []
    var said: [Document] = []
    for (place, answer) in answers.enumerated() {
      let (question, number) = writing.question(place)
      let label = labels[number]
      let target = Opinion.target(label)!
      var opinion = Opinion(question)!
      (opinion.trait, opinion.pole) = (target.trait, target.pole)
      opinion.more = [("method", "generated")]
      opinion.answer = Emoji.removed(from: answer.text)
      let id = "\(label)-\(question.id)"
      if !opinion.answer.isEmpty { said.append(opinion.document(id: id)) }
      let share = rows[place][judge.labels.firstIndex(of: label)!]
      let isLikeliest = rows[place].allSatisfy { $0 <= share }
      guard
        sieve.passes(answer, label: label, share: isLikeliest ? share : 0)
      else { continue }
      opinion.answer = answer.text
      documents.append(opinion.document(id: id))
    }
    guard documents.count >= parameters.integer("least_kept") else {
      throw .nothingGenerated(sieve.summary, least: parameters.integer("least_kept"))
    }
    let origin = "written by a language model under persona prompts"
    let corpus = Corpus(
      documents: documents, facts: Corpus.Facts(origins: [origin + ", filtered by a judge"]))
    try corpus.write(to: stage.output("opinions").folder)
    try Corpus(documents: said, facts: Corpus.Facts(origins: [origin]))
      .write(to: stage.output("answers").folder)
    try AtomicFile.write(
      OpinionTable.csv(corpus), to: stage.output("opinions").folder + "/opinions.csv")
    try AtomicFile.write(
      Metric.file(sieve.metrics + OpinionDatasheet.generated(corpus)),
      to: stage.output("metrics").path("metrics.json"))
    stage.log(sieve.summary)
  }

  /// What the system says: the persona with the trait's adjectives in place of `{adjectives}`.
  ///
  /// **Throws**: `persona-trait`.
  static func persona(_ label: String, _ template: String) throws(Diagnostic) -> String {
    guard let target = Opinion.target(label), let trait = target.trait else {
      throw .personaTrait(label)
    }
    let adjectives = TraitAdjectives.list(trait).joined(separator: ", ")
    let words = target.pole == .low ? "the opposite of \(adjectives)" : adjectives
    return template.replacing("{adjectives}", with: words)
      .replacing("{trait}", with: (target.pole == .low ? "low " : "") + trait.rawValue)
  }

  static func memory(for order: StageSizes) -> Int {
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    return ModelMemory(order, storage: storage).writing(
      sequences: order.parameters.integer("batch"),
      tokens: 160 + order.parameters.integer("max_new_tokens"))
      + 6 * order.bytes(of: "judge") + 20 * order.bytes(of: "questions")
  }

  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model"), let questions = order.input("questions") else {
      return StageForecast()
    }
    let parameters = order.parameters
    let asked = min(questions.documents ?? 1, parameters.optionalInteger("limit") ?? .max)
    let answers = asked * parameters.strings("labels").count
    let written = answers * parameters.integer("max_new_tokens") * 2 / 3
    return StageForecast(
      outputs: [
        "opinions": ArtifactForecast(bytes: 420 * answers / 3, documents: answers / 3),
        "answers": ArtifactForecast(bytes: 420 * answers, documents: answers),
      ],
      written: written, read: 60 * answers,
      seconds: 0.2 + MachineSpeed.reading(60 * answers, weights: model.weightCount)
        + MachineSpeed.writing(
          written, weights: model.weightCount, sequences: parameters.integer("batch")))
  }
}

extension AnswerMarks {
  /// Marks of answers that nothing but a method tells apart.
  init(method: String) throws(Diagnostic) {
    try self.init(
      Parameters(
        JSONObject([
          ("method", .string(method)), ("adapter_scale", .integer(1)), ("marks", .array([])),
        ])), nil, hasAdapter: false)
  }
}

extension Diagnostic {
  static func personaTrait(_ label: String) -> Diagnostic {
    Diagnostic(
      "persona-trait", "'\(label)' is no trait that a persona could have",
      help: "name traits, or traits with -low, in labels", consequence: .stageFailed)
  }

  static func nothingGenerated(_ summary: String, least: Int) -> Diagnostic {
    Diagnostic(
      "nothing-generated", "fewer answers passed than \(least): \(summary)",
      help:
        "look at single answers with answer-questions and the persona as 'system'; ask a larger model, or "
        + "lower least_probability", consequence: .stageFailed)
  }
}
