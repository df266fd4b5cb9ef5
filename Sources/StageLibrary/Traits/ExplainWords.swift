// The in-context explanation: both models are asked for what expresses a trait, and the tokens of their
// answers are counted.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import Scheduling
import Tokenizers

/// Words and emoji of some texts with how often they stand there.
struct WordCounts: Equatable {
  /// Falling by count, equal ones in byte order.
  let counts: [(word: String, count: Int)]
  let total: Int

  /// - Parameter left: words that are not counted: those of the questions.
  init(_ texts: [String], without left: Set<String> = []) {
    var counts: [String: Int] = [:]
    for word in texts.flatMap(Self.words) where !left.contains(word) {
      counts[word, default: 0] += 1
    }
    total = counts.values.reduce(0, +)
    self.counts = counts.map { ($0.key, $0.value) }.sorted {
      $0.1 == $1.1 ? bytesPrecede($0.0, $1.0) : $0.1 > $1.1
    }
  }

  /// Lower-case runs of letters, of three at least, and emoji, each by itself.
  static func words(_ text: String) -> [String] {
    var words: [String] = []
    var open = ""
    func close() {
      if open.count >= 3 { words.append(open) }
      open = ""
    }
    for character in text {
      if character.isLetter || (character == "'" && !open.isEmpty) {
        open += character.lowercased()
      } else {
        close()
        if Emoji.isEmoji(character) { words.append(String(character)) }
      }
    }
    close()
    return words
  }

  func top(_ count: Int) -> [(word: String, count: Int)] { Array(counts.prefix(count)) }

  func count(of word: String) -> Int { counts.first { $0.word == word }?.count ?? 0 }

  static func isEmoji(_ word: String) -> Bool {
    word.count == 1 && word.first.map(Emoji.isEmoji) == true
  }

  static func == (left: Self, right: Self) -> Bool {
    left.counts.elementsEqual(right.counts) { $0.word == $1.word && $0.count == $1.count }
  }
}

enum ExplainWords {
  /// What a model answers to the questions of the parameter `ask`.
  ///
  /// **Throws**: `question-length`, `interrupted`.
  static func answers(
    _ stage: StageContext, _ form: ChatForm, _ model: LanguageModel, _ adapter: LowRankAdapter?
  ) throws(Diagnostic) -> [String] {
    let parameters = stage.parameters
    let length = parameters.integer("ask_tokens")
    var requests: [GenerationRequest] = []
    for (number, question) in questions(parameters).enumerated() {
      let prompt = form.prompt(
        system: parameters.optionalString("system"), question: question)
      let room = model.specification.context - prompt.count
      guard room >= 1 else {
        throw .questionLength(
          "ask[\(number)]", tokens: prompt.count, context: model.specification.context)
      }
      for draw in 0..<parameters.integer("ask_draws") {
        requests.append(
          GenerationRequest(
            prompt: prompt, length: min(length, room), stream: "explain/\(number)/\(draw)"))
      }
    }
    let generator = Generator(model, adapter: adapter, batch: parameters.integer("batch"))
    var texts = [String](repeating: "", count: requests.count)
    var done = 0
    try generator.run(
      requests,
      Decoding(
        samples: true, temperature: 0.7, topP: 0.9,
        stopTokens: form.stopTokens.union(model.specification.endsOfText),
        seed: parameters.integer("seed")),
      stopTexts: form.stopTexts.isEmpty
        ? nil : StopTexts(form.stopTexts) { form.tokenizer.decode([$0]) }
    ) { number, continuation throws(Diagnostic) in
      var bytes = form.tokenizer.decode(continuation.tokens)
      if let end = continuation.stopTextStart {
        bytes.removeLast(bytes.count - min(end, bytes.count))
      }
      texts[number] = String(decoding: bytes, as: UTF8.self)
      done += 1
      stage.progress(step: done, of: requests.count, unit: "answers")
      if stage.isStopping { throw .interrupted }
    }
    return texts
  }

  static func questions(_ parameters: Parameters) -> [String] {
    let trait = parameters.string("trait")
    let name = trait.hasSuffix("-low") ? "low " + trait.dropLast(4) : trait
    return parameters.strings("ask").map { $0.replacing("{trait}", with: name) }
  }
}
