// From logits to the next token. The draw is one uniform number, given from outside, so a token is a
// function of its logits, seed, sequence and step.

import Networks

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
    var best = 0
    var isFinite = true
    for index in logits.indices {
      if logits[index] > logits[best] { best = index }
      if !logits[index].isFinite { isFinite = false }
    }
    guard isFinite, !logits.isEmpty else { return nil }
    guard decoding.samples else { return Int32(best) }

    let peak = Double(logits[best])
    let weights = logits.map { exponential((Double($0) - peak) / decoding.temperature) }
    guard decoding.topK != nil || decoding.topP ?? 1 < 1 else {
      return draw(Array(logits.indices), weights, uniform)
    }
    return draw(kept(weights), weights, uniform)
  }

  /// The tokens that top-k and top-p leave, most likely first.
  private func kept(_ weights: [Double]) -> [Int] {
    var queue = DescendingQueue(weights)
    var kept: [Int] = []
    let limit = min(decoding.topK ?? weights.count, weights.count)
    // Top-p is a share of what top-k leaves.
    if decoding.topK != nil {
      while kept.count < limit, let index = queue.pop() { kept.append(index) }
      guard let share = decoding.topP else { return kept }
      let total = kept.reduce(0) { $0 + weights[$1] }
      var sum = 0.0
      for (count, index) in kept.enumerated() {
        sum += weights[index]
        if sum >= share * total { return Array(kept.prefix(count + 1)) }
      }
      return kept
    }
    let share = (decoding.topP ?? 1) * weights.reduce(0, +)
    var sum = 0.0
    while sum < share, let index = queue.pop() {
      kept.append(index)
      sum += weights[index]
    }
    return kept
  }

  private func draw(_ indices: [Int], _ weights: [Double], _ uniform: Double) -> Int32 {
    var left = uniform * indices.reduce(0) { $0 + weights[$1] }
    for index in indices {
      left -= weights[index]
      if left < 0 { return Int32(index) }
    }
    // Rounding may leave a crumb; it belongs to the last token that has any weight.
    return Int32(indices.last { weights[$0] > 0 } ?? indices[0])
  }
}

/// A binary heap that gives indices by falling weight, the lower index first among equals: the whole
/// order costs V·log V, its beginning much less.
private struct DescendingQueue {
  private let weights: [Double]
  private var heap: [Int]

  init(_ weights: [Double]) {
    self.weights = weights
    heap = Array(weights.indices)
    for root in stride(from: heap.count / 2 - 1, through: 0, by: -1) { sink(root) }
  }

  private func precedes(_ a: Int, _ b: Int) -> Bool {
    weights[a] == weights[b] ? a < b : weights[a] > weights[b]
  }

  mutating func pop() -> Int? {
    guard let first = heap.first else { return nil }
    heap[0] = heap[heap.count - 1]
    heap.removeLast()
    sink(0)
    return first
  }

  private mutating func sink(_ start: Int) {
    var root = start
    while 2 * root + 1 < heap.count {
      var child = 2 * root + 1
      if child + 1 < heap.count, precedes(heap[child + 1], heap[child]) { child += 1 }
      guard precedes(heap[child], heap[root]) else { return }
      heap.swapAt(child, root)
      root = child
    }
  }
}
