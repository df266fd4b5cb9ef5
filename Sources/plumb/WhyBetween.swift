// plumb why --between and --against: what made instances differ between two runs, as text and as JSON.
// What differs is found in the room RunHistory.

import CanonicalJSON
import Console
import Diagnostics
import RunHistory
import Scheduling

struct WhyBetween {
  let comparison: RunComparison
  private var pairs: [InstancePair] { comparison.pairs }

  func write(json isJSON: Bool) {
    var output = Output()
    if isJSON {
      output.raw(json.indentedText)
    } else {
      output.line(
        output.style(.bold, "\(comparison.old.shown) → \(comparison.new.shown)".drawable))
      if pairs.count == 1 { one(pairs[0], to: &output) } else { many(to: &output) }
    }
    output.write()
  }

  // MARK: One instance

  private func one(_ pair: InstancePair, to output: inout Output) {
    output.line("\(pair.id): \(Self.sentence(pair))".drawable)
    let causes = comparison.causes(of: pair.id)
    for cause in causes { say(cause, indent: "  ", to: &output) }
    guard causes.contains(where: { $0.subject == .follows }) else { return }
    let roots = comparison.roots(of: [pair.id]).filter { $0.id != pair.id }
    guard !roots.isEmpty else { return }
    output.line("  which goes back to")
    let limit = 20
    for root in roots.prefix(limit) {
      for cause in root.causes { say(cause, before: root.id + ": ", indent: "    ", to: &output) }
    }
    if roots.count > limit { output.line("    … and \(roots.count - limit) more") }
  }

  private func say(
    _ cause: RunCause, before: String = "", indent: String, to output: inout Output
  ) {
    output.line((indent + before + cause.text).drawable)
    for line in comparison.details(of: cause) { output.line((indent + "  " + line).drawable) }
  }

  private static func sentence(_ pair: InstancePair) -> String {
    switch pair.state {
    case .same: "the same action and the same results"
    case .changed:
      pair.isSameResult
        ? "another action, which gave the same bytes"
        : pair.new?.outputs.isEmpty == true || pair.old?.outputs.isEmpty == true
          ? "another action (\(outcomes(pair)))" : "another action and other results"
    case .evidence: "the same action, and yet other results"
    case .ended: "the same action, \(outcomes(pair))"
    case .undecided: "nothing is known of it in one of the runs (\(outcomes(pair)))"
    case .onlyOld: "only in the first run"
    case .onlyNew: "only in the second run"
    }
  }

  private static func outcomes(_ pair: InstancePair) -> String {
    "\(pair.old?.outcome.rawValue ?? "") → \(pair.new?.outcome.rawValue ?? "")"
  }

  // MARK: Many

  private func many(to output: inout Output) {
    output.line(summary)
    let groups = comparison.groups()
    if !groups.isEmpty { output.line("what differs first") }
    let limit = 40
    for group in groups.prefix(limit) {
      say(group.cause, before: Self.names(group) + ": ", indent: "  ", to: &output)
    }
    if groups.count > limit { output.line("  … and \(groups.count - limit) more") }
    let roots = Set(groups.flatMap(\.ids))
    let followers = pairs.filter {
      ($0.state == .changed || $0.state == .evidence) && !roots.contains($0.id)
    }
    if !followers.isEmpty {
      output.line(
        "\(followers.count) more \(followers.count == 1 ? "differs" : "differ") only because of "
          + "these: \(Self.byStage(followers))")
    }
    list(.ended, "ended otherwise", to: &output)
    list(.undecided, "not decided in one of the runs", to: &output)
    list(.onlyOld, "only in the first run", to: &output)
    list(.onlyNew, "only in the second run", to: &output)
  }

  private func list(_ state: InstancePair.State, _ what: String, to output: inout Output) {
    let all = pairs.filter { $0.state == state }
    if !all.isEmpty { output.line("\(all.count) \(what): \(Self.byStage(all))".drawable) }
  }

  private var summary: String {
    let changed = pairs.count { $0.state == .changed || $0.state == .evidence }
    let same = pairs.count { $0.state == .same }
    let quiet = pairs.count { $0.state == .changed && $0.isSameResult }
    var text = "\(pairs.count) instances: \(same) the same, \(changed) changed"
    if quiet > 0 { text += " (\(quiet) of them gave the same bytes)" }
    return text
  }

  private static func names(_ group: RunComparison.CauseGroup) -> String {
    group.ids.count == 1
      ? group.ids[0] : "\(group.ids.count) of \(group.stage), such as \(group.ids[0])"
  }

  /// "score (12), report"
  static func byStage(_ pairs: [InstancePair]) -> String {
    var order: [String] = []
    var counts: [String: Int] = [:]
    for pair in pairs {
      if counts[pair.stage] == nil { order.append(pair.stage) }
      counts[pair.stage, default: 0] += 1
    }
    let shown = order.prefix(12).map { counts[$0]! == 1 ? $0 : "\($0) (\(counts[$0]!))" }
    return shown.joined(separator: ", ") + (order.count > 12 ? ", …" : "")
  }

  // MARK: JSON

  private var json: JSONValue {
    let differing = pairs.filter { $0.state != .same }
    return .object([
      "from": Self.json(comparison.old), "to": Self.json(comparison.new),
      "instances": .integer(pairs.count), "same": .integer(pairs.count - differing.count),
      "differing": .array(differing.map(json)),
      "causes": .array(
        comparison.groups().map { group in
          .object([
            "stage": .string(group.stage), "instances": .array(group.ids.map { .string($0) }),
            "subject": .string(group.cause.subject.rawValue), "text": .string(group.cause.text),
            "details": .array(comparison.details(of: group.cause).map { .string($0) }),
          ])
        }),
    ])
  }

  static func json(_ run: RecordedRun) -> JSONValue {
    .object([
      "run": .string(run.report.id), "store": .string(run.store.path),
      "started": .number(run.report.started), "outcome": .string(run.report.outcome.rawValue),
    ])
  }

  private func json(_ pair: InstancePair) -> JSONValue {
    let causes = comparison.causes(of: pair.id)
    return .object([
      "instance": .string(pair.id), "state": .string(pair.state.rawValue),
      "same_result": .boolean(pair.isSameResult),
      "from_key": pair.old?.key.map { .string($0) } ?? .null,
      "to_key": pair.new?.key.map { .string($0) } ?? .null,
      "causes": .array(
        causes.filter { $0.subject != .follows }.map {
          .object(["subject": .string($0.subject.rawValue), "text": .string($0.text)])
        }),
      "follows": .array(
        causes.filter { $0.subject == .follows }.compactMap { $0.instance.map { .string($0) } }),
    ])
  }
}
