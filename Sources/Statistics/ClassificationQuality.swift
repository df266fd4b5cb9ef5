// What a classifier gets right: accuracy, recall, precision, F1 and the confusion table behind them.

/// Counts of true against predicted classes.
public struct ClassificationQuality: Sendable, Equatable {
  /// `[true][predicted]`
  public let confusion: [[Int]]

  public init(labels: [Int], predictions: [Int], classCount: Int) {
    precondition(
      labels.count == predictions.count, "\(predictions.count) predictions for \(labels.count)")
    var confusion = [[Int]](repeating: [Int](repeating: 0, count: classCount), count: classCount)
    for (label, prediction) in zip(labels, predictions) { confusion[label][prediction] += 1 }
    self.confusion = confusion
  }

  public var classCount: Int { confusion.count }
  public var count: Int { confusion.reduce(0) { $0 + $1.reduce(0, +) } }
  public var correct: Int { confusion.indices.reduce(0) { $0 + confusion[$1][$1] } }
  public var accuracy: Double { count == 0 ? 0 : Double(correct) / Double(count) }

  /// How often each class is true.
  public func support(_ label: Int) -> Int { confusion[label].reduce(0, +) }
  /// How often each class is predicted.
  public func predicted(_ label: Int) -> Int { confusion.reduce(0) { $0 + $1[label] } }

  /// Share of a class's rows that were found; nil where the class does not occur.
  public func recall(_ label: Int) -> Double? {
    support(label) == 0 ? nil : Double(confusion[label][label]) / Double(support(label))
  }
  /// Share of the predictions of a class that are right; nil where it was never predicted.
  public func precision(_ label: Int) -> Double? {
    predicted(label) == 0 ? nil : Double(confusion[label][label]) / Double(predicted(label))
  }
  /// 2·TP / (support + predicted); 0 where the class is neither true nor predicted.
  public func f1(_ label: Int) -> Double {
    let denominator = support(label) + predicted(label)
    return denominator == 0 ? 0 : 2 * Double(confusion[label][label]) / Double(denominator)
  }
  /// Mean F1 over the classes that are true or predicted somewhere, each counting the same. A class
  /// that does neither (in a resample of whole sources, say) has no F1 and pulls nothing down;
  /// `sklearn.metrics.f1_score(average="macro")` does the same.
  public var macroF1: Double {
    let present = confusion.indices.filter { support($0) + predicted($0) > 0 }
    return present.reduce(0) { $0 + f1($1) } / Double(max(1, present.count))
  }
  /// Accuracy of always answering the most frequent true class.
  public var majorityAccuracy: Double {
    count == 0 ? 0 : Double(confusion.indices.map(support).max() ?? 0) / Double(count)
  }
}
