// What BERT's normaliser does to a character: flags, decomposition without accents, lower case. The
// tables (BERTCharacterTables.swift) are the library's own behaviour, asked code point by code point.

/// Flags of a code point.
struct BERTFlags: OptionSet {
  let rawValue: UInt8
  /// Control characters, which cleaning drops.
  static let dropped = BERTFlags(rawValue: 1)
  /// White space that cleaning turns into U+0020.
  static let space = BERTFlags(rawValue: 2)
  static let punctuation = BERTFlags(rawValue: 4)
  /// Where texts are cut.
  static let white = BERTFlags(rawValue: 8)
  /// Ideographs, which stand alone.
  static let ideograph = BERTFlags(rawValue: 16)
  /// Marks that go with the accents.
  static let mark = BERTFlags(rawValue: 32)
  /// Characters that canonical ordering moves.
  static let nonStarter = BERTFlags(rawValue: 64)
  /// Characters that decompose.
  static let mapped = BERTFlags(rawValue: 128)

  /// Flags of the first 65,536 code points.
  static let plane: [UInt8] = {
    var plane = [UInt8](repeating: 0, count: 0x10000)
    for (index, change) in bertFlagChanges.enumerated() {
      let start = Int(change >> 8)
      guard start < plane.count else { break }
      let next =
        index + 1 < bertFlagChanges.count ? Int(bertFlagChanges[index + 1] >> 8) : 0x110000
      for point in start..<min(next, plane.count) { plane[point] = UInt8(change & 0xFF) }
    }
    return plane
  }()

  init(rawValue: UInt8) { self.rawValue = rawValue }

  init(_ point: UInt32) {
    if point < 0x10000 {
      self.init(rawValue: Self.plane[Int(point)])
    } else {
      let change = bertFlagChanges[lastIndex(in: bertFlagChanges) { $0 >> 8 <= point }]
      self.init(rawValue: UInt8(change & 0xFF))
    }
  }
}

/// The last place at which a condition holds that holds up to some place and then no more.
func lastIndex(in list: [UInt32], where holds: (UInt32) -> Bool) -> Int {
  var low = 0
  var high = list.count - 1
  while low < high {
    let middle = (low + high + 1) / 2
    if holds(list[middle]) { low = middle } else { high = middle - 1 }
  }
  return low
}

/// Whether a character belongs to words (`\w`): places of `wordChanges` alternate, words second.
func isWordCharacter(_ point: UInt32) -> Bool {
  lastIndex(in: wordChanges) { $0 <= point } % 2 == 1
}

enum BERTCharacters {
  private static let decompositions = Dictionary(
    uniqueKeysWithValues: zip(bertDecomposed, bertDecompositions))
  private static let classes = Dictionary(
    uniqueKeysWithValues: bertStayingMarks.map { ($0 >> 8, UInt8($0 & 0xFF)) })
  private static let lower: [UInt32: UInt32] = {
    var lower: [UInt32: UInt32] = [:]
    for run in stride(from: 0, to: bertLowerRuns.count, by: 4) {
      let step = Int(bertLowerRuns[run + 2])
      for point in stride(from: bertLowerRuns[run], through: bertLowerRuns[run + 1], by: step) {
        lower[UInt32(point)] = UInt32(point + bertLowerRuns[run + 3])
      }
    }
    return lower
  }()

  /// What a character with the flag `mapped` is without its accents: three code points of 21 bits.
  static func decomposition(of point: UInt32) -> UInt64 { decompositions[point] ?? UInt64(point) }

  static func combiningClass(of point: UInt32) -> UInt8 { classes[point] ?? 0 }

  /// The one lower-case character (U+0130 has two: its caller's business).
  static func lowercase(_ point: UInt32) -> UInt32 { lower[point] ?? point }
}
