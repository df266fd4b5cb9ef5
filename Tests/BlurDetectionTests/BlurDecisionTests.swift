import Diagnostics
import Foundation
import Randomness
import Statistics
import Testing

@testable import BlurDetection

@Suite struct BlurDecisionTests {
  private static func measures(
    sigma: Double = 0.4, acutance: Double? = 1, explained: Double = 0.9,
    change: (inout MarkerMeasures) -> Void = { _ in }
  ) -> MarkerMeasures {
    var measures = MarkerMeasures(
      mean: 120, noise: 1, clipped: 0, usable: 1, contrasted: 1, expectedSignal: 30, shiftX: 0,
      shiftY: 0, correlation: 0.9, isShiftAtEdge: false, acutance: acutance,
      blur: BlurEstimate(
        sigma: sigma, sigmaLow: sigma, sigmaHigh: sigma, explained: explained,
        signalToNoise: 20, tiles: []))
    change(&measures)
    return measures
  }

  @Test func gatesSpeakInTheirOrder() {
    let cases: [(FrameState, MarkerMeasures)] = [
      (.sharp, Self.measures()), (.blurred, Self.measures(sigma: 2.5, acutance: 0.4)),
      (.obstructed, Self.measures(sigma: 3, acutance: 0.3, explained: 0.2)),
      (.indeterminate(.changed), Self.measures(explained: 0.2)),
      (.indeterminate(.changed), Self.measures { $0.correlation = 0.3 }),
      (.indeterminate(.overexposed), Self.measures { $0.clipped = 0.7 }),
      (.indeterminate(.overexposed), Self.measures { $0.usable = 0.2 }),
      (.indeterminate(.dark), Self.measures { $0.mean = 11 }),
      (.indeterminate(.dark), Self.measures { $0.expectedSignal = 3 }),
      (.indeterminate(.moved), Self.measures { $0.isShiftAtEdge = true }),
      (.indeterminate(.noiseLimited), Self.measures(acutance: nil)),
      (
        .indeterminate(.notVisible),
        Self.measures {
          $0.contrasted = 0.1
          $0.blur!.signalToNoise = 0.5
        }
      ),
      (
        .indeterminate(.overexposed),
        Self.measures {
          $0.clipped = 0.9; $0.mean = 2
        }
      ),
    ]
    for (wanted, measures) in cases {
      #expect(BlurDecision(measures, rule: .standard).state == wanted)
    }
  }

  @Test func publishedThresholdsAreToTheLetter() {
    func state(_ mode: JudgingMethod.Mode, _ value: Double) -> FrameState {
      BlurDecision(measure: value, method: JudgingMethod(mode), rule: .standard).state
    }
    #expect(state(.laplacian, 12.0001) == .sharp && state(.laplacian, 11.9999) == .blurred)
    // The program prints in neither branch.
    #expect(state(.laplacian, 12) == .indeterminate(.atThreshold))
    #expect(state(.fft, -4) == .blurred && state(.fft, -3.999) == .sharp)
    #expect(state(.fft, -.infinity) == .blurred)
  }

  @Test func severalMarkersAreBlurredWhereOneIs() {
    let sharp = BlurDecision(state: .sharp, probability: 0.1, score: -2)
    let blurred = BlurDecision(state: .blurred, probability: 0.8, score: 1.4)
    let worse = BlurDecision(state: .obstructed, probability: 0.99, score: 5)
    let dark = BlurDecision(state: .indeterminate(.dark))
    #expect(BlurDecision.combined([sharp, blurred, worse, dark]).index == 2)
    #expect(BlurDecision.combined([dark, sharp]).decision.state == .sharp)
    #expect(BlurDecision.combined([dark, dark]).decision.state == .indeterminate(.dark))
  }

  /// Weights of scikit-learn 1.x: LogisticRegression(C=3).fit([[0], [1], [2], [3], [4], [5]],
  /// [0, 0, 1, 0, 1, 1]), see fixtures/weights.py.
  @Test func weightsAreThoseOfScikitLearn() throws {
    let rows = [[0.0], [1], [2], [3], [4], [5]]
    let labels = [false, false, true, false, true, true]
    let method = JudgingMethod(.laplacian)
    let weights = try #require(
      BlurWeights.fit(rows, blurred: labels, c: 3, method: method, cameras: ["a"]))
    #expect(abs(weights.intercept - WeightsFixture.intercept) < 1e-4, "\(weights)")
    #expect(abs(weights.weights[0] - WeightsFixture.slope) < 1e-4)
    #expect(
      BlurWeights.fit(rows, blurred: labels.map { _ in true }, method: method, cameras: []) == nil)
    let again = try BlurWeights.read(Array(weights.json.canonicalText.utf8), shown: "w")
    #expect(again == weights)
  }

  @Test func separableFramesHaveFiniteWeights() throws {
    let rows = (0..<40).map { [Double($0) / 10] }
    let labels = (0..<40).map { $0 >= 20 }
    let weights = try #require(
      BlurWeights.fit(
        rows, blurred: labels, method: JudgingMethod(.tenengrad), cameras: []))
    #expect(weights.weights[0] > 1 && weights.weights[0] < 50)
    for (row, label) in zip(rows, labels) { #expect((weights.logit(row) > 0) == label) }
  }

  @Test func hostileWeightsAreRefused() {
    let good = BlurWeights.standard.json.canonicalText
    for (old, new) in [
      ("\"version\":1", "\"version\":2"), ("marker-reference", "magic"),
      ("ln_sigma", "sigma"), ("-1.49,", ""), ("\"intercept\":-0.66", "\"intercept\":\"x\""),
      ("\"cameras\":[]", "\"cameras\":3"), ("\"frames\":120", "\"frames\":-1"),
    ] {
      let text = good.replacing(old, with: new)
      #expect(text != good, "\(old)")
      #expect(throws: Diagnostic.self) { try BlurWeights.read(Array(text.utf8), shown: "w") }
    }
  }
}

@Suite struct BlurEvaluationTests {
  private static func frame(
    _ name: String, _ truth: JudgedFrame.Truth, _ state: FrameState, p: Double? = nil,
    camera: String = "a"
  ) -> JudgedFrame {
    JudgedFrame(
      camera: camera, name: name, truth: truth, blur: "none", light: "day",
      decision: BlurDecision(
        state: state, probability: p, score: p.map { log($0 / (1 - $0)) },
        leaning: p.map { $0 > 0.5 }))
  }

  private static let frames = [
    frame("1", .sharp, .sharp, p: 0.01), frame("2", .sharp, .blurred, p: 0.6),
    frame("3", .sharp, .indeterminate(.dark), p: 0.3), frame("4", .blurred, .blurred, p: 0.99),
    frame("5", .blurred, .sharp, p: 0.4), frame("6", .blurred, .obstructed, p: 0.97),
    frame("7", .indeterminate, .indeterminate(.dark)), frame("8", .blurred, .corrupt(.truncated)),
  ]

  @Test func figuresAreCountedByHand() throws {
    let evaluation = BlurEvaluation(Self.frames)
    // Seven frames are sharp or blurred; leaning is right on 1, 3, 4, 6.
    #expect(evaluation.accuracy == Share(4, of: 7))
    #expect(evaluation.decidedAccuracy == Share(3, of: 5))
    #expect(evaluation.coverage == Share(5, of: 7))
    #expect(evaluation.strictAccuracy == Share(3, of: 7))
    #expect(evaluation.confidentAccuracy == Share(3, of: 3))
    #expect(evaluation.confidentErrors == 0 && evaluation.confidentErrorBound == 1)
    let brier = (0.0001 + 0.36 + 0.09 + 0.0001 + 0.36 + 0.0009) / 6
    #expect(abs(try #require(evaluation.brier) - brier) < 1e-12)
    #expect(evaluation.reliability.map(\.count) == [1, 1, 1, 1, 2].filter { $0 > 0 })
  }

  @Test func ranksCountTiesHalf() {
    #expect(BlurEvaluation.auroc([(1, true), (0, false)]) == 1)
    #expect(BlurEvaluation.auroc([(0, true), (1, false)]) == 0)
    #expect(BlurEvaluation.auroc([(1, true), (1, false)]) == 0.5)
    #expect(BlurEvaluation.auroc([(3, true), (2, false), (2, true), (1, false)]) == 0.875)
    #expect(BlurEvaluation.auroc([(3, true)]) == nil)
  }

  @Test func theRuleOfThreeBoundsWhatWasNeverWrong() {
    let frames = (0..<150).map { Self.frame("\($0)", .sharp, .sharp, p: 0.01) }
    #expect(BlurEvaluation(frames).confidentErrorBound == 3.0 / 150)
    let wrong = BlurEvaluation(frames + [Self.frame("x", .blurred, .sharp, p: 0.01)])
    #expect(wrong.confidentErrors == 1)
    #expect(
      wrong.confidentErrorBound == Interval.wilson(successes: 1, of: 151).high)
  }

  @Test func pairsAreMatchedByCameraAndName() throws {
    let first = [
      Self.frame("1", .sharp, .sharp), Self.frame("2", .sharp, .sharp),
      Self.frame("1", .blurred, .blurred, camera: "b"), Self.frame("9", .sharp, .sharp),
    ]
    let second = [
      Self.frame("1", .sharp, .blurred), Self.frame("2", .sharp, .sharp),
      Self.frame("1", .blurred, .blurred, camera: "b"),
    ]
    let comparison = try #require(
      PairedComparison(
        first, second, replicates: 200, stream: RandomStream(seed: 1, name: "pairs")))
    #expect(comparison.count == 3 && comparison.onlyFirst == 1 && comparison.onlySecond == 0)
    #expect(abs(comparison.difference - 1.0 / 3) < 1e-12)
    #expect(comparison.cameras.map(\.difference) == [0.5, 0])
    #expect(comparison.interval.low >= 0 && comparison.interval.high <= 2.0 / 3 + 1e-9)
    #expect(PairedComparison(first, [], replicates: 9, stream: .init(seed: 1, name: "n")) == nil)
  }
}
