// The drift report: figures, tables and sentences put into Templates/report.mustache. It holds no
// date, host or path, so equal inputs give equal bytes; RunPage.swift adds what belongs to a run.

import CanonicalJSON
import Diagnostics
import Statistics

/// Writes the report of a study.
public struct StudyReport {
  let input: StudyInput
  let bias: StudyTable
  let quality: StudyTable?

  /// **Throws**: `report-axis-missing`, `report-axis-number`, `report-target`.
  public init(_ input: StudyInput) throws(Diagnostic) {
    self.input = input
    bias = try StudyTable(input.bias, axes: input.axes)
    let classes = StudyFigures(input: input, bias: bias, quality: nil).classes
    guard classes.isEmpty || classes.contains(input.target) else {
      throw .reportTarget(input.target, classes: classes)
    }
    quality = input.quality.isEmpty ? nil : try StudyTable(input.quality, axes: input.axes)
  }

  /// One self-contained HTML page.
  ///
  /// **Throws**: `gnuplot-missing`, `gnuplot-failed`.
  public func html() throws(Diagnostic) -> String {
    let figures = StudyFigures(input: input, bias: bias, quality: quality)
    let benchmark = try StudyBenchmark(
      items: input.benchmark, axes: input.axes, target: input.target
    ).section()
    let own = [StudyAudits(audits: input.audits).section, benchmark].compactMap { $0 }
    let added = SectionPage(input.sections + own)
    let parts = [
      figures.drift, figures.change, figures.qualityFigures,
      figures.calibration.map { [$0] } ?? [], try figures.losses(),
    ]
    var drawings = try Gnuplot.draw(parts.flatMap { $0 } + added.figures)[...]
    let drawn = parts.map { part in
      part.map { figure -> [String: Any] in
        [
          "id": figure.id, "title": figure.title, "svg": drawings.removeFirst(),
          "caption": figure.caption,
        ]
      }
    }
    let samples = try StudySamples(input)
    var context: [String: Any] = [
      "title": input.title, "summary": input.summary, "hasSummary": !input.summary.isEmpty,
      "x": input.axes.x, "target": input.target, "marker": Page.runMarker,
      "cards": cards, "hasCards": !cards.isEmpty, "findings": findings, "drift": drawn[0],
      "change": drawn[1],
      "quality": drawn[2], "calibration": drawn[3], "losses": drawn[4],
      "driftTable": driftTable, "notice": notice ?? "", "hasNotice": notice != nil,
      "hasDrift": !drawn[0].isEmpty,
      "hasChange": !drawn[1].isEmpty, "hasQuality": !drawn[2].isEmpty,
      "hasLosses": !drawn[4].isEmpty, "hasClassifier": !input.classifier.isEmpty,
      "prompts": samples.context, "hasSamples": !samples.isEmpty,
      "samplesNote": samples.note,
      "sections": added.context(&drawings), "hasClaims": added.hasClaims,
      "claimRows": added.claims, "claimCounts": added.claimCounts,
    ]
    context.merge(classifier) { $1 }
    let rows = dataRows
    context["rows"] = rows
    context["hasRows"] = !rows.isEmpty
    context["rowCount"] = Format.count(rows.count)
    var links = [Page.Link(anchor: "summary", title: "Summary")]
    let optional = [
      ("drift", "Drift", !drawn[0].isEmpty), ("change", "Against reference", !drawn[1].isEmpty),
      ("quality", "Quality", !drawn[2].isEmpty),
      ("classifier", "Classifier", !input.classifier.isEmpty),
      ("training", "Training", !drawn[4].isEmpty), ("samples", "Texts", !samples.isEmpty),
    ]
    if added.hasClaims { links.append(Page.Link(anchor: "claims", title: "Claims")) }
    links += optional.filter(\.2).map { Page.Link(anchor: $0.0, title: $0.1) }
    links += added.links
    if !rows.isEmpty { links.append(Page.Link(anchor: "data", title: "All figures")) }
    links.append(Page.Link(anchor: "notes", title: "Notes"))
    return Page.shell(
      title: input.title, navigation: links, body: Page.render("report", with: context))
  }

  // MARK: Summary

  private func isTarget(_ metric: Metric) -> Bool {
    metric.name == "share" && metric.at["class"]?.string == input.target
  }

  var driftFindings: [DriftFinding] {
    bias.series.compactMap { DriftFinding(bias, series: $0, isTarget) }
  }

  private func swatch(_ series: String) -> Int {
    let index = bias.series.firstIndex(of: series) ?? 0
    return Figure.Style.styles(for: bias.series)[index].colour
  }

  private var findings: [[String: Any]] {
    driftFindings.map {
      [
        "series": $0.series, "colour": swatch($0.series),
        "sentence": $0.sentence(bias, quantity: "\(input.target) share", percent: true),
      ]
    }
  }

  private var cards: [[String: Any]] {
    func span(_ values: [Int]) -> String {
      guard let low = values.min(), let high = values.max() else { return "–" }
      return low == high ? Format.count(low) : "\(Format.count(low))–\(Format.count(high))"
    }
    var cards: [[String: Any]] = []
    if bias.cells.isEmpty { return cards }
    func card(_ value: String, _ words: String) { cards.append(["value": value, "words": words]) }
    if let first = bias.x.first, let last = bias.x.last, !input.axes.x.isEmpty {
      card("\(Format.figure(first))–\(Format.figure(last))", "\(input.axes.x)s")
    }
    card(
      String(bias.series.count),
      "\(input.axes.series.isEmpty ? "series" : input.axes.series) settings compared")
    card(
      String(bias.replicates.count),
      "independent chains each"
        + (input.axes.replicate.isEmpty ? "" : " (\(input.axes.replicate)s)"))
    card(
      span(bias.cells.filter { $0.metric.name == "share" }.map(\.metric.count)),
      "documents per point")
    if let accuracy = input.classifier.first(where: { $0.name == "accuracy" }) {
      card("\(Format.fixed(100 * accuracy.value, 1)) %", "accuracy of the judge, held out")
    }
    return cards
  }

  /// What limits every claim of this page.
  private var notice: String? {
    let chains = bias.replicates.count
    guard chains < DriftFinding.fewChains, !bias.cells.isEmpty else { return nil }
    return "Descriptive: \(bias.replicateWords) per setting. Intervals over documents say how well "
      + "these chains are measured, not how another would come out. With fewer than "
      + "\(DriftFinding.fewChains) chains even unanimous ones do not reach the 5 % level of a "
      + "sign-flip test."
  }

  private var driftTable: [[String: Any]] {
    driftFindings.map { finding in
      let change = SampleSummary(
        finding.changes.isEmpty
          ? [finding.last.mean - finding.first.mean] : finding.changes)
      var range = ""
      if change.count > 1 {
        range =
          "(\(Format.signed(100 * change.smallest, 1)) to "
          + Format.signed(100 * change.largest, 1) + ")"
      }
      var slope = "–"
      var interval = "–"
      if let trend = finding.trend {
        slope = Format.signed(100 * trend.slope, 2)
        if let ends = trend.interval {
          interval = "\(Format.signed(100 * ends.low, 1)) to \(Format.signed(100 * ends.high, 1))"
        }
      }
      return [
        "series": finding.series, "colour": swatch(finding.series),
        "first": Format.fixed(100 * finding.first.mean, 1),
        "last": Format.fixed(100 * finding.last.mean, 1),
        "change": Format.signed(100 * change.mean, 1), "range": range, "slope": slope,
        "interval": interval, "perplexity": pair("perplexity", finding.series),
        "distinct": pair("distinct_2", finding.series),
        "verdict": finding.verdict.words,
      ]
    }
  }

  private func pair(_ name: String, _ series: String) -> String {
    let averages = quality?.averages(series) { $0.name == name } ?? []
    guard let first = averages.first, let last = averages.last else { return "–" }
    return "\(Format.brief(first.mean)) → \(Format.brief(last.mean))"
  }

  // MARK: Classifier

  private var classifier: [String: Any] {
    let metrics = input.classifier
    func rows(_ names: [(String, String, Bool)]) -> [[String: Any]] {
      names.compactMap { name, words, percent in
        guard
          let metric = metrics.first(where: {
            $0.name == name && ($0.at.count == 0 || name.hasSuffix("_gain"))
          })
        else { return nil }
        let show = { (value: Double) in
          percent ? Format.fixed(100 * value, 1) + " %" : Format.figure(value)
        }
        var interval = ""
        if let low = metric.low, let high = metric.high {
          interval = "\(show(low)) to \(show(high))"
        }
        return [
          "words": words, "value": show(metric.value), "interval": interval,
          "n": Format.count(metric.count),
        ]
      }
    }
    var classes: [String] = []
    for metric in metrics where metric.name == "recall" {
      if let name = metric.at["class"]?.string { classes.append(name) }
    }
    func value(_ name: String, _ label: String) -> Metric? {
      metrics.first { $0.name == name && $0.at["class"]?.string == label }
    }
    func percent(_ metric: Metric?) -> String {
      metric.map { Format.fixed(100 * $0.value, 1) } ?? "–"
    }
    func cell(_ row: String, _ column: String) -> Int {
      Int(
        metrics.first {
          $0.name == "confusion" && $0.at["true"]?.string == row
            && $0.at["predicted"]?.string == column
        }?.value ?? 0)
    }
    let confusion = classes.map { row -> [String: Any] in
      let total = classes.reduce(0) { $0 + cell(row, $1) }
      return [
        "class": row,
        "cells": classes.map { column -> [String: Any] in
          let count = cell(row, column)
          let share = total > 0 ? 100 * Double(count) / Double(total) : 0
          return [
            "count": Format.count(count), "share": Format.fixed(share, 0),
            "strength": Format.fixed(share * 0.45, 0), "right": row == column,
          ]
        },
      ]
    }
    return [
      "classifierRows": rows([
        ("accuracy", "accuracy", true), ("macro_f1", "macro-F1", false),
        ("majority_accuracy", "accuracy of always answering the largest class", true),
        ("accuracy_by_source", "accuracy, each source counting the same", true),
        ("baseline_macro_f1", "macro-F1 of n-grams on the same documents", false),
        ("macro_f1_gain", "gain of macro-F1 over n-grams", false),
        ("folds_macro_f1", "macro-F1, each source judged unread", false),
        ("baseline_folds_macro_f1", "macro-F1 of n-grams, each source judged unread", false),
        ("folds_macro_f1_gain", "gain of macro-F1 over n-grams, sources unread", false),
        ("ece", "expected calibration error", false), ("temperature", "temperature", false),
      ]),
      "classRows": classes.map { label -> [String: Any] in
        [
          "class": label, "recall": percent(value("recall", label)),
          "precision": percent(value("precision", label)),
          "n": value("recall", label).map { Format.count($0.count) } ?? "–",
        ]
      },
      "classes": classes.map { ["class": $0] }, "confusion": confusion,
      "hasConfusion": metrics.contains { $0.name == "confusion" },
      "isOutletJudge": metrics.contains { $0.name == "is_leaning" && $0.value == 0 },
    ]
  }

  // MARK: Data

  private var dataRows: [[String: Any]] {
    func rows(_ source: String, _ items: [StudyInput.Item<[Metric]>]) -> [[String: Any]] {
      items.flatMap { item in item.content.map { row(source, item.coordinates, $0) } }
    }
    return rows("bias", input.bias) + rows("quality", input.quality)
      + rows("classifier", [.init(JSONObject([]), input.classifier)])
  }

  private func row(_ source: String, _ place: JSONObject, _ metric: Metric) -> [String: Any] {
    func words(_ object: JSONObject) -> String {
      object.members.map { "\($0.key) \(shown($0.value))" }.joined(separator: ", ")
    }
    var interval = ""
    if let low = metric.low, let high = metric.high {
      interval = "\(Format.figure(low)) to \(Format.figure(high))"
    }
    return [
      "source": source, "place": words(place), "name": metric.name, "at": words(metric.at),
      "value": Format.figure(metric.value), "interval": interval, "unit": metric.unit,
      "n": Format.count(metric.count),
    ]
  }
}
