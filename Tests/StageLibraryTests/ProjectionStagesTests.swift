// score-statements, project-bias and compare-projections through their bodies, on a tiny model that is
// moved by hand.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Randomness
import Reports
import Scheduling
import Testing

@testable import StageLibrary

/// Makes `tokenizer`, `base`, and the corpora `left` and `right`.
private func prepare(_ place: Workplace) throws {
  let words = ["taxes", "family", "state", "nature", "guns", "work", "law", "trade"]
  func statements(_ side: String, _ count: Int) -> [Document] {
    (0..<count).map { index in
      let text = (0...index % 4).map { words[(index * 3 + $0 + side.count) % words.count] }
      return Document(id: "\(side)-\(index)", text: "I like \(text.joined(separator: " and ")).")
    }
  }
  try place.corpus("left", statements("left", 6))
  try place.corpus("right", statements("right", 8))
  try place.corpus("all", statements("left", 40) + statements("right", 40))
  try place.run(
    TrainTokenizerStage.self, [("vocabulary_size", 300), ("minimum_count", 2)],
    ["corpus": [place.input("all")]], ["tokenizer": "tokenizer"])
  try place.run(
    InitialiseModelStage.self,
    [
      ("layers", 1), ("width", 32), ("heads", 2), ("context", 48), ("deviation", 0.1), ("seed", 1),
    ], ["tokenizer": [place.input("tokenizer")]], ["model": "base"])
}

/// A model a little way from another, in a direction that its name draws.
private func move(_ place: Workplace, _ from: String, to name: String) throws {
  let model = try LanguageModel(files: place.input(from).files)
  for parameter in model.table.parameters {
    var stream = RandomStream(seed: 1, name: name + parameter.name)
    let values = model.weights[parameter.region].data
    for index in 0..<parameter.count { values[index] += Float(0.01 * stream.normal()) }
  }
  try model.write(
    to: place.make(name).folder, tokenizerJSON: place.bytes("base/tokenizer.json"))
}

private func at(_ members: KeyValuePairs<String, JSONValue>) -> JSONObject {
  JSONObject(members.map { ($0.key, $0.value) })
}

private func id(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch { return (error as? Diagnostic)?.id }
}

private func project(
  _ place: Workplace, start: [String], models: [(String, JSONObject)],
  adapters: [(String, JSONObject)] = [], to name: String = "projection"
) throws {
  try place.run(
    ProjectBiasStage.self,
    [
      ("prompt", "Honestly: "), ("scale", "token"), ("nodes", 4), ("batch_tokens", 256),
      ("generation_axis", "generation"),
    ],
    [
      "start": start.map { try place.input($0) },
      "models": models.map { try place.input($0.0, $0.1) },
      "adapters": adapters.map { try place.input($0.0, $0.1) }, "paths": [],
      "left": [place.input("left")], "right": [place.input("right")],
    ], ["metrics": name, "section": name + "-section"])
}

@Suite struct ProjectionStagesTests {
  @Test func aChainIsProjectedAndGathered() throws {
    let place = try Workplace()
    try prepare(place)
    var names = ["base"]
    for generation in 0...2 {
      try move(place, names.last!, to: "model-\(generation)")
      names.append("model-\(generation)")
    }
    let models = (0...2).map {
      ("model-\($0)", at(["seed": 7, "generation": .integer($0)]))
    }
    try project(place, start: ["base"], models: models)
    let rows = try place.metrics("projection")
    func values(_ name: String) -> [Double] { rows.filter { $0.name == name }.map(\.value) }
    #expect(values("bias_change").count == 3)
    #expect(values("path_error").allSatisfy { $0 < 0.01 })
    // What one update ends with the next begins with.
    for index in 0...1 {
      #expect(
        abs(
          values("bias_before")[index] + values("bias_change")[index]
            - values("bias_before")[index + 1]) < 1e-12)
    }
    let parts = rows.filter { $0.name == "part_projection" }.reduce(0) { $0 + $1.value }
    #expect(abs(parts - values("path_projection").reduce(0, +)) < 1e-9)

    // The same without a start: one update fewer, the others as they were.
    try project(place, start: [], models: models, to: "later")
    let later = try place.metrics("later").filter { $0.name == "bias_change" }
    #expect(later.map(\.value) == Array(values("bias_change").dropFirst()))
    #expect(later.map { $0.at["generation"]?.integer } == [1, 2])

    let section = try ReportSection.read(
      place.bytes("projection-section/section.json"), shown: "section.json")
    #expect(section.claims.map(\.id) == ["projection-predicts"])
    try place.run(
      CompareProjectionsStage.self, [],
      [
        "metrics": [
          place.input("projection", at(["seed": 7])), place.input("later", at(["seed": 8])),
        ]
      ], ["metrics": "signs", "section": "signs-section"])
    let signs = try place.metrics("signs")
    #expect(signs[0].name == "signs_agree" && signs[0].count == 5)
    let agreeing = values("signs_agree").reduce(0, +)
    #expect(signs[1].value == agreeing && signs[1].at["seed"]?.integer == 7)
    let all = try ReportSection.read(
      place.bytes("signs-section/section.json"), shown: "section.json")
    #expect(all.claims[0].chains == 2)
    #expect(all.claims[0].evidence.contains("descriptive"))
  }

  /// Adapters beside a model are points like the models they would be merged into.
  @Test func adaptersBesideAStart() throws {
    let place = try Workplace()
    try prepare(place)
    let base = try LanguageModel(files: place.input("base").files)
    let adapter = try LowRankAdapter(.init(rank: 2, alpha: 4), for: base.table, seed: 1)
    for parameter in adapter.parameters {
      var stream = RandomStream(seed: 2, name: parameter.name)
      let values = adapter.weights[parameter.region].data
      for index in 0..<parameter.count { values[index] += Float(0.05 * stream.normal()) }
    }
    try adapter.write(to: place.make("adapter").folder, baseName: nil, base: base)
    try adapter.merged(into: base).write(
      to: place.make("merged").folder, tokenizerJSON: place.bytes("base/tokenizer.json"))
    let first = at(["generation": 0])
    try project(place, start: ["base"], models: [("merged", first)], to: "whole")
    try project(place, start: ["base"], models: [], adapters: [("adapter", first)], to: "beside")
    #expect(try place.bytes("whole/metrics.json") == place.bytes("beside/metrics.json"))
    #expect(
      id { try project(place, start: [], models: [], adapters: [("adapter", first)]) }
        == "projection-path")
  }

  @Test func pathsThatAreNone() throws {
    let place = try Workplace()
    try prepare(place)
    let chain = { (seed: Int, generation: Int) in
      ("base", at(["seed": .integer(seed), "generation": .integer(generation)]))
    }
    #expect(id { try project(place, start: [], models: []) } == "projection-path")
    #expect(id { try project(place, start: ["base"], models: []) } == "projection-path")
    #expect(id { try project(place, start: [], models: [chain(1, 0)]) } == "projection-path")
    #expect(
      id { try project(place, start: [], models: [chain(1, 0), chain(2, 1)]) }
        == "projection-path")
    #expect(id { try project(place, start: [], models: [chain(1, 0), chain(1, 1)]) } == nil)
  }

  @Test func statementsAreScoredAgainstAReference() throws {
    let place = try Workplace()
    try prepare(place)
    try move(place, "base", to: "moved")
    func score(_ model: String, reference: [String], prompt: JSONValue = "") throws -> [Metric] {
      try place.run(
        ScoreStatementsStage.self,
        [("prompt", prompt), ("storage", "float32"), ("replicates", 200), ("seed", 1)],
        [
          "model": [place.input(model)], "adapter": [], "left": [place.input("left")],
          "right": [place.input("right")], "reference": reference.map { try place.input($0) },
        ], ["metrics": "metrics", "scores": "scores"])
      return try place.metrics()
    }
    func value(_ rows: [Metric], _ name: String, _ side: String? = nil) throws -> Metric {
      try #require(
        rows.first {
          $0.name == name && $0.at["scale"]?.string == "token" && $0.at["side"]?.string == side
        })
    }
    let rows = try score("moved", reference: ["base"])
    let difference = try value(rows, "difference")
    let left = try value(rows, "log_probability", "left")
    let right = try value(rows, "log_probability", "right")
    #expect(left.count == 6 && right.count == 8 && left.value < 0)
    #expect(abs(difference.value - (right.value - left.value)) < 1e-12)
    #expect(difference.low! < difference.value && difference.value < difference.high!)
    let change = try value(rows, "change")
    let before = try value(rows, "reference_difference")
    #expect(abs(change.value - (difference.value - before.value)) < 1e-12)
    // Pairs share their statements, so the change is known better than either difference.
    #expect(change.high! - change.low! < difference.high! - difference.low!)
    let lines = try place.bytes("scores/scores.jsonl").split(separator: UInt8(ascii: "\n"))
    #expect(lines.count == 14)

    // A model has not changed against itself, in no statement.
    let same = try score("base", reference: ["base"])
    let none = try value(same, "change")
    #expect(none.value == 0 && none.low == 0 && none.high == 0)
    // A prompt changes what is expected.
    let prompted = try score("base", reference: [], prompt: "Honestly: ")
    #expect(try value(prompted, "difference").value != value(same, "difference").value)
  }
}

@Suite struct ProjectionReplicateTests {
  /// Setups of one seed share what they began with: they count once.
  @Test func seedsAreTheUnit() {
    func run(_ strategy: String, _ seed: Int, agrees: Bool) -> ProjectedRun {
      ProjectedRun(
        chain: JSONObject([("strategy", .string(strategy)), ("seed", .integer(seed))]),
        rows: [
          ProjectionRow(
            generation: 0, before: 0, change: 0.1, pathAveraged: 0.1,
            coefficient: agrees ? 1 : -1, gradientNorm: 1, stepLength: 2, steps: 1)
        ])
    }
    let runs = (1...6).flatMap { seed in
      ["none", "overfit", "preserve", "accumulate"].map {
        run($0, seed, agrees: $0 != "overfit")
      }
    }
    let bySeed = ProjectionSection(runs, replicateAxis: "seed").claim
    #expect(bySeed.chains == 6 && bySeed.effect == 0.75)
    // Six equal shares above ½: two of 2⁶ patterns are as extreme.
    #expect(abs((bySeed.p ?? 0) - 2.0 / 64) < 1e-12)
    #expect(bySeed.evidence.contains("18 of 24 updates of 24 chains, which are 6 of seed"))
    let few = ProjectionSection(Array(runs.prefix(8)), replicateAxis: "seed").claim
    #expect(few.p == nil && few.chains == 2)
    #expect(ProjectionSection(runs, replicateAxis: "").claim.chains == 24)
  }
}
