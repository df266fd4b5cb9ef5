// Texts made worse on purpose: to teach a judge of quality what decay looks like, and to ask whether a
// judge of leaning drifts when nothing but the quality changes.

import Randomness

/// One way of making a text worse, as strong as asked for.
public enum Degradation: String, Sendable, CaseIterable {
  /// A stretch of words is written again and again in place of what follows it.
  case loop
  /// Words change places inside short windows.
  case shuffle
  /// Words are left out in runs.
  case cut
  /// Words are replaced by words of other documents.
  case replace
  /// Words are replaced by random letters of the same length.
  case noise

  /// - Parameters:
  ///   - words: with their punctuation.
  ///   - strength: share of the words that are touched, 0…1; at 0 the text stays as it is.
  ///   - vocabulary: where `replace` draws from, frequent words more often; not empty.
  public func apply(
    to words: [String], strength: Double, vocabulary: [String], _ stream: inout RandomStream
  ) -> [String] {
    precondition((0...1).contains(strength), "a strength of \(strength) is not within 0...1")
    let touched = Int((strength * Double(words.count)).rounded())
    guard touched > 0, words.count > 1 else { return words }
    switch self {
    case .loop: return loop(words, touched, &stream)
    case .shuffle: return shuffle(words, touched, &stream)
    case .cut: return cut(words, touched, &stream)
    case .replace:
      precondition(!vocabulary.isEmpty, "replaced words need a vocabulary")
      return substitute(words, touched, &stream) { _, stream in
        vocabulary[stream.integer(below: vocabulary.count)]
      }
    case .noise:
      return substitute(words, touched, &stream) { word, stream in
        String(
          decoding: word.unicodeScalars.map { _ in
            UInt8(ascii: "a") + UInt8(stream.integer(below: 26))
          }, as: UTF8.self)
      }
    }
  }

  /// The last `touched` words become repetitions of the 3 to 8 words before them.
  private func loop(
    _ words: [String], _ touched: Int, _ stream: inout RandomStream
  ) -> [String] {
    let kept = max(1, words.count - touched)
    let period = min(kept, 3 + stream.integer(below: 6))
    var result = Array(words.prefix(kept))
    while result.count < words.count { result.append(result[result.count - period]) }
    return result
  }

  /// Windows of up to 8 words are shuffled until `touched` words lie in one.
  private func shuffle(
    _ words: [String], _ touched: Int, _ stream: inout RandomStream
  ) -> [String] {
    var result = words
    let window = min(8, words.count)
    let starts = Array(stride(from: 0, to: words.count, by: window))
    let order = stream.sample(starts.count, of: starts.count)
    var left = touched
    for index in order where left > 0 {
      let range = starts[index]..<min(starts[index] + window, words.count)
      var part = Array(result[range])
      stream.shuffle(&part)
      result.replaceSubrange(range, with: part)
      left -= range.count
    }
    return result
  }

  /// Runs of 1 to 6 words go; at least one word stays.
  private func cut(
    _ words: [String], _ touched: Int, _ stream: inout RandomStream
  ) -> [String] {
    var isKept = [Bool](repeating: true, count: words.count)
    var left = min(touched, words.count - 1)
    while left > 0 {
      let start = stream.integer(below: words.count)
      let length = min(left, 1 + stream.integer(below: 6))
      for index in start..<min(start + length, words.count) where isKept[index] && left > 0 {
        isKept[index] = false
        left -= 1
      }
    }
    return zip(words, isKept).compactMap { $1 ? $0 : nil }
  }

  private func substitute(
    _ words: [String], _ touched: Int, _ stream: inout RandomStream,
    _ other: (String, inout RandomStream) -> String
  ) -> [String] {
    var result = words
    for index in stream.sample(touched, of: words.count) {
      result[index] = other(words[index], &stream)
    }
    return result
  }
}

/// The four classes of the study's judge of quality, worst first: their index is their level.
public enum GibberishClass: Int, Sendable, CaseIterable {
  case noise = 0
  case wordSalad
  case mildGibberish
  case clean

  public var label: String {
    switch self {
    case .noise: "noise"
    case .wordSalad: "word-salad"
    case .mildGibberish: "mild-gibberish"
    case .clean: "clean"
    }
  }

  /// A sentence of this class made from a real one.
  ///
  /// Noise: nearly all words are random letters. Word salad: words of anywhere, or all shuffled. Mild
  /// gibberish: a part shuffled, replaced, left out or looped.
  func sentence(
    from words: [String], vocabulary: [String], _ stream: inout RandomStream
  ) -> [String] {
    switch self {
    case .clean: return words
    case .noise:
      return Degradation.noise.apply(
        to: words, strength: 0.8 + 0.2 * stream.uniform(), vocabulary: vocabulary, &stream)
    case .wordSalad:
      let replaced = Degradation.replace.apply(
        to: words, strength: 0.5 + 0.5 * stream.uniform(), vocabulary: vocabulary, &stream)
      return Degradation.shuffle.apply(
        to: replaced, strength: 1, vocabulary: vocabulary, &stream)
    case .mildGibberish:
      let ways: [Degradation] = [.loop, .shuffle, .cut, .replace]
      return ways[stream.integer(below: ways.count)].apply(
        to: words, strength: 0.2 + 0.3 * stream.uniform(), vocabulary: vocabulary, &stream)
    }
  }
}

extension Corpus {
  /// The same documents, each made worse; ids and labels stay.
  ///
  /// - Parameters:
  ///   - ways: of which each document gets one, in turn.
  ///   - strength: share of the words touched.
  public func degraded(_ ways: [Degradation], strength: Double, seed: Int) -> Corpus {
    precondition(!ways.isEmpty, "a corpus is made worse in at least one way")
    let vocabulary = documents.flatMap { Self.words(of: $0.text) }
    var result = self
    for (index, document) in documents.enumerated() {
      var stream = RandomStream(seed: seed, name: "degrade/\(document.id)")
      // Line by line, so that title and body stay apart.
      let way = ways[index % ways.count]
      let lines = document.text.split(separator: "\n", omittingEmptySubsequences: false)
      result.documents[index].text = lines.map { line in
        way.apply(
          to: Self.words(of: String(line)), strength: strength, vocabulary: vocabulary, &stream
        ).joined(separator: " ")
      }.joined(separator: "\n")
    }
    return result
  }

  /// Sentences of these documents as documents of the four classes, `perClass` of each (fewer where
  /// there are not enough sentences): no sentence is used twice, even where several documents have it,
  /// and a document's sentences carry its id as source, so that tests can leave out whole documents.
  public func gibberish(perClass: Int, leastWords: Int, seed: Int) -> Corpus {
    var sentences: [(source: String, words: [String])] = []
    var seen: Set<[String]> = []  // membership only
    for document in documents {
      for sentence in Self.sentences(of: document.text) {
        let words = Self.words(of: sentence)
        guard words.count >= leastWords, seen.insert(words).inserted else { continue }
        sentences.append((document.id, words))
      }
    }
    let vocabulary = sentences.flatMap(\.words)
    var stream = RandomStream(seed: seed, name: "gibberish/order")
    let order = stream.sample(
      min(perClass * GibberishClass.allCases.count, sentences.count), of: sentences.count)
    var result = Corpus(documents: [], facts: facts)
    for (number, index) in order.enumerated() {
      let kind = GibberishClass.allCases[number % GibberishClass.allCases.count]
      var own = RandomStream(seed: seed, name: "gibberish/\(number)")
      let words = sentences[index].words
      var changed = kind.sentence(from: words, vocabulary: vocabulary, &own)
      // A shuffle of few words may give them back as they were: under the label of another class.
      var attempts = 1
      while kind != .clean, changed == words, attempts < 20 {
        changed = kind.sentence(from: words, vocabulary: vocabulary, &own)
        attempts += 1
      }
      result.documents.append(
        Document(
          id: "sentence-\(number)", text: changed.joined(separator: " "), label: kind.label,
          source: sentences[index].source))
    }
    return result
  }

  /// As the study splits: at full stops (its judge reads the pieces between them).
  public static func sentences(of text: String) -> [String] {
    text.split(separator: ".").map {
      String($0).split(whereSeparator: \.isWhitespace).joined(separator: " ")
    }.filter { !$0.isEmpty }
  }

  static func words(of text: String) -> [String] {
    text.split(whereSeparator: \.isWhitespace).map(String.init)
  }
}
