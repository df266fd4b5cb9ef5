// Dropout masks from Philox4x32 (Salmon et al. 2011), the generator of Randomness/RandomStream.swift,
// with 7 rounds, the fewest that pass BigCrush, and 16 random bits a number: masks were a tenth of a
// training step. Laid out so that a loop over blocks vectorises: 16 blocks give 128 columns.

/// Column c of a row uses a half of word (c mod 64)/16 of the block with counter
/// (⌊c/128⌋·16 + c mod 16, row, site, step) under the key `seed`: the low half where c mod 128 < 64.
public struct RandomMask: Sendable {
  public var seed: UInt64
  public var site: UInt32
  public var step: UInt32

  public init(seed: UInt64, site: UInt32, step: UInt32) {
    self.seed = seed
    self.site = site
    self.step = step
  }

  /// Multiplies columns 0..<count of a row by 0 (where the random half is below `threshold`) or `scale`.
  ///
  /// - Parameters:
  ///   - firstColumn: a multiple of 128; `x` begins there.
  ///   - threshold: share of zeros in units of 2⁻³²; its upper 16 bits count, rounded.
  public func apply(
    to x: UnsafeMutablePointer<Float>, row: UInt32, firstColumn: Int, threshold: UInt32,
    scale: Float, _ count: Int
  ) {
    each(row: row, firstColumn: firstColumn, count) { words, start, size, high in
      let limit = Self.limit(threshold, high)
      let part = x + start
      if high {
        for i in 0..<size { part[i] = words[i] < limit ? 0 : part[i] * scale }
      } else {
        for i in 0..<size { part[i] = words[i] & 0xFFFF < limit ? 0 : part[i] * scale }
      }
    }
  }

  /// Writes `x` under the mask into `y` and puts the same mask on `z`: a backward pass needs both.
  public func apply(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    andTo z: UnsafeMutablePointer<Float>, row: UInt32, firstColumn: Int, threshold: UInt32,
    scale: Float, _ count: Int
  ) {
    each(row: row, firstColumn: firstColumn, count) { words, start, size, high in
      let limit = Self.limit(threshold, high)
      let (from, to, other) = (x + start, y + start, z + start)
      for i in 0..<size {
        let word = high ? words[i] : words[i] & 0xFFFF
        let factor = word < limit ? 0 : scale
        to[i] = from[i] * factor
        other[i] = other[i] * factor
      }
    }
  }

  /// The threshold as it is compared: with a whole word where the upper half decides.
  @inline(__always)
  private static func limit(_ threshold: UInt32, _ high: Bool) -> UInt32 {
    let half = min(0xFFFF, (threshold >> 16) + (threshold >> 15 & 1))
    return high ? half << 16 : half
  }

  /// Calls `body` with 64 random words for each stretch of up to 64 columns, and which half to take.
  @inline(__always)
  private func each(
    row: UInt32, firstColumn: Int, _ count: Int,
    _ body: (UnsafeMutablePointer<UInt32>, Int, Int, Bool) -> Void
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { buffer in
      let words = buffer.baseAddress!
      var start = 0
      while start < count {
        fill(words, row: row, firstBlock: UInt32(truncatingIfNeeded: (firstColumn + start) / 8))
        body(words, start, min(64, count - start), false)
        if count - start > 64 { body(words, start + 64, min(64, count - start - 64), true) }
        start += 128
      }
    }
  }

  @inline(__always)
  private func fill(_ words: UnsafeMutablePointer<UInt32>, row: UInt32, firstBlock: UInt32) {
    let seedLow = UInt32(truncatingIfNeeded: seed)
    let seedHigh = UInt32(truncatingIfNeeded: seed >> 32)
    for lane in 0..<16 {
      var c0 = firstBlock &+ UInt32(truncatingIfNeeded: lane)
      var c1 = row
      var c2 = site
      var c3 = step
      var k0 = seedLow
      var k1 = seedHigh
      for _ in 0..<7 {
        let a = UInt64(c0) &* 0xD251_1F53
        let b = UInt64(c2) &* 0xCD9E_8D57
        c0 = UInt32(truncatingIfNeeded: b &>> 32) ^ c1 ^ k0
        c1 = UInt32(truncatingIfNeeded: b)
        c2 = UInt32(truncatingIfNeeded: a &>> 32) ^ c3 ^ k1
        c3 = UInt32(truncatingIfNeeded: a)
        k0 = k0 &+ 0x9E37_79B9
        k1 = k1 &+ 0xBB67_AE85
      }
      words[lane] = c0
      words[16 + lane] = c1
      words[32 + lane] = c2
      words[48 + lane] = c3
    }
  }
}
