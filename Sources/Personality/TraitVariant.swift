// A method, or one of its rates or scales: what a row of the comparison is about. Seeds and wordings are
// repetitions of one thing and are pooled; an editor's rates are different things.

import CanonicalJSON
import Reports

public struct TraitVariant: Sendable, Equatable {
  public let method: String
  /// `rate` or `scale`, with its value as runs name it; nil for the whole method.
  public let axis: String?
  public let value: String?

  static let axes = ["rate", "scale"]

  /// One for each value of the first axis on which the answers of a method differ, in ascending order.
  static func all(of method: String, _ answers: [JudgedAnswer]) -> [TraitVariant] {
    for axis in axes {
      let named = answers.compactMap { $0.runValue(axis) }
      let values = TraitComparison.unique(named)
      guard named.count == answers.count, values.count >= 2,
        values.allSatisfy({ Double($0) != nil })
      else { continue }
      return values.sorted { Double($0)! < Double($1)! }.map {
        TraitVariant(method: method, axis: axis, value: $0)
      }
    }
    return [TraitVariant(method: method, axis: nil, value: nil)]
  }

  /// `rate 0.001`
  var place: String? { axis.flatMap { axis in value.map { "\(axis) \($0)" } } }

  /// `mend, rate 0.001`
  var title: String { place.map { "\(method), \($0)" } ?? method }

  func holds(_ answer: JudgedAnswer) -> Bool {
    guard answer.method == method else { return false }
    return axis.map { answer.runValue($0) == value } ?? true
  }

  /// A figure of these answers with the value in its place.
  func marked(_ metric: Metric) -> Metric {
    guard let axis, let value else { return metric }
    var metric = metric
    metric.at = JSONObject(
      metric.at.members.map { ($0.key, $0.value) } + [(axis, JSONValue.string(value))])
    return metric
  }

  /// Whether a figure, of this or of another stage, is about these answers.
  func isNamed(_ metric: Metric) -> Bool {
    guard metric.at["method"]?.string == method else { return false }
    guard let axis, let value else { return true }
    let found = metric.at[axis]
    // 1e-05 and 0.00001 are one rate.
    guard let number = found?.double ?? found?.string.flatMap({ Double($0) }) else { return false }
    return number == Double(value)
  }
}
