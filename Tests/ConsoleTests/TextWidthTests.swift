import Testing

@testable import Console

@Suite struct TextWidthTests {
  @Test func `outside text cannot move the cursor`() {
    #expect("a\u{1B}[2Jb\rc\td\u{202E}e".drawable == "a\u{FFFD}[2Jb\u{FFFD}c d\u{FFFD}e")
    #expect("plain – text".drawable == "plain – text")
  }

  @Test(arguments: [
    ("train", 5), ("", 0), ("日本", 4), ("e\u{301}", 1), ("🙂x", 3), ("━━", 2),
  ])
  func `columns`(text: String, count: Int) {
    #expect(text.columns == count)
  }

  @Test(arguments: [
    ("abcdef", 6, "abcdef"), ("abcdef", 5, "abcd…"), ("日本語", 4, "日…"), ("abc", 0, ""),
    ("abc", 1, "…"),
  ])
  func `a cut text fits`(text: String, width: Int, cut: String) {
    #expect(text.cut(to: width) == cut)
    #expect(text.cut(to: width).columns <= width)
  }
}
