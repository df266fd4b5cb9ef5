// What a training run learns from, in one short text: by it a checkpoint knows its run.

/// FNV-1a over numbers of 64 bits. Guards against mistakes, not against forgers.
public struct RunFingerprint: Sendable {
  private var hash: UInt64 = 0xcbf2_9ce4_8422_2325

  public init() {}

  public mutating func mix(_ value: UInt64) { hash = (hash ^ value) &* 0x100_0000_01b3 }

  public mutating func mix(_ tokens: [Int32]) {
    mix(UInt64(tokens.count))
    for token in tokens { mix(UInt64(UInt32(bitPattern: token))) }
  }

  public mutating func mix(_ sequence: TokenSequence) {
    mix(sequence.tokens)
    for mark in sequence.isLearnt ?? [] { mix(mark ? 3 : 5) }
  }

  /// Hexadecimal.
  public var text: String { String(hash, radix: 16) }
}
