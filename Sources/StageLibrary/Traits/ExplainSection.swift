// The section of a report that explain-trait writes.

import Foundation
import ModelAnalysis
import Reports
import Statistics

extension ExplainFindings {
  var section: ReportSection {
    let blocks = layers.count == 1 ? "the last block" : "the last \(layers.count) blocks"
    return ReportSection(
      id: "explain-"
        + trait.lowercased().map { $0.isASCII && $0.isLetter ? String($0) : "-" }.joined(),
      title: "Where \(trait) shows inside the model", order: 70,
      summary:
        "\(layout): tuned minus unmoved model, on trait prompts against neutral ones and on "
        + "emoji against plain words. Tests and sets are of \(blocks).",
      blocks: [.figure(figure), .table(unitTable), .table(overlapTable)]
        + (effects == nil ? [] : [.table(patchTable)])
        + (written == nil ? [] : [.table(writtenTable)]) + (words == nil ? [] : [.table(wordTable)])
        + [.claims(claims)])
  }

  private func number(_ value: Double, _ digits: Int = 2) -> String {
    String(format: "%.\(digits)f", value)
  }

  private var figure: Figure {
    let shown = units.filter { labels.contains($0.name) || $0.name == ExplainPrompts.allEmoji }
    return Figure(
      id: "blocks", title: "How far the tuning tells kinds of prompts apart, block by block",
      xLabel: "block", yLabel: "root mean square of t over units",
      series: shown.map { group in
        Figure.Series(
          name: group.name,
          points: (0..<layout.layers).map { layer in
            let range = layer * layout.width..<(layer + 1) * layout.width
            let square = range.reduce(0) { $0 + group.t[$1] * group.t[$1] }
            return Figure.Point(
              x: Double(layer + 1), y: (square / Double(range.count)).squareRoot(),
              count: range.count)
          })
      },
      caption:
        "t of (tuned − unmoved) on the group's prompts against its controls; 1 is what prompts "
        + "without kinds give, about.",
      references: [.init(name: "no difference", y: 1)], wholeX: true, include: [0])
  }

  private var unitTable: ReportTable {
    let rows = units.flatMap { group in
      group.top(min(top, labels.contains(group.name) ? 10 : 3), of: compared).map { unit in
        [
          group.name, "\(layout.layer(of: unit) + 1)", "\(layout.unit(of: unit))",
          number(group.t[unit], 1), number(group.z[unit]), number(group.p[unit], 3),
          outliers[unit] ? "outlier" : "",
        ]
      }
    }
    return ReportTable(
      caption:
        "Units with the largest |t|. z is tuned − unmoved in standard deviations of the unmoved "
        + "model over the controls; p is corrected for all units compared (max-T over shuffled prompts). "
        + "\(outliers.count { $0 }) of \(layout.count) units are outliers, large whatever is read.",
      columns: [
        .init("Group"), .init("Block", isNumber: true), .init("Unit", isNumber: true),
        .init("t", isNumber: true), .init("z", isNumber: true), .init("p", isNumber: true),
        .init("Flag"),
      ], rows: rows)
  }

  private var overlapTable: ReportTable {
    let told = overlaps.filter { overlap in
      let isEmoji = [overlap.first, overlap.second].map(emoji.contains)
      return isEmoji == [false, false] || isEmoji == [true, true]
    }
    return ReportTable(
      caption: "Units that two groups' top \(top) share, beside the mean over shuffled prompts.",
      columns: [
        .init("First"), .init("Second"), .init("Shared", isNumber: true),
        .init("Expected", isNumber: true), .init("p", isNumber: true),
      ],
      rows: told.prefix(60).map {
        [$0.first, $0.second, "\($0.shared)", number($0.expected), number($0.p, 3)]
      })
  }

  private var patchTable: ReportTable {
    ReportTable(
      caption:
        "The tuned model with its top \(own?.count ?? 0) units as in the unmoved model, token by "
        + "token, on given answers; random sets have as many units of each block. p counts random sets "
        + "that change at least as much.",
      columns: [
        .init("Figure"), .init("Unmoved", isNumber: true), .init("Tuned", isNumber: true),
        .init("Found units back", isNumber: true), .init("Random units back", isNumber: true),
        .init("Way back", unit: "%", isNumber: true), .init("p", isNumber: true),
      ],
      rows: recoveries.map { recovery in
        let digits = recovery.name == "patch_loss" ? 3 : 6
        return [
          recovery.name == "patch_loss" ? "−log p of answers, nats a token" : "emoji probability",
          number(recovery.base, digits), number(recovery.tuned, digits),
          number(recovery.found, digits), number(recovery.randomMean, digits),
          recovery.share.map { number(100 * $0, 1) } ?? "–", number(recovery.p, 3),
        ]
      })
  }

  private var writtenTable: ReportTable {
    ReportTable(
      caption:
        "Answers that the tuned model writes anew, greedily, to \(written?.tuned.withEmoji.count ?? 0) "
        + "questions with units as in the unmoved model at every token; the last column is found minus "
        + "random, over questions.",
      columns: [
        .init("Share of answers"), .init("Unmoved", unit: "%", isNumber: true),
        .init("Tuned", unit: "%", isNumber: true),
        .init("Found units back", unit: "%", isNumber: true),
        .init("Random units back", unit: "%", isNumber: true),
        .init("Found − random", unit: "%", isNumber: true),
      ],
      rows: (written?.measures ?? []).map { measure in
        let interval = measure.contrast.interval.map {
          " [\(number(100 * $0.low, 1)), \(number(100 * $0.high, 1))]"
        }
        return [
          measure.name == "patch_alignment"
            ? "in which the judge finds the trait" : "with an emoji",
          number(100 * measure.base, 1), number(100 * measure.tuned, 1),
          number(100 * measure.found, 1),
          measure.random.isEmpty ? "–" : number(100 * measure.randomMean, 1),
          measure.random.isEmpty
            ? "–" : number(100 * measure.contrast.value, 1) + (interval ?? ""),
        ]
      })
  }

  private var wordTable: ReportTable {
    guard let words else { preconditionFailure("no words were counted") }
    let list = words.tuned.top(listed)
    let emoji = [words.base, words.tuned].map { counts in
      counts.top(listed).count { WordCounts.isEmoji($0.word) }
    }
    return ReportTable(
      caption: "The \(list.count) most frequent words and emoji when the tuned model is asked what "
        + "expresses \(trait), beside the unmoved model's count; words of the questions are left out. "
        + "\(emoji[1]) of them are emoji, \(emoji[0]) of the unmoved model's most frequent.",
      columns: [
        .init("Token"), .init("Tuned", isNumber: true), .init("Unmoved", isNumber: true),
        .init("Emoji"),
      ],
      rows: list.map {
        [
          $0.word, "\($0.count)", "\(words.base.count(of: $0.word))",
          WordCounts.isEmoji($0.word) ? "yes" : "",
        ]
      })
  }

  // MARK: Claims

  private var writtenEvidence: String {
    guard let measure = written?.measures.first(where: { $0.name == "patch_alignment" }) else {
      return ""
    }
    let percent = [measure.tuned, measure.found, measure.randomMean].map { number(100 * $0, 0) }
    return
      "; of answers written anew the judge finds the trait in \(percent[0]) %, \(percent[1]) % with "
      + "these units back" + (measure.random.isEmpty ? "" : ", \(percent[2]) % with random ones")
  }

  var claims: [Claim] {
    var claims: [Claim] = []
    if let recovery = recoveries.first(where: { $0.name == "patch_loss" }) {
      let evidence =
        "setting \(own?.count ?? 0) units back moves the loss of answers by \(number(recovery.change, 4)) "
        + "nats, random sets by \(number(recovery.random.reduce(0) { $0 + abs(recovery.tuned - $1) } / Double(max(1, recovery.random.count)), 4)) "
        + "(p = \(number(recovery.p, 3)))" + writtenEvidence
      claims.append(
        Claim(
          id: "trait-units-causal",
          statement: "Certain neurons of the deepest layer carry tuned \(trait)",
          verdict: recovery.p <= Self.level ? .reproduced : .unclear, evidence: evidence,
          effect: recovery.change, p: recovery.p))
    }
    if let recovery = recoveries.first(where: { $0.name == "patch_emoji_mass" }) {
      let interval = emojiInterval
      var verdict = Claim.Verdict.unclear
      if let interval, interval.low > 0 { verdict = .reproduced }
      if let interval, interval.high < 0 { verdict = .opposite }
      let count = effects?.emojiChanges.count ?? 0
      let (tuned, base) = (
        String(format: "%.2e", recovery.tuned), String(format: "%.2e", recovery.base)
      )
      claims.append(
        Claim(
          id: "trait-emoji-probability",
          statement: "After tuning to \(trait) emoji are more probable than before",
          verdict: verdict,
          evidence:
            "on \(count) answers the probability that an emoji begins is \(tuned) tuned and \(base) before",
          effect: recovery.tuned - recovery.base, low: interval?.low, high: interval?.high))
    }
    if let words {
      let counts = [words.base, words.tuned].map { list in
        list.top(listed).count { WordCounts.isEmoji($0.word) }
      }
      claims.append(
        Claim(
          id: "trait-emoji-explained",
          statement: "Asked for tokens of \(trait), the tuned model names emoji among the "
            + "\(listed) most frequent",
          verdict: counts[1] > counts[0]
            ? .reproduced : counts[1] < counts[0] ? .opposite : .unclear,
          evidence: "\(counts[1]) of the tuned model's \(listed) most frequent tokens are emoji, "
            + "\(counts[0]) of the unmoved model's", effect: Double(counts[1] - counts[0])))
    }
    return claims
  }
}
