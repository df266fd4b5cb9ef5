// How likely a model finds sequences. A perplexity is only comparable with its protocol, its token
// count and its total, so all three travel together.

import Diagnostics
import Networks

/// How sequences longer than a window are scored.
public enum EvaluationProtocol: Sendable, Equatable {
  /// Only the first tokens of each sequence, at most this many.
  case truncated(Int)
  /// Windows of this many tokens, each `stride` further than the last; every token is scored once,
  /// in the first window that reaches it, so it sees at least window − stride tokens before it (but
  /// at the start of a sequence).
  case rolling(window: Int, stride: Int)

  public var description: String {
    switch self {
    case .truncated(let length): "truncated at \(length) tokens"
    case .rolling(let window, let stride): "rolling window of \(window) tokens, stride \(stride)"
    }
  }

  var window: Int {
    switch self {
    case .truncated(let length): length
    case .rolling(let window, _): window
    }
  }

  /// Windows over a sequence: the tokens read and the first of them that is scored.
  func windows(over count: Int) -> [(range: Range<Int>, firstScored: Int)] {
    switch self {
    case .truncated(let length): return [(0..<min(length, count), 1)]
    case .rolling(let window, let stride):
      var result: [(range: Range<Int>, firstScored: Int)] = []
      var end = 0
      var start = 0
      while end < count {
        let next = min(start + window, count)
        result.append((start..<next, max(1, end)))
        end = next
        start += stride
      }
      return result
    }
  }
}

/// Total −log p and the number of tokens it is the total of.
public struct Likelihood: Sendable, Equatable {
  /// Σ −log p, natural logarithm.
  public var negativeLogLikelihood: Double
  /// Tokens scored: all but the first of each sequence.
  public var tokens: Int
  /// Tokens that the protocol left out.
  public var omitted: Int

  public init(negativeLogLikelihood: Double = 0, tokens: Int = 0, omitted: Int = 0) {
    self.negativeLogLikelihood = negativeLogLikelihood
    self.tokens = tokens
    self.omitted = omitted
  }

  /// e to the mean; nil where there is no token.
  public var perplexity: Double? {
    tokens > 0 ? exponential(negativeLogLikelihood / Double(tokens)) : nil
  }

  public static func + (a: Likelihood, b: Likelihood) -> Likelihood {
    Likelihood(
      negativeLogLikelihood: a.negativeLogLikelihood + b.negativeLogLikelihood,
      tokens: a.tokens + b.tokens, omitted: a.omitted + b.omitted)
  }
}

/// Scores sequences under a model.
public struct Evaluator {
  public let model: LanguageModel
  public let adapter: LowRankAdapter?
  public let evaluation: EvaluationProtocol
  /// Tokens computed at a time.
  public let batchTokens: Int

  /// **Throws**: `evaluation-window`, `evaluation-stride`, `model-is-an-encoder`.
  public init(
    _ model: LanguageModel, _ evaluation: EvaluationProtocol, batchTokens: Int = 2048,
    adapter: LowRankAdapter? = nil
  ) throws(Diagnostic) {
    try model.specification.requireDecoder()
    let window = evaluation.window
    guard window >= 2, window <= model.specification.context else {
      throw .evaluationWindow(window, context: model.specification.context)
    }
    if case .rolling(_, let stride) = evaluation, stride < 1 || stride > window - 1 {
      throw .evaluationStride(stride, window: window)
    }
    self.model = model
    self.adapter = adapter
    self.evaluation = evaluation
    self.batchTokens = batchTokens
  }

  /// One likelihood per sequence, in their order.
  ///
  /// - Parameter progress: sequences finished so far.
  ///
  /// **Throws**: `token-outside-vocabulary`.
  public func likelihoods(
    of sequences: [[Int32]], progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [Likelihood] {
    struct Window {
      let sequence: Int
      let range: Range<Int>
      let firstScored: Int
    }
    var windows: [Window] = []
    var result = [Likelihood](repeating: Likelihood(), count: sequences.count)
    for (number, tokens) in sequences.enumerated() {
      try model.requireKnown(tokens)
      var reached = 1
      for (range, firstScored) in evaluation.windows(over: tokens.count)
      where range.upperBound > firstScored {
        windows.append(Window(sequence: number, range: range, firstScored: firstScored))
        reached = range.upperBound
      }
      result[number].omitted = max(0, tokens.count - reached)
    }
    let lengths = windows.map(\.range.count)
    let capacity = max(batchTokens, lengths.max() ?? 1)
    let transformer = Transformer(model, capacity: capacity, trains: false, adapter: adapter)
    for run in Batch.runs(of: lengths, atMost: capacity) {
      let batch = Batch(
        windows[run].map { window in
          TokenSequence(
            Array(sequences[window.sequence][window.range]),
            isLearnt: window.range.map { $0 >= window.firstScored })
        })
      let (_, losses) = transformer.evaluate(batch)
      for (segment, window) in windows[run].enumerated() {
        let rows = batch.segments[segment]
        // Token t is predicted by the row before it.
        for token in window.firstScored..<window.range.upperBound {
          let row = rows.lowerBound + token - window.range.lowerBound - 1
          result[window.sequence].negativeLogLikelihood += Double(losses[row])
          result[window.sequence].tokens += 1
        }
      }
      try progress(windows[run.upperBound - 1].sequence + 1)
    }
    return result
  }
}
