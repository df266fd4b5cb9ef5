// The stage kind `compare-traits`: scores of all methods in, figures and a section with the study's claims
// out. The comparison is in Personality (TraitComparison.swift).

import CanonicalJSON
import Diagnostics
import ModelFiles
import Personality
import Reports
import Scheduling

enum CompareTraitsStage: StageBody {
  static let kind = "compare-traits"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let (labels, answers) = try stage.judgedAnswers()
    var metrics: [Metric] = []
    for (number, input) in stage.inputs("metrics").enumerated() {
      metrics += try Metric.read(input.bytes("metrics.json"), shown: "metrics[\(number)]").map {
        placed($0, input.coordinates)
      }
    }
    var units: [TraitUnitSet] = []
    for (number, input) in stage.inputs("units").enumerated() {
      let path = "units[\(number)]"
      if let set = try TraitUnitSet(input.bytes("scores.jsonl"), shown: path) { units.append(set) }
    }
    var judgeTests: [Metric] = []
    for (number, input) in stage.inputs("judge_tests").enumerated() {
      judgeTests += try Metric.read(
        input.bytes("metrics.json"), shown: "judge_tests[\(number)]")
    }
    var sheets: [TraitSection.Sheet] = []
    for (number, input) in stage.inputs("inventories").enumerated() {
      sheets.append(
        .init(
          target: input.coordinates["trait"]?.string,
          metrics: try Metric.read(
            input.bytes("metrics.json"), shown: "inventories[\(number)]")))
    }
    let comparison = TraitComparison(
      labels: labels, answers: answers, leastEntropy: parameters.number("least_entropy"),
      replicates: parameters.integer("bootstrap"), random: stage.random)
    let section = TraitSection(
      comparison, metrics: metrics,
      names: .init(
        tuned: parameters.string("tuned"), prompted: parameters.string("prompted"),
        edited: parameters.string("edited"), base: parameters.string("base"),
        dosed: parameters.string("dosed")), units: units, judgeTests: judgeTests,
      sheets: sheets)
    try AtomicFile.write(
      Metric.file(section.figures), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      section.section.bytes, to: stage.output("section").path("section.json"))
    for claim in section.claims {
      stage.log("\(claim.id): \(claim.verdict.words). \(claim.evidence)")
    }
  }

  /// A figure with the coordinates of its input, such as an editor's rate, where it does not name them.
  private static func placed(_ metric: Metric, _ coordinates: JSONObject) -> Metric {
    var metric = metric
    let more = coordinates.members.filter { metric.at[$0.key] == nil }
    metric.at = JSONObject((metric.at.members + more).map { ($0.key, $0.value) })
    return metric
  }
}
