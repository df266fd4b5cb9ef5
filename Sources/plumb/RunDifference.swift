// What plumb diff shows: parameters of the manifest, what else differs in the actions, metrics.

import CanonicalJSON
import Console
import Diagnostics
import Reports
import RunHistory
import Scheduling

struct RunDifference {
  /// Causes that are shown.
  private static let most = 40
  private let runs: RunComparison
  private let metrics: MetricComparison
  private let everything: Bool
  /// Parameters of the manifest by name, in the order of the second run.
  private let parameters: [(name: String, old: JSONValue?, new: JSONValue?)]
  private let groups: [RunComparison.CauseGroup]

  init(_ runs: RunComparison, metrics: MetricComparison, everything: Bool) {
    self.runs = runs
    self.metrics = metrics
    self.everything = everything
    let old = runs.old.report.parameters.object ?? JSONObject([])
    let new = runs.new.report.parameters.object ?? JSONObject([])
    parameters =
      new.members.map { ($0.key, old[$0.key], $0.value) }
      + old.members.filter { new[$0.key] == nil }.map { ($0.key, $0.value, nil) }
    groups = runs.groups()
  }

  private var differingParameters: [(name: String, old: JSONValue?, new: JSONValue?)] {
    parameters.filter { $0.old != $0.new }
  }

  private var differingMetrics: [MetricPair] {
    metrics.pairs.filter { ![.equal, .withinTolerance].contains($0.verdict) }
  }

  private func pairs(_ state: InstancePair.State) -> [InstancePair] {
    runs.pairs.filter { $0.state == state }
  }

  private var isSame: Bool {
    differingParameters.isEmpty && differingMetrics.isEmpty && metrics.unreadable.isEmpty
      && groups.isEmpty
      && runs.pairs.allSatisfy { [.same, .changed, .evidence].contains($0.state) }
  }

  /// - Returns: whether nothing differs.
  func write(json isJSON: Bool) -> Bool {
    var output = Output()
    if isJSON { output.raw(json.indentedText) } else { text(to: &output) }
    output.write()
    return isSame
  }

  // MARK: Text

  private func text(to output: inout Output) {
    output.line(output.style(.bold, "\(runs.old.shown) → \(runs.new.shown)".drawable))
    let parameters = everything ? self.parameters : differingParameters
    if !parameters.isEmpty {
      var table = Table([
        .init("parameter"), .init("first", mayShrink: true), .init("second", mayShrink: true),
      ])
      for parameter in parameters {
        table.add([parameter.name, Self.text(parameter.old), Self.text(parameter.new)])
      }
      output.table(table)
    }
    for group in groups.prefix(Self.most) {
      let who = group.ids.count == 1 ? group.ids[0] : "\(group.stage) (\(group.ids.count))"
      output.line("\(who): \(group.cause.text)".drawable)
    }
    if groups.count > Self.most {
      output.line(
        "… and \(groups.count - Self.most) more; plumb why --between tells all with --json")
    }
    let shown = everything ? metrics.pairs : differingMetrics
    if !shown.isEmpty { write(shown, to: &output) }
    for problem in metrics.unreadable { output.line(problem.drawable) }
    for (state, what) in [
      (InstancePair.State.ended, "ended otherwise"), (.undecided, "not decided in one of the runs"),
      (.onlyOld, "only in the first run"), (.onlyNew, "only in the second run"),
    ] {
      let all = pairs(state)
      if !all.isEmpty { output.line("\(what): \(WhyBetween.byStage(all))".drawable) }
    }
    output.line(summary)
  }

  private var summary: String {
    let near = metrics.pairs.count { $0.verdict == .withinTolerance }
    let equal = metrics.pairs.count { $0.verdict == .equal }
    var parts = ["\(differingMetrics.count) metrics differ"]
    if near > 0 { parts.append("\(near) differ within their tolerance") }
    if equal > 0 { parts.append("\(equal) are equal") }
    if metrics.equalArtifacts > 0 {
      parts.append("those of \(metrics.equalArtifacts) artifacts are the same bytes")
    }
    return parts.joined(separator: ", ")
  }

  /// With intervals where the terminal is wide enough for them.
  private func write(_ pairs: [MetricPair], to output: inout Output) {
    let whole = table(pairs, intervals: true)
    let isWide = output.width.map { width in
      whole.lines().allSatisfy { $0.columns <= width }
    }
    output.table(isWide == false ? table(pairs, intervals: false) : whole)
    if isWide == false, pairs.contains(where: { ($0.old ?? $0.metric).low != nil }) {
      output.line("(intervals are shown in a wider terminal, in a file and by --json)")
    }
  }

  private func table(_ pairs: [MetricPair], intervals: Bool) -> Table {
    let hasCounts = pairs.contains { $0.old?.count != $0.new?.count }
    var columns: [Table.Column] = [
      .init("instance", mayShrink: true), .init("metric", mayShrink: true),
      .init("first", numeric: true), .init("second", numeric: true),
      .init("difference", numeric: true), .init("relative", numeric: true),
    ]
    if hasCounts { columns.append(.init("n", numeric: true)) }
    var table = Table(columns)
    for pair in pairs {
      let at = pair.metric.at.members.map {
        "\($0.key)=\($0.value.string ?? $0.value.canonicalText)"
      }
      .joined(separator: ",")
      var cells = [
        pair.instance, pair.metric.name + (at.isEmpty ? "" : " " + at),
        Self.value(pair.old, intervals: intervals), Self.value(pair.new, intervals: intervals),
        pair.absolute.map { Self.signed(Figures.value($0, digits: 3), $0) } ?? "",
        pair.relative.map { Self.signed(Figures.value($0 * 100, digits: 2) + "%", $0) } ?? "",
      ]
      if hasCounts {
        let old = pair.old.map { "\($0.count)" } ?? ""
        let new = pair.new.map { "\($0.count)" } ?? ""
        cells.append(old == new ? old : "\(old) → \(new)")
      }
      table.add(cells)
    }
    return table
  }

  private static func signed(_ text: String, _ value: Double) -> String {
    value > 0 ? "+" + text : text
  }

  /// "0.4167 [0.38, 0.45]"
  static func value(_ metric: Metric?, intervals: Bool) -> String {
    guard let metric else { return "–" }
    var text = Figures.value(metric.value)
    if intervals, metric.low != nil || metric.high != nil {
      let ends = [metric.low, metric.high].map { $0.map { Figures.value($0, digits: 3) } ?? "" }
      text += " [\(ends[0]), \(ends[1])]"
    }
    return text
  }

  private static func text(_ value: JSONValue?) -> String {
    value.map { $0.string ?? $0.canonicalText } ?? "–"
  }

  // MARK: JSON

  /// JSON knows no infinity.
  static func json(_ value: Double?) -> JSONValue {
    value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
  }

  private var json: JSONValue {
    let shown = everything ? metrics.pairs : differingMetrics
    func ids(_ state: InstancePair.State) -> JSONValue {
      .array(pairs(state).map { .string($0.id) })
    }
    return .object([
      "from": WhyBetween.json(runs.old), "to": WhyBetween.json(runs.new), "same": .boolean(isSame),
      "parameters": .object(
        JSONObject(
          (everything ? parameters : differingParameters).map {
            ($0.name, .object(["from": $0.old ?? .null, "to": $0.new ?? .null]))
          })),
      "causes": .array(
        groups.map {
          .object([
            "stage": .string($0.stage), "instances": .array($0.ids.map { .string($0) }),
            "subject": .string($0.cause.subject.rawValue), "text": .string($0.cause.text),
          ])
        }),
      "metrics": .array(shown.map(Self.json)),
      "within_tolerance": .integer(metrics.pairs.count { $0.verdict == .withinTolerance }),
      "unreadable": .array(metrics.unreadable.map { .string($0) }),
      "ended_otherwise": ids(.ended), "undecided": ids(.undecided),
      "only_in_from": ids(.onlyOld), "only_in_to": ids(.onlyNew),
    ])
  }

  private static func json(_ pair: MetricPair) -> JSONValue {
    func side(_ metric: Metric?) -> JSONValue {
      guard let metric else { return .null }
      return .object([
        "value": json(metric.value), "low": json(metric.low), "high": json(metric.high),
        "n": .integer(metric.count), "tolerance": json(metric.tolerance),
      ])
    }
    return .object([
      "instance": .string(pair.instance), "port": .string(pair.port),
      "name": .string(pair.metric.name), "unit": .string(pair.metric.unit),
      "at": .object(pair.metric.at), "from": side(pair.old), "to": side(pair.new),
      "difference": json(pair.absolute), "relative": json(pair.relative),
      "verdict": .string(pair.verdict.rawValue),
    ])
  }
}
