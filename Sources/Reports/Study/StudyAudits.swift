// What judges say of texts that say nothing, as a section of a report: one row for each judge and kind
// of text, from the metrics of audit-judge.

import CanonicalJSON

struct StudyAudits {
  /// In the order in which they were bound: the first judge, the second.
  let audits: [StudyInput.Item<[Metric]>]

  /// Nil without audits.
  var section: ReportSection? {
    let rows = audits.enumerated().flatMap { self.rows(of: $1, name: name($0, $1)) }
    guard !rows.isEmpty else { return nil }
    return ReportSection(
      id: "audits", title: "What the judges say of nothing", order: 120,
      summary:
        "A judge without prejudice says of texts without meaning what it says of real ones on average. "
        + "What it says beyond that would look like drift where texts decay.",
      blocks: [
        .table(
          ReportTable(
            caption:
              "Real texts emptied of meaning: the class whose mean probability moves most, beside the "
              + "real texts. Intervals are bootstraps over sources, 95 %. Macro-F1 is on the real texts.",
            columns: [
              .init("judge"), .init("macro-F1", isNumber: true), .init("texts"),
              .init("n", isNumber: true), .init("class that moves most"),
              .init("excess", unit: "points", isNumber: true),
              .init("95 % interval", isNumber: true),
              .init("within tolerance"),
            ], rows: rows))
      ])
  }

  private func name(_ index: Int, _ item: StudyInput.Item<[Metric]>) -> String {
    let place = item.coordinates.members.map { "\($0.key) \(shown($0.value))" }
    return place.isEmpty ? String(index + 1) : place.joined(separator: ", ")
  }

  private func rows(of item: StudyInput.Item<[Metric]>, name: String) -> [[String]] {
    let macroF1 = item.content.first { $0.name == "macro_f1" }
    return item.content.filter { $0.name == "largest_excess" }.map { excess in
      let texts = excess.at["texts"]
      let isNeutral = item.content.first { $0.name == "is_neutral" && $0.at["texts"] == texts }
      var interval = "–"
      if let low = excess.low, let high = excess.high {
        interval = "\(Format.fixed(100 * low, 1)) to \(Format.fixed(100 * high, 1))"
      }
      return [
        name, macroF1.map { Format.fixed($0.value, 2) } ?? "–", shown(texts),
        Format.count(excess.count),
        "\(shown(excess.at["class"])), \(shown(excess.at["direction"]))",
        Format.fixed(100 * excess.value, 1), interval,
        isNeutral.map { $0.value == 1 ? "yes" : "no" } ?? "–",
      ]
    }
  }
}
