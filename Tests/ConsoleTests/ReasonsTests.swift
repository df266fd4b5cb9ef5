import Testing

@testable import Console

@Suite struct ReasonsTests {
  @Test(arguments: [
    ([], ""), (["new"], "new"), (["a", "b"], "a; b"), (["a", "b", "c", "d"], "a; b; and 2 more"),
  ])
  func showsTheFirstAndCountsTheRest(reasons: [String], expected: String) {
    #expect(inOneLine(reasons) == expected)
  }
}
