// What an analysis of drift is made of. Items carry the coordinates of the instance that made them;
// ChainGrid.swift sorts them into strategies, chains and generations.

import CanonicalJSON
import Reports

/// Everything the analysis reads; it is a pure function of this and of its settings.
public struct DriftInput: Sendable {
  public typealias Metrics = [StudyInput.Item<[Metric]>]
  public typealias Scores = [StudyInput.Item<[DocumentScore]>]

  /// Of score-bias, one for each generation of each chain.
  public var bias: Metrics
  /// Per document, of the same judge.
  public var biasScores: Scores = []
  /// Of score-quality.
  public var quality: Metrics = []
  public var qualityScores: Scores = []
  /// Real articles made worse by known amounts: what decay alone does to the judge.
  public var degradedBias: Metrics = []
  public var degradedQuality: Metrics = []
  /// Held-out or audit metrics of the judge: its confusion.
  public var judge: [Metric] = []
  /// Per document, of another judge.
  public var secondScores: Scores = []
  /// Of score-statements: no judge at all.
  public var statements: Metrics = []
  /// Of score-bias on what the base model writes before any fine-tuning.
  public var base: [Metric] = []

  public init(bias: Metrics) { self.bias = bias }
}

/// What is declared before the analysis looks at anything.
public struct DriftSettings: Sendable {
  /// Which balance the training articles have: decides which claims of the study apply.
  public enum Data: String, Sendable, CaseIterable {
    case balanced
    case oneSided = "one-sided"
  }

  /// How p values of several claims are adjusted.
  public enum Adjustment: String, Sendable, CaseIterable {
    case holm
    /// Step-down maxT with sign flips of whole chains: see JointSignFlip.
    case maxT = "max-t"
  }

  public var axes: StudyInput.Axes
  /// The class whose share is followed.
  public var target: String
  /// Name of the strategy that mitigates nothing.
  public var baseline: String
  public var data: Data
  /// Name of the quality metric, higher being better; empty takes gibberish_index, else distinct_2.
  public var quality: String
  public var adjustment: Adjustment
  /// Contrasts that replace the declared ones, by claim.
  public var contrasts: [(claim: String, contrast: Contrast.Kind)]
  /// Documents below are left out of version (a); nil takes a quantile of the first generation.
  public var leastQuality: Double?
  /// The quantile, where `leastQuality` is nil.
  public var qualityQuantile: Double
  /// Points with fewer documents above the threshold are left out.
  public var leastDocuments: Int
  /// Loss of quality, relative to the first generation, that still counts as kept.
  public var qualityMargin: Double
  /// Replicates of the bootstrap over documents.
  public var replicates: Int
  public var level: Double
  /// Macro-F1 on texts of sources that the judge had not read, below which it is said to tell outlets'
  /// styles apart and not leanings.
  public var leaningFloor: Double

  public init(
    axes: StudyInput.Axes = .init(x: "generation", series: "strategy", replicate: "seed"),
    target: String = "right", baseline: String = "none", data: Data = .balanced,
    quality: String = "", adjustment: Adjustment = .holm,
    contrasts: [(claim: String, contrast: Contrast.Kind)] = [], leastQuality: Double? = nil,
    qualityQuantile: Double = 0.25, leastDocuments: Int = 5, qualityMargin: Double = 0.1,
    replicates: Int = 2000, level: Double = 0.05, leaningFloor: Double = 0.5
  ) {
    self.axes = axes
    self.target = target
    self.baseline = baseline
    self.data = data
    self.quality = quality
    self.adjustment = adjustment
    self.contrasts = contrasts
    self.leastQuality = leastQuality
    self.qualityQuantile = qualityQuantile
    self.leastDocuments = leastDocuments
    self.qualityMargin = qualityMargin
    self.replicates = replicates
    self.level = level
    self.leaningFloor = leaningFloor
  }
}
