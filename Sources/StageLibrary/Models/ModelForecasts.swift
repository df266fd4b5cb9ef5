// What stages with models will cost: tokens from the bytes of texts, operations from tokens and weights,
// seconds from operations and this machine's speed (MachineSpeed.swift).

import Foundation
import ModelFiles
import Scheduling
import Tokenizers

extension ArtifactForecast {
  /// Bytes of text behind a token, by the size of the vocabulary: 2.7 at 1,024 entries, 4.4 at 50,257
  /// (English news).
  static func bytesPerToken(vocabulary: Int) -> Double {
    max(1, 0.304 * log2(Double(max(2, vocabulary))) - 0.34)
  }

  /// Tokens of a corpus for a model, without the JSON around its texts.
  func tokens(for model: ArtifactForecast?) -> Int {
    let text = max(0, bytes - 110 * (documents ?? 0))
    return Int(Double(text) / (model?.bytesPerToken ?? 4.3))
  }

  /// Numbers of a model that is known by its bytes only: in single precision.
  var weightCount: Int { weights ?? bytes / 4 }

  static func model(weights: Int, bytes: Int? = nil, bytesPerToken: Double?) -> ArtifactForecast {
    ArtifactForecast(
      bytes: bytes ?? 4 * weights + 2_000_000, weights: weights, bytesPerToken: bytesPerToken)
  }
}

extension TrainTokenizerStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let vocabulary = order.parameters.integer("vocabulary_size")
    return StageForecast(
      outputs: [
        "tokenizer": ArtifactForecast(
          bytes: 60 * vocabulary, weights: vocabulary,
          bytesPerToken: ArtifactForecast.bytesPerToken(vocabulary: vocabulary))
      ], seconds: 0.2 + 1e-7 * Double(order.input("corpus")?.bytes ?? 0))
  }
}

extension InitialiseModelStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let parameters = order.parameters
    let width = parameters.integer("width")
    let inner = parameters.optionalInteger("inner") ?? 4 * width
    let tokenizer = order.input("tokenizer")
    // Attention has four matrices of the width squared, the feed-forward part two of width by inner.
    let weights =
      parameters.integer("layers") * (4 * width * width + 2 * width * inner + 13 * width)
      + width * ((tokenizer?.weights ?? 50_257) + parameters.integer("context"))
    return StageForecast(
      outputs: [
        "model": .model(
          weights: weights, bytes: 4 * weights + (tokenizer?.bytes ?? 0),
          bytesPerToken: tokenizer?.bytesPerToken)
      ], seconds: 0.1 + 2e-8 * Double(weights))
  }
}

extension ImportModelStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let files = order.input("model") else { return StageForecast() }
    let weights = files.path.flatMap(Self.weights(at:)) ?? files.bytes / 4
    let keeps = order.parameters.string("storage") == "as-stored"
    return StageForecast(
      outputs: [
        "model": .model(
          weights: weights, bytes: keeps ? files.bytes : nil,
          bytesPerToken: ArtifactForecast.bytesPerToken(vocabulary: 50_257))
      ], seconds: 0.3 + 1e-8 * Double(weights))
  }

  /// From the tables of the files; nil where they cannot be read: the stage will say why.
  private static func weights(at path: String) -> Int? {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path))?.sorted() ?? []
    let files = names.isEmpty ? [path] : names.map { path + "/" + $0 }
    if let file = files.first(where: { $0.hasSuffix(".gguf") }) {
      return (try? GGUFFile(at: file))?.tensors.reduce(0) { $0 + $1.shape.reduce(1, *) }
    }
    let shards = files.filter { $0.hasSuffix(".safetensors") }
    guard !shards.isEmpty else { return nil }
    return shards.reduce(0) { sum, file in
      sum + ((try? Safetensors(at: file))?.entries.reduce(0) { $0 + $1.count } ?? 0)
    }
  }
}

extension ImportEncoderStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    let bytes = order.input("model")?.bytes ?? 0
    // Half of a small encoder is its table of words, which is looked up.
    return StageForecast(
      outputs: ["encoder": ArtifactForecast(bytes: bytes, weights: bytes / 8)],
      seconds: 0.3 + 4e-9 * Double(bytes))
  }
}

extension ExportModelStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    let bytes = order.parameters.string("precision") == "float32" ? 4 : 2
    return StageForecast(
      outputs: [
        "folder": .model(
          weights: model.weightCount, bytes: bytes * model.weightCount,
          bytesPerToken: model.bytesPerToken)
      ], seconds: 0.5 + 2e-8 * Double(model.weightCount))
  }
}

extension ForecastOrder {
  /// Tokens that a training learns, epochs counted.
  fileprivate func learntTokens() -> Int {
    let model = input("model")
    if let total = parameters.optionalInteger("total_tokens") { return total }
    var epochs = parameters.integer("epochs")
    // The forecast of mitigate says what its recipe does.
    let recipe = (input("recipe")?.identity ?? "").split(separator: " ").map(String.init)
    if recipe.count == 5, recipe[1] == "true", recipe[2] == "false", let own = Int(recipe[3]) {
      epochs = own
    }
    guard let texts = input("budget") ?? input("corpus") else { return 0 }
    let documents = texts.documents ?? 1
    var tokens = texts.tokens(for: model)
    let isWhole =
      (parameters.optionalString("examples") ?? "article") == "article"
      && parameters.optionalString("preset") != "release"
    if isWhole { tokens = min(tokens, documents * parameters.integer("max_length")) }
    return epochs * tokens
  }
}

extension FineTuneStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    let tokens = order.learntTokens()
    var made = model
    made.identity = ""
    made.path = nil
    return StageForecast(
      outputs: ["model": made], learnt: tokens,
      seconds: 0.3 + 2e-8 * Double(model.weightCount)
        + MachineSpeed.learning(tokens, weights: model.weightCount))
  }
}

extension FineTuneAdapterStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model") else { return StageForecast() }
    let tokens = order.learntTokens()
    // Beside every linear layer: about 20 numbers a channel and rank in all layers of a 64th of the width.
    let weights = 0.0023 * Double(order.parameters.integer("rank")) * Double(model.weightCount)
    return StageForecast(
      outputs: ["adapter": ArtifactForecast(bytes: Int(4 * weights))], learnt: tokens,
      seconds: 0.3 + 2e-8 * Double(model.weightCount)
        + MachineSpeed.learningAdapter(tokens, weights: model.weightCount))
  }
}

extension GenerateCorpusStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model"), let prompts = order.input("prompts") else {
      return StageForecast()
    }
    let parameters = order.parameters
    let block = parameters.integer("block")
    let documents = prompts.documents ?? 1
    let read = prompts.tokens(for: model)
    let continues = parameters.string("form") == "continuation"
    // Every block begun is continued by a whole one, and the title too: half a block more on average.
    let written = continues ? documents * block : documents * (block + block / 2) + read
    let bytes = Int(Double(written) * (model.bytesPerToken ?? 4.3)) + 110 * documents
    let beams = parameters.string("decoding") == "beam" ? parameters.integer("beams") : 1
    return StageForecast(
      outputs: ["corpus": ArtifactForecast(bytes: bytes, documents: documents)], written: written,
      read: read,
      seconds: 0.2 + 1e-8 * Double(model.weightCount)
        + MachineSpeed.reading(read, weights: model.weightCount)
        + MachineSpeed.writing(
          written, weights: model.weightCount, sequences: parameters.integer("batch"),
          beams: beams))
  }
}

extension EvaluateModelStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model"), let corpus = order.input("corpus") else {
      return StageForecast()
    }
    // A window moves by half its length: what it holds is read twice where texts are long.
    let tokens = corpus.tokens(for: model)
    return StageForecast(
      read: tokens,
      seconds: 0.3 + 1.3 * MachineSpeed.reading(tokens, weights: model.weightCount))
  }
}

extension TuneTraitStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model"), let corpus = order.input("corpus") else {
      return StageForecast()
    }
    let parameters = order.parameters
    let documents = max(1, corpus.documents ?? 1)
    // Labels are taken to be equally many of the ten that a corpus has at most.
    let labels = parameters.strings("labels").count
    var share = labels == 0 ? 1 : min(1, Double(labels) / 5)
    if let limit = parameters.optionalInteger("limit") {
      share = min(share, Double(limit) / Double(documents))
    }
    // A question and what a chat form puts round it: some 40 tokens.
    let each = min(parameters.integer("max_length"), 40 + corpus.tokens(for: model) / documents)
    let tokens = Int(
      share * Double(documents) * Double(each) * Double(parameters.integer("epochs")))
    let weights = 0.0023 * Double(parameters.integer("rank")) * Double(model.weightCount)
    return StageForecast(
      outputs: ["adapter": ArtifactForecast(bytes: Int(4 * weights))], learnt: tokens,
      seconds: 0.3 + 2e-8 * Double(model.weightCount)
        + MachineSpeed.learningAdapter(tokens, weights: model.weightCount))
  }
}

extension AnswerQuestionsStage {
  static func forecast(for order: ForecastOrder) -> StageForecast {
    guard let model = order.input("model"), let questions = order.input("questions") else {
      return StageForecast()
    }
    let parameters = order.parameters
    let asked = min(questions.documents ?? 1, parameters.optionalInteger("limit") ?? .max)
    let answers = asked * parameters.integer("draws")
    // Answers end before the greatest length as a rule.
    let written = answers * parameters.integer("max_new_tokens") * 2 / 3
    let context = order.input("context").map { $0.bytes / 4 } ?? 0
    // A common beginning is read once for a batch.
    let read = asked * 50 + context * (1 + asked / max(1, parameters.integer("batch")))
    return StageForecast(
      outputs: [
        "answers": ArtifactForecast(
          bytes: Int(Double(written) * (model.bytesPerToken ?? 4.3)) + 250 * answers,
          documents: answers)
      ], written: written, read: read,
      seconds: 0.2 + 1e-8 * Double(model.weightCount)
        + MachineSpeed.reading(read, weights: model.weightCount)
        + MachineSpeed.writing(
          written, weights: model.weightCount, sequences: parameters.integer("batch")))
  }
}
