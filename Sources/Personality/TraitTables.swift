// Tables of the comparison that show what other stages found.

import CanonicalJSON
import Reports

extension TraitSection {
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
