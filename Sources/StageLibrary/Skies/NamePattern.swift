// Which files of a folder are meant: shell patterns, as people know them.

/// `*` and `?` stay inside a name, `**` crosses folders; letters A–Z of either case.
///
/// A pattern without `/` is held against the last part of a path, else against all of it.
struct NamePattern {
  private let pattern: [UInt8]
  private let isWhole: Bool

  init(_ text: String) {
    pattern = Self.folded(text)
    isWhole = pattern.contains(UInt8(ascii: "/"))
  }

  func matches(_ path: String) -> Bool {
    var name = Self.folded(path)[...]
    if !isWhole, let slash = name.lastIndex(of: UInt8(ascii: "/")) {
      name = name[(slash + 1)...]
    }
    return matches(Array(name))
  }

  /// Which prefixes of the pattern match what was read so far: linear in pattern × name, whatever
  /// the pattern.
  private func matches(_ name: [UInt8]) -> Bool {
    let star = UInt8(ascii: "*")
    let slash = UInt8(ascii: "/")
    // Stars folded: "**" and longer cross folders.
    var parts: [(byte: UInt8, crosses: Bool)] = []
    var index = 0
    while index < pattern.count {
      var run = index
      while run < pattern.count, pattern[run] == star { run += 1 }
      if run > index {
        parts.append((star, run - index > 1))
        index = run
        // "**/" also stands for no folder at all.
        if parts.last!.crosses, index < pattern.count, pattern[index] == slash { index += 1 }
      } else {
        parts.append((pattern[index], false))
        index += 1
      }
    }
    func closed(_ states: [Bool]) -> [Bool] {
      var states = states
      for (at, part) in parts.enumerated() where states[at] && part.byte == star {
        states[at + 1] = true
      }
      return states
    }
    var states = [Bool](repeating: false, count: parts.count + 1)
    states[0] = true
    states = closed(states)
    for byte in name {
      var next = [Bool](repeating: false, count: parts.count + 1)
      for (at, part) in parts.enumerated() where states[at] {
        if part.byte == star {
          if part.crosses || byte != slash { next[at] = true }
        } else if part.byte == byte || (part.byte == UInt8(ascii: "?") && byte != slash) {
          next[at + 1] = true
        }
      }
      states = closed(next)
    }
    return states[parts.count]
  }

  private static func folded(_ text: String) -> [UInt8] {
    text.utf8.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
  }
}
