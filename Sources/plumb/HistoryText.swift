// A metric's history as tables with plots, as CSV and as JSON.

import CanonicalJSON
import Console
import Foundation
import Reports
import RunHistory

enum HistoryText {
  /// More series than this are named, not shown.
  private static let most = 8

  static func write(_ history: MetricHistory, plots: Bool, to output: inout Output) {
    for (index, series) in history.series.prefix(most).enumerated() {
      if index > 0 { output.line() }
      output.line(output.style(.bold, title(series).drawable))
      output.table(table(series))
      guard plots else { continue }
      let values = series.points.map { $0.metric?.value }
      let plot = Plot(values, isUnicode: Terminal.drawsUnicode)
      if values.count(where: { $0 != nil }) > 1 {
        output.lines(plot.lines(width: output.width ?? 80))
      }
    }
    let more = history.series.count - most
    if more > 0 {
      output.line()
      output.line("\(more) more; choose with stages and --where: " + chosen(history).drawable)
    }
    for (instance, note) in history.valueless.prefix(most) {
      output.line("\(instance): no value in any run; \(note)".drawable)
    }
  }

  private static func chosen(_ history: MetricHistory) -> String {
    history.columns.sorted().joined(separator: ", ")
  }

  /// "share of score[generation=1,seed=1] (class=right), share"
  private static func title(_ series: MetricSeries) -> String {
    let inside =
      series.instance.contains("[")
      ? InstanceName(series.instance)?.axes.map(\.name) ?? [] : []
    let place = series.place.filter { !inside.contains($0.column) }
      .map { "\($0.column)=\($0.value)" }.joined(separator: ", ")
    let unit = series.points.lazy.compactMap { $0.metric?.unit }.first { !$0.isEmpty } ?? ""
    return "\(series.name) of \(series.instance)" + (place.isEmpty ? "" : " (\(place))")
      + (unit.isEmpty || unit == series.name ? "" : ", \(unit)")
  }

  private static func table(_ series: MetricSeries) -> Table {
    let hasInterval = series.points.contains { $0.metric?.low != nil || $0.metric?.high != nil }
    var columns: [Table.Column] = [
      .init("run began (UTC)"), .init("run"), .init("value", numeric: true),
    ]
    if hasInterval { columns += [.init("low", numeric: true), .init("high", numeric: true)] }
    columns += [.init("n", numeric: true), .init("since the run before", mayShrink: true)]
    var table = Table(columns)
    let digits = Self.digits(series)
    for point in series.points {
      var cells = [
        time(point.time), short(point.run),
        point.metric.map { Figures.value($0.value, digits: digits) } ?? "–",
      ]
      if hasInterval {
        cells += [point.metric?.low, point.metric?.high].map {
          $0.map { Figures.value($0, digits: digits) } ?? ""
        }
      }
      cells += [point.metric.map { "\($0.count)" } ?? "", remark(point)]
      table.add(cells)
    }
    return table
  }

  /// As many as it takes for different values to look different, within reason.
  private static func digits(_ series: MetricSeries) -> Int {
    let values = Set(series.points.compactMap { $0.metric?.value })
    return (4...7).first { digits in
      Set(values.map { Figures.value($0, digits: digits) }).count == values.count
    } ?? 7
  }

  private static func remark(_ point: MetricSeries.Point) -> String {
    [point.note, point.change].compactMap { $0?.isEmpty == false ? $0 : nil }.joined(
      separator: "; ")
  }

  /// The digits at the end of an id, by which commands know it too.
  private static func short(_ id: String) -> String {
    id.lastIndex(of: "-").map { String(id[id.index(after: $0)...]) } ?? id
  }

  static func time(_ seconds: Double) -> String {
    guard seconds.isFinite, abs(seconds) < 1e11 else { return "?" }
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 40)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M", &parts)
    return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  // MARK: For programs

  static func cells(_ history: MetricHistory) -> MetricRows.Cells {
    var columns: [String] = []
    for series in history.series {
      for (column, _) in series.place where !columns.contains(column) { columns.append(column) }
    }
    let titles =
      ["time", "run", "instance"] + columns + [
        "metric", "value", "low", "high", "unit", "n", "note", "change",
      ]
    var cells = MetricRows.Cells(
      titles: titles, numeric: [Bool](repeating: false, count: titles.count), rows: [])
    for series in history.series {
      let place = columns.map { column in series.place.first { $0.column == column }?.value ?? "" }
      for point in series.points {
        // All digits: a program reads this.
        let figures = [point.metric?.value, point.metric?.low, point.metric?.high].map {
          $0.map { "\($0)" } ?? ""
        }
        cells.rows.append(
          [iso(point.time), point.run, series.instance] + place + [series.name] + figures + [
            point.metric?.unit ?? "", point.metric.map { "\($0.count)" } ?? "", point.note ?? "",
            point.change ?? "",
          ])
      }
    }
    return cells
  }

  private static func iso(_ seconds: Double) -> String {
    seconds.isFinite && abs(seconds) < 1e11
      ? Date(timeIntervalSince1970: seconds).formatted(.iso8601) : ""
  }

  static func json(_ history: MetricHistory) -> JSONValue {
    .array(
      history.series.map { series in
        .object([
          "instance": .string(series.instance), "name": .string(series.name),
          "at": .object(JSONObject(series.place.map { ($0.column, .string($0.value)) })),
          "points": .array(series.points.map(json)),
        ])
      })
  }

  private static func json(_ point: MetricSeries.Point) -> JSONValue {
    .object([
      "run": .string(point.run), "time": .number(point.time),
      "value": RunDifference.json(point.metric?.value),
      "low": RunDifference.json(point.metric?.low),
      "high": RunDifference.json(point.metric?.high),
      "n": point.metric.map { .integer($0.count) } ?? .null,
      "unit": point.metric.map { .string($0.unit) } ?? .null,
      "note": point.note.map { .string($0) } ?? .null,
      "change": point.change.map { .string($0) } ?? .null,
    ])
  }
}
