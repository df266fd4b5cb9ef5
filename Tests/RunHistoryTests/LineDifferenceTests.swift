// Line scripts against a plain dynamic program, and texts that are barely texts.

import Foundation
import ModelFiles
import Testing

@testable import RunHistory

@Suite final class LineDifferenceTests {
  /// A difference points into its texts.
  private var texts: [MappedFile] = []

  private func difference(_ old: String, _ new: String) -> LineDifference {
    compare(Array(old.utf8), Array(new.utf8))
  }

  private func compare(_ old: [UInt8], _ new: [UInt8]) -> LineDifference {
    let both = [old, new].map { MappedFile(copying: $0, shown: "") }
    texts += both
    return LineDifference(both[0].bytes, both[1].bytes)
  }

  @Test func countsAreThoseOfTheShortestScript() {
    var state: UInt64 = 7
    func next(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    for _ in 0..<300 {
      let a = (0..<next(14)).map { _ in "l\(next(5))" }
      let b = (0..<next(14)).map { _ in "l\(next(5))" }
      let text = { (lines: [String]) in lines.map { $0 + "\n" }.joined() }
      let found = difference(text(a), text(b))
      var longest = [[Int]](repeating: [Int](repeating: 0, count: b.count + 1), count: a.count + 1)
      for i in 0..<a.count {
        for j in 0..<b.count {
          longest[i + 1][j + 1] =
            a[i] == b[j] ? longest[i][j] + 1 : max(longest[i][j + 1], longest[i + 1][j])
        }
      }
      let common = longest[a.count][b.count]
      #expect(found.isExact)
      #expect(found.removed + found.changed == a.count - common, "\(a) \(b)")
      #expect(found.added + found.changed == b.count - common, "\(a) \(b)")
      // Line numbers are those of the whole text.
      if let hunk = found.hunks.first, let line = hunk.new.first {
        let shown = found.newLines.line(line)
        #expect(String(decoding: shown, as: UTF8.self) == b[line - 1])
      }
    }
  }

  @Test func lineEndsAloneAreSaidToBeThat() {
    #expect(difference("a\nb\nc\n", "a\r\nb\r\nc\r\n").onlyLineEnds)
    #expect(difference("a\nb", "a\nb\n").onlyLineEnds)
    #expect(difference("a\nb", "a\nb\n").hunks.isEmpty)
    #expect(!difference("a\nb\n", "a\nb \n").onlyLineEnds)
    #expect(!difference("a\n", "a\n\n").onlyLineEnds)
  }

  @Test func emptyAndEndlessTextsAreCompared() {
    #expect(difference("", "a\n").added == 1)
    #expect(difference("a", "").removed == 1)
    #expect(difference("", "\n\n").added == 2)
    #expect(difference("x\n", "y\nx\n").added == 1)
    let long = String(repeating: "x", count: 3_000_000)
    let found = difference("a\n" + long + "1\nb\n", "a\n" + long + "2\nb\n")
    #expect(found.changed == 1 && found.hunks.first?.new == 2..<3)
    let (old, new) = Excerpt.pair(found.oldLines.line(2), found.newLines.line(2))
    #expect(old.utf8.count < 80 && old.hasSuffix("1") && new.hasSuffix("2"), "\(old)")
  }

  @Test func manyDifferencesAreCountedWithoutOrder() {
    let a = (0..<5000).map { "a\($0)\n" }.joined()
    let b = (0..<6000).map { "b\($0)\n" }.joined()
    let found = difference(a + "same\n", "same\n" + b)
    #expect(!found.isExact)
    #expect(found.removed == 5000 && found.added == 6000)
  }

  @Test func bytesThatAreNoUTF8AreShownWithoutHarm() {
    let found = compare([0x61, 0xFF, 0xFE, 0x0A], [0x61, 0xC3, 0x28, 0x0A])
    #expect(found.changed == 1)
    let (old, new) = Excerpt.pair(found.oldLines.line(1), found.newLines.line(1))
    #expect(old.hasPrefix("a") && old != new)
    // A cut inside a character does not tear it.
    let text = Array(String(repeating: "é", count: 60).utf8)
    text.withUnsafeBytes { #expect(!Excerpt.piece($0, from: 21).contains("\u{FFFD}")) }
  }
}
