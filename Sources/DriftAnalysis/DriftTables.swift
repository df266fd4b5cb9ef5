// Tables of the section: signs under every measure, the judge's confusion, agreement, single chains.

import Reports
import Statistics

extension DriftAnalysis {
  /// One row for each claim about bias.
  var correctionTable: ReportTable {
    let kinds = versions.map(\.kind)
    let rows = tests.filter { $0.claim.quantity == .bias && $0.result != nil }.map { test in
      [test.claim.id, test.claim.contrast.kind.rawValue]
        + kinds.map { kind -> String in
          guard let result = test.versions.first(where: { $0.kind == kind })?.result else {
            return "–"
          }
          return kind == .statements
            ? Format.signed(result.mean, 4) : Format.signed(100 * result.mean, 2)
        } + [test.isJudgeDependent ? "judge-dependent" : "agree"]
    }
    return ReportTable(
      caption:
        "The declared contrast of each claim about bias under every measure: points (for slopes "
        + "per generation), statements in nats per token; means over chains. "
        + versions.map { "\($0.kind.name): \($0.note)." }.joined(separator: " "),
      columns: [.init("claim"), .init("contrast")]
        + kinds.map { .init($0.name, isNumber: true) } + [.init("signs")],
      rows: rows)
  }

  var confusionTable: ReportTable? {
    guard let correction = corrections.correction else { return nil }
    let n = corrections.confusionCount
    return ReportTable(
      caption:
        "The judge’s confusion, percent of the true class, over \(Format.count(n)) documents it "
        + "had not learnt from. Condition number \(Format.figure(correction.conditionNumber)): an error "
        + "of the shares may grow by up to that factor in (c).",
      columns: [.init("true ↓ judged →")]
        + measures.classes.map { .init($0, unit: "%", isNumber: true) },
      rows: zip(measures.classes, corrections.confusion).map { name, row in
        let total = row.reduce(0, +)
        return [name] + row.map { Format.fixed(100 * $0 / total, 1) }
      })
  }

  var agreementTable: ReportTable? {
    guard !corrections.agreement.isEmpty else { return nil }
    return ReportTable(
      caption:
        "Agreement of the two judges over the same documents of all strategies and chains, beyond "
        + "chance.",
      columns: [
        .init("documents of"), .init("Cohen’s κ", isNumber: true), .init("n", isNumber: true),
      ],
      rows: corrections.agreement.map {
        [$0.name, $0.kappa.map { Format.fixed($0, 3) } ?? "–", Format.count($0.documents)]
      })
  }

  var chainTable: ReportTable? {
    let rows = withinChains
    guard !rows.isEmpty else { return nil }
    return ReportTable(
      caption:
        "Change of the share of \(settings.target) from the first to the last generation, chain by "
        + "chain. Intervals are 95 % bootstraps over documents, paired by prompt, within chain: they say "
        + "how well this chain is measured, not how another would come out.",
      columns: [
        .init("strategy"),
        .init(settings.axes.replicate.isEmpty ? "chain" : settings.axes.replicate),
        .init("change", unit: "points", isNumber: true),
        .init("within chain", unit: "points", isNumber: true), .init("n", isNumber: true),
      ],
      rows: rows.map { row in
        let metric = row.metric
        return [
          row.strategy, row.chain, Format.signed(100 * metric.value, 1),
          "\(Format.signed(100 * (metric.low ?? 0), 1)) to \(Format.signed(100 * (metric.high ?? 0), 1))",
          Format.count(metric.count),
        ]
      })
  }
}
