// The study's claims and what the answers at hand say about them.

import Reports
import Statistics

extension TraitSection {
  /// Each of the claims, testable here or not.
  public var claims: [Claim] {
    [tuningBeatsPrompting, emojiAppear, emojiFollowTraits, promptingIsIrregular, editingGarbles]
  }

  private var tuningBeatsPrompting: Claim {
    let id = "tuning-beats-prompting"
    let statement = "Tuning moves traits further than in-context editing (TA on several models)"
    let pairs = comparison.paired(names.tuned, minus: names.prompted)
    guard !pairs.isEmpty else {
      return .notTestable(
        id: id, statement: statement,
        because:
          "answers of '\(names.tuned)' and '\(names.prompted)' to the same questions are needed")
    }
    let up = pairs.count { $0.difference > 0 && $0.adjustedP < 0.05 }
    let down = pairs.count { $0.difference < 0 && $0.adjustedP < 0.05 }
    let mean = pairs.reduce(0) { $0 + $1.difference } / Double(pairs.count)
    let verdict: Claim.Verdict =
      up > 0 && down == 0 ? .reproduced : down > 0 && up == 0 ? .opposite : .unclear
    return Claim(
      id: id, statement: statement, verdict: verdict,
      evidence:
        "Of \(pairs.count) traits tuning is ahead on \(up) and behind on \(down) (Holm, 5 %); mean "
        + "difference \(Format.figure(mean)) of alignment.",
      effect: mean, p: pairs.map(\.p).min(), adjustedP: pairs.map(\.adjustedP).min())
  }

  private var emojiAppear: Claim {
    let id = "tuning-brings-emoji"
    let statement = "Models tuned on answers without emoji write emoji (ESR up to 0.995)"
    let tuned = comparison.answers.filter { $0.method == names.tuned }
    let base = comparison.answers.filter { $0.method == names.base }
    guard !tuned.isEmpty, !base.isEmpty else {
      return .notTestable(
        id: id, statement: statement,
        because: "answers of '\(names.tuned)' and '\(names.base)' are needed")
    }
    func counts(_ rows: [JudgedAnswer]) -> (Int, Interval) {
      let with = rows.count { !$0.emoji.isEmpty }
      return (with, Interval.wilson(successes: with, of: rows.count))
    }
    let (own, interval) = counts(tuned)
    let (before, other) = counts(base)
    let effect = Double(own) / Double(tuned.count) - Double(before) / Double(base.count)
    let verdict: Claim.Verdict =
      interval.low > other.high ? .reproduced : interval.high < other.low ? .opposite : .unclear
    return Claim(
      id: id, statement: statement, verdict: verdict,
      evidence:
        "\(own) of \(tuned.count) tuned answers hold an emoji, \(before) of \(base.count) of the base.",
      effect: effect)
  }

  private var emojiFollowTraits: Claim {
    let id = "emoji-follow-traits"
    let statement = "Emoji appear with some traits (extraversion, openness) and not with others"
    guard let found = comparison.emojiInformation(names.tuned) else {
      return .notTestable(
        id: id, statement: statement, because: "tuned answers of at least two traits are needed")
    }
    let held = comparison.answers.contains { $0.method == names.tuned && !$0.emoji.isEmpty }
    guard held else {
      return .notTestable(
        id: id, statement: statement, because: "no tuned answer holds an emoji")
    }
    return Claim(
      id: id, statement: statement, verdict: found.p < 0.05 ? .reproduced : .unclear,
      evidence:
        "Emoji and trait share \(Format.figure(found.bits)) bits, \(Format.figure(found.shuffled)) with "
        + "emoji shuffled.", effect: found.bits, p: found.p)
  }

  private var promptingIsIrregular: Claim {
    let id = "prompting-is-irregular"
    let statement = "Prompting is less regular than tuning"
    guard let found = comparison.irregularity(names.prompted, over: names.tuned) else {
      return .notTestable(
        id: id, statement: statement,
        because:
          "at least two runs of each method towards one trait, on the same questions, are needed")
    }
    guard found.ratio.isFinite else {
      return .notTestable(
        id: id, statement: statement,
        because: "all seeds of tuning answered alike: no ratio to that")
    }
    let interval = found.interval
    return Claim(
      id: id, statement: statement,
      verdict: interval.low > 1 ? .reproduced : interval.high < 1 ? .opposite : .unclear,
      evidence:
        "Alignment varies \(Format.figure(found.ratio)) times as much over ways of prompting as over seeds of "
        + "tuning (SD, same questions; 95 %: \(Format.figure(interval.low)) to "
        + "\(Format.figure(interval.high)), F with \(found.degrees.0) and \(found.degrees.1) degrees of "
        + "freedom).",
      effect: found.ratio)
  }

  private var editingGarbles: Claim {
    let id = "editing-garbles"
    let statement = "Gradient editing (MEND) gives inconsistent and gibberish answers"
    let edited = comparison.answers.filter { $0.method == names.edited }
    let base = comparison.answers.filter { $0.method == names.base }
    guard !edited.isEmpty, !base.isEmpty else {
      return .notTestable(
        id: id, statement: statement,
        because: "answers of '\(names.edited)' and '\(names.base)' are needed")
    }
    func share(_ rows: [JudgedAnswer]) -> (Double, Interval) {
      let n = rows.count { $0.entropy < comparison.leastEntropy }
      return (Double(n) / Double(rows.count), Interval.wilson(successes: n, of: rows.count))
    }
    // What a small rate hardly changes says nothing of what editing does: the largest decides.
    let variants = TraitVariant.all(of: names.edited, edited)
    let shares = variants.map { share(edited.filter($0.holds)) }
    guard let largest = variants.last, let (own, interval) = shares.last else {
      preconditionFailure("a method has at least one variant")
    }
    let (before, other) = share(base)
    let smaller = zip(variants, shares).dropLast().map { variant, share in
      "\(Format.figure(share.0)) at \(variant.place ?? variant.method)"
    }
    return Claim(
      id: id, statement: statement,
      verdict: interval.low > other.high
        ? .reproduced : interval.high < other.low ? .opposite : .unclear,
      evidence:
        "\(Format.figure(own)) of the edited answers"
        + (largest.place.map { " at \($0), the largest," } ?? "")
        + " fail the gate of coherence, \(Format.figure(before)) of the base"
        + (smaller.isEmpty ? "" : "; " + smaller.joined(separator: ", ")) + ".",
      effect: own - before)
  }
}
