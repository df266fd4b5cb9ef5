// attribute-neurons, ablate-neurons and compare-ablations through the bodies that workers run, on versions
// of a small model whose weights a test has moved.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Randomness
import Reports
import Scheduling
import Testing

@testable import StageLibrary

/// Two or more chains of versions: biases of chosen channels follow the scores.
private struct NeuronPlace {
  let place: Workplace
  var models: [InputArtifact] = []
  var bias: [InputArtifact] = []
  var quality: [InputArtifact] = []

  static let biasChannels = [2, 3], qualityChannels = [10, 11]

  init(chains: Int = 6, generations: Int = 6, constantBias: Bool = false) throws {
    place = try Workplace()
    try place.corpus("texts", Texts.documents(20, seed: 1))
    try place.run(
      TrainTokenizerStage.self,
      [("vocabulary_size", 300), ("minimum_count", 2)],
      ["corpus": [place.input("texts")]], ["tokenizer": "tokenizer"])
    let tokenizer = try place.bytes("tokenizer/tokenizer.json")
    let base = try Self.base(width: 16)
    var random = RandomStream(seed: 8, name: "neuron-place")
    for chain in 0..<chains {
      var (right, quality) = (0.5, 2.0)
      let model = LanguageModel(base.specification, copying: base, seed: 0)
      for generation in 0..<generations {
        let steps = (0.05 * random.normal(), 0.1 * random.normal())
        (right, quality) = (right + steps.0, quality + steps.1)
        for layer in 0..<2 {
          let values = model.tensor(.block(layer, .downBias)).data
          for channel in 0..<16 {
            var step = 0.1 * random.normal()
            if Self.biasChannels.contains(channel) { step += 40 * steps.0 }
            if Self.qualityChannels.contains(channel) { step += 20 * steps.1 }
            values[channel] += Float(step)
          }
        }
        let name = "\(chain)-\(generation)"
        try model.write(to: place.make("model-" + name).folder, tokenizerJSON: tokenizer)
        try write("bias-" + name, "share", constantBias ? 0.5 : right, label: "right")
        try write("quality-" + name, "gibberish_index", quality)
        let coordinates = JSONObject([
          ("seed", .integer(chain)), ("generation", .integer(generation)),
        ])
        models.append(try place.input("model-" + name, coordinates))
        bias.append(try place.input("bias-" + name, coordinates))
        self.quality.append(try place.input("quality-" + name, coordinates))
      }
    }
  }

  static func base(width: Int) throws -> LanguageModel {
    var sizes = GPT2Configuration()
    (sizes.vocabularySize, sizes.context, sizes.width) = (300, 32, width)
    (sizes.layers, sizes.heads, sizes.inner) = (2, 2, 24)
    (sizes.beginOfText, sizes.endOfText) = (0, 0)
    return try LanguageModel(ModelSpecification(sizes), seed: 1)
  }

  func write(_ name: String, _ metric: String, _ value: Double, label: String? = nil) throws {
    var item = Metric(metric, value, count: 10)
    if let label { item.at = JSONObject([("class", .string(label))]) }
    try AtomicFile.write(Metric.file([item]), to: place.make(name).path("metrics.json"))
  }

  func attribute(
    _ parameters: [(String, JSONValue)] = [], corpus: Bool = false, models: [InputArtifact]? = nil
  ) throws {
    var all: [(String, JSONValue)] = [
      ("preset", "text"), ("units", "residual"), ("weights", "all"), ("longest", 16), ("lags", 1),
      ("regression", "single"), ("level", 0.05), ("draws", 19), ("bias_metric", "share"),
      ("bias_class", "right"), ("quality_metric", "gibberish_index"), ("quality_class", ""),
      ("x_axis", "generation"), ("seed", 1),
    ]
    for (name, value) in parameters {
      all.removeAll { $0.0 == name }
      all.append((name, value))
    }
    try place.run(
      AttributeNeuronsStage.self, all,
      [
        "models": models ?? self.models, "bias": bias, "quality": quality,
        "corpus": corpus ? [place.input("texts")] : [],
      ], ["table": "table", "metrics": "metrics", "section": "section"])
  }

  func ablate(_ parameters: [(String, JSONValue)], corpus: Bool = false) throws {
    var all: [(String, JSONValue)] = [
      ("set", "bias-only"), ("draw", 0), ("measure", "weight"), ("level", 0.05),
      ("method", "zero"), ("longest", 16), ("seed", 1),
    ]
    for (name, value) in parameters {
      all.removeAll { $0.0 == name }
      all.append((name, value))
    }
    try place.run(
      AblateNeuronsStage.self, all,
      [
        "model": [models[models.count - 1]], "table": [place.input("table")],
        "corpus": corpus ? [place.input("texts")] : [],
      ], ["model": "ablated"])
  }

  var section: ReportSection {
    get throws { try ReportSection.read(place.bytes("section/section.json"), shown: "section") }
  }
}

@Suite struct NeuronStagesTests {
  private func refusal(_ body: () throws -> Void) -> String? {
    let error = #expect(throws: Diagnostic.self) { try body() }
    return error?.id
  }

  @Test func plantedChannelsAreAttributedAndTakenOut() throws {
    let study = try NeuronPlace()
    try study.attribute(corpus: true)
    let table = try NeuronTable(study.place.bytes("table/neurons.jsonl"), shown: "neurons.jsonl")
    let sets = try #require(table.columns[.weight]).set
    for layer in 0..<2 {
      for channel in NeuronPlace.biasChannels { #expect(sets[16 * layer + channel] == .biasOnly) }
      for channel in NeuronPlace.qualityChannels {
        #expect(sets[16 * layer + channel] == .qualityOnly)
      }
    }
    #expect(table.columns[.activation] != nil)
    let section = try study.section
    #expect(section.claims.map(\.id) == ["neurons-differ"] && section.figures.count == 6)
    let metrics = try study.place.metrics()
    for name in ["unit_count", "null_unit_count", "units_in_both_expected", "layer_units"] {
      #expect(metrics.contains { $0.name == name }, "\(name)")
    }

    // The set, its random double, its mean, nothing.
    try study.ablate([])
    let whole = try LanguageModel(files: study.models.last!.files)
    let zeroed = try LanguageModel(files: study.place.input("ablated").files)
    #expect(zeroed.tensor(.block(1, .downBias)).data[2] == 0)
    #expect(zeroed.tensor(.block(1, .downWeight))[3, 5] == 0)
    #expect(
      zeroed.tensor(.block(1, .upWeight)).values == whole.tensor(.block(1, .upWeight)).values)
    try study.ablate([("draw", 3)])
    let random = try LanguageModel(files: study.place.input("ablated").files)
    #expect(random.tensor(.block(1, .downBias)).data[2] != 0)
    #expect(random.tensor(.block(1, .downBias)).values.count { $0 == 0 } >= 2)
    try study.ablate([("method", "mean")], corpus: true)
    let patched = try LanguageModel(files: study.place.input("ablated").files)
    #expect(patched.tensor(.block(1, .downBias)).data[2] != 0)
    #expect(patched.tensor(.block(1, .downWeight))[2, 5] == 0)
    try study.ablate([("set", "none")])
    let same = try LanguageModel(files: study.place.input("ablated").files)
    #expect(same.weights.everything.values == whole.weights.everything.values)
    #expect(refusal { try study.ablate([("method", "mean")]) } == "ablation-idle")
    #expect(refusal { try study.ablate([("measure", "activation"), ("top", 99)]) } != nil)
  }

  @Test func presetsDiffer() throws {
    let study = try NeuronPlace(chains: 2, generations: 4)
    try study.attribute([("draws", 0)])
    let text = try study.place.bytes("table/neurons.jsonl")
    try study.attribute([("draws", 0), ("preset", "release")])
    #expect(try study.place.bytes("table/neurons.jsonl") != text)
    #expect(try study.section.claims[0].evidence.contains("Descriptive"))
    // A later parameter is stronger than the preset.
    try study.attribute([
      ("draws", 0), ("preset", "release"), ("form", "differences"), ("inference", "satterthwaite"),
      ("correction", "benjamini-hochberg"),
    ])
    #expect(try study.place.bytes("table/neurons.jsonl") == text)
  }

  @Test func oneChainAndConstantScoresGiveAResult() throws {
    let one = try NeuronPlace(chains: 1, generations: 7)
    try one.attribute()
    #expect(try one.section.claims[0].verdict != .reproduced)
    let constant = try NeuronPlace(chains: 2, generations: 4, constantBias: true)
    try constant.attribute()
    let claim = try constant.section.claims[0]
    #expect(claim.verdict == .notTestable && claim.evidence.contains("same value"))
    #expect(refusal { try constant.ablate([]) } == "neuron-set-empty")
  }

  @Test func inputsThatDoNotFitAreRefused() throws {
    var study = try NeuronPlace(chains: 2, generations: 3)
    #expect(refusal { try study.attribute([("bias_class", "up")]) } == "neuron-metric")
    #expect(refusal { try study.attribute([("quality_metric", "distinct_2")]) } == "neuron-metric")
    #expect(refusal { try study.attribute([("x_axis", "time")]) } == "neuron-versions")
    #expect(
      refusal { try study.attribute(models: study.models + [study.models[1]]) } == "neuron-versions"
    )
    #expect(refusal { try study.attribute(models: []) } == "neuron-versions")

    let other = try NeuronPlace.base(width: 24)
    try other.write(
      to: study.place.make("other").folder,
      tokenizerJSON: study.place.bytes("tokenizer/tokenizer.json"))
    var models = study.models
    models[4] = try study.place.input("other", models[4].coordinates)
    #expect(refusal { try study.attribute(models: models) } == "neuron-versions")

    let complete = study.bias
    study.bias.append(
      try study.place.input(
        "bias-0-0",
        JSONObject(complete[0].coordinates.members.map { ($0.key, $0.value) } + [("top", 1)])))
    #expect(refusal { try study.attribute() } == "neuron-scores")
    study.bias = Array(complete.dropLast())
    #expect(refusal { try study.attribute() } == "neuron-scores")
  }

  // MARK: Comparing

  private func compare(
    _ place: NeuronPlace,
    _ items: [(coordinates: [(String, JSONValue)], bias: Double, quality: Double)]
  ) throws {
    var (bias, quality): ([InputArtifact], [InputArtifact]) = ([], [])
    for (index, item) in items.enumerated() {
      try place.write("ablated-bias-\(index)", "share", item.bias, label: "right")
      try place.write("ablated-quality-\(index)", "gibberish_index", item.quality)
      let coordinates = JSONObject(item.coordinates)
      bias.append(try place.place.input("ablated-bias-\(index)", coordinates))
      quality.append(try place.place.input("ablated-quality-\(index)", coordinates))
    }
    try place.place.run(
      CompareAblationsStage.self,
      [
        ("bias_metric", "share"), ("bias_class", "right"), ("quality_metric", "gibberish_index"),
        ("quality_class", ""), ("set_axis", "set"), ("draw_axis", "draw"), ("seed", 1),
      ], ["bias": bias, "quality": quality], ["metrics": "metrics", "section": "section"])
  }

  private func items(
    draws: Int, spread: Double = 1
  ) -> [(coordinates: [(String, JSONValue)], bias: Double, quality: Double)] {
    var random = RandomStream(seed: 3, name: "ablated")
    var items: [(coordinates: [(String, JSONValue)], bias: Double, quality: Double)] = [
      ([("generation", 4)], 0.6, 2.2)
    ]
    for (set, named) in [("bias-only", (0.4, 2.19)), ("quality-only", (0.61, 1.2))] {
      for draw in 0...draws {
        let place: [(String, JSONValue)] = [("set", .string(set)), ("draw", .integer(draw))]
        items.append(
          draw == 0
            ? (place, named.0, named.1)
            : (
              place, 0.58 + spread * 0.01 * random.normal(), 2.15 + spread * 0.05 * random.normal()
            ))
      }
    }
    // The whole model has coordinates of its own, which the ablations lack.
    items[0].coordinates = []
    return items
  }

  @Test func doubleDissociationIsReported() throws {
    let study = try NeuronPlace(chains: 1, generations: 1)
    try compare(study, items(draws: 20))
    let claim = try #require(try study.section.claims.first)
    #expect(claim.id == "neurons-dissociate" && claim.verdict == .reproduced)
    #expect(try #require(claim.p) < 0.05 && claim.evidence.contains("One model"))
    let metrics = try study.place.metrics()
    #expect(metrics.contains { $0.name == "interaction" && $0.low != nil })
    try compare(study, items(draws: 3))
    #expect(try study.section.claims[0].verdict != .reproduced)
    try compare(study, items(draws: 4, spread: 0))
    #expect(try study.section.claims[0].verdict == .notTestable)
  }

  @Test func itemsThatDoNotFitAreRefused() throws {
    let study = try NeuronPlace(chains: 1, generations: 1)
    let whole = items(draws: 3)
    func id(
      _ change: (inout [(coordinates: [(String, JSONValue)], bias: Double, quality: Double)]) ->
        Void
    ) -> String? {
      var changed = whole
      change(&changed)
      return refusal { try compare(study, changed) }
    }
    #expect(id { $0.removeFirst() } == "ablation-items")
    #expect(id { $0.removeAll { $0.coordinates.count > 0 } } == "ablation-items")
    #expect(id { $0.remove(at: 1) } == "ablation-items")
    #expect(id { $0.removeLast(2) } == "ablation-items")
    #expect(id { $0.append($0[1]) } == "neuron-scores")
    #expect(id { $0[1].coordinates[0].1 = "all" } == "ablation-items")
    #expect(id { $0[1].coordinates[1].1 = "first" } == "ablation-items")
    #expect(id { $0[1].coordinates[1].1 = -1 } == "ablation-items")
  }
}
