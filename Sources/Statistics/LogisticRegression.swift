// Multinomial logistic regression on sparse rows: softmax(W·x + b), L2 on W and not on b.
// Features come from NgramFeatures.swift, probabilities are tempered in Calibration.swift.

import Foundation

/// Weights of a multinomial logistic regression over the features that were seen in training.
public struct LogisticRegression: Sendable, Equatable {
  public let classCount: Int
  /// Ascending feature numbers; every other feature has weight 0.
  public let features: [UInt32]
  /// `[feature, class]`, row major, in the order of `features`.
  public let weights: [Float]
  /// `[class]`
  public let bias: [Float]

  public init(classCount: Int, features: [UInt32], weights: [Float], bias: [Float]) {
    precondition(
      weights.count == features.count * classCount && bias.count == classCount,
      "\(weights.count) weights and \(bias.count) biases for \(features.count) features × "
        + "\(classCount) classes")
    self.classCount = classCount
    self.features = features
    self.weights = weights
    self.bias = bias
  }

  /// W·x + b, `[class]`.
  public func logits(_ x: SparseVector) -> [Double] {
    var out = bias.map(Double.init)
    for (feature, value) in zip(x.indices, x.values) {
      guard let place = place(of: feature) else { continue }
      for label in 0..<classCount {
        out[label] += Double(weights[place * classCount + label]) * Double(value)
      }
    }
    return out
  }

  private func place(of feature: UInt32) -> Int? {
    var low = 0
    var high = features.count
    while low < high {
      let middle = (low + high) / 2
      if features[middle] < feature { low = middle + 1 } else { high = middle }
    }
    return low < features.count && features[low] == feature ? low : nil
  }
}

extension LogisticRegression {
  /// How to fit.
  public struct Settings: Sendable {
    /// λ in mean weighted loss + λ/2·‖W‖².
    public var l2: Double
    public var maximumIterations: Int
    /// On the largest absolute partial derivative of the objective.
    public var tolerance: Double
    /// Features in fewer training rows are left out.
    public var minimumRows: Int

    public init(
      l2: Double, maximumIterations: Int = 500, tolerance: Double = 1e-6, minimumRows: Int = 1
    ) {
      self.l2 = l2
      self.maximumIterations = maximumIterations
      self.tolerance = tolerance
      self.minimumRows = minimumRows
    }
  }

  /// Fits by L-BFGS on all rows at once, from zero; the objective is strictly convex in W for l2 > 0.
  ///
  /// - Parameters:
  ///   - labels: the class of each row, 0..<classCount.
  ///   - rowWeights: nil for equal weights; scaled to sum 1.
  ///   - progress: called before every iteration; what it throws ends the fit.
  public static func fit<Stop: Error>(
    rows: [SparseVector], labels: [Int], classCount: Int, rowWeights: [Double]? = nil,
    settings: Settings, progress: (_ iteration: Int, _ loss: Double) throws(Stop) -> Void
  ) throws(Stop) -> (model: LogisticRegression, convergence: Convergence) {
    precondition(rows.count == labels.count, "\(rows.count) rows for \(labels.count) labels")
    precondition(!rows.isEmpty && classCount >= 2, "nothing to fit")
    precondition(labels.allSatisfy { (0..<classCount).contains($0) }, "a label is out of range")
    let compact = CompactRows(rows, minimumRows: settings.minimumRows)
    let weightSum = rowWeights?.reduce(0, +) ?? Double(rows.count)
    let shares =
      rowWeights?.map { $0 / weightSum }
      ?? [Double](repeating: 1 / weightSum, count: rows.count)
    let size = compact.features.count * classCount
    var x = [Double](repeating: 0, count: size + classCount)
    let optimiser = LBFGS(
      maximumIterations: settings.maximumIterations, tolerance: settings.tolerance)
    var probabilities = [Double](repeating: 0, count: classCount)
    let convergence = try optimiser.minimise(
      &x,
      { x, gradient in
        var value = 0.0
        for index in 0..<size { gradient[index] = settings.l2 * x[index] }
        for label in 0..<classCount { gradient[size + label] = 0 }
        for index in 0..<size { value += 0.5 * settings.l2 * x[index] * x[index] }
        for row in labels.indices {
          let range = compact.starts[row]..<compact.starts[row + 1]
          for label in 0..<classCount { probabilities[label] = x[size + label] }
          for entry in range {
            let base = compact.places[entry] * classCount
            let v = compact.values[entry]
            for label in 0..<classCount { probabilities[label] += v * x[base + label] }
          }
          let normaliser = softmax(&probabilities)
          value += shares[row] * (normaliser.logSum - normaliser.logit(labels[row]))
          probabilities[labels[row]] -= 1
          for label in 0..<classCount {
            probabilities[label] *= shares[row]
            gradient[size + label] += probabilities[label]
          }
          for entry in range {
            let base = compact.places[entry] * classCount
            let v = compact.values[entry]
            for label in 0..<classCount { gradient[base + label] += v * probabilities[label] }
          }
        }
        return value
      }, progress: progress)
    let model = LogisticRegression(
      classCount: classCount, features: compact.features, weights: x[..<size].map(Float.init),
      bias: x[size...].map(Float.init))
    return (model, convergence)
  }

  /// Without anybody to tell.
  public static func fit(
    rows: [SparseVector], labels: [Int], classCount: Int, rowWeights: [Double]? = nil,
    settings: Settings
  ) -> (model: LogisticRegression, convergence: Convergence) {
    fit(
      rows: rows, labels: labels, classCount: classCount, rowWeights: rowWeights,
      settings: settings
    ) { (_: Int, _: Double) in }
  }
}

/// Rows over the features that occur, in compressed sparse row form.
private struct CompactRows {
  let features: [UInt32]
  var starts: [Int] = [0]
  var places: [Int] = []
  var values: [Double] = []

  init(_ rows: [SparseVector], minimumRows: Int) {
    var all: [UInt32] = []
    for row in rows { all += row.indices }
    all.sort()
    var kept: [UInt32] = []
    var at = 0
    while at < all.count {
      var end = at
      while end < all.count, all[end] == all[at] { end += 1 }
      if end - at >= minimumRows { kept.append(all[at]) }
      at = end
    }
    features = kept
    var place: [UInt32: Int] = [:]  // look-up only
    place.reserveCapacity(kept.count)
    for (index, feature) in kept.enumerated() { place[feature] = index }
    for row in rows {
      for (feature, value) in zip(row.indices, row.values) {
        guard let index = place[feature] else { continue }
        places.append(index)
        values.append(Double(value))
      }
      starts.append(places.count)
    }
  }
}

/// Log-sum-exp of logits, with the logits kept.
private struct Normaliser {
  let logSum: Double
  let logits: [Double]
  func logit(_ label: Int) -> Double { logits[label] }
}

/// Turns logits into probabilities in place.
private func softmax(_ values: inout [Double]) -> Normaliser {
  let logits = values
  let largest = values.max()!
  var sum = 0.0
  for index in values.indices {
    values[index] = exp(values[index] - largest)
    sum += values[index]
  }
  for index in values.indices { values[index] /= sum }
  return Normaliser(logSum: largest + log(sum), logits: logits)
}

/// softmax(logits / temperature).
public func probabilities(logits: [Double], temperature: Double = 1) -> [Double] {
  var values = logits.map { $0 / temperature }
  _ = softmax(&values)
  return values
}
