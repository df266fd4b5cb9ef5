import Diagnostics
import Foundation
import Tensors
import Testing

@testable import LanguageModels

/// Σ −log p of tokens `scored`, each seeing the tokens from `start` on.
private func likelihood(
  _ model: LanguageModel, _ sequence: [Int32], from start: Int, scored: Range<Int>
) -> Double {
  let part = Array(sequence[start..<scored.upperBound])
  let (_, losses) = Transformer(model, capacity: part.count, trains: false)
    .evaluate(Batch([TokenSequence(part)]))
  return scored.reduce(0) { $0 + Double(losses[$1 - start - 1]) }
}

@Suite struct EvaluationTests {
  @Test func rollingWindowsScoreEveryTokenOnce() {
    for (window, stride) in [(8, 4), (8, 7), (8, 1), (5, 2)] {
      for count in 0...40 {
        let windows = EvaluationProtocol.rolling(window: window, stride: stride)
          .windows(over: count)
        let scored = windows.flatMap {
          Array($0.firstScored..<max($0.firstScored, $0.range.upperBound))
        }
        #expect(scored == Array(1..<max(1, count)))
        for item in windows.dropFirst() {
          #expect(item.range.count <= window)
          #expect(item.firstScored - item.range.lowerBound >= window - stride)
        }
      }
    }
  }

  @Test func likelihoodsAreSumsOverWindows() throws {
    let model = try formulaModel()
    let long = tokens(50, seed: 81)
    let short = tokens(10, seed: 82)
    let rolling = try Evaluator(model, .rolling(window: 32, stride: 16), batchTokens: 40)
      .likelihoods(of: [long, [], short, [5]])
    #expect(rolling.map(\.tokens) == [49, 0, 9, 0])
    #expect(rolling.map(\.omitted) == [0, 0, 0, 0])
    let expected =
      likelihood(model, long, from: 0, scored: 1..<32)
      + likelihood(model, long, from: 16, scored: 32..<48)
      + likelihood(model, long, from: 32, scored: 48..<50)
    #expect(abs(rolling[0].negativeLogLikelihood - expected) < 1e-3)
    #expect(rolling[1].perplexity == nil)

    let truncated = try Evaluator(model, .truncated(20)).likelihoods(of: [long, short])
    #expect(truncated.map(\.tokens) == [19, 9])
    #expect(truncated.map(\.omitted) == [30, 0])
    #expect(
      abs(
        truncated[0].negativeLogLikelihood
          - likelihood(model, long, from: 0, scored: 1..<20)) < 1e-3)
    let total = truncated[0] + truncated[1]
    #expect(abs(total.perplexity! - exp(total.negativeLogLikelihood / 28)) < 1e-9)
  }

  @Test func refusesWindowsThatDoNotFit() throws {
    let model = try tinyModel()
    for (evaluation, id): (EvaluationProtocol, String) in [
      (.truncated(33), "evaluation-window"), (.truncated(1), "evaluation-window"),
      (.rolling(window: 16, stride: 16), "evaluation-stride"),
      (.rolling(window: 16, stride: 0), "evaluation-stride"),
    ] {
      #expect(throws: Diagnostic.self) { try Evaluator(model, evaluation) }
      do { _ = try Evaluator(model, evaluation) } catch { #expect(error.id == id) }
    }
  }
}
