// The page of one run: the report, if the pipeline makes one, and where it came from. The report
// itself is a pure function of its inputs; dates, hosts and durations are added only here.
// The timeline's drawing is in Timeline.swift, the words around it in Templates/run.mustache.

import Foundation

/// Joins a report and the facts of the run that showed it into `runs/<id>/report.html`.
public enum RunPage {
  /// - Parameters:
  ///   - reportHTML: the report artifact; any HTML page, or nil where the pipeline makes none.
  ///   - run: what happened.
  /// - Returns: one self-contained HTML page.
  public static func wrap(reportHTML: String?, run: RunSummary) -> String {
    let context = context(run)
    let section = Page.render("run", with: context)
    guard let report = reportHTML else {
      return Page.shell(
        title: run.name, navigation: [],
        body: Page.render("run-header", with: context) + section)
    }
    if let place = report.range(of: Page.runMarker, options: .backwards) {
      return report.replacingCharacters(in: place, with: section)
    }
    // Someone else's report: bring the style along, under its own names.
    let styled = "<style>\(Page.runStyle)</style>\n<div class=\"run-page\">\(section)</div>\n"
    if let end = report.range(of: "</body>", options: [.backwards, .caseInsensitive]) {
      return report.replacingCharacters(in: end, with: styled + "</body>")
    }
    return report + styled
  }

  private static func context(_ run: RunSummary) -> [String: Any] {
    let counts = RunSummary.Outcome.allCases.compactMap { outcome -> String? in
      let count = run.count(outcome)
      return count > 0 || outcome == .produced ? "\(count) \(outcome.rawValue)" : nil
    }
    let shown = shown(of: run.stages)
    let timeline = Timeline(run: run)?.svg
    return [
      "name": run.name, "summary": run.summary, "hasSummary": !run.summary.isEmpty,
      "id": run.id, "started": run.started, "duration": Format.duration(run.seconds),
      "command": run.command, "hasCommand": !run.command.isEmpty,
      "counts": counts.joined(separator: ", "),
      "environment": run.environment.map { ["name": $0.name, "value": $0.value] },
      "parameters": run.parameters.map { ["name": $0.name, "value": $0.value] },
      "hasParameters": !run.parameters.isEmpty,
      "manifestPath": run.manifestPath, "manifest": run.manifestText,
      "hasManifest": !run.manifestText.isEmpty,
      "timeline": timeline ?? "", "hasTimeline": timeline != nil,
      "stageCount": run.stages.count,
      "stages": shown.map(row), "shownCount": shown.count,
      "isCut": shown.count < run.stages.count,
    ]
  }

  /// A browser is slow with the rows of ten thousand instances, and nobody reads them.
  static let rowLimit = 1000

  /// In the pipeline's order; where there are too many, what failed and what ran comes before what was
  /// reused.
  private static func shown(of stages: [RunSummary.Stage]) -> [RunSummary.Stage] {
    guard stages.count > rowLimit else { return stages }
    let order: [RunSummary.Outcome] = [.failed, .skipped, .produced, .reused]
    var chosen: [Int] = []
    for outcome in order {
      let some = stages.indices.lazy.filter { stages[$0].outcome == outcome }
      chosen += some.prefix(rowLimit - chosen.count)
    }
    return chosen.sorted().map { stages[$0] }
  }

  private static func row(_ stage: RunSummary.Stage) -> [String: Any] {
    [
      "id": stage.id, "kind": stage.kind, "outcome": stage.outcome.rawValue,
      "reason": stage.reason ?? "", "key": stage.key ?? "",
      "shortKey": String((stage.key ?? "").prefix(8)),
      "seconds": stage.seconds.map { Format.seconds($0) } ?? "",
      "memory": stage.peakMemory.map(Format.bytes) ?? "",
      "threads": stage.threads.map(String.init) ?? "",
      "outputs": stage.outputs.map {
        ["port": $0.port, "reference": $0.reference, "short": Format.shortReference($0.reference)]
      },
    ]
  }
}
