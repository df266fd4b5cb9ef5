import Diagnostics
import Randomness
import Testing

@testable import ModelAnalysis

@Suite struct NeuronTableTests {
  private func file(_ kind: UnitKind = .residual) -> (bytes: [UInt8], attribution: UnitAttribution)
  {
    let study = PlantedStudy(
      units: 6, chains: 3, versions: 6, biasOnly: 0..<2, qualityOnly: 2..<3, both: 3..<4, seed: 4)
    let attribution = study.attribution()
    let layout = UnitLayout(kind, layers: 2, width: 3)
    return (
      NeuronTable.file(layout, [(.weight, attribution), (.activation, attribution)]), attribution
    )
  }

  @Test func comesBack() throws {
    let (bytes, attribution) = file()
    let table = try NeuronTable(bytes, shown: "neurons.jsonl")
    #expect(table.layout == UnitLayout(.residual, layers: 2, width: 3))
    let column = try #require(table.columns[.activation])
    #expect(column.set == attribution.sets)
    #expect(column.biasP == attribution.usedEffects[0]!.p)
    #expect(column.qualityP == attribution.usedEffects[1]!.p)
  }

  @Test(arguments: [
    ("", "has no line"),
    ("[1]\n", "names no kind"),
    ("{\"kind\":\"residual\"}\n", "has no layer"),
    ("{\"kind\":\"residual\",\"layer\":-1,\"unit\":0}\n", "has no layer"),
    ("{\"kind\":\"residual\",\"layer\":1000000000,\"unit\":0}\n", "has no layer"),
    ("{\"kind\":\"residual\",\"layer\":1,\"unit\":0}\n", "need 2"),
    ("{\"kind\":\"residual\",\"layer\":0,\"unit\":16000000}\n", "need 16000001"),
    ("{\"kind\":\"residual\",\"layer\":0,\"unit\":0}\n", "has neither"),
    (
      "{\"kind\":\"residual\",\"layer\":0,\"unit\":0,\"weight\":{\"set\":\"all\"}}\n",
      "names no set"
    ),
    (
      "{\"kind\":\"residual\",\"layer\":0,\"unit\":0,\"weight\":{\"set\":\"both\",\"bias_p\":2,\"quality_p\":0}}\n",
      "from 0 to 1"
    ),
    (
      "{\"kind\":\"residual\",\"layer\":0,\"unit\":1,\"weight\":{\"set\":\"both\",\"bias_p\":1,\"quality_p\":0}}\n"
        + "{\"kind\":\"residual\",\"layer\":0,\"unit\":1}\n", "should stand"
    ),
  ])
  func hostileTablesAreRefused(_ text: String, _ words: String) {
    let error = #expect(throws: Diagnostic.self) {
      try NeuronTable(Array(text.utf8), shown: "neurons.jsonl")
    }
    #expect(
      error?.id == "neuron-table" && error?.message.contains(words) == true, "\(error as Any)")
  }

  @Test func brokenJSONIsRefused() {
    #expect(throws: Diagnostic.self) { try NeuronTable(Array("{\n".utf8), shown: "neurons.jsonl") }
  }

  // MARK: Choosing

  private var table: NeuronTable {
    get throws {
      var lines = ""
      // Layer 0: 0 bias-only, 1 bias-only, 2 quality-only, 3 none; layer 1: 4 both, 5…7 none.
      let sets: [UnitSet] = [.biasOnly, .biasOnly, .qualityOnly, .none, .both, .none, .none, .none]
      let bias = [0.01, 0.001, 0.5, 0.3, 0.02, 0.2, 0.9, 0.06]
      let quality = [0.5, 0.4, 0.001, 0.03, 0.01, 0.6, 0.04, 0.9]
      for unit in 0..<8 {
        lines +=
          "{\"kind\":\"residual\",\"layer\":\(unit / 4),\"unit\":\(unit % 4),\"weight\":{\"set\":\""
          + "\(sets[unit].rawValue)\",\"bias_p\":\(bias[unit]),\"quality_p\":\(quality[unit])}}\n"
      }
      return try NeuronTable(Array(lines.utf8), shown: "neurons.jsonl")
    }
  }

  @Test func setsAndTops() throws {
    let table = try table
    #expect(try AblationChoice(.biasOnly).units(of: table) == [0, 1])
    #expect(try AblationChoice(.qualityOnly).units(of: table) == [2])
    #expect(try AblationChoice(.both).units(of: table) == [4])
    // 7 comes before 5: its p is smaller; 3, 4 and 6 also go with quality.
    #expect(try AblationChoice(.biasOnly, top: 3).units(of: table) == [0, 1, 7])
    #expect(try AblationChoice(.qualityOnly, top: 2).units(of: table) == [2, 3])
    #expect(try AblationChoice(.both, top: 1).units(of: table) == [4])
  }

  @Test func emptySetsAndMissingMeasuresSayWhatToDo() throws {
    let table = try table
    func error(_ choice: AblationChoice) -> Diagnostic? {
      #expect(throws: Diagnostic.self) { try choice.units(of: table) }
    }
    #expect(error(AblationChoice(.biasOnly, top: 7))?.id == "neuron-set-empty")
    #expect(error(AblationChoice(.biasOnly, measure: .activation))?.id == "neuron-table")
    let none = try NeuronTable(
      Array(
        "{\"kind\":\"hidden\",\"layer\":0,\"unit\":0,\"weight\":{\"set\":\"none\",\"bias_p\":1,\"quality_p\":1}}"
          .utf8), shown: "neurons.jsonl")
    #expect(throws: Diagnostic.self) { try AblationChoice(.both).units(of: none) }
  }

  @Test func randomSetsMatchLayers() {
    let layout = UnitLayout(.residual, layers: 3, width: 10)
    let units = [0, 1, 2, 25] + Array(10..<18)
    var seen: Set<[Int]> = []
    for draw in 1...20 {
      let drawn = AblationChoice.random(
        matching: units, in: layout, random: RandomStream(seed: 1, name: "draw-\(draw)"))
      #expect(drawn == drawn.sorted() && Set(drawn).count == units.count)
      for layer in 0..<3 {
        #expect(
          drawn.count { layout.layer(of: $0) == layer }
            == units.count { layout.layer(of: $0) == layer })
      }
      // Layers 0 and 2 have others enough; layer 1 has 2 others for 8 units, so all of it is drawn from.
      #expect(drawn.allSatisfy { layout.layer(of: $0) == 1 || !units.contains($0) })
      seen.insert(drawn)
    }
    #expect(seen.count > 15)
  }
}
