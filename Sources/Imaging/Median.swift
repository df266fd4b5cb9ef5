// Order statistics of non-negative floats without sorting: their bits are in the order of their values.

/// The median of absolute values: the middle one, or the mean of the middle two.
///
/// - Precondition: there is a value, none is NaN.
public func medianOfMagnitudes(_ values: [Float]) -> Float {
  precondition(!values.isEmpty, "the median of no values")
  let upper = magnitude(ofRank: values.count / 2, in: values)
  if values.count % 2 == 1 { return upper }
  let lower = magnitude(ofRank: values.count / 2 - 1, in: values)
  return (lower + upper) / 2
}

/// The absolute value at a rank from 0, by three counting passes over parts of the bits.
func magnitude(ofRank rank: Int, in values: [Float]) -> Float {
  precondition(values.indices.contains(rank), "rank \(rank) of \(values.count) values")
  var left = rank
  var prefix: UInt32 = 0
  var mask: UInt32 = 0
  for (shift, bits) in [(21, 11), (10, 11), (0, 10)] as [(UInt32, UInt32)] {
    var counts = [Int](repeating: 0, count: 1 << Int(bits))
    let part = (UInt32(1) << bits) - 1
    counts.withUnsafeMutableBufferPointer { counts in
      for value in values {
        let pattern = value.bitPattern & 0x7fff_ffff
        if pattern & mask == prefix { counts[Int(pattern >> shift & part)] += 1 }
      }
    }
    var digit = 0
    while left >= counts[digit] {
      left -= counts[digit]
      digit += 1
    }
    prefix |= UInt32(digit) << shift
    mask |= part << shift
  }
  return Float(bitPattern: prefix)
}
