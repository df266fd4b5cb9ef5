// Statements of a leaning as sequences that a model can be asked about.

import Diagnostics
import LanguageModels
import Networks

/// Statements as tokens, each after the same beginning; only the statement itself is scored.
public struct StatementSequences: Sendable {
  /// Learnt marks stand on the tokens that are scored.
  public let sequences: [TokenSequence]
  /// Scored tokens of each statement, at least one.
  public let lengths: [Int]

  /// - Parameters:
  ///   - statements: tokens of each; not cut, so that every one counts whole.
  ///   - beginning: in front of each: a start token, tokens of a prompt. If empty, the first token of
  ///     a statement is not scored.
  ///   - names: what messages call the statements; as many.
  ///   - specification: a decoder.
  ///
  /// **Throws**: `statements-missing`, `statement-length`.
  public init(
    _ statements: [[Int32]], after beginning: [Int32], names: [String],
    for specification: ModelSpecification
  ) throws(Diagnostic) {
    precondition(
      names.count == statements.count, "\(names.count) names for \(statements.count) statements")
    guard !statements.isEmpty else { throw .statementsMissing }
    let mark = Array(repeating: false, count: beginning.count)
    var sequences: [TokenSequence] = []
    for (name, statement) in zip(names, statements) {
      let sequence = TokenSequence(
        beginning + statement, isLearnt: mark + statement.map { _ in true })
      guard sequence.supervisedCount > 0, sequence.tokens.count <= specification.context else {
        throw .statementLength(
          name, tokens: sequence.tokens.count, context: specification.context)
      }
      sequences.append(sequence)
    }
    self.sequences = sequences
    lengths = sequences.map(\.supervisedCount)
  }

  public var count: Int { sequences.count }

  /// log p(statement | beginning) of each, natural logarithm.
  ///
  /// - Parameters:
  ///   - transformer: with room for the longest sequence.
  ///   - progress: statements finished so far.
  ///
  /// **Throws**: `token-outside-vocabulary`, and what `progress` throws.
  public func logProbabilities(
    _ transformer: Transformer, progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [Double] {
    var result: [Double] = []
    result.reserveCapacity(count)
    for sequence in sequences { try transformer.model.requireKnown(sequence.tokens) }
    for run in Batch.runs(of: sequences.map(\.tokens.count), atMost: transformer.capacity) {
      let batch = Batch(sequences[run])
      let (_, losses) = transformer.evaluate(batch)
      for segment in 0..<run.count {
        // Rows that are not scored have no loss.
        result.append(batch.segments[segment].reduce(0) { $0 - Double(losses[$1]) })
      }
      try progress(run.upperBound)
    }
    return result
  }

  /// Tokens of the longest sequence.
  public var longest: Int { sequences.reduce(0) { max($0, $1.tokens.count) } }
}
