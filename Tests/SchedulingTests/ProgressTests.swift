import CanonicalJSON
import Testing

@testable import Scheduling

@Suite struct ProgressTests {
  @Test func aProgressLineReadsBack() throws {
    let progress = Progress(step: 3, of: 10, loss: 0.5, rate: 12, unit: "tokens", note: "warm-up")
    #expect(Progress(try JSONValue(parsing: progress.json.canonicalText)) == progress)
  }

  @Test func numbersThatJSONCannotHoldAreLeftOut() {
    let progress = Progress(step: 1, of: nil, loss: .nan, rate: .infinity)
    #expect(progress.json.canonicalText == #"{"step":1}"#)
  }

  @Test(arguments: ["null", "[]", "{}", #"{"step":"1"}"#, #"{"step":1e300}"#, #""step""#])
  func whatIsNoProgressIsRefused(line: String) throws {
    #expect(Progress(try JSONValue(parsing: line)) == nil)
  }
}
