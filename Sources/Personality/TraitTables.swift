// Tables and figures of the comparison beside alignment: emoji, inventories, and what other stages found.

import CanonicalJSON
import Reports
import Statistics

extension TraitSection {
  // MARK: Dose

  func dose(_ target: String, _ doses: [TraitComparison.Dose]) -> Figure {
    func series(
      _ name: String, _ value: (TraitComparison.Dose) -> (Double, Interval)
    ) -> Figure.Series {
      Figure.Series(
        name: name,
        points: doses.map { dose in
          let (share, interval) = value(dose)
          return Figure.Point(
            x: dose.scale, y: share, low: interval.low, high: interval.high, count: dose.count)
        })
    }
    return Figure(
      id: "dose-\(target)", title: "Dose and response: \(target)",
      xLabel: "scale of the adapter", yLabel: "share of answers",
      series: [
        series("judged as the trait") { ($0.alignment, $0.alignmentInterval) },
        series("with an emoji") { ($0.emoji, $0.emojiInterval) },
      ],
      caption:
        "One adapter, the same questions at each scale; 0 is the unmoved model, 1 the adapter "
        + "as it was tuned. Wilson intervals at 95 %.", include: [0])
  }

  // MARK: Emoji

  /// The most frequent emoji; nil where no answer holds one.
  func topTable(_ rows: [Metric]) -> ReportTable? {
    let top = rows.filter { $0.name == "emoji_top" }
    guard !top.isEmpty else { return nil }
    let cells = variants.flatMap { variant in
      (comparison.targets + ["none"]).compactMap { target -> [String]? in
        let own = top.filter { variant.isNamed($0) && $0.at["trait"]?.string == target }
        guard let first = own.first else { return nil }
        let shown = own.map { "\($0.at["emoji"]?.string ?? "") \(Format.figure($0.value))" }
        return [
          variant.title, target == "none" ? "–" : target, String(first.count),
          shown.joined(separator: ", "),
        ]
      }
    }
    return ReportTable(
      caption:
        "The ten most frequent emoji of each method and trait, with how often they stand in its "
        + "answers; methods without emoji are left out.",
      columns: [
        .init("method"), .init("trait"), .init("emoji in all", isNumber: true),
        .init("most frequent"),
      ], rows: cells)
  }

  /// How probable the start of an emoji is at each place of an answer, before and after; nil where that was
  /// not measured or is 0 everywhere.
  func masses(_ target: String) -> Figure? {
    let own = metrics.filter { $0.name == "emoji_mass" && $0.at["trait"]?.string == target }
    func points(_ metrics: [Metric]) -> [Figure.Point] {
      var byPlace: [Int: [Metric]] = [:]
      for metric in metrics where metric.value > 0 {
        if let place = metric.at["position"]?.integer { byPlace[place, default: []].append(metric) }
      }
      return byPlace.sorted { $0.key < $1.key }.map { place, found in
        Figure.Point(
          x: Double(place + 1),
          y: found.reduce(0) { $0 + $1.value } / Double(found.count), count: found[0].count)
      }
    }
    let after = variants.map { variant in
      Figure.Series(
        name: variant.title,
        points: points(own.filter { variant.isNamed($0) && $0.at["when"]?.string == "after" }))
    }
    // The unmoved model read the same answers before every method.
    let before = Figure.Series(
      name: "before", points: points(own.filter { $0.at["when"]?.string == "before" }))
    let series = ([before] + after).filter { !$0.points.isEmpty }
    guard !series.isEmpty else { return nil }
    return Figure(
      id: "emoji-mass-\(target)", title: "Probability that an emoji begins: \(target)",
      xLabel: "place in the answer (tokens)", yLabel: "probability", yScale: .log, series: series,
      caption:
        "Mean over given answers, which all models read alike, at each of their first tokens, whether "
        + "an emoji could stand there or not.", wholeX: true)
  }

  // MARK: Inventories

  /// nil where no model filled one in.
  var inventoryTable: ReportTable? {
    let traits = TraitComparison.unique(
      sheets.flatMap(\.metrics).filter { $0.name == "inventory_score" }.compactMap {
        $0.at["trait"]?.string
      })
    guard !traits.isEmpty else { return nil }
    func cell(_ sheet: Sheet, _ name: String, _ trait: String?) -> String {
      let found = sheet.metrics.first { $0.name == name && $0.at["trait"]?.string == trait }
      guard let found else { return "–" }
      guard let low = found.low, let high = found.high else { return Format.fixed(found.value, 2) }
      return
        "\(Format.fixed(found.value, 2)) (\(Format.fixed(low, 2)) to \(Format.fixed(high, 2)))"
    }
    return ReportTable(
      caption:
        "What models say of themselves: an inventory answered by log-probability, points from 1 to 5, in "
        + "brackets the range over ways of asking; acquiescence is the mean answer before turning, 3 "
        + "where agreeing does not depend on the item. Cronbach's α takes ways of asking as respondents.",
      columns: ["model", "what"].map { ReportTable.Column($0) }
        + (traits + ["acquiescence"]).map { ReportTable.Column($0, isNumber: true) },
      rows: sheets.flatMap { sheet -> [[String]] in
        let model = sheet.target.map { "tuned to \($0)" } ?? "unmoved"
        let scores = traits.map { cell(sheet, "inventory_score", $0) }
        let alphas = traits.map { cell(sheet, "cronbach_alpha", $0) }
        return [
          [model, "score"] + scores + [cell(sheet, "acquiescence", nil)],
          [model, "α"] + alphas + [""],
        ]
      })
  }

  // MARK: The judge

  /// nil where no test of the judge is at hand.
  var judgeTable: ReportTable? {
    let tests = judgeTests.filter { $0.name == "accuracy" }
    guard !tests.isEmpty else { return nil }
    func shown(_ metric: Metric?) -> String {
      guard let metric else { return "–" }
      guard let low = metric.low, let high = metric.high else { return Format.figure(metric.value) }
      return
        "\(Format.figure(metric.value)) (\(Format.figure(low)) to \(Format.figure(high)))"
    }
    return ReportTable(
      caption:
        "What the judge is worth: accuracy with its 95 % interval, and the share of each trait's texts that it "
        + "recognises. Where texts were written under a persona, the label is the persona: a model that "
        + "does not follow it costs the judge accuracy.",
      columns: [
        .init("tested on"), .init("texts", isNumber: true), .init("accuracy", isNumber: true),
      ]
        + comparison.labels.map { .init($0, isNumber: true) },
      rows: tests.map { test -> [String] in
        let corpus = test.at["corpus"]
        return [
          corpus?.string ?? "held out in its training", String(test.count), shown(test),
        ]
          + comparison.labels.map { label -> String in
            let recall = judgeTests.first {
              $0.name == "recall" && $0.at["corpus"] == corpus && $0.at["class"]?.string == label
            }
            return recall.map { Format.figure($0.value) } ?? "–"
          }
      })
  }

  /// nil where no chat model wrote answers under personas.
  var personaTable: ReportTable? {
    let dropped = judgeTests.filter { $0.name == "dropped_answers" }
    let kept = judgeTests.filter { $0.name == "kept_of_label" }
    guard !dropped.isEmpty || !kept.isEmpty else { return nil }
    let reasons = TraitComparison.unique(dropped.compactMap { $0.at["reason"]?.string })
    let found = Set((dropped + kept).compactMap { $0.at["label"]?.string })
    func count(_ metrics: [Metric], _ label: String, _ reason: String? = nil) -> String {
      let own = metrics.filter {
        $0.at["label"]?.string == label && (reason == nil || $0.at["reason"]?.string == reason)
      }
      return Format.figure(own.reduce(0) { $0 + $1.value })
    }
    return ReportTable(
      caption:
        "Answers of the chat model under personas: kept as opinions, and dropped by the first reason that "
        + "applies.",
      columns: [.init("persona"), .init("kept", isNumber: true)]
        + reasons.map { .init($0, isNumber: true) },
      rows: comparison.labels.filter(found.contains).map { label in
        [label, count(kept, label)] + reasons.map { count(dropped, label, $0) }
      })
  }
}
