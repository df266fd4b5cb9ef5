import Diagnostics
import Testing

@testable import Pipelines

@Suite struct PipelineSelectionTests {
  private func pipeline() throws -> Pipeline {
    try Fixtures.pipeline(try Fixtures.text("fixtures/bias.yaml"), set: ["generations=3"])
  }

  @Test(arguments: [
    (["real"], 1), (["train"], 16), (["train[strategy=preserve]"], 4),
    (["train[strategy=preserve,generation=2]"], 1), (["train[generation=0..1]"], 8),
    (["train[generation=1..<3, strategy=*]"], 8), (["train[*]"], 16),
    (["real", "train", "real"], 17),
    (["train[strategy='none']"], 4), ([], 0),
  ])
  func selects(selectors: [String], count: Int) throws {
    let pipeline = try pipeline()
    let found = try pipeline.select(selectors)
    #expect(found.count == count)
    #expect(found == found.sorted())
  }

  @Test(arguments: [
    ("trian", "unknown-stage", "1:1"), ("train[strategi=none]", "unknown-axis", "1:7"),
    ("train[strategy=nine]", "not-on-axis", "1:16"), ("train[generation=9]", "not-on-axis", "1:18"),
    ("train[generation=7..9]", "selects-nothing", "1:1"), ("train.model", "selector-port", "1:7"),
    ("train[generation - 1]", "selector-form", "1:7"), ("train[", "expression-syntax", "1:6"),
    ("train[generation=1] x", "expression-syntax", "1:21"), ("", "expression-syntax", "1:1"),
    ("[a=1]", "expression-syntax", "1:1"), ("train[strategy=0..1]", "axis-not-integer", "1:7"),
  ])
  func badSelectorsPointAtTheirText(selector: String, id: String, place: String) throws {
    let pipeline = try pipeline()
    do {
      _ = try pipeline.select([selector])
      Issue.record("\(selector) was accepted")
    } catch {
      #expect(error.id == id)
      #expect(error.span?.shown == place)
      #expect(error.help != nil)
    }
  }

  @Test func portsNeedNoNameWhereThereIsOne() throws {
    let pipeline = try pipeline()
    let models = try pipeline.selectPort("train[strategy=none].model")
    #expect(
      models.map { "\(pipeline.instances[$0.instance].id).\($0.port)" }.first
        == "train[strategy=none,generation=0].model")
    #expect(models.count == 4)
    #expect(try pipeline.selectPort("real").map(\.port) == ["corpus"])
    #expect(throws: Diagnostic.self) { try pipeline.selectPort("train") }
    #expect(throws: Diagnostic.self) { try pipeline.selectPort("train.modle") }
  }

  @Test func graphsShowStagesOrInstances() throws {
    let pipeline = try pipeline()
    let dot = PipelineGraph.text(pipeline, format: .dot)
    #expect(dot.hasPrefix("digraph \"bias-amplification\" {"))
    #expect(dot.contains("[label=\"train\\nfine-tune × 16\"]"))
    #expect(dot.contains("n4 -> n2 [label=\"corpus\"]"))
    let mermaid = PipelineGraph.text(pipeline, format: .mermaid)
    #expect(mermaid.contains("n3 -->|\"corpus → synthetic\"| n4"))
    let text = PipelineGraph.text(pipeline, format: .text)
    #expect(text.contains("base (import-model)\n  files ← file inputs/gpt2\n"))
    #expect(text.contains("report (report)\n  bias ← score.metrics\n"))
    let instances = PipelineGraph.text(pipeline, format: .text, instances: true)
    #expect(
      instances.contains(
        "train[strategy=none,generation=0] (fine-tune)\n  model ← base.model\n"))
    #expect(instances.split(separator: "\n").filter { !$0.hasPrefix(" ") }.count == 68)
  }
}
