// The stage kind `answer-questions`: a model, what was done to it, and questions in; its answers out. What
// becomes of the written bytes is in AnswerWriting.swift, the writing itself in LanguageModels.

import Corpora
import Diagnostics
import LanguageModels
import Scheduling
import Tokenizers

enum AnswerQuestionsStage: StageBody {
  static let kind = "answer-questions"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let form = try stage.chatForm()
    let context = try stage.optionalInput("context").map { artifact throws(Diagnostic) in
      try PromptContext(artifact)
    }
    let model = try stage.storedModel()
    let adapter = try scaled(stage, model)
    var questions = try Corpus.read(files: stage.input("questions").files)
    if let limit = parameters.optionalInteger("limit") { questions = questions.first(limit) }
    let marks = try AnswerMarks(parameters, context, hasAdapter: adapter != nil)
    var writing = AnswerWriting(
      questions, form.tokenizer, marks, draws: parameters.integer("draws"),
      keepsFirstLine: parameters.boolean("first_line"))
    writing.resume(from: stage.resumeFolder, log: stage.log)
    stage.log("questions are put as \(form.kind.rawValue)")

    let requests = try Self.requests(writing, stage, form, context, model.specification)
    let generator = Generator(model, adapter: adapter, batch: parameters.integer("batch"))
    let clock = ContinuousClock()
    let start = clock.now
    var tokens = 0
    try generator.run(
      requests.map(\.request), decoding(parameters, form, model.specification),
      stopTexts: form.stopTexts.isEmpty
        ? nil : StopTexts(form.stopTexts) { form.tokenizer.decode([$0]) }
    ) { number, continuation throws(Diagnostic) in
      tokens += continuation.tokens.count
      writing.take(
        requests[number].place, continuation.tokens, endingAt: continuation.stopTextStart,
        isWhole: continuation.isStopped)
      stage.progress(
        step: writing.finishedCount, of: writing.count,
        rate: Double(tokens) / max(1e-9, (clock.now - start) / .seconds(1)), unit: "tokens")
      if stage.checkpointDue() {
        try writing.save(to: stage.resumeFolder)
        if stage.isStopping { throw .interrupted }
      }
    }
    try writing.corpus.write(to: stage.output("answers").folder)
    stage.log(writing.summary)
  }

  /// The adapter times `adapter_scale`; nil where nothing would be left of it.
  private static func scaled(
    _ stage: StageContext, _ model: LanguageModel
  ) throws(Diagnostic) -> LowRankAdapter? {
    guard let artifact = stage.optionalInput("adapter") else { return nil }
    let adapter = try LowRankAdapter(files: artifact.files, for: model)
    let scale = stage.parameters.number("adapter_scale")
    if scale == 0 { return nil }
    return scale == 1
      ? adapter : try LowRankAdapter.weightedSum([(adapter, scale)], for: model.table)
  }

  /// A stream is named after question and draw: neither order nor batch changes what is drawn.
  ///
  /// **Throws**: `question-length`.
  private static func requests(
    _ writing: AnswerWriting, _ stage: StageContext, _ form: ChatForm, _ context: PromptContext?,
    _ model: ModelSpecification
  ) throws(Diagnostic) -> [(place: Int, request: GenerationRequest)] {
    let system = stage.parameters.optionalString("system")
    let length = stage.parameters.integer("max_new_tokens")
    var requests: [(place: Int, request: GenerationRequest)] = []
    var shortened = 0
    for place in writing.unwritten {
      let (question, draw) = writing.question(place)
      let prompt =
        context?.prompt(question, form, system: system)
        ?? form.prompt(system: system, question: question.question ?? question.text)
      let room = model.context - prompt.count
      guard room >= min(16, length) else {
        throw .questionLength(question.id, tokens: prompt.count, context: model.context)
      }
      if room < length { shortened += 1 }
      requests.append(
        (
          place,
          GenerationRequest(
            prompt: prompt, length: min(length, room), stream: "answer/\(question.id)/\(draw)")
        ))
    }
    if shortened > 0 {
      stage.log("\(shortened) answers end at the model's context of \(model.context) tokens")
    }
    return requests
  }

  private static func decoding(
    _ parameters: Parameters, _ form: ChatForm, _ model: ModelSpecification
  ) -> Decoding {
    let stops = form.stopTokens.union(model.endsOfText)
    let penalty = parameters.number("repetition_penalty")
    guard parameters.string("decoding") == "sample" else {
      return .greedy(stopTokens: stops, repetitionPenalty: penalty)
    }
    return Decoding(
      samples: true, temperature: parameters.number("temperature"),
      topP: parameters.number("top_p"), repetitionPenalty: penalty, stopTokens: stops,
      seed: parameters.integer("seed"))
  }

  static func memory(for order: StageSizes) -> Int {
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    // A question with five worked examples has some 400 tokens.
    let prompt = 160 + order.bytes(of: "context") / 4
    return ModelMemory(order, storage: storage).writing(
      sequences: order.parameters.integer("batch"),
      tokens: prompt + order.parameters.integer("max_new_tokens"))
      + 8 * order.bytes(of: "adapter") + 20 * order.bytes(of: "questions")
  }
}

extension Diagnostic {
  static func questionLength(_ id: String, tokens: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "question-length",
      "the question '\(id)' takes \(tokens) tokens with what stands before it; the model has "
        + "\(context), which leaves too few for an answer",
      help: "give fewer worked examples, or take a model with a longer context",
      consequence: .stageFailed)
  }
}
