import Testing

@testable import RunHistory

@Suite struct RunNameTests {
  @Test func namesAreRead() throws {
    #expect(try RunName("latest") == .latest(back: 0))
    #expect(try RunName("latest~12") == .latest(back: 12))
    #expect(try RunName("2026-11-22") == .begun("20261122"))
    #expect(try RunName("2026-11-22T08") == .begun("20261122T08"))
    #expect(try RunName("2026-11-22 08:30") == .begun("20261122T0830"))
    #expect(try RunName("20261122T08") == .part("20261122T08"))
    #expect(try RunName("7e0106") == .part("7e0106"))
  }

  @Test(arguments: [
    "", "a", "..", "latest~", "latest~-1", "latest~x", "latest~99999999999999999999", "a/b",
    "x y z",
    ".hidden", "näme", "20\u{0}26",
  ])
  func otherTextsAreRefused(text: String) {
    #expect(throws: (any Error).self) { try RunName(text) }
  }
}
