// Sentences that follow from numbers and claim no more than these carry. The chain (seed) is the
// unit: documents of one chain say how well that chain is measured, not what another would do.

import Statistics

/// What the share of the target class did in one series.
struct DriftFinding {
  let series: String
  let first: StudyTable.Average
  let last: StudyTable.Average
  let trend: ReplicatedTrend?
  /// last − first per replicate.
  let changes: [Double]

  init?(_ table: StudyTable, series: String, _ matches: (Metric) -> Bool) {
    let averages = table.averages(series, matches)
    guard let first = averages.first, let last = averages.last else { return nil }
    self.series = series
    self.first = first
    self.last = last
    trend = averages.count < 2 ? nil : table.trend(series, matches)
    changes =
      first.values.count == last.values.count
      ? zip(last.values, first.values).map { $0 - $1 } : []
  }

  /// Chains below which the words "descriptive" stand: a sign-flip test over five chains cannot
  /// reach p = 0.05 (2/2⁵ = 0.0625).
  static let fewChains = 6

  enum Verdict: String {
    case rises, falls, unclear

    var words: String { self == .unclear ? "no clear trend" : rawValue }
  }

  var verdict: Verdict {
    guard let trend, trend.isClear else { return .unclear }
    return trend.slope > 0 ? .rises : .falls
  }

  /// "no clear trend", "rises (descriptive: 2 seeds)" …
  func verdictWords(_ table: StudyTable) -> String {
    guard let trend else { return "one point: no trend" }
    let chains = trend.slopes.count
    if chains == 1 {
      return verdict == .unclear
        ? "no clear trend in this one chain"
        : "\(verdict.rawValue) in this one chain, which cannot tell drift from chance"
    }
    if verdict != .unclear {
      return chains < Self.fewChains
        ? "\(verdict.rawValue) in these \(table.replicateWords); descriptive, as so few chains are"
        : "\(verdict.rawValue) over \(table.replicateWords)"
    }
    let rising = trend.slopes.count { $0 > 0 }
    if chains > 1, rising == chains || trend.slopes.allSatisfy({ $0 < 0 }) {
      let every = chains == 2 ? "both" : "all \(chains)"
      return "no clear trend: \(every) chains \(rising > 0 ? "rise" : "fall"), but so few chains "
        + "cannot exclude zero"
    }
    return "no clear trend"
  }

  /// - Parameters:
  ///   - quantity: what is followed, "right share".
  ///   - percent: are values shares, to be shown in percent and points?
  func sentence(_ table: StudyTable, quantity: String, percent: Bool) -> String {
    let factor = percent ? 100.0 : 1
    let digits = percent ? 1 : 3
    let unit = percent ? " %" : ""
    let step = percent ? " points" : ""
    let axis = table.axes.x.isEmpty ? "step" : table.axes.x
    func figure(_ value: Double) -> String { Format.fixed(factor * value, digits) }
    var text = "\(quantity) \(figure(first.mean))\(unit) → \(figure(last.mean))\(unit)"
    if let low = last.low, let high = last.high {
      text += " (at the end \(figure(low)) to \(figure(high))\(unit)"
      text +=
        table.replicates.count > 1
        ? " over all intervals of the \(table.replicateWords))"
        : ", 95 % interval over documents)"
    }
    text += " over \(axis)s \(Format.figure(first.x))–\(Format.figure(last.x))"
    if let trend {
      text += ", slope \(Format.signed(factor * trend.slope, digits + 1))\(step) per \(axis)"
      if let interval = trend.interval {
        text += " (95 % interval \(Format.signed(factor * interval.low, digits + 1)) to "
        text += "\(Format.signed(factor * interval.high, digits + 1)))"
      }
    }
    return text + ": " + verdictWords(table) + "."
  }
}
