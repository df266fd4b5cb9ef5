// A checksum of numbers by their bits, for telling base models apart: no protection against intent.

/// FNV-1a in eight lanes over pairs of numbers, folded in order of the lanes.
public func bitHash(_ values: UnsafePointer<Float>, _ count: Int) -> UInt64 {
  let words = UnsafeRawPointer(values)
  let prime: UInt64 = 0x100_0000_01b3
  var lanes = SIMD8<UInt64>(repeating: 0xcbf2_9ce4_8422_2325)
  var i = 0
  while i + 16 <= count {
    lanes = (lanes ^ words.loadUnaligned(fromByteOffset: 4 * i, as: SIMD8<UInt64>.self)) &* prime
    lanes ^= lanes &>> 29
    i += 16
  }
  var hash = UInt64(truncatingIfNeeded: count)
  for lane in 0..<8 { hash = (hash ^ lanes[lane]) &* prime ^ hash >> 31 }
  while i < count {
    hash = (hash ^ UInt64(values[i].bitPattern)) &* prime
    hash ^= hash >> 29
    i += 1
  }
  return hash
}
