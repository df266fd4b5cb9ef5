// Tests as claims: a verdict and a sentence, both computed.

import Foundation
import Reports
import Statistics

extension DriftAnalysis {
  /// In the order of the study; every one of ``DriftClaim/ids`` once.
  public var claims: [Claim] { tests.map(claim) + [withoutCollapse, baseUneven] }

  private func claim(_ test: DriftTest) -> Claim {
    guard let result = test.result else {
      return .notTestable(
        id: test.claim.id, statement: test.claim.statement, because: test.reason ?? "")
    }
    let scale = Scale(test.claim.quantity, test.claim.contrast.kind, measures.qualityName)
    return Claim(
      id: test.claim.id, statement: test.claim.statement, verdict: test.verdict,
      evidence: evidence(test, result, scale), effect: scale.factor * result.mean,
      low: result.interval.map { scale.factor * $0.low },
      high: result.interval.map { scale.factor * $0.high }, p: result.p,
      adjustedP: test.adjustedP, chains: result.values.count)
  }

  /// How a quantity is shown.
  struct Scale {
    let factor: Double
    let digits: Int
    let unit: String

    init(_ quantity: DriftClaim.Quantity, _ kind: Contrast.Kind, _ quality: String?) {
      let per = kind == .change ? "" : " per generation"
      switch quantity {
      case .bias: (factor, digits, unit) = (100, 2, "points" + per)
      case .quality: (factor, digits, unit) = (1, 3, (quality ?? "quality") + per)
      case .logPerplexity: (factor, digits, unit) = (1, 3, "nats" + per)
      }
    }

    func words(_ value: Double) -> String { Format.signed(factor * value, digits) }
  }

  private func evidence(_ test: DriftTest, _ result: ContrastResult, _ scale: Scale) -> String {
    let contrast = test.claim.contrast
    var text = contrast.strategy
    if let against = contrast.against { text += " minus \(against)" }
    text += ", \(contrast.kind.words): \(scale.words(result.mean)) \(scale.unit)"
    text += chainWords(result, scale) + "."
    if result.isDescriptive {
      text =
        "Descriptive: "
        + text
        + " With \(result.values.count) chain\(result.values.count == 1 ? "" : "s") a sign-flip test "
        + "cannot go below p = \(Format.figure(result.smallestP))."
    }
    let others = test.versions.filter { $0.kind != .raw }
    if !others.isEmpty {
      let parts = others.map { kind, other in
        kind == .statements
          ? "\(kind.name) \(Format.signed(other.mean, 4)) nats per token"
          : "\(kind.name) \(scale.words(other.mean))"
      }
      text += " Measured otherwise: \(parts.joined(separator: ", "))."
    }
    if test.isJudgeDependent { text += " The signs do not agree." }
    if test.claim.quantity == .bias, let judge = outletJudge {
      text +=
        " The judge tells outlet style, not leaning (macro-F1 \(Format.fixed(judge.value, 2)))."
    }
    if test.claim.quantity == .bias, let words = detectable(result, scale) { text += " " + words }
    return text
  }

  private func chainWords(_ result: ContrastResult, _ scale: Scale) -> String {
    let count = result.values.count
    guard count > 1 else { return " in one chain" }
    let same = result.values.count { $0 * result.mean > 0 }
    let agreement = "\(same) of \(count) chains go that way"
    guard let interval = result.interval else { return " (\(agreement))" }
    return " (95 % interval over chains \(scale.words(interval.low)) to "
      + "\(scale.words(interval.high)); \(agreement))"
  }

  /// The smallest drift that this many chains of this spread would show four times out of five.
  private func detectable(_ result: ContrastResult, _ scale: Scale) -> String? {
    guard let smallest = smallestDetectable(result) else { return nil }
    return "Smallest drift that a t test over as many chains finds four times out of five: "
      + "\(Format.fixed(scale.factor * smallest, scale.digits)) \(scale.unit)."
  }

  func smallestDetectable(_ result: ContrastResult) -> Double? {
    guard let deviation = SampleSummary(result.values).deviation, deviation > 0 else { return nil }
    return deviation
      * DetectableEffect.smallest(count: result.values.count, level: settings.level)
  }

  // MARK: Claims of their own kind

  /// Bias rises under preservation and quality is kept: the larger p of both counts
  /// (intersection–union test, Berger 1982).
  private var withoutCollapse: Claim {
    let (id, statement) = DriftClaim.withoutCollapse
    func none(_ reason: String) -> Claim {
      .notTestable(id: id, statement: statement, because: reason)
    }
    guard settings.data == .oneSided else {
      return none("The study claims this for one-sided articles; these are balanced.")
    }
    let strategy = "preserve"
    let bias = DriftAnalysis.grid(.bias, measures, settings)
    guard bias.strategies.contains(strategy) else {
      return none("No chain has the strategy “\(strategy)”.")
    }
    guard measures.quality.strategies.contains(strategy) else {
      return none("There is no quality of the strategy “\(strategy)” among the inputs.")
    }
    let change = Contrast(.change, of: strategy)
    // Relative to where each chain began, plus the margin: positive where quality is kept.
    let kept = measures.quality.chains.map { chain -> Double? in
      let points = measures.quality.points(strategy, chain)
      guard let first = points.first(where: { $0.generation == span.first })?.value, first != 0,
        let last = points.first(where: { $0.generation == span.last })?.value
      else { return nil }
      return (last - first) / abs(first) + settings.qualityMargin
    }
    guard
      let rise = ContrastResult(change.values(bias, span), random: random("signs/\(id)")),
      let quality = ContrastResult(kept, random: random("signs/\(id)/quality"))
    else { return none("No chain of “\(strategy)” has both its first and its last generation.") }
    let p = max(rise.p, quality.p)
    let scale = Scale(.bias, .change, nil)
    let loss = 100 * (quality.mean - settings.qualityMargin)
    let isKept = quality.mean > 0
    var verdict = Claim.Verdict.unclear
    if p < settings.level { verdict = rise.mean > 0 && isKept ? .reproduced : .opposite }
    let prefix = min(rise.values.count, quality.values.count) < ContrastResult.fewChains
    return Claim(
      id: id, statement: statement, verdict: verdict,
      evidence: (prefix ? "Descriptive: " : "")
        + "under \(strategy) the share of \(settings.target) changes by \(scale.words(rise.mean)) "
        + "points\(chainWords(rise, scale)), \(measures.qualityName ?? "quality") by "
        + "\(Format.signed(loss, 1)) % (kept if above \(Format.fixed(-100 * settings.qualityMargin, 0))"
        + " %); p is the larger of both sign-flip tests, not adjusted.",
      effect: scale.factor * rise.mean, low: rise.interval.map { scale.factor * $0.low },
      high: rise.interval.map { scale.factor * $0.high }, p: p, chains: rise.values.count)
  }

  /// One model, so its documents are the unit.
  private var baseUneven: Claim {
    let (id, statement) = DriftClaim.baseUneven
    let shares = baseShares
    guard let n = shares.map(\.metric.count).min(), n > 0, shares.count > 1 else {
      return .notTestable(
        id: id, statement: statement,
        because: "The input 'base' (score-bias on what the base model writes) is not bound.")
    }
    let counts = shares.map { Int((Double(n) * $0.metric.value).rounded()) }
    guard let test = ChiSquare.uniform(counts) else {
      return .notTestable(
        id: id, statement: statement, because: "The base model's shares add up to nothing.")
    }
    let list = shares.map { "\($0.name) \(Format.fixed(100 * $0.metric.value, 1)) %" }
    let even = 100 / Double(shares.count)
    let least = shares.min { $0.metric.value < $1.metric.value }!
    return Claim(
      id: id, statement: statement,
      // Uneven in another way is not what the study found.
      verdict: test.p < settings.level && least.name == DriftClaim.leastOfTheStudy
        ? .reproduced : .unclear,
      evidence:
        "Base model: \(list.joined(separator: ", ")) of \(Format.count(n)) documents, against "
        + "\(Format.fixed(even, 1)) % each; least \(least.name)"
        + (least.name == DriftClaim.leastOfTheStudy
          ? "" : " where the study has \(DriftClaim.leastOfTheStudy)")
        + ". χ² = \(Format.figure(test.statistic)) "
        + "over documents within one model; not adjusted."
        + (outletJudge == nil ? "" : " The judge tells outlet style, not leaning."),
      effect: 100 * least.metric.value - even,
      low: least.metric.low.map { 100 * $0 - even },
      high: least.metric.high.map { 100 * $0 - even },
      p: test.p)
  }

  /// How good the judge is on sources that it had not read, if that is below the floor: over folds where
  /// there are some, else on the texts that `judge` is about.
  var outletJudge: Metric? {
    let found =
      input.judge.first { $0.name == "folds_macro_f1" }
      ?? input.judge.first { $0.name == "macro_f1" }
    guard let found, found.value < settings.leaningFloor else { return nil }
    return found
  }

  var outletWords: String? {
    guard let judge = outletJudge else { return nil }
    var interval = ""
    if let low = judge.low, let high = judge.high {
      interval = " (95 % interval \(Format.fixed(low, 2)) to \(Format.fixed(high, 2)))"
    }
    return
      "Outlet style, not leaning: on \(Format.count(judge.count)) documents of sources that it had "
      + "not read the judge's macro-F1 is \(Format.fixed(judge.value, 2))\(interval), below the floor of "
      + "\(Format.figure(settings.leaningFloor)). Where this section says \(settings.target), read: in the "
      + "style of outlets that are called \(settings.target)."
  }

  var baseShares: [(name: String, metric: Metric)] {
    input.base.filter { $0.name == "share" && $0.at.count == 1 }.compactMap { metric in
      metric.at["class"]?.string.map { ($0, metric) }
    }
  }
}
