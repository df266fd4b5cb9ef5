// The three classes of characters that GPT-2's split expression asks for. The table is generated
// (UnicodeRanges.swift) from one version of Unicode, because the library of the system would bring
// its own and unassigned code points differ between versions. Used by PreTokenizer.swift.

/// What the split expression sees in a character.
enum UnicodeClass: UInt8 {
  case other = 0
  /// `\p{L}`: general category L.
  case letter = 1
  /// `\p{N}`: general category N (decimal digits, Roman numerals, fractions).
  case number = 2
  /// `\s`: White_Space, including U+0085, U+00A0 and U+2028.
  case space = 3

  /// Classes of the first 65,536 code points, one byte each.
  static let plane: [UInt8] = {
    var plane = [UInt8](repeating: 0, count: 0x10000)
    for (index, change) in unicodeClassChanges.enumerated() {
      let start = Int(change >> 2)
      guard start < plane.count else { break }
      let next =
        index + 1 < unicodeClassChanges.count ? Int(unicodeClassChanges[index + 1] >> 2) : 0x110000
      for point in start..<min(next, plane.count) { plane[point] = UInt8(change & 3) }
    }
    return plane
  }()

  init(_ point: UInt32) {
    if point < 0x10000 {
      self = UnicodeClass(rawValue: Self.plane[Int(point)])!
      return
    }
    var low = 0
    var high = unicodeClassChanges.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if unicodeClassChanges[middle] >> 2 <= point { low = middle } else { high = middle - 1 }
    }
    self = UnicodeClass(rawValue: UInt8(unicodeClassChanges[low] & 3))!
  }
}
