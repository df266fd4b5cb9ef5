// What each generation learns from: the three mitigations of Wang et al. 2024 (arXiv 2410.15234)
// and the plain loop. A pure function; the stage around it is StageLibrary/Corpora/Mitigate.swift.

import CanonicalJSON
import Diagnostics
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
    /// Both at once: the corpus of the one, the training of the other. `preserve` and `accumulate`
    /// do not combine: accumulation holds every real document already.
    case preserveAndOverfit = "preserve+overfit"
    case accumulateAndOverfit = "accumulate+overfit"

    public var preserves: Bool { self == .preserve || self == .preserveAndOverfit }
    public var accumulates: Bool { self == .accumulate || self == .accumulateAndOverfit }
    public var overfits: Bool {
      self == .overfit || self == .preserveAndOverfit || self == .accumulateAndOverfit
    }
  }

  /// How many tokens the generation's training may spend.
  public enum Budget: String, Sendable, CaseIterable {
    /// As many epochs over what the strategy mixes as it asks for.
    case own
    /// As many tokens as `none` would learn in this generation: what a strategy does beyond training
    /// more.
    case equal
    /// As many documents as `none` would learn, drawn anew each round from what the strategy mixes, for
    /// as many epochs as it asks for (accumulation at a fixed size: Kazdan et al. 2024, arXiv
    /// 2410.16713).
    case sample
  }

  public var strategy: Strategy
  /// Names the random stream: each generation draws anew.
  public var round: Int
  public var seed: Int
  /// Part of the real documents that `preserve` adds: rounded to whole documents, at least one
  /// unless it is 0. The study took 152 of 1,518.
  public var preserveFraction: Double
  /// Share of real documents in what `preserve` gives, which then has as many documents as the newest
  /// synthetic corpus; takes the place of `preserveFraction`. 0 is `none`, 1 is real documents alone.
  public var mixFraction: Double?
  public var budget: Budget
  public var overfitEpochs: Int
  public var overfitWeightDecay: Double

  public init(
    strategy: Strategy, round: Int, seed: Int, preserveFraction: Double,
    mixFraction: Double? = nil, budget: Budget = .own, overfitEpochs: Int,
    overfitWeightDecay: Double
  ) {
    for fraction in [preserveFraction, mixFraction ?? 0] {
      precondition((0...1).contains(fraction), "a fraction of \(fraction) is not within 0...1")
    }
    self.strategy = strategy
    self.round = round
    self.seed = seed
    self.preserveFraction = preserveFraction
    self.mixFraction = mixFraction
    self.budget = budget
    self.overfitEpochs = overfitEpochs
    self.overfitWeightDecay = overfitWeightDecay
  }

  /// What the generation learns from.
  ///
  /// - Parameter synthetic: the corpora written so far, oldest first; empty at generation 0, where
  ///   every strategy gives the real corpus unchanged.
  ///
  /// Order: `accumulate` real documents, then D1 … Dt; `preserve` the newest synthetic corpus (what a
  /// mix fraction leaves of it), then the drawn real documents in the order they have in the real
  /// corpus. Where ids meet, the later document's becomes `id~2`. The facts of the parts are joined
  /// and do not name the strategy. With the budget `sample` as many of them as the newest synthetic
  /// corpus has, in that order.
  ///
  /// **Throws**: `mix-too-few`.
  public func mix(real: Corpus, synthetic: [Corpus]) throws(Diagnostic) -> Corpus {
    guard let newest = synthetic.last else { return real }
    let all = try wholeMix(real: real, synthetic: synthetic, newest: newest)
    return budget == .sample ? drawn(newest.documents.count, of: all, stream: "sample") : all
  }

  private func wholeMix(
    real: Corpus, synthetic: [Corpus], newest: Corpus
  ) throws(Diagnostic) -> Corpus {
    if strategy.accumulates { return Corpus(joining: [real] + synthetic) }
    guard strategy.preserves else { return newest }
    guard let fraction = mixFraction else {
      var count = Int((preserveFraction * Double(real.documents.count)).rounded())
      if count == 0, preserveFraction > 0 { count = min(1, real.documents.count) }
      return Corpus(joining: [newest, drawn(count, of: real, stream: "preserve")])
    }
    let size = newest.documents.count
    let wanted = Int((fraction * Double(size)).rounded())
    guard wanted <= real.documents.count else {
      throw .mixTooFew(wanted: wanted, of: size, has: real.documents.count)
    }
    // Nothing is joined where there is one part, so that the ends of the axis are those very corpora.
    let kept = drawn(size - wanted, of: newest, stream: "mix")
    guard wanted > 0 else { return kept }
    let added = drawn(wanted, of: real, stream: "preserve")
    return wanted == size ? added : Corpus(joining: [kept, added])
  }

  /// The documents whose tokens, times the epochs that the recipe or the training says, the training
  /// may spend.
  public func budgetDocuments(mixed: Corpus, real: Corpus, synthetic: [Corpus]) -> Corpus {
    budget == .equal ? synthetic.last ?? real : mixed
  }

  /// What training does differently: only what differs, so equal recipes are equal artifacts. With an
  /// equal budget overfitting keeps its weight decay and not its epochs.
  public var recipe: JSONValue {
    var members: [(String, JSONValue)] = []
    if strategy.overfits {
      if budget != .equal { members.append(("epochs", .integer(overfitEpochs))) }
      members.append(("weight_decay", .number(overfitWeightDecay)))
    }
    // Refused by a training that is not told the budget: it would silently be its own.
    if budget == .equal, strategy != .none { members.append(("budget", "equal")) }
    return .object(JSONObject(members))
  }

  /// So many documents in the order they have in their corpus, drawn anew each round.
  private func drawn(_ count: Int, of corpus: Corpus, stream name: String) -> Corpus {
    guard count < corpus.documents.count else { return corpus }
    var stream = RandomStream(seed: seed, name: "\(name)/round-\(round)")
    let drawn = stream.sample(count, of: corpus.documents.count).sorted()
    return Corpus(documents: drawn.map { corpus.documents[$0] }, facts: corpus.facts)
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
