// How far an edit moves what a model says next, place by place along answers that are given: KL from the
// unmoved model, the probability that an emoji begins, −log p of what stands there.

import Diagnostics
import Foundation
import Kernels
import LanguageModels
import Tensors

/// A model and its edited form, side by side over the same answers.
///
/// What edits the model may be an adapter, a longer prompt, or both.
public final class AnswerProbe {
  /// One answer token.
  public struct Place: Sendable, Equatable {
    /// KL(unmoved ‖ edited) of the next token, nats.
    public var divergence: Double
    /// Probability of tokens that begin an emoji.
    public var emojiBefore: Double
    public var emojiAfter: Double
    /// Probability of tokens that begin an emoji or something else.
    public var ambiguousBefore: Double
    public var ambiguousAfter: Double
    /// −log p of the token that stands there, nats.
    public var lossBefore: Double
    public var lossAfter: Double
  }

  /// An answer behind what one of the two models reads.
  public struct Reading: Sendable, Equatable {
    public var tokens: [Int32]
    /// Where the answer begins, from 1 up.
    public var answerStart: Int

    public init(tokens: [Int32], answerStart: Int) {
      precondition(
        (1...tokens.count).contains(answerStart),
        "an answer from \(answerStart) on in \(tokens.count) tokens")
      self.tokens = tokens
      self.answerStart = answerStart
    }

    public var answer: ArraySlice<Int32> { tokens[answerStart...] }
    var rows: Range<Int> { answerStart - 1..<tokens.count - 1 }
  }

  public let unmoved: Transformer
  public let edited: Transformer
  private let emoji: EmojiTokens
  /// Probabilities of one answer under both.
  private var logits: (unmoved: Arena, edited: Arena, region: ArenaPlan.Region)?

  /// - Parameters:
  ///   - unmoved, edited: of the same vocabulary.
  ///   - emoji: of that vocabulary.
  public init(unmoved: Transformer, edited: Transformer, emoji: EmojiTokens) {
    precondition(
      unmoved.model.specification.vocabulary == edited.model.specification.vocabulary,
      "two vocabularies")
    self.unmoved = unmoved
    self.edited = edited
    self.emoji = emoji
  }

  /// What both say along an answer.
  ///
  /// - Parameters:
  ///   - before: what the unmoved model reads.
  ///   - after: what the edited one reads, with the same answer.
  /// - Returns: one for each token of the answer.
  ///
  /// **Throws**: `token-outside-vocabulary`.
  public func places(_ before: Reading, _ after: Reading) throws(Diagnostic) -> [Place] {
    precondition(before.answer.elementsEqual(after.answer), "two different answers")
    for reading in [before, after] { try unmoved.model.requireKnown(reading.tokens) }
    guard !before.answer.isEmpty else { return [] }
    let (first, second) = memory(before.answer.count)
    unmoved.logits(Batch([TokenSequence(before.tokens)]), rows: before.rows, into: first)
    edited.logits(Batch([TokenSequence(after.tokens)]), rows: after.rows, into: second)
    return compare(first, second, Array(before.answer))
  }

  /// What one model says along an answer, against what the unmoved one said in the last call of
  /// ``places(_:_:)``, which must have been about the same answer.
  public func places(
    of model: Transformer, _ reading: Reading
  ) throws(Diagnostic) -> [Place] {
    try model.model.requireKnown(reading.tokens)
    guard !reading.answer.isEmpty else { return [] }
    let (first, second) = memory(reading.answer.count)
    model.logits(Batch([TokenSequence(reading.tokens)]), rows: reading.rows, into: second)
    return compare(first, second, Array(reading.answer))
  }

  private func compare(_ first: Tensor, _ second: Tensor, _ targets: [Int32]) -> [Place] {
    let emoji = emoji
    let starts = emoji.counted
    var places = [Place?](repeating: nil, count: targets.count)
    places.withUnsafeMutableBufferPointer { places in
      nonisolated(unsafe) let places = places
      parallelFor(targets.count) { row in
        let (p, q) = (first.row(row), second.row(row))
        let (pLog, qLog) = (Self.logSumExp(p, first.columns), Self.logSumExp(q, first.columns))
        var divergence = 0.0
        for column in 0..<first.columns {
          let own = Double(p[column]) - pLog
          divergence += exp(own) * (own - (Double(q[column]) - qLog))
        }
        func mass(_ ids: [Int32], _ logits: UnsafePointer<Float>, _ log: Double) -> Double {
          ids.reduce(0) { $0 + exp(Double(logits[Int($1)]) - log) }
        }
        let target = Int(targets[row])
        places[row] = Place(
          divergence: max(0, divergence), emojiBefore: mass(starts, p, pLog),
          emojiAfter: mass(starts, q, qLog),
          ambiguousBefore: mass(emoji.ambiguous, p, pLog),
          ambiguousAfter: mass(emoji.ambiguous, q, qLog), lossBefore: pLog - Double(p[target]),
          lossAfter: qLog - Double(q[target]))
      }
    }
    return places.map { $0! }
  }

  private func memory(_ rows: Int) -> (Tensor, Tensor) {
    if logits == nil || logits!.region.shape.rows < rows {
      var plan = ArenaPlan()
      let region = plan.add(
        "logits", rows: rows, columns: unmoved.model.specification.vocabulary)
      logits = (Arena(plan), Arena(plan), region)
    }
    let own = logits!
    return (
      own.unmoved[own.region].slice(rows: 0..<rows), own.edited[own.region].slice(rows: 0..<rows)
    )
  }

  private static func logSumExp(_ logits: UnsafePointer<Float>, _ count: Int) -> Double {
    let peak = Double(maximum(logits, count))
    var sum = 0.0
    for index in 0..<count { sum += exp(Double(logits[index]) - peak) }
    return peak + log(sum)
  }
}
