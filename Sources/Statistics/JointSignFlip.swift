// Several means over the same chains, tested together. Holm's bound multiplies p by the number of
// claims, and the least p of a sign-flip test over six chains is 2/2⁶: four claims could never reach
// 5 %. Flipping all claims of a chain together keeps their dependence and loses nothing to it.

import Randomness

/// Step-down maxT with sign flips of whole chains.
///
/// **Source**: Westfall & Young 1993, algorithm 4.1; Ge, Dudoit & Speed 2003, box 2. Controls the
/// chance of any false claim where flips are exchangeable under every set of true hypotheses.
public struct JointSignFlip: Sendable, Equatable {
  /// One for each claim, in the order given.
  public let adjusted: [Double]
  public let isExact: Bool

  /// - Parameters:
  ///   - values: `[claim][chain]`; nil where a chain says nothing about a claim.
  ///   - draws: patterns drawn where there are too many to count.
  public init(_ values: [[Double?]], draws: Int = 100_000, random: RandomStream) {
    let chains = values.first?.count ?? 0
    for row in values {
      precondition(row.count == chains, "claims over \(chains) and \(row.count) chains")
    }
    let flat = values.map { $0.map { $0 ?? 0 } }
    // The sum over its flip-invariant scale grows with |t|.
    let scales = flat.map { row in row.reduce(0) { $0 + $1 * $1 }.squareRoot() }
    func statistics(_ sign: (Int) -> Double) -> [Double] {
      zip(flat, scales).map { row, scale in
        guard scale > 0 else { return 0 }
        var sum = 0.0
        for (chain, value) in row.enumerated() { sum += sign(chain) * value }
        return abs(sum) / scale
      }
    }
    let observed = statistics { _ in 1 }
    let order = observed.indices.sorted { (-observed[$0], $0) < (-observed[$1], $1) }
    var extreme = [Int](repeating: 0, count: values.count)
    func count(_ sign: (Int) -> Double) {
      let drawn = statistics(sign)
      var greatest = 0.0
      for claim in order.reversed() {
        greatest = max(greatest, drawn[claim])
        // Sums of equal numbers in another order differ in their last bits.
        if greatest >= observed[claim] - 1e-12 { extreme[claim] += 1 }
      }
    }
    isExact = chains <= SignFlipTest.exactLimit
    let total: Double
    if isExact {
      for pattern in 0..<(1 << chains) { count { pattern >> $0 & 1 == 0 ? 1 : -1 } }
      total = Double(1 << chains)
    } else {
      var stream = random
      for _ in 0..<draws {
        let words = (0..<(chains + 63) / 64).map { _ in stream.next() }
        count { words[$0 / 64] >> UInt64($0 % 64) & 1 == 0 ? 1 : -1 }
      }
      // The observed pattern is one of them (Phipson & Smyth 2010).
      extreme = extreme.map { $0 + 1 }
      total = Double(draws + 1)
    }
    var adjusted = [Double](repeating: 1, count: values.count)
    var greatest = 0.0
    for claim in order {
      greatest = max(greatest, Double(extreme[claim]) / total)
      adjusted[claim] = greatest
    }
    self.adjusted = adjusted
  }
}
