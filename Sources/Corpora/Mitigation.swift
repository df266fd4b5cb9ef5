// What each generation learns from: the three mitigations of Wang et al. 2024 (arXiv 2410.15234)
// and the plain loop. A pure function; the stage around it is StageLibrary/Corpora/Mitigate.swift.

import CanonicalJSON
import Randomness

/// How real and synthetic documents are mixed, and what training does differently.
public struct Mitigation: Sendable {
  public enum Strategy: String, Sendable, CaseIterable {
    /// The newest synthetic corpus alone.
    case none
    /// As none, but trained longer and without weight decay, from generation 0 on.
    case overfit
    /// The newest synthetic corpus and a part of the real one, drawn anew each round.
    case preserve
    /// All real documents and every synthetic corpus so far.
    case accumulate
  }

  public var strategy: Strategy
  /// Names the random stream: each generation draws anew.
  public var round: Int
  public var seed: Int
  /// Part of the real documents that `preserve` adds: rounded to whole documents, at least one
  /// unless it is 0. The study took 152 of 1,518.
  public var preserveFraction: Double
  public var overfitEpochs: Int
  public var overfitWeightDecay: Double

  public init(
    strategy: Strategy, round: Int, seed: Int, preserveFraction: Double, overfitEpochs: Int,
    overfitWeightDecay: Double
  ) {
    precondition(
      (0...1).contains(preserveFraction), "a fraction of \(preserveFraction) is not within 0...1")
    self.strategy = strategy
    self.round = round
    self.seed = seed
    self.preserveFraction = preserveFraction
    self.overfitEpochs = overfitEpochs
    self.overfitWeightDecay = overfitWeightDecay
  }

  /// What the generation learns from.
  ///
  /// - Parameter synthetic: the corpora written so far, oldest first; empty at generation 0, where
  ///   every strategy gives the real corpus unchanged.
  ///
  /// Order: `accumulate` real documents, then D1 … Dt; `preserve` the newest synthetic corpus, then
  /// the drawn real documents in the order they have in the real corpus. Where ids meet, the later
  /// document's becomes `id~2`. The facts of the parts are joined and do not name the strategy.
  public func mix(real: Corpus, synthetic: [Corpus]) -> Corpus {
    guard let newest = synthetic.last else { return real }
    switch strategy {
    case .none, .overfit: return newest
    case .preserve: return Corpus(joining: [newest, preserved(of: real)])
    case .accumulate: return Corpus(joining: [real] + synthetic)
    }
  }

  /// What training does differently: only what differs, so equal recipes are equal artifacts.
  public var recipe: JSONValue {
    switch strategy {
    case .overfit:
      .object([
        "epochs": .integer(overfitEpochs), "weight_decay": .number(overfitWeightDecay),
      ])
    case .none, .preserve, .accumulate: .object([:])
    }
  }

  private func preserved(of real: Corpus) -> Corpus {
    let total = real.documents.count
    var count = Int((preserveFraction * Double(total)).rounded())
    if count == 0, preserveFraction > 0 { count = min(1, total) }
    var stream = RandomStream(seed: seed, name: "preserve/round-\(round)")
    let drawn = stream.sample(count, of: total).sorted()
    return Corpus(documents: drawn.map { real.documents[$0] }, facts: real.facts)
  }
}

extension Corpus {
  /// All documents one corpus after the other, with ids kept apart and facts joined.
  public init(joining parts: [Corpus]) {
    var ids = UniqueIDs()
    var documents: [Document] = []
    var facts = Facts()
    for part in parts {
      for var document in part.documents {
        document.id = ids.claim(document.id)
        documents.append(document)
      }
      for origin in part.facts.origins where !facts.origins.contains(origin) {
        facts.origins.append(origin)
      }
      for licence in part.facts.licences where !facts.licences.contains(licence) {
        facts.licences.append(licence)
      }
    }
    self.init(documents: documents, facts: facts)
  }
}
