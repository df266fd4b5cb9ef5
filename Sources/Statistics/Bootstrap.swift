// Percentile bootstrap over documents or over clusters of them (all texts of one prompt, all articles
// of one source). Replicate r draws from its own position of a named stream, so that more replicates
// never change the first ones.

import Randomness

/// Resampling with replacement.
///
/// **Source**: Efron & Tibshirani 1993, chapter 13 (percentile interval); whole clusters are drawn
/// where texts share a prompt or a source (Cameron, Gelbach & Miller 2008), since such texts are not
/// independent.
public struct Bootstrap: Sendable {
  public let replicates: Int
  public let confidence: Double
  private let stream: RandomStream

  /// - Parameters:
  ///   - replicates: at least 2; 2,000 gives an interval that is stable to about a twentieth of its width.
  ///   - stream: named after what is resampled.
  public init(replicates: Int, confidence: Double = 0.95, stream: RandomStream) {
    precondition(replicates >= 2, "a bootstrap needs at least 2 replicates, not \(replicates)")
    precondition(confidence > 0 && confidence < 1, "confidence \(confidence) is not in (0, 1)")
    self.replicates = replicates
    self.confidence = confidence
    self.stream = stream
  }

  /// Intervals of the means of several columns, resampled together.
  ///
  /// The interval of a *paired* difference is that of a column of differences.
  ///
  /// - Parameters:
  ///   - columns: each `[unit]`, all of one length > 0.
  ///   - clusters: the cluster of each unit, 0..<count; nil where units are independent.
  /// - Returns: one interval per column.
  ///
  /// **Cost**: replicates × units × columns.
  public func means(of columns: [[Double]], clusters: [Int]? = nil) -> [Interval] {
    replicateMeans(of: columns, clusters: clusters).map(interval)
  }

  /// Intervals of the differences between the means of two independent samples, column by column.
  public func differences(
    of columns: [[Double]], clusters: [Int]? = nil, from others: [[Double]],
    otherClusters: [Int]? = nil, otherStream: RandomStream
  ) -> [Interval] {
    precondition(
      columns.count == others.count, "\(columns.count) columns against \(others.count)")
    let second = Bootstrap(replicates: replicates, confidence: confidence, stream: otherStream)
    let a = replicateMeans(of: columns, clusters: clusters)
    let b = second.replicateMeans(of: others, clusters: otherClusters)
    return zip(a, b).map { interval(zip($0, $1).map { $0 - $1 }) }
  }

  /// `[column][replicate]`
  private func replicateMeans(of columns: [[Double]], clusters: [Int]?) -> [[Double]] {
    guard let units = columns.first?.count else { return [] }
    precondition(units > 0, "a bootstrap needs at least one unit")
    for column in columns {
      precondition(column.count == units, "columns of \(units) and \(column.count) units")
    }
    let width = columns.count
    let owner = clusters ?? Array(0..<units)
    precondition(owner.count == units, "\(owner.count) cluster numbers for \(units) units")
    let clusterCount = (owner.max() ?? 0) + 1
    // Sums per cluster first: a replicate is then a sum of whole clusters.
    var sums = [Double](repeating: 0, count: clusterCount * width)
    var sizes = [Double](repeating: 0, count: clusterCount)
    for unit in 0..<units {
      precondition(owner[unit] >= 0, "cluster \(owner[unit]) of unit \(unit) is negative")
      sizes[owner[unit]] += 1
      for column in 0..<width { sums[owner[unit] * width + column] += columns[column][unit] }
    }
    let filled = (0..<clusterCount).filter { sizes[$0] > 0 }
    var results = [[Double]](repeating: [], count: width)
    for index in 0..<width { results[index].reserveCapacity(replicates) }
    var total = [Double](repeating: 0, count: width)
    for replicate in 0..<replicates {
      for index in 0..<width { total[index] = 0 }
      var count = 0.0
      draw(replicate, of: filled.count) { drawn in
        let cluster = filled[drawn]
        count += sizes[cluster]
        for index in 0..<width { total[index] += sums[cluster * width + index] }
      }
      for index in 0..<width { results[index].append(total[index] / count) }
    }
    return results
  }

  /// Intervals of any statistics of a resample.
  ///
  /// - Parameters:
  ///   - count: how many units there are.
  ///   - statistics: gets the drawn unit numbers, gives as many values every time.
  public func intervals(
    count: Int, statistics: (_ drawn: [Int]) -> [Double]
  ) -> [Interval] {
    precondition(count > 0, "a bootstrap needs at least one unit")
    var results: [[Double]] = []
    var drawn = [Int](repeating: 0, count: count)
    for replicate in 0..<replicates {
      var next = 0
      draw(replicate, of: count) {
        drawn[next] = $0
        next += 1
      }
      let values = statistics(drawn)
      if results.isEmpty { results = [[Double]](repeating: [], count: values.count) }
      precondition(
        values.count == results.count, "\(values.count) statistics after \(results.count)")
      for (index, value) in values.enumerated() { results[index].append(value) }
    }
    return results.map(interval)
  }

  private func draw(_ replicate: Int, of count: Int, _ take: (Int) -> Void) {
    // Well apart, since a draw without bias may take more than one word.
    var random = stream
    random.position = UInt64(replicate) << 32
    for _ in 0..<count { take(random.integer(below: count)) }
  }

  private func interval(_ values: [Double]) -> Interval {
    let sorted = values.sorted()
    return Interval(
      low: quantile(0.5 - confidence / 2, ofSorted: sorted),
      high: quantile(0.5 + confidence / 2, ofSorted: sorted))
  }
}

/// Quantile with linear interpolation between order statistics (type 7 of Hyndman & Fan 1996, the
/// default of NumPy and R).
public func quantile(_ p: Double, ofSorted values: [Double]) -> Double {
  precondition(!values.isEmpty, "a quantile needs at least one value")
  let place = p * Double(values.count - 1)
  let index = min(max(0, Int(place)), values.count - 1)
  guard index + 1 < values.count else { return values[index] }
  return values[index] + (place - Double(index)) * (values[index + 1] - values[index])
}
