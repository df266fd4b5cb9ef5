// Text into a sparse vector: hashed word n-grams. The hash is fixed (FNV-1a with a final mix), so a
// classifier's weights mean the same on every machine.

import Foundation

/// What turns a text into features; part of a classifier's identity.
public struct NgramFeatures: Sendable, Equatable {
  /// Words per n-gram, 1...order.
  public let order: Int
  /// log₂ of the number of buckets.
  public let bits: Int

  public static let orders = 1...4
  public static let bitRange = 8...24

  public init(order: Int, bits: Int) {
    precondition(Self.orders.contains(order), "n-grams of order \(order), not in \(Self.orders)")
    precondition(Self.bitRange.contains(bits), "2^\(bits) buckets, not in \(Self.bitRange)")
    self.order = order
    self.bits = bits
  }

  /// The features of a text: 1 + ln(count) per bucket, scaled to length 1; empty for no words.
  ///
  /// **Source**: hashing trick of Weinberger et al. 2009 without the sign; sublinear term frequency
  /// of Manning, Raghavan & Schütze 2008, §6.4.1.
  public func vector(of text: String) -> SparseVector {
    let words = Words.split(text)
    var buckets: [UInt32] = []
    buckets.reserveCapacity(words.count * order)
    let mask = UInt64(1) << UInt64(bits) - 1
    for start in words.indices {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      for length in 1...order where start + length <= words.count {
        for byte in words[start + length - 1] { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
        hash = (hash ^ 0x20) &* 0x100_0000_01b3
        // FNV's low bits mix poorly; the finaliser of MurmurHash3 spreads them.
        var mixed = hash ^ hash >> 33
        mixed = mixed &* 0xff51_afd7_ed55_8ccd
        mixed ^= mixed >> 33
        mixed = mixed &* 0xc4ce_b9fe_1a85_ec53
        mixed ^= mixed >> 33
        buckets.append(UInt32(mixed & mask))
      }
    }
    buckets.sort()
    var indices: [UInt32] = []
    var values: [Float] = []
    var at = 0
    var square = 0.0
    while at < buckets.count {
      var end = at
      while end < buckets.count, buckets[end] == buckets[at] { end += 1 }
      let value = 1 + log(Double(end - at))
      indices.append(buckets[at])
      values.append(Float(value))
      square += value * value
      at = end
    }
    let scale = Float(square > 0 ? 1 / square.squareRoot() : 0)
    return SparseVector(indices: indices, values: values.map { $0 * scale })
  }
}

/// A vector that is zero but at a few ascending places.
public struct SparseVector: Sendable, Equatable {
  public let indices: [UInt32]
  public let values: [Float]

  public init(indices: [UInt32], values: [Float]) {
    precondition(
      indices.count == values.count, "\(indices.count) places for \(values.count) values")
    self.indices = indices
    self.values = values
  }
}
