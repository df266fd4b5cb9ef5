// Randomness that is a function, not a state: Philox4x32-10 (Salmon et al. 2011, "Parallel random
// numbers: as easy as 1, 2, 3"). A stream is named, so a new draw in one place moves nothing in
// another, and any position can be reached directly, so results do not depend on batches or threads.

/// A named, counter-based stream of random numbers.
///
/// The same seed and name give the same numbers on every machine and in every version: samples are
/// part of artifact bytes, so the algorithms here never change without a raised engine number.
public struct RandomStream: Sendable, RandomNumberGenerator {
  private let key: (UInt32, UInt32)
  private let nonce: UInt64
  /// How many 64-bit words have been drawn; saved in checkpoints.
  public var position: UInt64

  /// - Parameter name: what the numbers are for, such as `batch-order/epoch-3`.
  public init(seed: Int, name: String, position: UInt64 = 0) {
    let seedBits = UInt64(bitPattern: Int64(seed))
    key = (UInt32(truncatingIfNeeded: seedBits), UInt32(truncatingIfNeeded: seedBits >> 32))
    // FNV-1a, 64 bit, with a final mix: only has to keep names apart.
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in name.utf8 { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    hash ^= hash >> 33
    hash = hash &* 0xff51_afd7_ed55_8ccd
    nonce = hash ^ hash >> 33
    self.position = position
  }

  /// The next 64 bits.
  public mutating func next() -> UInt64 {
    defer { position &+= 1 }
    return bits(at: position)
  }

  /// The 64 bits at any position, without moving.
  public func bits(at position: UInt64) -> UInt64 {
    let block = position >> 1
    let words = philox4x32(
      counter: (
        UInt32(truncatingIfNeeded: block), UInt32(truncatingIfNeeded: block >> 32),
        UInt32(truncatingIfNeeded: nonce), UInt32(truncatingIfNeeded: nonce >> 32)
      ), key: key)
    return position & 1 == 0
      ? UInt64(words.0) | UInt64(words.1) << 32 : UInt64(words.2) | UInt64(words.3) << 32
  }

  /// Uniform in [0, 1) with 53 random bits.
  public mutating func uniform() -> Double { Double(next() >> 11) * 0x1p-53 }

  /// Uniform in [0, 1) at a position, without moving.
  public func uniform(at position: UInt64) -> Double { Double(bits(at: position) >> 11) * 0x1p-53 }

  /// Uniform in 0..<bound without bias (Lemire 2019).
  public mutating func integer(below bound: Int) -> Int {
    precondition(bound > 0, "integer(below: \(bound)) needs a positive bound")
    let bound = UInt64(bound)
    var product = next().multipliedFullWidth(by: bound)
    if product.low < bound {
      let threshold = (0 &- bound) % bound
      while product.low < threshold { product = next().multipliedFullWidth(by: bound) }
    }
    return Int(product.high)
  }

  /// Shuffles in place (Fisher–Yates, from the end); the standard library's order may change with
  /// its version, this one may not.
  public mutating func shuffle<Element>(_ items: inout [Element]) {
    guard items.count > 1 else { return }
    for last in stride(from: items.count - 1, to: 0, by: -1) {
      items.swapAt(last, integer(below: last + 1))
    }
  }

  /// `count` different indices of 0..<total in random order.
  public mutating func sample(_ count: Int, of total: Int) -> [Int] {
    precondition(count <= total, "cannot sample \(count) of \(total) without replacement")
    var indices = Array(0..<total)
    for index in 0..<count { indices.swapAt(index, index + integer(below: total - index)) }
    return Array(indices.prefix(count))
  }

  /// An index drawn with probability proportional to its weight.
  public mutating func index(weights: [Double]) -> Int {
    let total = weights.reduce(0, +)
    precondition(total > 0, "weights must have a positive sum, not \(total)")
    var left = uniform() * total
    for (index, weight) in weights.enumerated() {
      left -= weight
      if left < 0 { return index }
    }
    return weights.lastIndex { $0 > 0 }!
  }
}

/// One block of Philox4x32 with 10 rounds.
func philox4x32(
  counter: (UInt32, UInt32, UInt32, UInt32), key: (UInt32, UInt32)
) -> (UInt32, UInt32, UInt32, UInt32) {
  var (c0, c1, c2, c3) = counter
  var (k0, k1) = key
  for _ in 0..<10 {
    let a = c0.multipliedFullWidth(by: 0xD251_1F53)
    let b = c2.multipliedFullWidth(by: 0xCD9E_8D57)
    (c0, c1, c2, c3) = (b.high ^ c1 ^ k0, b.low, a.high ^ c3 ^ k1, a.low)
    k0 &+= 0x9E37_79B9
    k1 &+= 0xBB67_AE85
  }
  return (c0, c1, c2, c3)
}
