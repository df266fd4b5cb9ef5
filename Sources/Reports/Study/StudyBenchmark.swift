// The open-ended benchmark as a section of a report: how models go on from titles and blocks, from the
// metrics of score-bias with parts by topic, class of prompt and whether the article was learnt.

import CanonicalJSON
import Diagnostics
import Statistics

struct StudyBenchmark {
  /// Without coordinates: the base model.
  let items: [StudyInput.Item<[Metric]>]
  let axes: StudyInput.Axes
  let target: String

  /// Nil without items.
  ///
  /// **Throws**: `report-axis-missing`, `report-axis-number`.
  func section() throws(Diagnostic) -> ReportSection? {
    guard !items.isEmpty else { return nil }
    let retrained = items.filter { $0.coordinates[axes.x] != nil }
    var blocks: [ReportSection.Block] = []
    if let figure = try figure(retrained) { blocks.append(.figure(figure)) }
    if let table = try table(retrained) { blocks.append(.table(table)) }
    guard !blocks.isEmpty else { return nil }
    return ReportSection(
      id: "benchmark", title: "The benchmark: titles and blocks continued", order: 130,
      summary:
        "Models go on from titles and first blocks of articles, some of which they learnt and some of "
        + "which were held back. Intervals are over documents, within a chain.",
      blocks: blocks)
  }

  private func isShare(_ metric: Metric) -> Bool {
    metric.name == "share" && metric.at.count == 1 && metric.at["class"]?.string == target
  }

  /// Those of the base model, by what else tells them apart, such as the decoding.
  private var base: [(name: String, metrics: [Metric])] {
    items.filter { $0.coordinates[axes.x] == nil }.map { item in
      let place = item.coordinates.members.map { "\($0.key) \(shown($0.value))" }
      return ((["base model"] + place).joined(separator: " · "), item.content)
    }
  }

  private func figure(_ retrained: [StudyInput.Item<[Metric]>]) throws(Diagnostic) -> Figure? {
    guard !retrained.isEmpty else { return nil }
    let table = try StudyTable(retrained, axes: axes)
    let series = table.series.map { name in
      Figure.Series(
        name: name,
        points: table.averages(name) { isShare($0) }.map {
          .init(
            x: $0.x, y: 100 * $0.mean, low: $0.low.map { 100 * $0 }, high: $0.high.map { 100 * $0 })
        })
    }.filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    return Figure(
      id: "benchmark-share", title: "Continuations judged \(target)", xLabel: axes.x,
      yLabel: "share of continuations (%)", series: series,
      caption:
        "Share of continuations whose most probable class is \(target). \(table.bandWords(isShare))",
      references: base.compactMap { name, metrics in
        metrics.first(where: isShare).map { .init(name: name, y: 100 * $0.value) }
      }, wholeX: table.x.allSatisfy { $0 == $0.rounded() })
  }

  /// Parts of the prompts as rows, the base model and the last generation of each setting as columns.
  private func table(_ retrained: [StudyInput.Item<[Metric]>]) throws(Diagnostic) -> ReportTable? {
    var columns = base
    if !retrained.isEmpty {
      let table = try StudyTable(retrained, axes: axes)
      let constant = StudyTable.Place.constant(retrained.map(\.coordinates), axes)
      var last: [String: [Metric]] = [:]
      for item in retrained {
        let place = try StudyTable.Place(item.coordinates, axes, without: constant)
        if place.x == table.x.last { last[place.series, default: []] += item.content }
      }
      for name in table.series {
        guard let metrics = last[name], let x = table.x.last else { continue }
        columns.append(("\(name) \(Format.figure(x))", metrics))
      }
    }
    var parts: [Part] = [Part(by: "all", group: "")]
    for column in columns {
      for metric in column.metrics where metric.name == "group_share" {
        let part = Part(by: shown(metric.at["by"]), group: shown(metric.at["group"]))
        if !parts.contains(part) { parts.append(part) }
      }
    }
    let rows = parts.map { part in
      [part.by, part.group] + columns.map { cell(part, $0.metrics) }
    }
    return ReportTable(
      caption:
        "Share of continuations judged \(target), percent, and how many there are: the base model, "
        + "and the last \(axes.x) of each setting, its chains together.",
      columns: [.init("prompts by"), .init("part")]
        + columns.map { .init($0.name, unit: "%", isNumber: true) },
      rows: rows)
  }

  private struct Part: Equatable {
    let by: String
    let group: String
  }

  /// Mean over chains, weighted by their documents.
  private func cell(_ part: Part, _ metrics: [Metric]) -> String {
    let found = metrics.filter { metric in
      part.group.isEmpty
        ? isShare(metric)
        : metric.name == "group_share" && metric.at["class"]?.string == target
          && shown(metric.at["by"]) == part.by && shown(metric.at["group"]) == part.group
    }
    let n = found.reduce(0) { $0 + $1.count }
    guard n > 0 else { return "–" }
    let share = found.reduce(0) { $0 + $1.value * Double($1.count) } / Double(n)
    return "\(Format.fixed(100 * share, 1)) (\(Format.count(n)))"
  }
}
