import Testing

@testable import Tokenizers

@Suite struct PreTokenizerTests {
  static let cases: [(String, [String])] = [
    ("Hello, world's  end", ["Hello", ",", " world", "'s", " ", " end"]),
    ("I'll I'LL", ["I", "'ll", " I", "'", "LL"]),
    (" 's", [" '", "s"]),
    ("a\n\nb", ["a", "\n", "\n", "b"]),
    ("a \n b", ["a", " \n", " b"]),
    ("a  ", ["a", "  "]),
    ("a\u{A0}b", ["a", "\u{A0}", "b"]),
    ("a \u{A0}b", ["a", " ", "\u{A0}", "b"]),
    ("x½Ⅵ7", ["x", "½Ⅵ7"]),
    ("e\u{301}e", ["e", "\u{301}", "e"]),
    (" !?a", [" !?", "a"]),
  ]

  @Test(arguments: cases)
  func splitsAsTheExpressionDoes(_ text: String, _ expected: [String]) {
    var pieces: [[UInt8]] = []
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      PreTokenizer().forEachPiece(of: bytes) { pieces.append(Array($0)) }
    }
    #expect(pieces == expected.map { Array($0.utf8) })
  }

  @Test func classesFollowOneUnicodeVersion() {
    #expect(unicodeVersion == "16.0.0")
    let table: [(UInt32, UnicodeClass)] = [
      (0x41, .letter), (0x39, .number), (0x20, .space), (0x85, .space), (0xA0, .space),
      (0x200B, .other), (0x2028, .space), (0x1C, .other), (0xBD, .number), (0x2165, .number),
      (0x1C89, .letter), (0x4E00, .letter), (0x20000, .letter), (0x1F600, .other),
      (0x1D7CE, .number), (0x10FFFF, .other),
    ]
    for (point, kind) in table { #expect(UnicodeClass(point) == kind, "\(point)") }
  }
}
