// How likely a model finds each of some endings of one text. The text is read once, and what several texts
// begin with is read once too; endings take over its keys and values.

import Diagnostics
import Networks

/// A text and the ways in which it may end.
public struct OptionQuestion: Sendable, Equatable {
  /// Tokens in front of every option; not scored. If empty, the first token of an option is not scored.
  public var beginning: [Int32]
  /// Tokens of each option.
  public var options: [[Int32]]

  public init(beginning: [Int32], options: [[Int32]]) {
    self.beginning = beginning
    self.options = options
  }
}

/// A model ready to compare fixed endings.
///
/// What an option gets depends on its own tokens and those before it, never on its neighbours, on what was
/// asked before, or on threads.
public final class OptionScorer {
  /// Rows of which logits exist at a time.
  private static let logitRows = 64
  /// Options read at a time; each has a copy of its text's keys and values.
  private static let optionsAtOnce = 16

  public let model: LanguageModel
  private let decoder: Decoder
  private var trunks: [SequenceCache] = []
  private var branches: [SequenceCache] = []
  /// Tokens for which the caches have room.
  private var length = 0

  /// - Parameters:
  ///   - adapter: low-rank parts that are added to the model.
  ///   - tokens: read at a time; for speed and memory only.
  ///
  /// **Throws**: `model-is-an-encoder`.
  public init(
    _ model: LanguageModel, adapter: LowRankAdapter? = nil, tokens: Int = 512
  ) throws(Diagnostic) {
    try model.specification.requireDecoder()
    self.model = model
    decoder = Decoder(model, adapter: adapter, capacity: tokens, batch: Self.logitRows)
  }

  /// Questions that are asked together: enough of them to read whole matrices for.
  public static let questionsAtOnce = 8

  /// log p(option | beginning) of each option of each question, natural logarithm.
  ///
  /// - Parameters:
  ///   - questions: options of at least one scored token.
  ///   - progress: questions answered so far.
  ///
  /// **Throws**: `token-outside-vocabulary`, and what `progress` throws.
  /// - Precondition: every question fits the model's context.
  public func logProbabilities(
    _ questions: [OptionQuestion], progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [[Double]] {
    var longest = questions.reduce(0) { max($0, $1.beginning.count) }
    for question in questions {
      try model.requireKnown(question.beginning)
      for option in question.options {
        try model.requireKnown(option)
        longest = max(longest, question.beginning.count + option.count)
      }
    }
    precondition(
      longest <= model.specification.context,
      "\(longest) tokens for a context of \(model.specification.context)")
    makeRoom(for: max(1, longest))
    var result: [[Double]] = []
    for first in stride(from: 0, to: questions.count, by: Self.questionsAtOnce) {
      let some = questions[first..<min(questions.count, first + Self.questionsAtOnce)]
      result += ask(Array(some))
      try progress(first + some.count)
    }
    return result
  }

  private func makeRoom(for tokens: Int) {
    guard tokens > length else { return }
    length = min(model.specification.context, max(tokens, 2 * length))
    trunks = SequenceCache.make(
      Self.questionsAtOnce + 1, model.specification, capacity: length)
    branches = SequenceCache.make(Self.optionsAtOnce, model.specification, capacity: length)
  }

  // MARK: Asking

  /// One option with the part of its text that is not in its question's trunk.
  private struct Branch {
    let question: Int
    let option: Int
    /// Read; the row of each says how likely its successor is.
    let tokens: ArraySlice<Int32>
    let successors: ArraySlice<Int32>
  }

  private func ask(_ questions: [OptionQuestion]) -> [[Double]] {
    // The last token of a beginning is read with each option: its row says how likely their first is.
    let shared = questions.map { Array($0.beginning.dropLast()) }
    readTrunks(shared)
    var result = questions.map { [Double](repeating: 0, count: $0.options.count) }
    var waiting: [Branch] = []
    var room = decoder.capacity
    for (number, question) in questions.enumerated() {
      for (index, option) in question.options.enumerated() {
        let rest = (question.beginning + option)[shared[number].count...]
        let branch = Branch(
          question: number, option: index, tokens: rest.dropLast(), successors: rest.dropFirst())
        if waiting.count == Self.optionsAtOnce || branch.tokens.count > room {
          read(waiting, into: &result)
          (waiting, room) = ([], decoder.capacity)
        }
        waiting.append(branch)
        room -= branch.tokens.count
      }
    }
    read(waiting, into: &result)
    return result
  }

  /// Reads each beginning into a trunk of its own; the first trunk keeps what all have in common, and
  /// what is still true of it from the last time.
  private func readTrunks(_ texts: [[Int32]]) {
    let root = trunks[0]
    var common = texts[0].count
    for text in texts.dropFirst() {
      common = min(common, zip(texts[0], text).prefix { $0 == $1 }.count)
    }
    root.truncate(to: min(common, root.shared(with: texts[0])))
    decoder.readOn([texts[0][root.tokens.count..<common]], [root])
    let own = Array(trunks[1...texts.count])
    for cache in own {
      cache.truncate(to: 0)
      cache.copy(from: root, count: common)
    }
    decoder.readOn(texts.map { $0[common...] }, own)
  }

  private func read(_ some: [Branch], into result: inout [[Double]]) {
    // An option longer than the working memory stands alone here and is read in pieces.
    let caches = Array(branches[..<some.count])
    for (branch, cache) in zip(some, caches) {
      let trunk = trunks[1 + branch.question]
      cache.truncate(to: 0)
      cache.copy(from: trunk, count: trunk.tokens.count)
    }
    var start = 0
    while true {
      let here = some.indices.filter { some[$0].tokens.count > start }
      guard !here.isEmpty else { return }
      let pieces = here.map {
        Array(some[$0].tokens.dropFirst(start).prefix(decoder.capacity))
      }
      let successors = here.map {
        Array(some[$0].successors.dropFirst(start).prefix(decoder.capacity))
      }
      let values = decoder.readScoring(pieces, here.map { caches[$0] }, successors: successors)
      for (index, value) in zip(here, values) {
        result[some[index].question][some[index].option] += value
      }
      start += decoder.capacity
    }
  }

  /// Bytes beside the model: packed weights, working memory, caches.
  ///
  /// - Parameter length: tokens of the longest question with an option.
  public static func bytes(
    _ specification: ModelSpecification, length: Int, tokens: Int = 512
  ) -> Int {
    Decoder.bytes(specification, capacity: tokens, batch: logitRows)
      + (questionsAtOnce + 1 + optionsAtOnce) * SequenceCache.bytes(specification, capacity: length)
  }
}
