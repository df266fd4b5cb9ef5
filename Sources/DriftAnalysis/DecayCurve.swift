// What the judge says of real articles that were made worse: its answer as a function of quality alone.

import CanonicalJSON
import Reports

/// One way of making articles worse, at several amounts.
struct DecayCurve: Sendable, Equatable {
  struct Point: Sendable, Equatable {
    let quality: Double
    let share: Double
  }

  let name: String
  /// Ascending in quality.
  let points: [Point]

  /// The least degraded.
  var best: Point { points[points.count - 1] }

  /// - Precondition: at least one point.
  init(name: String, points: [Point]) {
    precondition(!points.isEmpty, "a decay curve without points")
    self.name = name
    self.points = points.sorted { ($0.quality, $0.share) < ($1.quality, $1.share) }
  }

  /// Straight lines between points; the nearest end outside of them. Points of equal quality count
  /// with their mean.
  func share(at quality: Double) -> (share: Double, isOutside: Bool) {
    if quality <= points[0].quality {
      return (mean(at: points[0].quality), quality < points[0].quality)
    }
    if quality >= best.quality { return (mean(at: best.quality), quality > best.quality) }
    let next = points.firstIndex { $0.quality > quality }!
    let (a, b) = (points[next - 1].quality, points[next].quality)
    let (low, high) = (mean(at: a), mean(at: b))
    return (low + (high - low) * (quality - a) / (b - a), false)
  }

  private func mean(at quality: Double) -> Double {
    let equal = points.filter { $0.quality == quality }
    return equal.reduce(0) { $0 + $1.share } / Double(equal.count)
  }

  /// Items of both inputs with equal coordinates make a point; axes of words make a curve each.
  static func curves(
    bias: DriftInput.Metrics, quality: DriftInput.Metrics, target: String, qualityName: String,
    axes: StudyInput.Axes
  ) -> [DecayCurve] {
    var names: [String] = []
    var points: [String: [Point]] = [:]
    for item in bias {
      guard
        let share = item.content.first(where: {
          $0.name == "share" && $0.at["class"]?.string == target && $0.at.count == 1
        }),
        let twin = quality.first(where: { $0.coordinates == item.coordinates }),
        let value = twin.content.first(where: { $0.name == qualityName })
      else { continue }
      let words = item.coordinates.members.compactMap { key, value in
        key == axes.replicate ? nil : value.string
      }
      let name = words.isEmpty ? "degraded" : words.joined(separator: " · ")
      if !names.contains(name) { names.append(name) }
      points[name, default: []].append(Point(quality: value.value, share: share.value))
    }
    return names.map { DecayCurve(name: $0, points: points[$0]!) }
  }
}
