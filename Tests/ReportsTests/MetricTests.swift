import CanonicalJSON
import Diagnostics
import Testing

@testable import Reports

@Suite struct MetricTests {
  @Test func readsWhatItWrote() throws {
    let metrics = [
      Metric("share", 0.25, unit: "share", low: 0.2, high: 0.3, count: 12, at: ["class": "left"]),
      Metric("perplexity", 12.5, count: 4000, tolerance: 0.01), Metric("n", 3, count: 3),
    ]
    #expect(try Metric.read(Metric.file(metrics), shown: "m") == metrics)
    #expect(try Metric.read(Array("[]".utf8), shown: "m").isEmpty)
  }

  @Test(arguments: [
    ("", "json-syntax"),
    ("{}", "metrics-malformed"),
    ("[1]", "metrics-malformed"),
    ("[{}]", "metrics-malformed"),
    (#"[{"name": "", "value": 1, "n": 1}]"#, "metrics-malformed"),
    (#"[{"name": "a", "n": 1}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": null, "n": 1}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": "1", "n": 1}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": 1e999, "n": 1}]"#, "json-syntax"),
    (#"[{"name": "a", "value": NaN, "n": 1}]"#, "json-syntax"),
    (#"[{"name": "a", "value": 1}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": 1, "n": -1}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": 1, "n": 1.5}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": 1, "n": 1, "at": []}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": 1, "n": 1, "unit": 3}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": 1, "n": 1, "low": "x"}]"#, "metrics-malformed"),
    (#"[{"name": "a", "value": 1, "n": 1, "low": 2, "high": 1}]"#, "metrics-malformed"),
  ])
  func refusesHostileFiles(text: String, id: String) {
    let error = #expect(throws: Diagnostic.self) {
      try Metric.read(Array(text.utf8), shown: "metrics.json")
    }
    #expect(error?.id == id)
  }

  @Test(arguments: [
    ("{", 1), ("{\"step\": 1}", 1), ("{\"loss\": 1}", 1), ("{\"step\": -1, \"loss\": 1}", 1),
    ("{\"step\": 1, \"loss\": 2}\n[]", 2), ("{\"step\": 1, \"loss\": null}", 1),
  ])
  func refusesHostileHistories(text: String, line: Int) {
    let error = #expect(throws: Diagnostic.self) { try TrainingStep.read(Array(text.utf8)) }
    #expect(error?.id == "history-malformed")
    #expect(error?.message.contains("line \(line) ") == true)
  }
}
