import CanonicalJSON
import Diagnostics
import Foundation
import Reports
import Statistics
import Testing

@testable import StageLibrary

@Suite struct ResultTableTests {
  private static func table(_ text: String) throws -> ResultTable {
    try ResultTable(Array(text.utf8), path: "table.csv")
  }

  private static let columns = try? ReleasedScores.Columns(
    generation: "Generation", id: "Article_ID",
    classes: ["left=Left_Score", "center=Center_Score", "right=Right_Score"])

  private static func scores(
    _ text: String, ties: ReleasedScores.Ties = .first, shift: Int = 0
  ) throws -> ReleasedScores {
    try ReleasedScores(
      table(text), setup: "s", columns: #require(columns), shift: shift, ties: ties)
  }

  private static let header = "Generation,Article_ID,Left_Score,Center_Score,Right_Score\n"

  @Test func labelsAreTheHighestScores() throws {
    let text =
      "\u{FEFF}" + Self.header
      + "1,a,0.2,0.3,0.5\r\n1,\"b\",0.6,0.3,0.1\r\n2,a,0.1,0.1,0.8\r\n2,b, 0.1 ,0.7,0.2\r\n"
    let scores = try Self.scores(text, shift: -1)
    #expect(scores.generations.map(\.number) == [0, 1])
    #expect(
      scores.generations[0].counts == [1, 0, 1] && scores.generations[1].counts == [0, 1, 1])
    let interval = try #require(scores.generations[0].interval(2))
    #expect(interval == Interval.wilson(successes: 1, of: 2))
  }

  @Test(
    arguments: zip(
      [ReleasedScores.Ties.first, .split, .skip], [[1.0, 0, 1], [0.5, 0.5, 1], [0, 0, 1]]))
  func tiesAreCountedAndDealtWithAsAsked(_ ties: ReleasedScores.Ties, _ counts: [Double]) throws {
    let scores = try Self.scores(Self.header + "0,a,0.4,0.4,0.2\n0,b,0,0,1\n", ties: ties)
    #expect(scores.generations[0].ties == 1 && scores.generations[0].counts == counts)
    #expect(scores.generations[0].count == (ties == .skip ? 1 : 2))
    #expect((scores.generations[0].interval(0) == nil) == (ties == .split))
  }

  private static let hostile: [(String, String)] = [
    ("", "empty"), (header, "no rows"), (header + "1,a,0.2,0.3\n", "4 fields"),
    (header + "1,a,0.2,0.3,0.5,0.6\n", "6 fields"), (header + "1,a,0.2,0.3,x\n", "not a number"),
    (header + "1,a,0.2,0.3,nan\n", "no number"), (header + "1,a,0.2,0.3,\n", "no number"),
    (header + "1,a,0.2,0.3,inf\n", "not a number"),
    (header + "1,a,0.2,0.3,0x1p3\n", "not a number"),
    (header + "1,a,0.2,0.3,1e999\n", "not a number"), (header + "1.5,a,0,0,1\n", "whole number"),
    (header + "1e300,a,0,0,1\n", "whole number"), (header + ",a,0,0,1\n", "whole number"),
    (header + "1,,0,0,1\n", "nothing in the column"), (header + "1,a,0,0,1\n1,a,0,0,1\n", "again"),
    (header + "1,\"a\"b,0,0,1\n", "closing quote"), (header + "1,\"a,0,0,1\n", "does not end"),
    ("Generation,Generation\n1,1\n", "twice"), ("generation,Article_ID\n1,1\n", "'Generation'"),
    ("Generation;Article_ID\n1;1\n", "'Generation'"), ("1,a,0,0,1\n2,a,0,0,1\n", "twice"),
  ]

  @Test(arguments: hostile.indices) func badTablesAreRefusedWithTheirLine(_ index: Int) {
    let (text, words) = Self.hostile[index]
    let error = #expect(throws: Diagnostic.self) { try Self.scores(text) }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }

  @Test func bytesThatAreNoTextAreRefused() {
    for bytes: [UInt8] in [[0xFF, 0xFE, 0x41, 0], Array("a\n".utf8) + [0xC3, 0x28, 0x0A]] {
      #expect(throws: Diagnostic.self) { try ResultTable(bytes, path: "t") }
    }
  }

  @Test(arguments: [
    ["left=a"], ["left", "right=b"], ["a=x", "a=y"], ["=x", "b=y"], ["a=", "b=c"],
  ])
  func classesMustNameColumns(_ classes: [String]) {
    let error = #expect(throws: Diagnostic.self) {
      try ReleasedScores.Columns(generation: "g", id: "i", classes: classes)
    }
    #expect(error?.id == "result-classes")
  }
}

@Suite struct ReleasedNeuronsTests {
  private static let columns = ReleasedNeurons.Columns(
    layer: "Layer", unit: "Neuron", r: ["bias_r", "quality_r"], p: ["bias_p", "quality_p"],
    beta: ["bias_beta", "quality_beta"])

  private static func read(_ texts: [String]) throws -> ReleasedNeurons {
    var tables: [ResultTable] = []
    for (index, text) in texts.enumerated() {
      tables.append(try ResultTable(Array(text.utf8), path: "n\(index).csv"))
    }
    return try ReleasedNeurons(tables, columns)
  }

  @Test func countsAndOverlapAreTheStudysKind() throws {
    var text = "Layer,Neuron,bias_r,bias_p,quality_r,quality_p,bias_beta\n"
    for unit in 0..<40 {
      let bias = unit < 10 ? "0.001" : "0.5"
      let quality = (5..<15).contains(unit) ? "0.02" : unit == 39 ? "nan" : "0.9"
      text += "\(unit / 20 + 1),\(unit % 20),0.5,\(bias),-0.1,\(quality),\(unit < 30 ? 1 : -1)\n"
    }
    let neurons = try Self.read([text])
    let sets = neurons.sets(below: 0.05)
    #expect(sets.bias == 10 && sets.quality == 10 && sets.both == 5)
    #expect(sets.chance.mean == 2.5 && abs(sets.atLeast + sets.atMost - 1) < 0.5)
    #expect(neurons.sets(below: 0.01).quality == 0 && neurons.missing(1) == 1)
    #expect(neurons.byLayer(0, below: 0.05).map(\.count) == [10, 0])
    #expect(try #require(neurons.signAgreement(0)) == (30, 40))
    #expect(neurons.signAgreement(1) == nil)
  }

  /// The study's own numbers: 3,243 and 1,033 of 9,216, 389 in both, z = +1.8.
  @Test func theStudysOverlapIsNearChance() {
    let chance = Hypergeometric(population: 9216, first: 3243, second: 1033)
    #expect(abs(chance.mean - 363.5) < 0.05)
    #expect((0.03...0.05).contains(chance.tail(atLeast: 389)))
  }

  @Test func sidesMayStandInFilesOfTheirOwn() throws {
    let neurons = try Self.read([
      "Layer,Neuron,bias_r,bias_p\n1,0,0.1,0.5\n1,1,0.2,0.01\n",
      "Layer,Neuron,quality_r,quality_p\n1,1,0.3,0.02\n1,0,0.4,0.9\n",
    ])
    #expect(neurons.p == [[0.5, 0.01], [0.9, 0.02]])
    #expect(neurons.sets(below: 0.05).both == 1)
  }

  @Test(arguments: [
    (["Layer,Neuron,bias_r,bias_p,quality_r\n1,0,0,0.5,0\n"], "quality_p"),
    (["Layer,Neuron,bias_r,bias_p,quality_r,quality_p\n1,0,0,1.5,0,0.5\n"], "from 0.0 to 1.0"),
    (["Layer,Neuron,bias_r,bias_p,quality_r,quality_p\n1,0,-2,0.5,0,0.5\n"], "from -1.0 to 1.0"),
    (
      ["Layer,Neuron,bias_r,bias_p,quality_r,quality_p\n1,0,0,0.5,0,0.5\n1,0,0,0.5,0,0.5\n"],
      "unit 0 of layer 1 again"
    ),
    (["Layer,bias_r\n1,0\n"], "'Neuron'"),
    (
      ["Layer,Neuron,bias_r,bias_p\n1,0,0,0.5\n", "Layer,Neuron,bias_p,quality_p\n1,0,0.1,0.5\n"],
      "quality_r"
    ),
  ]) func badNeuronTablesAreRefused(_ texts: [String], _ words: String) {
    let error = #expect(throws: Diagnostic.self) { try Self.read(texts) }
    #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
  }
}

@Suite struct ReanalysisMeasureTests {
  @Test func theMadeUpTablesBecomeASection() throws {
    let folder =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path + "/stages/reanalyse-tables/"
    func table(_ name: String) throws -> ResultTable {
      try ResultTable([UInt8](Data(contentsOf: URL(fileURLWithPath: folder + name))), path: name)
    }
    let columns = try ReleasedScores.Columns(
      generation: "Generation", id: "Article_ID",
      classes: ["left=Left_Score", "center=Center_Score", "right=Right_Score"])
    let scores = try ReleasedScores(
      table("example-scores.csv"), setup: "made-up", columns: columns, shift: -1, ties: .first)
    let neurons = try ReleasedNeurons(
      [table("example-neurons.csv")],
      .init(
        layer: "Layer", unit: "Neuron", r: ["bias_r", "quality_r"], p: ["bias_p", "quality_p"],
        beta: ["", ""]))
    let measure = ReanalysisMeasure(
      classes: ["left", "center", "right"], target: 2, setups: [scores], neurons: neurons,
      thresholds: [0.05, 0.01], ties: .first)
    let section = measure.section
    #expect(try ReportSection.read(section.bytes, shown: "s") == section)
    #expect(section.figures.count == 6 && section.claims.map(\.id) == ["neurons-differ"])
    let shares = measure.metrics.filter { $0.name == "share" && $0.at["generation"] == 0 }
    #expect(shares.count == 3 && abs(shares.reduce(0) { $0 + $1.value } - 1) < 1e-12)
    #expect(measure.metrics.filter { $0.name == "ties" }.reduce(0) { $0 + $1.value } == 1)
    #expect(measure.metrics.contains { $0.name == "overlap_by_chance" })
    // Bonferroni's threshold stands beside the declared ones.
    #expect(measure.metrics.filter { $0.name == "bias_neurons" }.count == 3)
  }
}
