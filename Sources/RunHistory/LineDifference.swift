// Lines of two texts: which differ first, and how many were added, removed and changed. Works on bytes,
// so that it says something about any encoding, and touches a line's text only to show a piece of it.

import Foundation

/// The shortest script from one text to the other, by lines.
///
/// **Source**: E. W. Myers, "An O(ND) difference algorithm and its variations", Algorithmica 1 (1986).
/// **Cost**: O((n + m)·D) time and O(D²) memory for D differing lines, at most `limit` of them; beyond
/// that lines are counted whatever their order, and `isExact` is false.
struct LineDifference {
  struct Hunk {
    /// Line numbers from 1; of an empty range, the line that it stands before.
    var old: Range<Int>
    var new: Range<Int>
  }

  static let limit = 1000
  private(set) var hunks: [Hunk] = []
  private(set) var isExact = true
  private(set) var added = 0
  private(set) var removed = 0
  private(set) var changed = 0
  /// Only "\r\n" against "\n".
  private(set) var onlyLineEnds = false
  let oldLines: TextLines
  let newLines: TextLines

  init(_ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer) {
    // Equal lines at both ends cost a comparison of bytes and nothing else.
    let shared = min(old.count, new.count)
    var same = 0
    while same < shared, old[same] == new[same] { same += 1 }
    let begin = Self.lineStart(old, same)
    var tail = 0
    while tail < shared - begin, old[old.count - 1 - tail] == new[new.count - 1 - tail] {
      tail += 1
    }
    let oldEnd = Self.lineEnd(old, old.count - tail, from: begin)
    let newEnd = Self.lineEnd(new, new.count - tail, from: begin)
    // Both ends must cut the same bytes off.
    let cut = min(old.count - oldEnd, new.count - newEnd)
    let first = 1 + Self.breaks(old, 0..<begin)
    oldLines = TextLines(old, begin..<old.count - cut, first: first)
    newLines = TextLines(new, begin..<new.count - cut, first: first)
    compare()
  }

  /// Counts for whole texts, from those of their middle parts.
  private mutating func compare() {
    let a = oldLines.hashes
    let b = newLines.hashes
    if a.count == b.count, oldLines.hashesWithoutReturns == newLines.hashesWithoutReturns {
      onlyLineEnds = true
    }
    guard let matches = Self.matches(a, b) else {
      isExact = false
      var rest: [Int: Int] = [:]
      for line in a { rest[line, default: 0] += 1 }
      for line in b {
        if let count = rest[line], count > 0 { rest[line] = count - 1 } else { added += 1 }
      }
      removed = rest.values.reduce(0, +)
      let first = oldLines.first
      hunks = [Hunk(old: first..<first + a.count, new: first..<first + b.count)]
      return
    }
    var i = 0
    var j = 0
    func close(_ x: Int, _ y: Int) -> Hunk {
      Hunk(
        old: oldLines.first + i..<oldLines.first + x, new: newLines.first + j..<newLines.first + y)
    }
    for (x, y) in matches + [(a.count, b.count)] {
      if x > i || y > j {
        hunks.append(close(x, y))
        let pairs = min(x - i, y - j)
        changed += pairs
        removed += x - i - pairs
        added += y - j - pairs
      }
      (i, j) = (x + 1, y + 1)
    }
  }

  /// Pairs of equal lines in order; nil if more than `limit` lines differ.
  static func matches(_ a: [Int], _ b: [Int]) -> [(Int, Int)]? {
    let most = min(limit, a.count + b.count)
    let middle = most + 1
    /// For each diagonal k = x − y: how far it was reached with the edits so far.
    var furthest = [Int](repeating: 0, count: 2 * most + 3)
    /// Before each round, the diagonals that it looks at.
    var rounds: [[Int]] = []
    for d in 0...most {
      rounds.append(Array(furthest[middle - d - 1...middle + d + 1]))
      for k in stride(from: -d, through: d, by: 2) {
        let isInsertion =
          k == -d || (k != d && furthest[middle + k - 1] < furthest[middle + k + 1])
        var x = isInsertion ? furthest[middle + k + 1] : furthest[middle + k - 1] + 1
        var y = x - k
        while x < a.count, y < b.count, a[x] == b[y] {
          x += 1
          y += 1
        }
        furthest[middle + k] = x
        if x >= a.count, y >= b.count { return wayBack(rounds, x: a.count, y: b.count) }
      }
    }
    return nil
  }

  private static func wayBack(_ rounds: [[Int]], x: Int, y: Int) -> [(Int, Int)] {
    var matches: [(Int, Int)] = []
    var (x, y) = (x, y)
    for (d, reached) in rounds.enumerated().reversed() {
      let k = x - y
      func at(_ k: Int) -> Int { reached[k + d + 1] }
      let previous = k == -d || (k != d && at(k - 1) < at(k + 1)) ? k + 1 : k - 1
      let (beforeX, beforeY) = (at(previous), at(previous) - previous)
      while x > beforeX, y > beforeY, x > 0, y > 0 {
        x -= 1
        y -= 1
        matches.append((x, y))
      }
      if d > 0 { (x, y) = (beforeX, beforeY) }
    }
    return matches.reversed()
  }

  // MARK: Lines in bytes

  /// Where the line begins that holds a byte.
  private static func lineStart(_ bytes: UnsafeRawBufferPointer, _ at: Int) -> Int {
    var at = at
    while at > 0, bytes[at - 1] != 0x0A { at -= 1 }
    return at
  }

  /// Where the line ends that holds the byte before `at`; its line break is part of it.
  private static func lineEnd(_ bytes: UnsafeRawBufferPointer, _ at: Int, from: Int) -> Int {
    var at = at
    while at < bytes.count, at == from || bytes[at - 1] != 0x0A { at += 1 }
    return at
  }

  private static func breaks(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>) -> Int {
    var count = 0
    for at in range where bytes[at] == 0x0A { count += 1 }
    return count
  }
}

/// Where the lines of a part of a text lie, and a number for each that is equal for equal lines.
struct TextLines {
  let bytes: UnsafeRawBufferPointer
  /// The number of the first line.
  let first: Int
  private(set) var ranges: [Range<Int>] = []
  /// Of the lines without their line breaks.
  private(set) var hashes: [Int] = []
  private(set) var hashesWithoutReturns: [Int] = []

  init(_ bytes: UnsafeRawBufferPointer, _ range: Range<Int>, first: Int) {
    self.bytes = bytes
    self.first = first
    var start = range.lowerBound
    while start < range.upperBound {
      let part = UnsafeRawBufferPointer(rebasing: bytes[start..<range.upperBound])
      let length = memchr(part.baseAddress!, 0x0A, part.count).map {
        part.baseAddress!.distance(to: $0)
      }
      let end = start + (length ?? part.count)
      ranges.append(start..<end)
      let line = UnsafeRawBufferPointer(rebasing: bytes[start..<end])
      hashes.append(Self.hash(line))
      let hasReturn = line.last == 0x0D
      hashesWithoutReturns.append(
        hasReturn
          ? Self.hash(UnsafeRawBufferPointer(rebasing: line.dropLast())) : hashes[hashes.count - 1])
      start = end + (length == nil ? 0 : 1)
    }
  }

  private static func hash(_ line: UnsafeRawBufferPointer) -> Int {
    var hasher = Hasher()
    hasher.combine(bytes: line)
    return hasher.finalize()
  }

  /// The bytes of a line by its number.
  func line(_ number: Int) -> UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: bytes[ranges[number - first]])
  }
}

/// Short pieces of two lines around the first place at which they differ.
enum Excerpt {
  static let width = 40

  static func pair(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer
  ) -> (old: String, new: String) {
    let shared = min(old.count, new.count)
    var at = 0
    while at < shared, old[at] == new[at] { at += 1 }
    let start = max(old.count, new.count) <= width ? 0 : max(0, at - width / 3)
    return (piece(old, from: start), piece(new, from: start))
  }

  /// At most `width` bytes and whole characters; what is not UTF-8 shows as replacement characters.
  static func piece(_ line: UnsafeRawBufferPointer, from wanted: Int = 0) -> String {
    var start = min(wanted, line.count)
    while start > 0, start < line.count, line[start] & 0xC0 == 0x80, wanted - start < 4 {
      start -= 1
    }
    var end = min(line.count, start + width)
    while end > start, end < line.count, line[end] & 0xC0 == 0x80, start + width - end < 4 {
      end -= 1
    }
    let text = String(decoding: line[start..<end], as: UTF8.self)
    return (start > 0 ? "…" : "") + text + (end < line.count ? "…" : "")
  }
}
