// Projections as a section of a report: per generation the change of the bias that happened beside what
// the projections say, and the claim that the coefficient's sign decides.

import CanonicalJSON
import Foundation
import ModelAnalysis
import Randomness
import Reports
import Statistics

struct ProjectionSection {
  let runs: [ProjectedRun]
  /// Path-averaged projection by kind of part, [generation]; of the only run.
  private let parts: [[(kind: ModelPart.Kind, value: Double)]]

  /// Setups of one seed share generation 0 and the draws after it, so the test counts seeds; setups of no
  /// seed count for themselves.
  private let replicateAxis: String

  init(
    _ runs: [ProjectedRun], parts: [[(kind: ModelPart.Kind, value: Double)]] = [],
    replicateAxis: String = ""
  ) {
    self.runs = runs
    self.replicateAxis = replicateAxis
    self.parts = parts
  }

  var section: ReportSection {
    var blocks: [ReportSection.Block] = [
      .claims([claim]), .figure(changes), .figure(agreement), .table(table),
    ]
    if runs.count > 1 { blocks.append(.table(chains)) }
    if !parts.isEmpty { blocks.append(.figure(partsFigure)) }
    return ReportSection(
      id: "projection", title: "Projection of updates on the bias", order: 110,
      summary:
        "B is how much likelier a model finds statements of the right than of the left. Each "
        + "generation's update of the weights, projected on the gradient of B, says what it does to B: "
        + "averaged along the path exactly, at its start to first order. Definition and theorem are our "
        + "reconstruction.",
      blocks: blocks)
  }

  // MARK: Claim

  var claim: Claim {
    let statement =
      "The sign of the bias projection coefficient decides whether an update reinforces or mitigates "
      + "the bias (section 3 of v1; our reconstruction)"
    let total = runs.reduce(0) { $0 + $1.rows.count }
    let agreeing = runs.reduce(0) { $0 + $1.agreeing }
    let shares = replicateShares
    let share = Double(agreeing) / Double(max(1, total))
    let summary = SampleSummary(shares)
    let interval = summary.studentInterval()
    let test =
      shares.count < Self.fewestChains
      ? nil
      : SignFlipTest(
        shares.map { $0 - 0.5 }, random: RandomStream(seed: 0, name: "projection-signs"))
    let verdict: Claim.Verdict =
      if let test {
        test.p >= 0.05 ? .unclear : summary.mean > 0.5 ? .reproduced : .opposite
      } else if agreeing == total {
        .reproduced
      } else {
        share < 0.5 ? .opposite : .unclear
      }
    let errors = runs.flatMap(\.rows).compactMap(\.pathError)
    return Claim(
      id: "projection-predicts", statement: statement, verdict: verdict,
      evidence:
        "The one-point coefficient has the sign of the change in \(agreeing) of \(total) updates of "
        + "\(runs.count) chain\(runs.count == 1 ? "" : "s")"
        + (shares.count == runs.count
          ? "" : ", which are \(shares.count) of \(replicateAxis) averaged over their setups")
        + (test == nil
          ? " (descriptive: fewer than \(Self.fewestChains) independent chains)" : "")
        + (errors.max().map {
          "; the path-averaged projection is off by at most \(Format.fixed(100 * $0, 2)) % of the "
            + "change"
        } ?? "") + ".",
      effect: share, low: interval.map { max(0, $0.low) }, high: interval.map { min(1, $0.high) },
      p: test?.p, chains: shares.count)
  }

  /// Share of agreeing signs of each independent chain, its setups averaged.
  private var replicateShares: [Double] {
    var groups: [String: [Double]] = [:]
    var order: [String] = []
    for (index, run) in runs.enumerated() {
      let name = run.chain[replicateAxis]?.canonicalText ?? "run \(index)"
      if groups[name] == nil { order.append(name) }
      groups[name, default: []].append(Double(run.agreeing) / Double(run.rows.count))
    }
    return order.map { SampleSummary(groups[$0]!).mean }
  }

  private static let fewestChains = 6

  // MARK: Figures

  /// Every update as a point: what the one-point coefficient foresees against what happened.
  private var agreement: Figure {
    Figure(
      .scatter, id: "projection-agreement", title: "Foreseen and happened",
      xLabel: "change to first order (nats)", yLabel: "change of B (nats)",
      series: series { run in
        run.rows.map { .init(x: $0.firstOrder, y: $0.change) }
      },
      caption:
        "One point per update: ‖∇B‖·c at its start against the change of B. Points in the lower "
        + "left and the upper right have the same sign.",
      references: [.init(name: "no change", y: 0), .init(name: "orthogonal", x: 0)], include: [0])
  }

  private var changes: Figure {
    func x(_ row: ProjectionRow, _ index: Int) -> Double { row.generation.double ?? Double(index) }
    let isOne = runs.count == 1
    var all = series { run in
      run.rows.enumerated().map { .init(x: x($1, $0), y: $1.change) }
    }
    if isOne {
      all[0].name = "change of B"
      all.append(
        .init(
          name: "path-averaged projection",
          points: runs[0].rows.enumerated().map { .init(x: x($1, $0), y: $1.pathAveraged) }))
      all.append(
        .init(
          name: "first order",
          points: runs[0].rows.enumerated().map { .init(x: x($1, $0), y: $1.firstOrder) }))
    }
    return Figure(
      .lines, id: "projection-changes", title: "What each generation did to the bias",
      xLabel: "generation", yLabel: "change of B (nats)", series: all,
      caption: isOne
        ? "Change of B by the update that made each generation, and both projections."
        : "Change of B by the update that made each generation; one line per chain.",
      references: [.init(name: "no change", y: 0)], wholeX: true, include: [0])
  }

  /// At most eight lines can be told apart; chains of one name share one.
  private func series(_ points: (ProjectedRun) -> [Figure.Point]) -> [Figure.Series] {
    var series: [Figure.Series] = []
    for run in runs {
      let name = run.name.isEmpty ? "updates" : run.name
      if series.count == 8 {
        series[7].name = "others"
        series[7].points += points(run)
      } else {
        series.append(.init(name: name, points: points(run)))
      }
    }
    return series
  }

  static func kinds(
    _ projection: BiasProjection
  ) -> [(kind: ModelPart.Kind, value: Double)] {
    ModelPart.Kind.allCases.compactMap { kind in
      let values = projection.parts.filter { $0.part.kind == kind }.map(\.integral)
      return values.isEmpty ? nil : (kind, values.reduce(0, +))
    }
  }

  private var partsFigure: Figure {
    let kinds = parts.first?.map(\.kind) ?? []
    return Figure(
      .bars, id: "projection-parts", title: "Where in the model the change sits",
      xLabel: "generation",
      yLabel: "part of the change (nats)",
      categories: runs[0].rows.map { $0.generation.string ?? $0.generation.canonicalText },
      series: kinds.map { kind in
        .init(
          name: kind.rawValue,
          points: parts.enumerated().map { index, parts in
            .init(x: Double(index), y: parts.first { $0.kind == kind }?.value ?? 0)
          })
      },
      caption:
        "The path-averaged projection as a sum over parameters: its parts add up to the change "
        + "of B.", include: [0])
  }

  // MARK: Tables

  private var table: ReportTable {
    ReportTable(
      caption:
        "Updates in order. c is the projection of the update on the unit gradient of B at its "
        + "start; the path-averaged projection follows the gradient along the update.",
      columns: (runs.count > 1 ? [ReportTable.Column("chain")] : []) + [
        ReportTable.Column("generation", isNumber: true),
        .init("B before", unit: "nats", isNumber: true),
        .init("change of B", unit: "nats", isNumber: true),
        .init("path-averaged", unit: "nats", isNumber: true),
        .init("first order", unit: "nats", isNumber: true), .init("c", isNumber: true),
        .init("cosine", isNumber: true), .init("length of update", isNumber: true),
        .init("sign of c"),
      ],
      rows: runs.flatMap { run -> [[String]] in
        run.rows.map { row -> [String] in
          (runs.count > 1 ? [run.name] : []) + [
            row.generation.string ?? row.generation.canonicalText, Format.signed(row.before, 4),
            Format.signed(row.change, 5), Format.signed(row.pathAveraged, 5),
            Format.signed(row.firstOrder, 5), Format.signed(row.coefficient, 5),
            Format.signed(row.cosine, 4), Format.figure(row.stepLength),
            row.signsAgree ? "agrees" : "differs",
          ]
        }
      })
  }

  private var chains: ReportTable {
    ReportTable(
      caption: "Signs by chain.",
      columns: [
        .init("chain"), .init("updates", isNumber: true),
        .init("sign of c agrees", isNumber: true),
        .init("change of B, all", unit: "nats", isNumber: true),
      ],
      rows: runs.map { run in
        [
          run.name, Format.count(run.rows.count), Format.count(run.agreeing),
          Format.signed(run.rows.reduce(0) { $0 + $1.change }, 4),
        ]
      })
  }
}
