// A claim of the study and what this run says about it. A claim is made from results by the stage that
// has them; the report gathers all of them in one table.

/// A statement of the study beside what was found here.
public struct Claim: Sendable, Equatable {
  public enum Verdict: String, Sendable, CaseIterable {
    case reproduced
    /// The effect is clear and goes the other way.
    case opposite
    /// The interval holds both.
    case unclear
    /// Measures that should agree (judges, corrections) give different signs.
    case judgeDependent = "judge-dependent"
    /// What it needs was not among the inputs; `evidence` says what.
    case notTestable = "not-testable"

    /// As the claim table shows it.
    public var words: String {
      switch self {
      case .reproduced: "reproduced here"
      case .opposite: "opposite here"
      case .unclear: "unclear here"
      case .judgeDependent: "judge-dependent"
      case .notTestable: "not testable here"
      }
    }
  }

  /// One of the list in DriftAnalysis.docc, such as `bias-rises-synthetic`.
  public var id: String
  /// The study's statement, with its place in brackets.
  public var statement: String
  public var verdict: Verdict
  /// A sentence made from results, or why there are none.
  public var evidence: String
  /// In the unit that `evidence` names.
  public var effect: Double?
  public var low: Double?
  public var high: Double?
  public var p: Double?
  /// Over the family of claims that were tested together.
  public var adjustedP: Double?
  /// Independent chains (seeds) behind it; 0 where chains play no part.
  public var chains: Int

  public init(
    id: String, statement: String, verdict: Verdict, evidence: String, effect: Double? = nil,
    low: Double? = nil, high: Double? = nil, p: Double? = nil, adjustedP: Double? = nil,
    chains: Int = 0
  ) {
    self.id = id
    self.statement = statement
    self.verdict = verdict
    self.evidence = evidence
    self.effect = effect
    self.low = low
    self.high = high
    self.p = p
    self.adjustedP = adjustedP
    self.chains = chains
  }

  public static func notTestable(id: String, statement: String, because reason: String) -> Claim {
    Claim(id: id, statement: statement, verdict: .notTestable, evidence: reason)
  }
}
