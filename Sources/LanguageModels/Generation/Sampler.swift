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
  /// Logits of tokens that stand in the prompt or were written are divided by it if positive, else
  /// multiplied, as in transformers; 1 for none (Keskar et al. 2019).
  public var repetitionPenalty: Double
  /// Tokens that end a sequence; they are not part of it.
  public var stopTokens: Set<Int32>
  public var seed: Int

  public static func greedy(
    stopTokens: Set<Int32> = [], repetitionPenalty: Double = 1
  ) -> Decoding {
    Decoding(
      samples: false, repetitionPenalty: repetitionPenalty, stopTokens: stopTokens, seed: 0)
  }

  public init(
    samples: Bool, temperature: Double = 1, topK: Int? = nil, topP: Double? = nil,
    repetitionPenalty: Double = 1, stopTokens: Set<Int32> = [], seed: Int
  ) {
    precondition(temperature > 0, "a temperature of \(temperature) cannot divide logits")
    precondition(topK ?? 1 >= 1, "the \(topK ?? 0) most likely tokens are none")
    precondition((topP ?? 1) > 0 && (topP ?? 1) <= 1, "top-p \(topP ?? 0) is no probability")
    precondition(
      repetitionPenalty > 0, "a repetition penalty of \(repetitionPenalty) cannot divide logits")
    self.samples = samples
    self.temperature = temperature
    self.topK = topK
    self.topP = topP
    self.repetitionPenalty = repetitionPenalty
    self.stopTokens = stopTokens
    self.seed = seed
  }
}

/// Chooses tokens. Order of the filters as in transformers: repetition, temperature, top-k, top-p.
struct Sampler {
  let decoding: Decoding

  /// Weights are summed in runs of so many, in one fixed order.
  private static let run = 256

  /// - Parameters:
  ///   - logits: [V], changed where tokens are penalised.
  ///   - seen: tokens of the prompt and behind it, each once; asked only if repetition costs.
  ///   - uniform: in [0, 1)
  /// - Returns: nil where a logit is NaN or infinite.
  func choose(
    _ logits: UnsafeMutableBufferPointer<Float>, seen: Set<Int32>, uniform: Double
  ) -> Int32? {
    penalise(logits, seen)
    return choose(UnsafeBufferPointer(logits), uniform: uniform)
  }

  /// Divides or multiplies the logits of tokens that were seen.
  func penalise(_ logits: UnsafeMutableBufferPointer<Float>, _ seen: Set<Int32>) {
    guard decoding.repetitionPenalty != 1 else { return }
    let penalty = Float(decoding.repetitionPenalty)
    for token in seen {
      let value = logits[Int(token)]
      logits[Int(token)] = value < 0 ? value * penalty : value / penalty
    }
  }

  func choose(_ logits: UnsafeBufferPointer<Float>, uniform: Double) -> Int32? {
    guard let base = logits.baseAddress, !logits.isEmpty else { return nil }
    let count = logits.count
    var strange: UInt32 = 0
    for index in 0..<count {
      // All exponent bits set: NaN or infinite.
      strange |= base[index].bitPattern & 0x7F80_0000 == 0x7F80_0000 ? 1 : 0
    }
    guard strange == 0 else { return nil }
    let peak = maximum(base, count)
    guard decoding.samples else { return Int32(logits.firstIndex(of: peak)!) }

    return Scratch.with(3 * count + 64) { weights in
      let scale = Float(1 / decoding.temperature)
      // The difference first: a low temperature would leave little of scaled logits.
      for index in 0..<count { weights[index] = base[index] - peak }
      expShifted(weights, scale: scale, shift: 0, weights, count)
      let all = UnsafeBufferPointer(start: UnsafePointer(weights), count: count)
      let isCutByCount = decoding.topK.map { $0 < count } ?? false
      let isCutByShare = decoding.topP.map { $0 < 1 } ?? false
      guard isCutByCount || isCutByShare else { return Int32(draw(all, uniform)) }
      let kept = UnsafeMutableBufferPointer(start: weights + count, count: count)
      let places = UnsafeMutableRawPointer(weights + 2 * count)
        .bindMemory(to: Int32.self, capacity: count)
      let number = filter(all, isCutByCount ? decoding.topK : nil, into: kept, places)
      let left = UnsafeBufferPointer(start: UnsafePointer(kept.baseAddress!), count: number)
      return places[draw(left, uniform)]
    }
  }

  /// Copies the weights that both filters leave, in their order.
  ///
  /// - Returns: how many.
  private func filter(
    _ weights: UnsafeBufferPointer<Float>, _ limit: Int?,
    into kept: UnsafeMutableBufferPointer<Float>, _ places: UnsafeMutablePointer<Int32>
  ) -> Int {
    let share = decoding.topP.flatMap { $0 < 1 ? $0 : nil }
    // First what can be told without looking closely: a bound below which nothing is kept.
    var bound: Float = 0
    if let limit {
      bound = boundOfGreatest(limit, weights)
    } else if let share {
      // All that is smaller weighs less than what is cut away.
      bound = Float(0.999 * (1 - share) * sum(weights) / Double(weights.count))
    }
    var number = collect(weights, atLeast: bound, into: kept, places)
    if let limit, limit < number {
      number = Cut(kept, number, limit: Double(limit)) { _ in 1 }.apply(to: kept, number, places)
    }
    if let share {
      // Top-p is a share of what top-k leaves.
      let total =
        limit == nil
        ? sum(weights) : sum(UnsafeBufferPointer(rebasing: UnsafeBufferPointer(kept)[..<number]))
      number = Cut(kept, number, limit: share * total) { Double($0) }
        .apply(to: kept, number, places)
    }
    return number
  }

  /// The k-th greatest of the maxima of short runs: not above the k-th greatest weight.
  private func boundOfGreatest(_ limit: Int, _ weights: UnsafeBufferPointer<Float>) -> Float {
    let runs = weights.count / 16
    guard limit < runs else { return 0 }
    return Scratch.with(runs) { maxima in
      for index in 0..<runs { maxima[index] = maximum(weights.baseAddress! + index * 16, 16) }
      return Cut(
        UnsafeMutableBufferPointer(start: maxima, count: runs), runs, limit: Double(limit)
      ) { _ in 1 }.least
    }
  }

  private func collect(
    _ weights: UnsafeBufferPointer<Float>, atLeast bound: Float,
    into kept: UnsafeMutableBufferPointer<Float>, _ places: UnsafeMutablePointer<Int32>
  ) -> Int {
    var number = 0
    for first in stride(from: 0, to: weights.count, by: 64) {
      let end = min(first + 64, weights.count)
      // Most runs hold nothing worth a look.
      if maximum(weights.baseAddress! + first, end - first) < bound { continue }
      for index in first..<end where weights[index] >= bound && weights[index] > 0 {
        kept[number] = weights[index]
        places[number] = Int32(index)
        number += 1
      }
    }
    return number
  }

  private func sum(_ weights: UnsafeBufferPointer<Float>) -> Double {
    var total = 0.0
    for first in stride(from: 0, to: weights.count, by: Self.run) {
      total += Double(
        Kernels.sum(weights.baseAddress! + first, min(Self.run, weights.count - first)))
    }
    return total
  }

  /// The place at which the sum of weights passes this share of all.
  private func draw(_ weights: UnsafeBufferPointer<Float>, _ uniform: Double) -> Int {
    let base = weights.baseAddress!
    var left = uniform * sum(weights)
    for first in stride(from: 0, to: weights.count, by: Self.run) {
      let end = min(first + Self.run, weights.count)
      let weight = Double(Kernels.sum(base + first, end - first))
      guard weight > left else {
        left -= weight
        continue
      }
      for index in first..<end {
        left -= Double(weights[index])
        if left < 0 { return index }
      }
      // Rounding may leave a crumb; it belongs to the last token that has any weight.
      return (first..<end).last { weights[$0] > 0 }!
    }
    return weights.lastIndex { $0 > 0 }!
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

  /// The least weight that is kept.
  var least: Float { Float(bitPattern: last) }

  /// Keeps the greatest weights up to the first at which the sum of `measure` reaches `limit`.
  @inline(__always)
  init(
    _ weights: UnsafeMutableBufferPointer<Float>, _ count: Int, limit: Double,
    measure: (Float) -> Double
  ) {
    var above = 0.0
    var prefix: UInt32 = 0
    let isFound = withUnsafeTemporaryAllocation(of: Double.self, capacity: 1024) { sums in
      // Bits of numbers that are not negative are in the order of the numbers; 2²⁰·1024 holds them all,
      // since weights are about 1 at most.
      for shift in [UInt32(20), 10, 0] {
        sums.update(repeating: 0)
        for index in 0..<count {
          let weight = weights[index]
          guard (weight.bitPattern >> shift) >> 10 == (prefix >> shift) >> 10 else { continue }
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
    } while above < limit && each > 0 && equals < count
  }

  /// Leaves out what lies behind the cut.
  ///
  /// - Returns: how many are left.
  func apply(
    to weights: UnsafeMutableBufferPointer<Float>, _ count: Int,
    _ places: UnsafeMutablePointer<Int32>
  ) -> Int {
    var left = equals
    var number = 0
    for index in 0..<count {
      let bits = weights[index].bitPattern
      if bits < last { continue }
      if bits == last {
        if left == 0 { continue }
        left -= 1
      }
      weights[number] = weights[index]
      places[number] = places[index]
      number += 1
    }
    return number
  }
}
