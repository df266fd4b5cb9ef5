// Beam search with the semantics of transformers 5, one prompt independent of the others. The search
// itself is a value that is fed log-probabilities; `Generator.search` feeds it from the model.

import Diagnostics
import Foundation
import Kernels
import ModelFiles
import Networks
import Tensors

/// How beams are searched, as `generate(num_beams:)` of transformers 5 does without sampling.
///
/// At each step the beams' K = max(2, 1 + stop tokens)·B best continuations are looked at, by the sum of
/// log-probabilities. Those that end (a stop token, or the greatest length) *and* are among the B best
/// become hypotheses with score Σ log p / lengthᵖ, where p is `lengthPenalty` and the length counts new
/// tokens, the stop token included; the B best hypotheses are kept. The B best of those that do not end
/// are the next beams. The search ends at the greatest length, or
/// - `.whenFull`: as soon as there are B hypotheses,
/// - `.whenUnlikely`: when the best beam's sum divided by its present lengthᵖ is not above the worst of
///   B hypotheses,
/// - `.never`: the same with the greatest length instead of the present one, if p > 0.
public struct BeamSearch: Sendable, Equatable {
  /// `early_stopping` of transformers.
  public enum EarlyStopping: Sendable, Equatable {
    /// `True`
    case whenFull
    /// `False`, the default there and here.
    case whenUnlikely
    /// `"never"`
    case never
  }

  /// Beams B.
  public var beams: Int
  /// p: above 0 prefers long sequences, since sums of logarithms are negative.
  public var lengthPenalty: Double
  public var earlyStopping: EarlyStopping
  /// As in `Decoding`, on log-probabilities.
  public var repetitionPenalty: Double
  /// Tokens that end a hypothesis; they are not part of it.
  public var stopTokens: Set<Int32>
  /// Hypotheses given back for each prompt.
  public var returned: Int

  public init(
    beams: Int, lengthPenalty: Double = 1, earlyStopping: EarlyStopping = .whenUnlikely,
    repetitionPenalty: Double = 1, stopTokens: Set<Int32> = [], returned: Int = 1
  ) {
    precondition(beams >= 1, "\(beams) beams find nothing")
    precondition(
      returned >= 1 && returned <= beams, "\(beams) beams cannot give \(returned) hypotheses")
    precondition(
      repetitionPenalty > 0, "a repetition penalty of \(repetitionPenalty) cannot divide anything")
    self.beams = beams
    self.lengthPenalty = lengthPenalty
    self.earlyStopping = earlyStopping
    self.repetitionPenalty = repetitionPenalty
    self.stopTokens = stopTokens
    self.returned = returned
  }

  /// Continuations looked at in each step.
  var candidates: Int { max(2, 1 + stopTokens.count) * beams }
}

/// A sequence that beam search found.
public struct Hypothesis: Sendable, Equatable {
  /// New tokens only, without the stop token.
  public var tokens: [Int32]
  /// Σ log p / lengthᵖ
  public var score: Double
  /// Whether a stop token ended it.
  public var isStopped: Bool
}

/// The search behind one prompt.
struct BeamState {
  struct Beam {
    /// Place of the beam that it continues, in the step before.
    var parent: Int
    var tokens: [Int32]
    var sum: Float
  }

  /// What transformers writes for minus infinity.
  private static let impossible: Float = -1e9

  let search: BeamSearch
  let length: Int
  private(set) var beams: [Beam]
  private(set) var hypotheses: [Hypothesis] = []
  private(set) var isDone = false
  private var canImprove = true

  init(_ search: BeamSearch, length: Int) {
    self.search = search
    self.length = length
    beams = [Beam(parent: 0, tokens: [], sum: 0)]
  }

  /// Takes the best continuations of each beam one step further.
  ///
  /// - Parameter continuations: for each beam its `search.candidates` best tokens with their
  ///   log-probabilities, the best first.
  mutating func advance(_ continuations: [[(token: Int32, logProbability: Float)]]) {
    var candidates: [(beam: Int, token: Int32, sum: Float)] = []
    for (beam, tokens) in continuations.enumerated() {
      candidates += tokens.map { (beam, $0.token, beams[beam].sum + $0.logProbability) }
    }
    // Among equals the earlier beam and the lower token.
    candidates.sort { ($1.sum, $0.beam, $0.token) < ($0.sum, $1.beam, $1.token) }
    candidates = Array(candidates.prefix(search.candidates))
    let newLength = beams[0].tokens.count + 1
    let isLast = newLength == length
    func ends(_ token: Int32) -> Bool { isLast || search.stopTokens.contains(token) }

    let isFull = hypotheses.count == search.beams && search.earlyStopping == .whenFull
    if canImprove && !isFull {
      for candidate in candidates.prefix(search.beams) where ends(candidate.token) {
        let isStopped = search.stopTokens.contains(candidate.token)
        hypotheses.append(
          Hypothesis(
            tokens: beams[candidate.beam].tokens + (isStopped ? [] : [candidate.token]),
            score: Double(candidate.sum / penalty(newLength)), isStopped: isStopped))
      }
      // Stable: an older hypothesis goes before a new one of the same score.
      hypotheses = Array(
        hypotheses.enumerated()
          .sorted { ($1.element.score, $0.offset) < ($0.element.score, $1.offset) }
          .prefix(search.beams).map(\.element))
    }
    beams = candidates.filter { !ends($0.token) }.prefix(search.beams).map {
      Beam(parent: $0.beam, tokens: beams[$0.beam].tokens + [$0.token], sum: $0.sum)
    }
    guard let best = beams.first else {
      isDone = true
      return
    }
    let hoped =
      search.earlyStopping == .never && search.lengthPenalty > 0 ? length : newLength
    let isFullNow = hypotheses.count == search.beams
    let worst = isFullNow ? Float(hypotheses.last!.score) : Self.impossible
    canImprove = canImprove && best.sum / penalty(hoped) > worst
    isDone = !canImprove || isFullNow && search.earlyStopping == .whenFull
  }

  private func penalty(_ length: Int) -> Float {
    Float(pow(Double(length), search.lengthPenalty))
  }
}

extension Generator {
  fileprivate struct Searching {
    let request: Int
    var state: BeamState
    var caches: [SequenceCache]
    /// Newest token of each beam, not yet read.
    var newest: [Int32]
  }

  /// Searches the best continuations of each prompt; the streams' names play no part.
  ///
  /// - Returns: for each prompt `search.returned` hypotheses, the best first.
  ///
  /// **Throws**: `beams`, `prompt-length`, `token-outside-vocabulary`, `logits-not-finite`,
  /// `model-is-an-encoder`.
  public func search(
    _ requests: [GenerationRequest], _ search: BeamSearch
  ) throws(Diagnostic) -> [[Hypothesis]] {
    var results = [[Hypothesis]](repeating: [], count: requests.count)
    try self.search(requests, search) { number, found in results[number] = found }
    return results
  }

  /// The same, one prompt after the other.
  ///
  /// - Parameter finished: called with the request's number and its hypotheses as each search ends, in
  ///   no promised order. What it throws ends the searching.
  ///
  /// **Throws**: as the other.
  public func search(
    _ requests: [GenerationRequest], _ search: BeamSearch,
    finished: (Int, [Hypothesis]) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    guard batch >= search.beams else { throw .beams(search.beams, batch: batch) }
    guard search.candidates <= model.specification.vocabulary else {
      throw .beams(search, vocabulary: model.specification.vocabulary)
    }
    try check(requests)
    let longest = requests.reduce(0) { max($0, $1.prompt.count + $1.length) }
    let atOnce = min(requests.count, batch / search.beams)
    var spare = SequenceCache.make(
      atOnce * search.beams, model.specification, capacity: longest)
    var waiting = 0
    var running: [Searching] = []
    while waiting < requests.count || !running.isEmpty {
      while running.count < atOnce, waiting < requests.count {
        let request = requests[waiting]
        let caches = Array(spare.suffix(search.beams))
        spare.removeLast(search.beams)
        for cache in caches { cache.truncate(to: 0) }
        readPrompts([request.prompt], [caches[0]])
        running.append(
          Searching(
            request: waiting, state: BeamState(search, length: request.length), caches: caches,
            newest: [request.prompt.last!]))
        waiting += 1
      }
      try step(&running, requests, search)
      for searching in running where searching.state.isDone {
        spare += searching.caches
        try finished(
          searching.request, Array(searching.state.hypotheses.prefix(search.returned)))
      }
      running.removeAll { $0.state.isDone }
    }
  }

  /// Reads the newest tokens of all beams and chooses the next beams.
  private func step(
    _ running: inout [Searching], _ requests: [GenerationRequest], _ search: BeamSearch
  ) throws(Diagnostic) {
    let caches = running.flatMap { $0.caches.prefix($0.newest.count) }
    let logits = decoder.read(running.flatMap { $0.newest.map { [$0] } }, caches)
    let penalties = Sampler(
      decoding: .greedy(repetitionPenalty: search.repetitionPenalty))
    let seen = running.flatMap { searching in
      searching.state.beams.map { beam in
        search.repetitionPenalty == 1
          ? [] : Set(requests[searching.request].prompt + beam.tokens)
      }
    }
    var best = [[(token: Int32, logProbability: Float)]?](repeating: nil, count: caches.count)
    best.withUnsafeMutableBufferPointer { best in
      // Each tile writes its own element.
      nonisolated(unsafe) let best = best
      parallelFor(caches.count) { row in
        let values = UnsafeMutableBufferPointer(start: logits.row(row), count: logits.columns)
        guard logarithms(values) else { return }
        penalties.penalise(values, seen[row])
        best[row] = greatest(search.candidates, values)
      }
    }
    var row = 0
    for index in running.indices {
      let rows = row..<row + running[index].newest.count
      row = rows.upperBound
      guard !best[rows].contains(where: { $0 == nil }) else { throw .logitsNotFinite }
      running[index].state.advance(best[rows].map { $0! })
      if !running[index].state.isDone { running[index].follow() }
    }
  }

  /// Logits to log-probabilities, in place.
  private func logarithms(_ values: UnsafeMutableBufferPointer<Float>) -> Bool {
    guard firstNotFinite(UnsafeBufferPointer(values)) == nil, let base = values.baseAddress else {
      return false
    }
    let peak = maximum(base, values.count)
    let total = Scratch.with(values.count) { weights in
      for index in 0..<values.count { weights[index] = base[index] - peak }
      expShifted(weights, scale: 1, shift: 0, weights, values.count)
      return sum(weights, values.count)
    }
    let logarithm = log(total)
    for index in 0..<values.count { base[index] = base[index] - peak - logarithm }
    return true
  }

  /// The k greatest, the greatest first, the lower index among equals.
  private func greatest(
    _ k: Int, _ values: UnsafeMutableBufferPointer<Float>
  ) -> [(token: Int32, logProbability: Float)] {
    var found: [(token: Int32, logProbability: Float)] = []
    found.reserveCapacity(k + 1)
    for index in 0..<values.count {
      let value = values[index]
      if found.count == k, value <= found[k - 1].logProbability { continue }
      let place = found.firstIndex { $0.logProbability < value } ?? found.count
      found.insert((Int32(index), value), at: place)
      if found.count > k { found.removeLast() }
    }
    return found
  }
}

extension Generator.Searching {
  /// Gives every new beam a cache with what its parent read: the first child takes it over, others copy.
  fileprivate mutating func follow() {
    var places = [SequenceCache?](repeating: nil, count: state.beams.count)
    var free = Array(caches.indices)
    for (index, beam) in state.beams.enumerated() {
      guard let own = free.firstIndex(of: beam.parent) else { continue }
      places[index] = caches[beam.parent]
      free.remove(at: own)
    }
    for (index, beam) in state.beams.enumerated() where places[index] == nil {
      let cache = caches[free.removeLast()]
      cache.truncate(to: 0)
      cache.copy(from: caches[beam.parent], count: caches[beam.parent].tokens.count)
      places[index] = cache
    }
    caches = places.map { $0! } + free.map { caches[$0] }
    newest = state.beams.map { $0.tokens.last! }
  }
}
