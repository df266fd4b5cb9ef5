// Metrics sorted into series, x and replicates; replicates averaged with their spread. Here it is
// decided what a band in a figure means, so the words for it stand here too.

import CanonicalJSON
import Diagnostics
import Statistics

/// Metrics of many instances along the axes of a study.
struct StudyTable {
  /// A metric at its place.
  struct Cell {
    let series: String
    let x: Double
    let replicate: String
    let metric: Metric
  }

  let axes: StudyInput.Axes
  let cells: [Cell]
  /// In the order in which they appear.
  let series: [String]
  let replicates: [String]
  let x: [Double]

  /// **Throws**: `report-axis-missing`, `report-axis-number`.
  init(_ items: [StudyInput.Item<[Metric]>], axes: StudyInput.Axes) throws(Diagnostic) {
    self.axes = axes
    try Self.check(items, axes)
    var cells: [Cell] = []
    var series: [String] = []
    var replicates: [String] = []
    var xs: Set<Double> = []
    let constant = Place.constant(items.map(\.coordinates), axes)
    for item in items {
      let place = try Place(item.coordinates, axes, without: constant)
      if !series.contains(place.series) { series.append(place.series) }
      if !replicates.contains(place.replicate) { replicates.append(place.replicate) }
      xs.insert(place.x)
      for metric in item.content {
        cells.append(
          Cell(series: place.series, x: place.x, replicate: place.replicate, metric: metric))
      }
    }
    self.cells = cells
    self.series = series
    self.replicates = replicates
    x = xs.sorted()
  }

  private static func check(
    _ items: [StudyInput.Item<[Metric]>], _ axes: StudyInput.Axes
  ) throws(Diagnostic) {
    guard !items.isEmpty else { return }
    var names: [String] = []
    for item in items {
      for name in item.coordinates.keys where !names.contains(name) { names.append(name) }
    }
    let wanted = [
      ("x_axis", axes.x), ("series_axis", axes.series), ("replicate_axis", axes.replicate),
    ]
    for (parameter, axis) in wanted where !axis.isEmpty && !names.contains(axis) {
      throw .reportAxisMissing(axis, parameter: parameter, there: names)
    }
  }

  /// Where an item belongs.
  struct Place {
    let series: String
    let x: Double
    let replicate: String

    /// Axes that have one value in all of several items: they tell nothing apart.
    static func constant(_ coordinates: [JSONObject], _ axes: StudyInput.Axes) -> [String] {
      guard coordinates.count > 1, let first = coordinates.first else { return [] }
      return first.keys.filter { key in
        key != axes.series && key != axes.x && key != axes.replicate
          && coordinates.allSatisfy { $0[key] == first[key] }
      }
    }

    /// Axes that play no part become part of the series' name: they are never averaged over.
    init(
      _ coordinates: JSONObject, _ axes: StudyInput.Axes, without constant: [String] = []
    ) throws(Diagnostic) {
      var names: [String] = []
      if !axes.series.isEmpty { names.append(shown(coordinates[axes.series])) }
      for (key, value) in coordinates.members
      where key != axes.series && key != axes.x && key != axes.replicate && !constant.contains(key)
      {
        names.append("\(key) \(shown(value))")
      }
      series = names.isEmpty ? "all" : names.joined(separator: " · ")
      replicate = axes.replicate.isEmpty ? "" : shown(coordinates[axes.replicate])
      guard !axes.x.isEmpty, let value = coordinates[axes.x] else {
        x = 0
        return
      }
      guard let number = value.double else { throw .reportAxisNumber(axes.x, shown(value)) }
      x = number
    }
  }

  /// The mean over replicates at one x.
  struct Average: Equatable {
    let x: Double
    let mean: Double
    /// From the lowest to the highest end of the replicates' intervals (their values, where they
    /// have no intervals); nil for a single value without an interval.
    let low: Double?
    let high: Double?
    /// The replicates' values, in the order of `replicates`.
    let values: [Double]
    /// Smallest number of things behind a value.
    let count: Int
  }

  func averages(
    _ series: String, _ matches: (Metric) -> Bool
  ) -> [Average] {
    x.compactMap { x in
      let metrics = cells.filter { $0.series == series && $0.x == x && matches($0.metric) }
        .map(\.metric)
      guard !metrics.isEmpty else { return nil }
      let values = metrics.map(\.value)
      let low = metrics.map { $0.low ?? $0.value }.min()!
      let high = metrics.map { $0.high ?? $0.value }.max()!
      return Average(
        x: x, mean: SampleSummary(values).mean, low: low < high ? low : nil,
        high: low < high ? high : nil, values: values, count: metrics.map(\.count).min()!)
    }
  }

  /// The trend over the replicates' chains.
  func trend(_ series: String, _ matches: (Metric) -> Bool) -> ReplicatedTrend? {
    let chains = replicates.map { replicate in
      cells.filter {
        $0.series == series && $0.replicate == replicate && matches($0.metric)
      }.sorted { $0.x < $1.x }.map { (x: $0.x, y: $0.metric.value) }
    }
    return ReplicatedTrend(chains: chains)
  }

  func contains(_ matches: (Metric) -> Bool) -> Bool { cells.contains { matches($0.metric) } }

  /// "seed" → "2 seeds".
  var replicateWords: String {
    let count = replicates.count
    let noun = axes.replicate.isEmpty ? "chain" : axes.replicate
    return "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// What a band means for metrics of one name.
  func bandWords(_ matches: (Metric) -> Bool) -> String {
    let metrics = cells.filter { matches($0.metric) }.map(\.metric)
    let interval = metrics.contains { $0.low != nil }
    let several = replicates.count > 1
    switch (interval, several) {
    case (true, true):
      return "Lines are means over \(replicateWords); bands reach from the lowest to the highest "
        + "end of their 95 % intervals over documents."
    case (true, false): return "Bands are 95 % intervals over documents, within one chain."
    case (false, true):
      return "Lines are means over \(replicateWords); bands reach from the lowest to the highest."
    case (false, false): return "One chain, no interval."
    }
  }
}
