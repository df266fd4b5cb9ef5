// What a classifier confuses with what, where rows have weights: sources may count the same whatever
// number of articles they bring. Plain counts are in ClassificationQuality.swift.

/// Weights of true against predicted classes.
public struct ConfusionTable: Sendable, Equatable {
  /// `[true][predicted]`
  public private(set) var cells: [[Double]]

  public init(classCount: Int) {
    cells = [[Double]](
      repeating: [Double](repeating: 0, count: classCount), count: classCount)
  }

  public init(
    labels: [Int], predictions: [Int], weights: [Double]? = nil, classCount: Int
  ) {
    precondition(
      labels.count == predictions.count && labels.count == weights?.count ?? labels.count,
      "\(labels.count) labels, \(predictions.count) predictions, \(weights?.count ?? 0) weights")
    self.init(classCount: classCount)
    for row in labels.indices {
      add(weights?[row] ?? 1, true: labels[row], predicted: predictions[row])
    }
  }

  public mutating func add(_ weight: Double, true label: Int, predicted: Int) {
    cells[label][predicted] += weight
  }

  /// Adds another table, cell by cell.
  public mutating func add(_ other: ConfusionTable, times factor: Double = 1) {
    for row in cells.indices {
      for column in cells.indices { cells[row][column] += factor * other.cells[row][column] }
    }
  }

  public var total: Double { cells.reduce(0) { $0 + $1.reduce(0, +) } }

  public var accuracy: Double {
    total > 0 ? cells.indices.reduce(0) { $0 + cells[$1][$1] } / total : 0
  }

  /// P(predicted | true); nil where the class does not occur.
  public func probability(_ predicted: Int, given label: Int) -> Double? {
    let sum = cells[label].reduce(0, +)
    return sum > 0 ? cells[label][predicted] / sum : nil
  }

  /// Share of a class that was found; nil where the class does not occur.
  public func recall(_ label: Int) -> Double? { probability(label, given: label) }

  /// As `ClassificationQuality.macroF1`: over the classes that are true or predicted somewhere.
  public var macroF1: Double {
    var sum = 0.0
    var present = 0.0
    for label in cells.indices {
      let denominator =
        cells[label].reduce(0, +) + cells.indices.reduce(0) { $0 + cells[$1][label] }
      guard denominator > 0 else { continue }
      present += 1
      sum += 2 * cells[label][label] / denominator
    }
    return present > 0 ? sum / present : 0
  }
}
