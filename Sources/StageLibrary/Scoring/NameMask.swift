// Names that a classifier must not learn by: outlets that write about themselves. They are replaced by
// one word, in training and in whatever the classifier judges later.

import CanonicalJSON
import Corpora

struct NameMask: Sendable, Equatable {
  /// What stands in a text where a name stood.
  static let placeholder = "outlet"

  /// Sorted by their bytes, each once.
  let names: [String]
  /// Words of the names by first word, longest first. Look-up only.
  private let byFirst: [[UInt8]: [[[UInt8]]]]

  init(_ names: [String]) {
    var sorted: [String] = []
    for name in names.sorted(by: bytesPrecede) where !Self.words(Array(name.utf8)).isEmpty {
      if let last = sorted.last, bytesEqual(last, name) { continue }
      sorted.append(name)
    }
    self.names = sorted
    var byFirst: [[UInt8]: [[[UInt8]]]] = [:]
    for name in self.names {
      let bytes = Array(name.utf8)
      let words = Self.words(bytes).map { Array(bytes[$0]) }
      byFirst[words[0], default: []].append(words)
    }
    self.byFirst = byFirst.mapValues { $0.sorted { $0.count > $1.count } }
  }

  /// Names of the outlets that wrote these documents, without what directories of outlets add:
  /// "Fox News (Online)" is Fox News, "New York Times - Opinion" New York Times.
  init(sourcesOf documents: [Document], and given: [String]) {
    var names = given
    for source in documents.compactMap(\.source) {
      var name = source[...]
      if let end = name.firstRange(of: " (") { name = name[..<end.lowerBound] }
      if let end = name.firstRange(of: " - ") { name = name[..<end.lowerBound] }
      names.append(String(name))
      if name.hasPrefix("The ") { names.append(String(name.dropFirst(4))) }
    }
    self.init(names)
  }

  var isEmpty: Bool { names.isEmpty }

  /// The text with every name replaced that stands there as whole words, capitals as in the name; the
  /// longest name wins. Words may be parted by white space and punctuation of any length up to three
  /// bytes.
  func masked(_ text: String) -> String {
    guard !isEmpty else { return text }
    let bytes = Array(text.utf8)
    let words = Self.words(bytes)
    var result: [UInt8] = []
    var copied = 0
    var at = 0
    while at < words.count {
      guard let length = match(bytes, words, at) else {
        at += 1
        continue
      }
      result += bytes[copied..<words[at].lowerBound]
      result += Array(Self.placeholder.utf8)
      copied = words[at + length - 1].upperBound
      at += length
    }
    guard copied > 0 else { return text }
    result += bytes[copied...]
    return String(decoding: result, as: UTF8.self)
  }

  /// How many words of a name begin here.
  private func match(_ bytes: [UInt8], _ words: [Range<Int>], _ at: Int) -> Int? {
    guard let candidates = byFirst[Array(bytes[words[at]])] else { return nil }
    return candidates.first { name in
      guard at + name.count <= words.count else { return false }
      return name.indices.allSatisfy { index in
        let word = words[at + index]
        let isNear = index == 0 || word.lowerBound - words[at + index - 1].upperBound <= 3
        return isNear && bytes[word].elementsEqual(name[index])
      }
    }?.count
  }

  /// Runs of ASCII letters, digits and bytes beyond ASCII.
  private static func words(_ bytes: [UInt8]) -> [Range<Int>] {
    var words: [Range<Int>] = []
    var start: Int?
    for (index, byte) in bytes.enumerated() {
      let isWord =
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), 0x80...:
          true
        default: false
        }
      if isWord, start == nil { start = index }
      if !isWord, let first = start {
        words.append(first..<index)
        start = nil
      }
    }
    if let start { words.append(start..<bytes.count) }
    return words
  }
}
