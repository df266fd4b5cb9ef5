import Testing

@testable import Reports

struct FormatLevelTests {
  @Test(
    "A level is shown with the digits it has",
    arguments: [
      (0.05, "0.05"), (0.001, "0.001"), (0.1, "0.1"), (1, "1"), (12.5, "12.5"), (0, "0"),
      (0.00001, "1e−05"), (0.123_456_78, "0.123457"), (.nan, "–"),
    ])
  func level(value: Double, text: String) { #expect(Format.level(value) == text) }
}
