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
}
