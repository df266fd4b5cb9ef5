import Testing

@testable import Statistics

@Suite struct ConfusionTableTests {
  private let labels = [0, 0, 1, 1, 2, 2, 2]
  private let predictions = [0, 1, 1, 1, 2, 0, 2]

  /// Without weights it is the table of counts.
  @Test func unweightedRowsAreCounts() {
    let table = ConfusionTable(labels: labels, predictions: predictions, classCount: 3)
    let counts = ClassificationQuality(labels: labels, predictions: predictions, classCount: 3)
    #expect(table.cells == counts.confusion.map { $0.map(Double.init) })
    #expect(table.accuracy == counts.accuracy)
    #expect(abs(table.macroF1 - counts.macroF1) < 1e-15)
    #expect(table.recall(2) == counts.recall(2) && table.probability(0, given: 2) == 1.0 / 3)
  }

  /// sklearn.metrics.f1_score(…, average="macro", sample_weight=[1, 3, 1, 1, 2, 2, 1]) and
  /// recall_score(…, average=None, …).
  @Test func weightsAreThoseOfScikitLearn() {
    let table = ConfusionTable(
      labels: labels, predictions: predictions, weights: [1, 3, 1, 1, 2, 2, 1], classCount: 3)
    #expect(abs(table.accuracy - 6.0 / 11) < 1e-12)
    #expect(abs(table.macroF1 - (2.0 / 7 + 4.0 / 7 + 6.0 / 8) / 3) < 1e-12)
    #expect(table.recall(0) == 0.25 && table.recall(1) == 1 && table.recall(2) == 0.6)
  }

  @Test func aClassThatIsNowhereCountsNothing() {
    var table = ConfusionTable(classCount: 3)
    #expect(table.accuracy == 0 && table.macroF1 == 0 && table.recall(0) == nil)
    table.add(2, true: 0, predicted: 0)
    #expect(table.macroF1 == 1 && table.recall(1) == nil)
    table.add(table, times: 0.5)
    #expect(table.total == 3)
  }
}
