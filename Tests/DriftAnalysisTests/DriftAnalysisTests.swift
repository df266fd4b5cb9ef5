import CanonicalJSON
import Diagnostics
import Foundation
import Randomness
import Reports
import Statistics
import Testing

@testable import DriftAnalysis

@Suite struct DriftAnalysisTests {
  private func verdicts(_ analysis: DriftAnalysis) -> [String: Claim.Verdict] {
    var verdicts: [String: Claim.Verdict] = [:]
    for claim in analysis.claims { verdicts[claim.id] = claim.verdict }
    return verdicts
  }

  @Test func findsWhatWasPut() throws {
    let analysis = try SyntheticChains().analysis()
    #expect(analysis.claims.map(\.id) == DriftClaim.ids)
    let found = verdicts(analysis)
    for id in [
      "bias-rises-synthetic", "preserve-holds-bias", "accumulate-holds-bias", "overfit-bias-rises",
      "quality-falls-synthetic", "quality-falls-more-overfit", "preserve-holds-quality",
      "accumulate-holds-quality", "perplexity-falls", "base-uneven",
    ] { #expect(found[id] == .reproduced, "\(id): \(String(describing: found[id]))") }
    #expect(found["bias-without-collapse"] == .notTestable)
    let rise = try #require(analysis.claims.first)
    #expect(abs(rise.effect! - 8) < 1 && rise.chains == 6 && rise.p == 2 / 64)
    #expect(rise.low! < 8 && rise.high! > 8)
    #expect(rise.evidence.contains("6 of 6 chains") && rise.evidence.contains("(d) second judge"))
  }

  @Test func oppositeDriftIsOpposite() throws {
    var chains = SyntheticChains()
    chains.drift["none"] = -0.06
    #expect(verdicts(try chains.analysis())["bias-rises-synthetic"] == .opposite)
  }

  @Test func noDriftIsUnclear() throws {
    var chains = SyntheticChains()
    chains.drift = chains.drift.mapValues { _ in 0 }
    chains.noise = 0.08
    let found = verdicts(try chains.analysis())
    #expect(found["bias-rises-synthetic"] == .unclear)
    #expect(found["preserve-holds-bias"] == .unclear)
  }

  /// Holm over nine claims cannot be reached by six chains; the section says so.
  @Test func sixChainsCannotCarryHolm() throws {
    let analysis = try SyntheticChains().analysis { $0.adjustment = .holm }
    #expect(analysis.tests.allSatisfy { $0.verdict == .unclear })
    #expect(analysis.inferenceWords.contains("nothing here can be called clear"))
    var many = SyntheticChains()
    many.chains = 10
    let enough = try many.analysis { $0.adjustment = .holm }
    #expect(verdicts(enough)["bias-rises-synthetic"] == .reproduced)
    #expect(!enough.inferenceWords.contains("can be called clear"))
  }

  @Test func fewChainsAreDescriptive() throws {
    var chains = SyntheticChains()
    chains.chains = 2
    let analysis = try chains.analysis()
    #expect(analysis.tests.allSatisfy { $0.verdict == .unclear })
    let claim = analysis.claims[0]
    #expect(claim.evidence.hasPrefix("Descriptive: ") && claim.evidence.contains("p = 0.5"))
    #expect(analysis.inferenceWords.contains("Descriptive"))
    chains.chains = 1
    let alone = try chains.analysis().claims[0]
    #expect(alone.low == nil && alone.chains == 1 && alone.verdict == .unclear)
  }

  // MARK: Other explanations

  /// The judged share moves with quality alone: degraded articles take all of it off.
  @Test func decayIsTakenOff() throws {
    var chains = SyntheticChains()
    chains.drift = chains.drift.mapValues { _ in 0 }
    chains.artefact = 0.2
    chains.noise = 0.001
    let analysis = try chains.analysis()
    let test = analysis.tests[0]
    let raw = try #require(test.result).mean
    let decay = try #require(test.versions.first { $0.kind == .decay }).result.mean
    #expect(raw > 0.05 && abs(decay) < 0.006, "\(raw) \(decay)")
  }

  /// Shares that a known confusion made go back to what they were.
  @Test func confusionIsTurnedBack() throws {
    let analysis = try SyntheticChains().analysis()
    let version = try #require(analysis.versions.first { $0.kind == .confusion })
    let key = ChainGrid.Key(strategy: "none", chain: "1", generation: 2)
    let observed = ["left", "center", "right"].map { analysis.measures.shares[$0]![key]! }
    let p = [[0.8, 0.15, 0.05], [0.1, 0.7, 0.2], [0.06, 0.14, 0.8]]
    let correction = try #require(MisclassificationCorrection(confusion: p))
    #expect(version.grid[key] == correction.shares(observed)[2])
    #expect(version.note.contains("condition number 1.81"))
  }

  @Test func judgesThatDisagreeDecide() throws {
    var chains = SyntheticChains()
    chains.secondJudgeDisagrees = true
    let analysis = try chains.analysis()
    let claim = try #require(analysis.claims.first)
    #expect(claim.verdict == .judgeDependent && claim.evidence.contains("signs do not agree"))
    let kappa = try #require(analysis.metrics.first { $0.name == "cohens_kappa" })
    #expect(kappa.value < 0)
    // Claims about quality have nothing to do with it.
    #expect(verdicts(analysis)["quality-falls-synthetic"] == .reproduced)
    chains.secondJudgeDisagrees = false
    chains.statementSign = -1
    #expect(verdicts(try chains.analysis())["bias-rises-synthetic"] == .judgeDependent)
    // Of two chains only, unanimous signs that exclude each other are enough to say so.
    chains.chains = 2
    #expect(verdicts(try chains.analysis())["bias-rises-synthetic"] == .judgeDependent)
  }

  /// Below the floor on sources that it had not read, a judge of leaning is one of outlets' styles.
  @Test func aWeakJudgeTellsOutletStyle() throws {
    func section(_ judge: [Metric]) throws -> (words: String?, claims: [Claim]) {
      var input = SyntheticChains().input
      input.judge += judge
      let analysis = try DriftAnalysis(input, DriftSettings(adjustment: .maxT, replicates: 200)) {
        RandomStream(seed: 3, name: $0)
      }
      let texts = analysis.section.blocks.compactMap { block in
        if case .text(let text) = block { text } else { nil }
      }
      return (texts.first { $0.hasPrefix("Outlet style") }, analysis.claims)
    }
    let weak = Metric("macro_f1", 0.31, low: 0.22, high: 0.42, count: 96)
    let found = try section([weak])
    #expect(try #require(found.words).contains("0.31 (95 % interval 0.22 to 0.42)"))
    let bias = try #require(found.claims.first { $0.id == "bias-rises-synthetic" })
    #expect(bias.evidence.contains("outlet style, not leaning"))
    let quality = try #require(found.claims.first { $0.id == "quality-falls-synthetic" })
    #expect(!quality.evidence.contains("outlet style"))
    // Folds over all sources say it better than one corpus; a good judge and an unknown one say nothing.
    #expect(try section([weak, Metric("folds_macro_f1", 0.7, count: 900)]).words == nil)
    #expect(try section([Metric("macro_f1", 0.5, count: 96)]).words == nil)
    #expect(try section([]).words == nil)
  }

  @Test func unevenInAnotherWayIsNotTheStudysFinding() throws {
    func verdict(_ shares: [Double]) throws -> Claim {
      var input = SyntheticChains().input
      input.base = zip(["left", "center", "right"], shares).map {
        Metric("share", $1, unit: "share", count: 150, at: ["class": .string($0)])
      }
      let analysis = try DriftAnalysis(input, DriftSettings(adjustment: .maxT, replicates: 200)) {
        RandomStream(seed: 3, name: $0)
      }
      return try #require(analysis.claims.first { $0.id == "base-uneven" })
    }
    #expect(try verdict([0.05, 0.48, 0.47]).verdict == .reproduced)
    let other = try verdict([0.48, 0.05, 0.47])
    #expect(other.verdict == .unclear && other.evidence.contains("where the study has left"))
    #expect(try verdict([0.34, 0.33, 0.33]).verdict == .unclear)
  }

  /// For a target on the left the statements' difference counts the other way; between, not at all.
  @Test func statementsPointTowardsTheTarget() throws {
    let left = try SyntheticChains().analysis { $0.target = "left" }
    let version = try #require(left.versions.first { $0.kind == .statements })
    let key = ChainGrid.Key(strategy: "none", chain: "1", generation: 4)
    #expect(abs(version.grid[key]! + 0.32) < 1e-12)
    let center = try SyntheticChains().analysis { $0.target = "center" }
    #expect(!center.versions.contains { $0.kind == .statements })
  }

  @Test func onlyGoodDocumentsCount() throws {
    let analysis = try SyntheticChains().analysis {
      $0.leastQuality = 1.9
      $0.leastDocuments = 10
    }
    let version = try #require(analysis.versions.first { $0.kind == .goodDocuments })
    // At 2.4 − 0.3·2 = 1.8 some documents are left, at 1.5 none.
    let points = version.grid.points("none", "1").map(\.generation)
    #expect(points.contains(0) && points.contains(1) && !points.contains(3))
    #expect(version.grid.points("preserve", "1").count == 5)
    #expect(version.note.contains("as declared"))
  }

  @Test func oneSidedDataHaveTheirOwnClaim() throws {
    var chains = SyntheticChains()
    chains.drift["preserve"] = 0.05
    let analysis = try chains.analysis { $0.data = .oneSided }
    let found = verdicts(analysis)
    #expect(found["bias-without-collapse"] == .reproduced)
    #expect(found["preserve-holds-bias"] == .notTestable)
    #expect(found["bias-rises-synthetic"] == .reproduced)
    chains.decay["preserve"] = -0.3
    #expect(
      verdicts(try chains.analysis { $0.data = .oneSided })["bias-without-collapse"] == .opposite)
  }

  // MARK: What is missing

  @Test func biasAloneIsEnough() throws {
    let whole = SyntheticChains().input
    let input = DriftInput(bias: whole.bias)
    let analysis = try DriftAnalysis(input, DriftSettings(adjustment: .maxT, replicates: 200)) {
      RandomStream(seed: 3, name: $0)
    }
    let found = verdicts(analysis)
    #expect(found["bias-rises-synthetic"] == .reproduced)
    for id in ["quality-falls-synthetic", "perplexity-falls", "base-uneven"] {
      #expect(found[id] == .notTestable)
    }
    #expect(analysis.versions.map(\.kind) == [.raw])
    _ = try ReportSection.read(analysis.section.bytes, shown: "s")
  }

  @Test func missingStrategiesAreNamed() throws {
    var input = SyntheticChains().input
    input.bias.removeAll { $0.coordinates["strategy"] == "overfit" }
    let analysis = try DriftAnalysis(input, DriftSettings(replicates: 200)) {
      RandomStream(seed: 3, name: $0)
    }
    let claim = try #require(analysis.claims.first { $0.id == "overfit-bias-rises" })
    #expect(claim.verdict == .notTestable && claim.evidence.contains("“overfit”"))
  }

  @Test func aMissingLastGenerationLeavesTheChainOut() throws {
    var input = SyntheticChains().input
    input.bias.removeAll {
      $0.coordinates["strategy"] == "preserve" && $0.coordinates["seed"] == 3
        && $0.coordinates["generation"] == 4
    }
    let analysis = try DriftAnalysis(input, DriftSettings(adjustment: .maxT, replicates: 200)) {
      RandomStream(seed: 3, name: $0)
    }
    #expect(analysis.claims[1].chains == 5 && analysis.claims[0].chains == 6)
  }

  // MARK: Mistakes

  private static let mistakes:
    [(String, @Sendable (inout DriftInput, inout DriftSettings) -> Void)] = [
      ("drift-axis", { $1.axes.x = "generatoin" }),
      ("drift-axis", { $1.axes.replicate = "chain" }),
      ("drift-axis-number", { $1.axes.x = "strategy" }),
      ("drift-target", { $1.target = "rihgt" }), ("drift-target", { input, _ in input.bias = [] }),
      ("drift-baseline", { $1.baseline = "nothing" }), ("drift-quality", { $1.quality = "beauty" }),
      ("drift-twice", { input, _ in input.bias.append(input.bias[0]) }),
      ("drift-twice", { input, _ in input.quality.append(input.quality[0]) }),
      ("drift-twice", { input, _ in input.biasScores.append(input.biasScores[0]) }),
      ("drift-contrast", { $1.contrasts = [("base-even", .slope)] }),
    ]

  @Test(arguments: mistakes.indices) func mistakesAreSaid(_ index: Int) {
    var chains = SyntheticChains()
    chains.generations = 1
    var input = chains.input
    var settings = DriftSettings(replicates: 100)
    Self.mistakes[index].1(&input, &settings)
    let error = #expect(throws: Diagnostic.self) {
      try DriftAnalysis(input, settings) { RandomStream(seed: 3, name: $0) }
    }
    #expect(error?.id == Self.mistakes[index].0)
    #expect(driftAnalysisExplanations[error?.id ?? ""] != nil)
  }

  // MARK: Output

  @Test func outputIsTheSameEveryTimeAndReadsBack() throws {
    let analysis = try SyntheticChains().analysis()
    let section = analysis.section
    #expect(try ReportSection.read(section.bytes, shown: "s") == section)
    #expect(try section.bytes == SyntheticChains().analysis().section.bytes)
    let metrics = Metric.file(analysis.metrics)
    #expect(try Metric.read(metrics, shown: "m") == analysis.metrics)
    #expect(try metrics == Metric.file(SyntheticChains().analysis().metrics))
    #expect(section.figures.allSatisfy { !$0.caption.isEmpty && !$0.yLabel.isEmpty })
    let ids = section.figures.map(\.id)
    for id in [
      "base", "share-0", "share-2", "quality", "perplexity", "corrections", "correction-curves",
      "statements", "decay", "quality-histogram",
    ] { #expect(ids.contains(id), "\(id)") }
    // All words of the limits of inference.
    #expect(section.bytes.count < 200_000)
    let text = String(decoding: section.bytes, as: UTF8.self)
    for words in ["within chain", "κ", "Condition number 1.81", "Smallest drift"] {
      #expect(text.contains(words), "\(words)")
    }
  }

  @Test func declaredContrastsCanBeReplaced() throws {
    let analysis = try SyntheticChains().analysis {
      $0.contrasts = [("bias-rises-synthetic", .change)]
    }
    // Four generations of slope 0.08.
    #expect(abs(analysis.claims[0].effect! - 32) < 3)
  }

  @Test func otherAxesNameStrategiesOnlyWhereTheyDiffer() throws {
    var input = SyntheticChains().input
    input.bias = input.bias.map {
      .init(
        JSONObject($0.coordinates.members.map { ($0.key, $0.value) } + [("budget", "own")]),
        $0.content)
    }
    let settings = DriftSettings(replicates: 100)
    let one = try DriftAnalysis(input, settings) { RandomStream(seed: 3, name: $0) }
    #expect(one.versions[0].grid.strategies == SyntheticChains.strategies)
    let twin = input.bias[0]
    input.bias.append(
      .init(
        JSONObject(
          twin.coordinates.members.map { ($0.key, $0.key == "budget" ? "equal" : $0.value) }),
        twin.content))
    let two = try places(input)
    #expect(two.contains("none · budget own") && two.contains("none · budget equal"))
  }

  /// Every mitigation on its own budget: the axis repeats what the strategy says.
  @Test func anAxisThatFollowsTheStrategyDoesNotNameIt() throws {
    var input = SyntheticChains().input
    input.bias = input.bias.map {
      let budget: JSONValue = $0.coordinates["strategy"] == "none" ? "own" : "equal"
      return StudyInput.Item<[Metric]>(
        JSONObject($0.coordinates.members.map { ($0.key, $0.value) } + [("budget", budget)]),
        $0.content)
    }
    let analysis = try DriftAnalysis(input, DriftSettings(replicates: 100)) {
      RandomStream(seed: 3, name: $0)
    }
    #expect(analysis.versions[0].grid.strategies == SyntheticChains.strategies)
  }

  private func places(_ input: DriftInput) throws -> [String] {
    let places = try ChainPlaces(
      input.bias.map(\.coordinates),
      axes: .init(x: "generation", series: "strategy", replicate: "seed"))
    return try input.bias.map { try places.key($0.coordinates).strategy }
  }
}

@Suite struct DecayCurveTests {
  @Test func interpolatesAndClamps() {
    let curve = DecayCurve(
      name: "loop",
      points: [
        .init(quality: 2, share: 0.4), .init(quality: 0, share: 0.8), .init(quality: 1, share: 0.5),
        .init(quality: 1, share: 0.7),
      ])
    #expect(curve.share(at: 1.5).share == 0.5 && !curve.share(at: 1.5).isOutside)
    #expect(curve.share(at: 1).share == 0.6)
    #expect(abs(curve.share(at: 0.25).share - 0.75) < 1e-12)
    #expect(curve.share(at: -1) == (0.8, true) && curve.share(at: 9) == (0.4, true))
    #expect(!curve.share(at: 0).isOutside && !curve.share(at: 2).isOutside)
  }
}

@Suite struct DocumentScoreTests {
  @Test func readsBothKinds() throws {
    let text = """
      {"id":"a","label":"right","probabilities":{"left":0.2,"right":0.8},"score":0.6}
      {"id":"b","words":12,"gibberish":2.5,"repetition_4":0.25}

      """
    let scores = try DocumentScore.read(Array(text.utf8), shown: "scores.jsonl")
    #expect(scores[0].label == "right" && scores[0].values == ["score": 0.6])
    #expect(scores[1].label == nil && scores[1].values["gibberish"] == 2.5)
    #expect(try DocumentScore.read([], shown: "s").isEmpty)
  }

  @Test(arguments: [
    "nonsense", "[1]", "{}", #"{"id":""}"#, #"{"id":7}"#, #"{"id":"a"} {"id":"b"}"#,
    "{\"id\":\"a\"}\n{\"id\":\"a\"}", #"{"id":"a","label":1}"#, #"{"id":"a","label":""}"#,
    #"{"id":"a","x":1e999}"#, "{\"id\":\"\u{1}\"}", #"{"id":"\ud800"}"#,
  ]) func badLinesAreRefused(_ text: String) {
    let error = #expect(throws: Diagnostic.self) {
      try DocumentScore.read(Array(text.utf8), shown: "scores.jsonl")
    }
    #expect(error?.id == "document-scores" && error?.message.contains("line ") == true)
  }
}
