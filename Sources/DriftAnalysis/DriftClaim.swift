// The study's claims that scores of chains can answer, each with its place and the one contrast that is
// declared for it before anything is looked at. The list is explained in DriftAnalysis.docc.

import Reports

/// A claim of the study and how it is tested.
public struct DriftClaim: Sendable, Equatable {
  public enum Quantity: Sendable, Equatable {
    /// Share of the target class.
    case bias
    case quality
    case logPerplexity
  }

  public let id: String
  /// As the study says it, with its place and figures.
  public let statement: String
  public let quantity: Quantity
  public internal(set) var contrast: Contrast
  /// The sign that the study found: +1 or −1.
  public let sign: Double
  /// Articles for which the study claims it; nil for any.
  public let data: DriftSettings.Data?

  /// Claims tested over chains, in the order of the table.
  ///
  /// Figures: IJCNLP-AACL 2025 long.8, section 5, computed from the authors' tables.
  public static func declared(baseline: String) -> [DriftClaim] {
    func claim(
      _ id: String, _ statement: String, _ quantity: Quantity, _ contrast: Contrast,
      _ sign: Double, _ data: DriftSettings.Data? = nil
    ) -> DriftClaim {
      DriftClaim(
        id: id, statement: statement, quantity: quantity, contrast: contrast, sign: sign,
        data: data)
    }
    return [
      claim(
        "bias-rises-synthetic",
        "Retrained on its own articles, the model drifts to its dominant leaning (5.1: right 54.4 % at "
          + "generation 0, 67.5 % at 6, 59.2 % at 10)", .bias, Contrast(.slope, of: baseline), 1),
      claim(
        "preserve-holds-bias",
        "Real articles mixed in hold or lower the bias (5.1: right 54.4 → 42.9 %)", .bias,
        Contrast(.change, of: "preserve", against: baseline), -1, .balanced),
      claim(
        "accumulate-holds-bias",
        "Keeping all earlier articles holds or lowers the bias (5.1: right 54.4 → 42.8 %)", .bias,
        Contrast(.change, of: "accumulate", against: baseline), -1, .balanced),
      claim(
        "overfit-bias-rises",
        "Overfitted models begin less biased, then their bias grows every generation (5.1: right 43.9 % "
          + "at generation 1, 61.8 % at 10)", .bias, Contrast(.lateSlope, of: "overfit"), 1),
      claim(
        "quality-falls-synthetic",
        "Text quality falls when a model reads itself (5.2: index 2.32 → 1.67)", .quality,
        Contrast(.change, of: baseline), -1),
      claim(
        "quality-falls-more-overfit",
        "It falls even more under overfitting (5.2: −31 % against −28 %)", .quality,
        Contrast(.change, of: "overfit", against: baseline), -1),
      claim(
        "preserve-holds-quality",
        "Real articles mixed in hold the quality (5.2: −2.6 % against −28 %)", .quality,
        Contrast(.change, of: "preserve", against: baseline), 1),
      claim(
        "accumulate-holds-quality",
        "Keeping all earlier articles holds the quality (5.2: −3.7 % against −28 %)", .quality,
        Contrast(.change, of: "accumulate", against: baseline), 1),
      claim(
        "perplexity-falls",
        "Perplexity under the base model falls while quality falls: repetitive, over-confident text "
          + "(appendix E: 7.41 → 3.06)", .logPerplexity, Contrast(.slope, of: baseline), -1),
    ]
  }

  static let withoutCollapse = (
    id: "bias-without-collapse",
    statement:
      "Trained on articles of one side, the model's bias is amplified even where quality is kept "
      + "(appendix I: center 75.5 → 88.6 % under preservation, index 2.40 → 2.32)"
  )
  static let leastOfTheStudy = "left"
  static let baseUneven = (
    id: "base-uneven",
    statement:
      "The base model's articles are uneven before any fine-tuning (5.1: left 5.3, center 47.9, right "
      + "46.8 %)"
  )

  /// Every id that this analysis answers.
  public static var ids: [String] {
    declared(baseline: "none").map(\.id) + [withoutCollapse.id, baseUneven.id]
  }
}

/// A claim's contrast under every version of the measure.
public struct DriftTest: Sendable {
  public let claim: DriftClaim
  /// The declared result; nil with `reason` where there is none.
  public let result: ContrastResult?
  public let reason: String?
  /// Only for claims about bias: the same contrast, measured in other ways.
  public let versions: [(kind: DriftVersion.Kind, result: ContrastResult)]
  public internal(set) var adjustedP: Double?

  /// Does another measure's mean go the other way? Asked of unclear effects too: whoever reads a sign off
  /// them reads the measure's.
  public var isJudgeDependent: Bool {
    guard let result else { return false }
    return versions.contains { $0.kind != .raw && $0.result.mean * result.mean < 0 }
  }

  let level: Double

  public var verdict: Claim.Verdict {
    guard let result, let adjustedP else { return .notTestable }
    if isJudgeDependent { return .judgeDependent }
    guard adjustedP < level else { return .unclear }
    return result.mean * claim.sign > 0 ? .reproduced : .opposite
  }
}
