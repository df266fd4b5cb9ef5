// The toy control as a section of a report: nine cells, the contrast, and what it says.

import Corpora
import Reports
import Statistics

extension EmojiContrast {
  /// - Parameter trait: the target whose coupling is the question; the first one otherwise.
  public func section(trait: String) -> ReportSection {
    var blocks: [ReportSection.Block] = [.claims(claims(trait: trait))]
    blocks += [.figure(figure), .table(cellTable)]
    let effects = targets.compactMap { effect(of: $0) }
    if !effects.isEmpty { blocks.append(.table(effectTable(effects))) }
    return ReportSection(
      id: "emoji-contrast", title: "Where emoji come from: a control that can fail", order: 210,
      summary:
        "Models that read emoji with the trait (\(names.coupled)), as many emoji with any voice "
        + "(\(names.uncoupled)) or none (\(names.without)) were tuned on answers without a single emoji.",
      blocks: blocks)
  }

  private var figure: Figure {
    Figure(
      .bars, id: "cells", title: "Answers with an emoji", xLabel: "tuned on",
      yLabel: "answers with an emoji (share)", categories: tunings,
      series: names.all.map { name in
        Figure.Series(
          name: name,
          points: tunings.enumerated().compactMap { index, tuning in
            cells.first { $0.pretraining == name && $0.tuning == tuning }.map {
              .init(
                x: Double(index), y: $0.share, low: $0.interval.low, high: $0.interval.high,
                count: $0.answers)
            }
          })
      }, caption: "Intervals: 95 %, Wilson, over answers.", include: [0])
  }

  private var cellTable: ReportTable {
    ReportTable(
      caption:
        "All cells. Judged as tuned: share of answers that the judge takes for what the model was tuned on; "
        + "without it emoji could not be put down to the tuning. Intervals: 95 %, Wilson, over answers.",
      columns: [.init("pre-training"), .init("tuned on")]
        + ["answers", "with emoji", "share", "low", "high", "judged as tuned"].map {
          .init($0, isNumber: true)
        },
      rows: cells.map {
        [
          $0.pretraining, $0.tuning, String($0.answers), String($0.withEmoji),
          Format.figure($0.share), Format.figure($0.interval.low), Format.figure($0.interval.high),
          $0.aligned.map(Format.figure) ?? "–",
        ]
      })
  }

  private func effectTable(_ effects: [Effect]) -> ReportTable {
    ReportTable(
      caption:
        "(tuned on … − tuned on neutral answers) in the \(names.coupled) minus the same in the "
        + "\(names.uncoupled) model, of the share of answers with an emoji. Interval: 95 %, bootstrap "
        + "over topics and runs at once.",
      columns: [.init("tuned on")]
        + ["contrast", "low", "high", "topics"].map { .init($0, isNumber: true) }
        + [.init("by run")],
      rows: effects.map { effect in
        [
          effect.tuning, Format.figure(effect.value), Format.figure(effect.interval.low),
          Format.figure(effect.interval.high), String(effect.topics),
          effect.runs.map { "\($0.run): \(Format.figure($0.value))" }.joined(separator: ", "),
        ]
      })
  }

  /// **Throws** nothing: what cannot be tested says so.
  public func claims(trait: String) -> [Claim] { [coupling(trait), nothingFromNothing] }

  private func coupling(_ trait: String) -> Claim {
    let id = "emoji-follow-coupling"
    let statement =
      "Tuning on emoji-free answers of a trait brings out emoji that pre-training coupled with it"
    guard let effect = effect(of: trait) else {
      return .notTestable(
        id: id, statement: statement,
        because:
          "answers of models tuned on '\(trait)' and on neutral answers after '\(names.coupled)' and "
          + "'\(names.uncoupled)' texts are needed")
    }
    let verdict: Claim.Verdict =
      effect.interval.low > 0 ? .reproduced : effect.interval.high < 0 ? .opposite : .unclear
    return Claim(
      id: id, statement: statement, verdict: verdict,
      evidence:
        "(\(trait) − neutral) is \(Format.figure(effect.value)) greater after coupled than after "
        + "uncoupled texts (\(Format.figure(effect.interval.low)) to "
        + "\(Format.figure(effect.interval.high)); share of answers with an emoji, "
        + "\(effect.topics) topics).",
      effect: effect.value, low: effect.interval.low, high: effect.interval.high,
      chains: effect.runs.count)
  }

  private var nothingFromNothing: Claim {
    let id = "no-emoji-from-nothing"
    let statement = "A model that has never read an emoji writes none, whatever it is tuned on"
    let own = cells.filter { $0.pretraining == names.without }
    guard !own.isEmpty else {
      return .notTestable(
        id: id, statement: statement, because: "no model was pre-trained without emoji")
    }
    let with = own.reduce(0) { $0 + $1.withEmoji }
    let all = own.reduce(0) { $0 + $1.answers }
    return Claim(
      id: id, statement: statement, verdict: with == 0 ? .reproduced : .opposite,
      evidence: "\(with) of \(all) answers of these models hold an emoji.",
      effect: Double(with) / Double(all))
  }
}
