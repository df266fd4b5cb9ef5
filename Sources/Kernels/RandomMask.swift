// Dropout masks from Philox4x32-10 (Salmon et al. 2011), the generator of Randomness/RandomStream.swift,
// laid out so that a loop over blocks vectorises: 16 blocks give 64 columns, word by word.

/// Column c of a row uses word (c mod 64)/16 of the block with counter
/// (⌊c/64⌋·16 + c mod 16, row, site, step) under the key `seed`.
public struct RandomMask: Sendable {
  public var seed: UInt64
  public var site: UInt32
  public var step: UInt32

  public init(seed: UInt64, site: UInt32, step: UInt32) {
    self.seed = seed
    self.site = site
    self.step = step
  }

  /// Multiplies columns 0..<count of a row by 0 (where the word is below `threshold`) or `scale`.
  ///
  /// - Parameter firstColumn: a multiple of 64; `x` begins there.
  public func apply(
    to x: UnsafeMutablePointer<Float>, row: UInt32, firstColumn: Int, threshold: UInt32,
    scale: Float, _ count: Int
  ) {
    withUnsafeTemporaryAllocation(of: UInt32.self, capacity: 64) { buffer in
      let words = buffer.baseAddress!
      var start = 0
      while start < count {
        fill(words, row: row, firstBlock: UInt32(truncatingIfNeeded: (firstColumn + start) / 4))
        let size = min(64, count - start)
        let part = x + start
        for i in 0..<size { part[i] = words[i] < threshold ? 0 : part[i] * scale }
        start += 64
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
      for _ in 0..<10 {
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
