import CanonicalJSON
import Foundation
import Testing

@testable import Reports

@Suite struct RunPageTests {
  @Test func plain() {
    let page = RunPage.wrap(
      reportHTML: nil, run: RunSummary(name: "a<b", id: "x", started: "now", seconds: 1))
    #expect(page.contains("a&lt;b"))
  }
}
