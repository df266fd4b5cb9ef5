// From logits to the next token. The draw is one uniform number, given from outside, so a token is a
// function of its logits, seed, sequence and step.

import Kernels
import Networks
import Tensors

/// How the next token is chosen.
public struct Decoding: Sendable, Equatable {
  /// Whether to draw at all; if not, the most likely token is taken, the lower id among equals.
  public var samples: Bool
  /// Logits are divided by it first.
  public var temperature: Double
  /// Only the k most likely tokens; nil for all.
  public var topK: Int?
  /// Only the most likely tokens up to this share of the probability, with the one that crosses it;
  /// nil for all (Holtzman et al. 2020).
  public var topP: Double?
  /// Tokens that end a sequence; they are not part of it.
  public var stopTokens: Set<Int32>
  public var seed: Int

  public static func greedy(stopTokens: Set<Int32> = []) -> Decoding {
    Decoding(samples: false, stopTokens: stopTokens, seed: 0)
  }

  public init(
    samples: Bool, temperature: Double = 1, topK: Int? = nil, topP: Double? = nil,
    stopTokens: Set<Int32> = [], seed: Int
  ) {
    precondition(temperature > 0, "a temperature of \(temperature) cannot divide logits")
    precondition(topK ?? 1 >= 1, "the \(topK ?? 0) most likely tokens are none")
    precondition((topP ?? 1) > 0 && (topP ?? 1) <= 1, "top-p \(topP ?? 0) is no probability")
    self.samples = samples
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.stopTokens = stopTokens
    self.seed = seed
  }
}

/// Chooses tokens. Order of the filters as in transformers: temperature, top-k, top-p.
struct Sampler {
  let decoding: Decoding

  /// - Parameters:
  ///   - logits: [V]
  ///   - uniform: in [0, 1)
  /// - Returns: nil where a logit is NaN or infinite.
  func choose(_ logits: UnsafeBufferPointer<Float>, uniform: Double) -> Int32? {
    guard let base = logits.baseAddress, !logits.isEmpty else { return nil }
    var strange: UInt32 = 0
    for index in 0..<logits.count {
      // All exponent bits set: NaN or infinite.
      strange |= base[index].bitPattern & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0
    }
    guard strange == 0 else { return nil }
    let peak = maximum(base, logits.count)
    guard decoding.samples else { return Int32(logits.firstIndex(of: peak)!) }

    return Scratch.with(logits.count) { weights in
      let scale = Float(1 / decoding.temperature)
      // The difference first: a low temperature would leave little of scaled logits.
      for index in 0..<logits.count { weights[index] = base[index] - peak }
      expShifted(weights, scale: scale, shift: 0, weights, logits.count)
      return draw(UnsafeMutableBufferPointer(start: weights, count: logits.count), uniform)
    }
  }

  /// - Parameter weights: [V], none negative; those that the filters leave out become 0.
  private func draw(_ weights: UnsafeMutableBufferPointer<Float>, _ uniform: Double) -> Int32 {
    if let limit = decoding.topK, limit < weights.count {
      Cut(weights, limit: Double(limit)) { _ in 1 }.apply(to: weights)
    }
    var total = sum(weights)
    if let share = decoding.topP, share < 1 {
      // Top-p is a share of what top-k leaves.
      Cut(weights, limit: share * total) { Double($0) }.apply(to: weights)
      total = sum(weights)
    }
    var left = uniform * total
    for index in 0..<weights.count {
      left -= Double(weights[index])
      if left < 0 { return Int32(index) }
    }
    // Rounding may leave a crumb; it belongs to the last token that has any weight.
    return Int32(weights.lastIndex { $0 > 0 }!)
  }

  private func sum(_ weights: UnsafeMutableBufferPointer<Float>) -> Double {
    var sum = 0.0
    for index in 0..<weights.count { sum += Double(weights[index]) }
    return sum
  }
}

/// Where the greatest weights end: the weight of the last that is kept and how many of that weight
/// are, the lower index first.
///
/// The cut is found from the upper bits of the weights to the lower, class by class, as a radix sort
/// would, without sorting: three passes, whatever the distribution.
private struct Cut {
  private var last: UInt32 = 0
  private var equals = Int.max

  /// Keeps the greatest weights up to the first at which the sum of `measure` reaches `limit`.
  @inline(__always)
  init(
    _ weights: UnsafeMutableBufferPointer<Float>, limit: Double, measure: (Float) -> Double
  ) {
    var above = 0.0
    var prefix: UInt32 = 0
    let isFound = withUnsafeTemporaryAllocation(of: Double.self, capacity: 1024) { sums in
      // Bits of numbers that are not negative are in the order of the numbers; 2²⁰·1024 holds them all,
      // since weights are about 1 at most.
      for shift in [UInt32(20), 10, 0] {
        sums.update(repeating: 0)
        for weight in weights where (weight.bitPattern >> shift) >> 10 == (prefix >> shift) >> 10 {
          sums[Int((weight.bitPattern >> shift) & 1023)] += measure(weight)
        }
        var place = 1023
        while place > 0, above + sums[place] < limit {
          above += sums[place]
          place -= 1
        }
        if place == 0, above + sums[0] < limit, prefix == 0 { return false }
        prefix |= UInt32(place) << shift
      }
      return true
    }
    guard isFound else { return }
    last = prefix
    let each = measure(Float(bitPattern: prefix))
    equals = 0
    repeat {
      above += each
      equals += 1
    } while above < limit && each > 0 && equals < weights.count
  }

  /// Sets what lies behind the cut to 0.
  func apply(to weights: UnsafeMutableBufferPointer<Float>) {
    var left = equals
    for index in 0..<weights.count {
      let bits = weights[index].bitPattern
      if bits > last { continue }
      if bits == last, left > 0 {
        left -= 1
      } else {
        weights[index] = 0
      }
    }
  }
}
