import Foundation
import Randomness
import Testing

@testable import LanguageModels

private let logits: [Float] = [0.5, 2, -1, 2, 1, -0.5, 3, 0]

/// Probabilities under the filters, by sorting and summing.
private func probabilities(_ decoding: Decoding) -> [Double] {
  var kept = logits.indices.sorted {
    (logits[$0], -$0) > (logits[$1], -$1)
  }
  var p = logits.map { exp(Double($0) / decoding.temperature) }
  if let k = decoding.topK { kept = Array(kept.prefix(k)) }
  if let share = decoding.topP {
    let total = kept.reduce(0) { $0 + p[$1] }
    var sum = 0.0
    var last = 0
    for (rank, index) in kept.enumerated() where sum < share * total {
      sum += p[index]
      last = rank
    }
    kept = Array(kept[...last])
  }
  let total = kept.reduce(0) { $0 + p[$1] }
  for index in p.indices { p[index] = kept.contains(index) ? p[index] / total : 0 }
  return p
}

private func choose(_ decoding: Decoding, _ uniform: Double, _ logits: [Float] = logits) -> Int32? {
  logits.withUnsafeBufferPointer { Sampler(decoding: decoding).choose($0, uniform: uniform) }
}

@Suite struct SamplerTests {
  /// Chi-square against exact probabilities: with 7 degrees of freedom, 29.9 is passed by chance once
  /// in 10,000 runs; the stream is fixed, so this never flickers.
  @Test(arguments: [
    Decoding(samples: true, seed: 0),
    Decoding(samples: true, temperature: 0.7, seed: 0),
    Decoding(samples: true, temperature: 2.5, seed: 0),
    Decoding(samples: true, topK: 3, seed: 0),
    Decoding(samples: true, topP: 0.8, seed: 0),
    Decoding(samples: true, temperature: 1.3, topK: 5, topP: 0.9, seed: 0),
    Decoding(samples: true, topP: 1, seed: 0),
    Decoding(samples: true, topK: 100, seed: 0),
  ])
  func drawsWithTheRightProbabilities(decoding: Decoding) {
    let expected = probabilities(decoding)
    let draws = 20_000
    let stream = RandomStream(seed: 11, name: "chi-square")
    var counts = [Int](repeating: 0, count: logits.count)
    for step in 0..<draws {
      counts[Int(choose(decoding, stream.uniform(at: UInt64(step)))!)] += 1
    }
    var chiSquare = 0.0
    for (count, p) in zip(counts, expected) {
      if p == 0 {
        #expect(count == 0)
      } else {
        chiSquare += pow(Double(count) - p * Double(draws), 2) / (p * Double(draws))
      }
    }
    #expect(chiSquare < 29.9, "\(decoding): \(chiSquare), \(counts)")
  }

  @Test func greedyPrefersTheLowerOfEquals() {
    #expect(choose(.greedy(), 0.9) == 6)
    #expect(choose(.greedy(), 0, [1, 3, 2, 3]) == 1)
    #expect(choose(.greedy(), 0, [-7]) == 0)
  }

  @Test func keepsAtLeastOneToken() {
    let narrow = Decoding(samples: true, topP: 1e-9, seed: 0)
    for uniform in [0, 0.5, 1.0.nextDown] { #expect(choose(narrow, uniform) == 6) }
    let one = Decoding(samples: true, topK: 1, seed: 0)
    #expect(choose(one, 1.0.nextDown) == 6)
    #expect(choose(Decoding(samples: true, topK: 1, seed: 0), 0.3, [4, 4]) == 0)
  }

  @Test func theLastCrumbFallsOnATokenWithWeight() {
    let far: [Float] = [0, -800, -800]
    #expect(choose(Decoding(samples: true, seed: 0), 1.0.nextDown, far) == 0)
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func choosesNothingFromNumbersThatAreNone(value: Float) {
    #expect(choose(.greedy(), 0, [1, value, 2]) == nil)
    #expect(choose(Decoding(samples: true, topP: 0.5, seed: 0), 0, [1, value, 2]) == nil)
  }

  /// The filters leave the same tokens as a sort does where most of a large vocabulary is far away.
  @Test func cutsLargeVocabulariesLikeASort() {
    let count = 5003
    let wide: [Float] = (0..<count).map {
      let u = Double(mixed(UInt64($0)) >> 11) * 0x1p-53
      return Float(6 * (u - 0.5) + ($0 % 97 == 0 ? 8 * u : 0))
    }
    let order = wide.indices.sorted { (wide[$0], -$0) > (wide[$1], -$1) }
    let weights = wide.map { exp(Double($0 - wide[order[0]])) }
    for (k, share) in [(nil, 0.9), (40, nil), (300, 0.5), (nil, 0.05), (4000, 0.999)]
      as [(Int?, Double?)]
    {
      var kept = Array(order.prefix(k ?? count))
      if let share {
        let total = kept.reduce(0) { $0 + weights[$1] }
        var sum = 0.0
        let end = kept.firstIndex {
          sum += weights[$0]
          return sum >= share * total
        }
        kept = Array(kept[...end!])
      }
      let decoding = Decoding(samples: true, topK: k, topP: share, seed: 0)
      let total = kept.reduce(0) { $0 + weights[$1] }
      var passed = 0.0
      for index in kept.sorted() {
        // The middle of each token's share of the unit interval.
        let middle = (passed + weights[index] / 2) / total
        passed += weights[index]
        // Sums in single precision may move the borders of very small shares.
        guard weights[index] / total > 1e-5 else { continue }
        #expect(
          choose(decoding, middle, wide) == Int32(index), "top-k \(k ?? 0), top-p \(share ?? 1)")
      }
    }
  }

  @Test func repetitionCostsAsInTransformers() {
    var decoding = Decoding.greedy(repetitionPenalty: 2)
    func penalised(_ seen: Set<Int32>) -> [Float] {
      var values: [Float] = [3, -1, 2, 0]
      values.withUnsafeMutableBufferPointer { Sampler(decoding: decoding).penalise($0, seen) }
      return values
    }
    #expect(penalised([0, 1, 3]) == [1.5, -2, 2, 0])
    #expect(penalised([]) == [3, -1, 2, 0])
    var values: [Float] = [3, -1, 2, 0]
    let token = values.withUnsafeMutableBufferPointer {
      Sampler(decoding: decoding).choose($0, seen: [0], uniform: 0)
    }
    #expect(token == 2)
    decoding.repetitionPenalty = 1
    #expect(penalised([0, 1, 3]) == [3, -1, 2, 0])
  }
}
