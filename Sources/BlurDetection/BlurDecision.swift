// From measures to a verdict: gates first (what cannot be told is said), then the probability.

import Foundation

/// Bounds of what can be judged.
public struct BlurGates: Sendable, Equatable {
  /// Mean of the box below which it is night, in DN.
  public var leastMean = 12.0
  /// The reference's contrast in the frame's light over the frame's noise.
  public var leastExpectedSignal = 3.5
  /// Share of the box at 250 and above.
  public var mostClipped = 0.6
  /// Share of edge tiles that are not clipped and lie inside.
  public var leastUsable = 0.3
  /// Share of edge tiles with contrast, and signal to noise, below which nothing is there to be seen.
  public var leastContrasted = 0.15
  public var leastSignal = 1.0
  /// Sharp needs positive evidence: below these what is sharp is not the marker.
  public var leastExplained = 0.25
  public var leastCorrelation = 0.4

  public init() {}
}

/// A verdict on one marker or one frame.
public struct BlurDecision: Sendable, Equatable {
  public var state: FrameState
  /// P(blurred); nil where nothing was measured or the method gives no probability.
  public var probability: Double?
  /// Grows with blur; what frames are ranked by. Nil where nothing was measured.
  public var score: Double?

  /// What would be said if something had to be, whatever the gates say; nil where nothing was measured.
  public var leaning: Bool?

  /// |2P − 1|
  public var confidence: Double? { probability.map { abs(2 * $0 - 1) } }

  public init(
    state: FrameState, probability: Double? = nil, score: Double? = nil, leaning: Bool? = nil
  ) {
    self.state = state
    self.probability = probability
    self.score = score
    self.leaning = leaning ?? state.isBlurred
  }

  public static func corrupt(_ corruption: FrameState.Corruption) -> BlurDecision {
    BlurDecision(state: .corrupt(corruption))
  }
}

/// Where the line between sharp and blurred comes from.
public enum BlurRule: Sendable, Equatable {
  /// The published threshold or the standard weights.
  case standard
  /// Mean and three standard deviations of the camera's own sharp reference frames: no label needed.
  case references(threshold: Double)
  case weights(BlurWeights)

  public var name: String {
    switch self {
    case .standard: "standard"
    case .references: "references"
    case .weights: "weights"
    }
  }
}

extension BlurDecision {
  /// Decides by a marker's reference.
  public init(_ measures: MarkerMeasures, rule: BlurRule, gates: BlurGates = BlurGates()) {
    let weights = if case .weights(let weights) = rule { weights } else { BlurWeights.standard }
    if let features = measures.features {
      let logit = weights.logit(features)
      score = logit
      probability = BlurWeights.probability(logit)
    }
    var isBlurred = probability.map { $0 > 0.5 }
    if case .references(let threshold) = rule {
      // The references say where sharp ends, not how sure one may be beyond.
      probability = nil
      score = measures.blur.map { log($0.sigma) }
      isBlurred = score.map { $0 > threshold }
    }
    leaning = isBlurred
    if let doubt = gates.doubt(measures) {
      state = .indeterminate(doubt)
      return
    }
    guard let isBlurred, let blur = measures.blur else {
      state = .indeterminate(.noiseLimited)
      return
    }
    if isBlurred {
      state = blur.explained < gates.leastExplained ? .obstructed : .blurred
    } else if blur.explained < gates.leastExplained
      || measures.correlation < gates.leastCorrelation
    {
      state = .indeterminate(.changed)
    } else {
      state = .sharp
    }
  }

  /// Decides by one of the other measures: no gates, as published.
  public init(measure: Double, method: JudgingMethod, rule: BlurRule) {
    let score = method.blurriness(measure)
    self.score = score
    switch rule {
    case .standard:
      switch method.publishedVerdict(measure) {
      case true?: state = .blurred
      case false?: state = .sharp
      case nil: state = .indeterminate(.atThreshold)
      }
    case .references(let threshold):
      state = score > threshold ? .blurred : .sharp
    case .weights(let weights):
      let p = BlurWeights.probability(weights.logit([score]))
      probability = p
      state = p > 0.5 ? .blurred : .sharp
    }
    leaning = state.isBlurred
  }

  /// One verdict from several markers: blurred where one that can be judged is (the one that is most
  /// so), else sharp where one is, else the first's doubt. A drop covers one marker and not another.
  public static func combined(_ decisions: [BlurDecision]) -> (decision: BlurDecision, index: Int) {
    precondition(!decisions.isEmpty, "a verdict of no marker")
    func best(_ wanted: Bool) -> Int? {
      decisions.indices.filter { decisions[$0].state.isBlurred == wanted }
        .max { (decisions[$0].score ?? 0) < (decisions[$1].score ?? 0) }
    }
    let index = best(true) ?? best(false) ?? 0
    return (decisions[index], index)
  }
}

extension BlurGates {
  /// Why nothing can be said, or nil.
  public func doubt(_ measures: MarkerMeasures) -> FrameState.Doubt? {
    if measures.clipped > mostClipped { return .overexposed }
    if measures.mean < leastMean { return .dark }
    // Bright and without noise, the reference's contrast would be seen: what follows is about the rest.
    if measures.expectedSignal < leastExpectedSignal { return .dark }
    if measures.usable < leastUsable { return .overexposed }
    if measures.contrasted < leastContrasted, (measures.blur?.signalToNoise ?? 0) < leastSignal {
      return .notVisible
    }
    if measures.isShiftAtEdge { return .moved }
    return nil
  }
}

extension MarkerMeasures {
  /// ln acutance, ln σ̂, r²; nil where one of them could not be measured.
  public var features: [Double]? {
    guard let blur, let acutance, acutance > 0, blur.sigma > 0 else { return nil }
    return [log(acutance), log(blur.sigma), blur.explained]
  }
}
