// The stage kind `generate-corpus`: model and real articles in, their continuation block by block out.
// How texts become prompts and documents is in ArticleWriting.swift, the writing in LanguageModels.

import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum GenerateCorpusStage: StageBody {
  static let kind = "generate-corpus"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let input = stage.input("model")
    let tokenizer = try ModelTokenizer.read(input.bytes("tokenizer.json"))
    let model = try stage.storedModel()
    let adapter = try stage.optionalInput("adapter").map { artifact throws(Diagnostic) in
      try LowRankAdapter(files: artifact.files, for: model)
    }
    let search = try beamSearch(parameters, model.specification)
    let prompts = try Corpus.read(files: stage.input("prompts").files)
    let blocks = try BlockContinuation(
      block: parameters.integer("block"), context: model.specification.context)

    var writing = ArticleWriting(
      prompts, tokenizer, blocks, form: parameters.choice("form"),
      marksTitle: parameters.string("title_prompt") == "heading")
    writing.resume(from: stage.resumeFolder, log: stage.log)
    let requests = writing.requests()
    let clock = ContinuousClock()
    let start = clock.now
    var tokens = 0
    func take(_ number: Int, _ new: [Int32], endingAt end: Int? = nil) throws(Diagnostic) {
      tokens += new.count
      writing.take(number, new, endingAt: end)
      stage.progress(
        step: writing.finishedCount, of: prompts.documents.count,
        rate: Double(tokens) / max(1e-9, (clock.now - start) / .seconds(1)), unit: "tokens")
      if stage.checkpointDue() {
        try writing.save(to: stage.resumeFolder)
        if stage.isStopping { throw .interrupted }
      }
    }
    let batch = parameters.integer("batch")
    let generator = Generator(model, adapter: adapter, batch: max(batch, search?.beams ?? 1))
    if let search {
      try generator.search(requests, search) { number, hypotheses throws(Diagnostic) in
        try take(number, hypotheses.first?.tokens ?? [])
      }
    } else {
      try generator.run(
        requests, decoding(parameters, model.specification),
        stopTexts: stopTexts(parameters, tokenizer)
      ) { number, continuation throws(Diagnostic) in
        try take(number, continuation.tokens, endingAt: continuation.stopTextStart)
      }
    }
    try writing.corpus.write(to: stage.output("corpus").folder)
    stage.log(writing.summary)
  }

  private static func decoding(
    _ parameters: Parameters, _ model: ModelSpecification
  ) -> Decoding {
    let stops = Set(model.endsOfText)
    let penalty = parameters.number("repetition_penalty")
    let way = parameters.string("decoding")
    guard way != "greedy" else { return .greedy(stopTokens: stops, repetitionPenalty: penalty) }
    return Decoding(
      samples: true, temperature: parameters.number("temperature"),
      topK: way == "top-k" ? parameters.integer("top_k") : nil,
      topP: way == "top-p" ? parameters.number("top_p") : nil, repetitionPenalty: penalty,
      stopTokens: stops, seed: parameters.integer("seed"))
  }

  private static func stopTexts(
    _ parameters: Parameters, _ tokenizer: any Tokenizer
  ) -> StopTexts? {
    let texts = parameters.strings("stop_texts").filter { !$0.isEmpty }
    guard !texts.isEmpty else { return nil }
    return StopTexts(texts) { tokenizer.decode([$0]) }
  }

  /// **Throws**: `generation-setting`.
  private static func beamSearch(
    _ parameters: Parameters, _ model: ModelSpecification
  ) throws(Diagnostic) -> BeamSearch? {
    guard parameters.string("decoding") == "beam" else { return nil }
    guard parameters.strings("stop_texts").isEmpty else {
      throw .generationSetting(
        "stop texts end sequences one by one, and beams are searched together",
        help: "leave stop_texts out, or take another decoding")
    }
    let stopping: BeamSearch.EarlyStopping =
      switch parameters.string("early_stopping") {
      case "when-full": .whenFull
      case "never": .never
      default: .whenUnlikely
      }
    return BeamSearch(
      beams: parameters.integer("beams"), lengthPenalty: parameters.number("length_penalty"),
      earlyStopping: stopping, repetitionPenalty: parameters.number("repetition_penalty"),
      stopTokens: Set(model.endsOfText))
  }

  static func memory(for order: StageSizes) -> Int {
    let beams =
      order.parameters.string("decoding") == "beam" ? order.parameters.integer("beams") : 1
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    return ModelMemory(order, storage: storage).writing(
      sequences: max(beams, order.parameters.integer("batch")),
      tokens: 3 * order.parameters.integer("block"))
      + 4 * order.bytes(of: "adapter") + 20 * order.bytes(of: "prompts")
  }
}

extension Diagnostic {
  static func generationSetting(_ what: String, help: String) -> Diagnostic {
    Diagnostic("generation-setting", what, help: help, consequence: .stageFailed)
  }
}
