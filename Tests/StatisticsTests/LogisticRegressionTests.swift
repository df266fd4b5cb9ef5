import Foundation
import Randomness
import Testing

@testable import Statistics

@Suite struct LogisticRegressionTests {
  static let featureCount = 12

  static var rows: [SparseVector] {
    (0..<60).map { row in
      let values = (0..<featureCount).map { Float(Reference.regressionRows[row * 12 + $0]) }
      let places = values.indices.filter { values[$0] != 0 }
      return SparseVector(indices: places.map(UInt32.init), values: places.map { values[$0] })
    }
  }

  @Test func findsTheMinimumThatSciPyFinds() {
    let (model, convergence) = LogisticRegression.fit(
      rows: Self.rows, labels: Reference.regressionLabels, classCount: 3,
      rowWeights: Reference.regressionWeights,
      settings: .init(l2: 0.05, tolerance: 1e-9))
    #expect(convergence.converged && convergence.gradient <= 1e-9)
    #expect(abs(convergence.value - Reference.regressionMinimum[0]) < 1e-12)
    #expect(model.features == (0..<12).map(UInt32.init))
    for (found, expected) in zip(model.weights, Reference.regressionCoefficients) {
      #expect(abs(Double(found) - expected) < 1e-6)
    }
    let mean = model.bias.reduce(0, +) / 3
    for (found, expected) in zip(model.bias, Reference.regressionBias) {
      #expect(abs(Double(found - mean) - expected) < 1e-6)
    }
  }

  @Test func saysWhenItHasNotConverged() {
    let (_, convergence) = LogisticRegression.fit(
      rows: Self.rows, labels: Reference.regressionLabels, classCount: 3,
      settings: .init(l2: 0.05, maximumIterations: 2, tolerance: 1e-9))
    #expect(!convergence.converged && convergence.iterations == 2)
  }

  @Test func rareFeaturesAreLeftOut() {
    let rows = [
      SparseVector(indices: [1, 5], values: [1, 1]), SparseVector(indices: [1], values: [1]),
      SparseVector(indices: [2], values: [1]), SparseVector(indices: [2], values: [1]),
    ]
    let (model, _) = LogisticRegression.fit(
      rows: rows, labels: [0, 0, 1, 1], classCount: 2, settings: .init(l2: 0.1, minimumRows: 2))
    #expect(model.features == [1, 2])
    #expect(argmax(model.logits(rows[0])) == 0 && argmax(model.logits(rows[3])) == 1)
  }

  /// A banana valley: the classic test of minimisers.
  @Test func minimisesRosenbrock() {
    var x = [-1.2, 1]
    let end = LBFGS(maximumIterations: 200, tolerance: 1e-9).minimise(&x) { x, gradient in
      let a = 1 - x[0]
      let b = x[1] - x[0] * x[0]
      gradient[0] = -2 * a - 400 * x[0] * b
      gradient[1] = 200 * b
      return a * a + 100 * b * b
    }
    #expect(end.converged && abs(x[0] - 1) < 1e-7 && abs(x[1] - 1) < 1e-7)
  }
}

@Suite struct CalibrationTests {
  @Test func temperatureMatchesSciPy() {
    let logits = (0..<80).map { row in
      Array(Reference.calibrationLogits[row * 3..<row * 3 + 3])
    }
    let found = Calibration.temperature(logits: logits, labels: Reference.calibrationLabels)
    #expect(abs(found - Reference.calibrationTemperature[0]) < 1e-5)
  }

  @Test func hopelessAndPerfectClassifiersStayInRange() {
    #expect(Calibration.temperature(logits: [[1, 0], [1, 0]], labels: [1, 1]) == 20)
    #expect(Calibration.temperature(logits: [[1, 0], [0, 1]], labels: [0, 1]) == 0.05)
  }

  @Test func errorByHand() {
    // Two at 0.95, one right: |0.5 − 0.95|; two at 0.65, both right: |1 − 0.65|.
    let bins = Calibration.bins(
      probabilities: [[0.95, 0.05], [0.95, 0.05], [0.65, 0.35], [0.35, 0.65]],
      labels: [0, 1, 0, 1])
    #expect(bins.map(\.count) == [2, 2])
    #expect(abs(Calibration.error(bins) - (0.5 * 0.35 + 0.5 * 0.45)) < 1e-12)
    #expect(Calibration.bins(probabilities: [[1, 0]], labels: [0])[0].low == 0.9)
  }
}

@Suite struct ClassificationQualityTests {
  @Test func countsByHand() throws {
    let quality = ClassificationQuality(
      labels: [0, 0, 0, 1, 1, 2], predictions: [0, 0, 1, 1, 0, 0], classCount: 3)
    #expect(quality.confusion == [[2, 1, 0], [1, 1, 0], [1, 0, 0]])
    #expect(quality.accuracy == 0.5 && quality.majorityAccuracy == 0.5)
    #expect(quality.recall(0) == 2.0 / 3 && quality.precision(0) == 0.5)
    #expect(quality.recall(2) == 0 && quality.precision(2) == nil && quality.f1(2) == 0)
    // F1: 4/7, 2/4, 0.
    #expect(abs(quality.macroF1 - (4.0 / 7 + 0.5) / 3) < 1e-12)
  }

  /// As sklearn.metrics.f1_score(average="macro"): labels are those true or predicted somewhere.
  @Test func aClassThatIsNowherePullsNothingDown() {
    let perfect = ClassificationQuality(labels: [0, 1], predictions: [0, 1], classCount: 3)
    #expect(perfect.macroF1 == 1)
    let invented = ClassificationQuality(labels: [0, 1], predictions: [0, 2], classCount: 3)
    #expect(abs(invented.macroF1 - 1.0 / 3) < 1e-12)
    #expect(ClassificationQuality(labels: [], predictions: [], classCount: 3).macroF1 == 0)
  }
}
