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
    let tokenizer = try ByteLevelBPE(tokenizerJSON: try input.bytes("tokenizer.json"))
    let model = try LanguageModel(files: input.files)
    let prompts = try Corpus.read(files: stage.input("prompts").files)
    let blocks = try BlockContinuation(
      block: parameters.integer("block"), context: model.specification.context)

    var writing = ArticleWriting(
      prompts, tokenizer, blocks,
      marksTitle: parameters.string("title_prompt") == "heading")
    writing.resume(from: stage.resumeFolder, log: stage.log)
    let requests = writing.requests()
    let decoding = decoding(parameters, model.specification)
    let clock = ContinuousClock()
    let start = clock.now
    var tokens = 0
    try Generator(model, batch: parameters.integer("batch")).run(requests, decoding) {
      number, continuation throws(Diagnostic) in
      tokens += continuation.tokens.count
      writing.take(number, continuation.tokens)
      stage.progress(
        step: writing.finishedCount, of: prompts.documents.count,
        rate: Double(tokens) / max(1e-9, (clock.now - start) / .seconds(1)), unit: "tokens")
      if stage.checkpointDue() {
        try writing.save(to: stage.resumeFolder)
        if stage.isStopping { throw .interrupted }
      }
    }
    try writing.corpus.write(to: stage.output("corpus").folder)
    stage.log(writing.summary)
  }

  private static func decoding(
    _ parameters: Parameters, _ model: ModelSpecification
  ) -> Decoding {
    let stops: Set<Int32> = model.endOfText.map { [$0] } ?? []
    let way = parameters.string("decoding")
    guard way != "greedy" else { return .greedy(stopTokens: stops) }
    return Decoding(
      samples: true, temperature: parameters.number("temperature"),
      topK: way == "top-k" ? parameters.integer("top_k") : nil,
      topP: way == "top-p" ? parameters.number("top_p") : nil, stopTokens: stops,
      seed: parameters.integer("seed"))
  }

  static func memory(for order: StageSizes) -> Int {
    ModelMemory(modelBytes: order.bytes(of: "model")).writing(
      sequences: order.parameters.integer("batch"), tokens: 3 * order.parameters.integer("block"))
      + 20 * order.bytes(of: "prompts")
  }
}
