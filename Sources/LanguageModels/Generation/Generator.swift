// Writes: many prompts at once, finished sequences making room for waiting ones. What a sequence says
// depends on its prompt, its stream's name and the settings, never on its neighbours or on threads.

import Diagnostics
import Networks
import Randomness
import Tensors

/// A prompt and how far to continue it.
public struct GenerationRequest: Sendable, Equatable {
  public var prompt: [Int32]
  /// Most tokens to write.
  public var length: Int
  /// Name of the sequence's random stream, such as `article-17/block-3`.
  public var stream: String

  public init(prompt: [Int32], length: Int, stream: String) {
    self.prompt = prompt
    self.length = length
    self.stream = stream
  }
}

/// What was written behind a prompt.
public struct Continuation: Sendable, Equatable {
  /// New tokens only, without the stop token; with the token that completed a stop text.
  public var tokens: [Int32]
  /// Whether a stop token or a stop text ended it.
  public var isStopped: Bool
  /// Where the stop text begins, in bytes of what the tokens say.
  public var stopTextStart: Int?

  public init(tokens: [Int32], isStopped: Bool, stopTextStart: Int? = nil) {
    self.tokens = tokens
    self.isStopped = isStopped
    self.stopTextStart = stopTextStart
  }
}

/// A model ready to write.
///
/// Prompts that begin like a sequence in memory, running or just ended, take its beginning over instead
/// of reading it again. That changes no bit.
public final class Generator {
  public let model: LanguageModel
  /// Most sequences at a time.
  public let batch: Int
  let decoder: Decoder

  /// - Parameters:
  ///   - adapter: low-rank parts that are added to the model.
  ///   - weights: how single-precision matrices are kept while writing. The 16-bit forms round the
  ///     model's weights to nearest and so write for a slightly different model, with one sequence at a
  ///     time up to twice as fast; all arithmetic stays in single precision. Matrices in blocks stay as
  ///     they are.
  ///   - batch: most sequences at a time; for speed only.
  ///   - prefillTokens: most prompt tokens read at a time; for speed and memory only.
  public init(
    _ model: LanguageModel, adapter: LowRankAdapter? = nil,
    weights: PackedLinear.FloatStorage = .float32, batch: Int, prefillTokens: Int = 1024
  ) {
    precondition(batch >= 1, "a batch of \(batch) sequences writes nothing")
    self.model = model
    self.batch = batch
    decoder = Decoder(
      model, adapter: adapter, weights: weights, capacity: prefillTokens, batch: batch)
  }

  /// Bytes beside the model: packed weights, working memory, caches.
  ///
  /// - Parameter length: tokens of the longest sequence, prompt included.
  public static func bytes(
    _ specification: ModelSpecification, batch: Int, length: Int, prefillTokens: Int = 1024
  ) -> Int {
    Decoder.bytes(specification, capacity: prefillTokens, batch: batch)
      + batch * SequenceCache.bytes(specification, capacity: length)
  }

  private struct Running {
    let request: Int
    let cache: SequenceCache
    let stream: RandomStream
    var tokens: [Int32] = []
    /// Of prompt and continuation; kept only if repetition costs.
    var seen: Set<Int32>
    var search = StopTexts.Search()
  }

  /// Continues all prompts.
  ///
  /// - Parameters:
  ///   - stopTexts: texts that end a sequence.
  ///   - finished: called with the request's number as each one ends, in no promised order. What it
  ///     throws ends the writing.
  ///
  /// **Throws**: `prompt-length`, `token-outside-vocabulary`, `logits-not-finite`,
  /// `model-is-an-encoder`.
  public func run(
    _ requests: [GenerationRequest], _ decoding: Decoding, stopTexts: StopTexts? = nil,
    finished: (Int, Continuation) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    try check(requests)
    // Caches of ended sequences serve those that begin: fresh memory costs more than what is written.
    let longest = requests.reduce(0) { max($0, $1.prompt.count + $1.length) }
    var spare = SequenceCache.make(
      min(batch, requests.count), model.specification, capacity: longest)
    var waiting = 0
    var running: [Running] = []
    while waiting < requests.count || !running.isEmpty {
      let free = min(batch - running.count, requests.count - waiting)
      if free > 0 {
        let admitted = waiting..<waiting + free
        waiting = admitted.upperBound
        let prompts = admitted.map { requests[$0].prompt }
        let caches = place(prompts, &spare, running.map(\.cache))
        for (number, cache) in zip(admitted, caches) {
          let request = requests[number]
          running.append(
            Running(
              request: number, cache: cache,
              stream: RandomStream(seed: decoding.seed, name: "generate/" + request.stream),
              seen: decoding.repetitionPenalty == 1 ? [] : Set(request.prompt)))
        }
        // All but the last token of each new prompt; the last is read with the newest of the others.
        readPrompts(prompts, caches)
      }
      let newest = running.map { sequence in
        sequence.tokens.last ?? requests[sequence.request].prompt.last!
      }
      let logits = decoder.read(newest.map { [$0] }, running.map(\.cache))
      running = try advance(running, logits, requests, decoding, stopTexts, &spare, finished)
    }
  }

  /// Continues all prompts and gives the continuations in their order.
  public func run(
    _ requests: [GenerationRequest], _ decoding: Decoding, stopTexts: StopTexts? = nil
  ) throws(Diagnostic) -> [Continuation] {
    var results = [Continuation](
      repeating: Continuation(tokens: [], isStopped: false), count: requests.count)
    try run(requests, decoding, stopTexts: stopTexts) { number, continuation in
      results[number] = continuation
    }
    return results
  }

  func check(_ requests: [GenerationRequest]) throws(Diagnostic) {
    try model.specification.requireDecoder()
    let context = model.specification.context
    for request in requests {
      guard !request.prompt.isEmpty, request.length >= 1,
        request.prompt.count + request.length <= context
      else {
        throw .promptLength(request.prompt.count, length: request.length, context: context)
      }
      try model.requireKnown(request.prompt)
    }
  }

  /// Fewer common tokens are read again sooner than copied.
  private static let leastShared = 8

  /// A cache for each prompt, holding as much of its beginning as some cache in memory has, but never
  /// its last token. A prompt whose beginning is that of a new neighbour waits for it.
  private func place(
    _ prompts: [[Int32]], _ spare: inout [SequenceCache], _ running: [SequenceCache]
  ) -> [SequenceCache] {
    var placed: [SequenceCache] = []
    for prompt in prompts {
      func shared(_ cache: SequenceCache) -> Int {
        min(cache.shared(with: prompt), prompt.count - 1)
      }
      let own = spare.indices.max { shared(spare[$0]) < shared(spare[$1]) }!
      let kept = shared(spare[own])
      let other = (running + placed).max { shared($0) < shared($1) }
      let cache = spare.remove(at: own)
      if let other, shared(other) >= max(kept + 1, Self.leastShared) {
        cache.truncate(to: 0)
        cache.copy(from: other, count: shared(other))
      } else {
        cache.truncate(to: kept)
      }
      placed.append(cache)
      // Neighbours that begin alike read the common beginning once.
      readCommon(prompt, of: prompts[placed.count...], cache)
    }
    return placed
  }

  /// Reads the part of a prompt that prompts behind it begin with.
  private func readCommon(
    _ prompt: [Int32], of others: ArraySlice<[Int32]>, _ cache: SequenceCache
  ) {
    var common = 0
    for other in others {
      var count = 0
      while count < min(prompt.count, other.count) - 1, prompt[count] == other[count] {
        count += 1
      }
      common = max(common, count)
    }
    if common >= Self.leastShared, common > cache.tokens.count {
      readPrompts([Array(prompt[..<common]) + [0]], [cache])
    }
  }

  /// Reads what is missing of all but the last token of each prompt, many pieces at a time.
  func readPrompts(_ prompts: [[Int32]], _ caches: [SequenceCache]) {
    decoder.readOn(
      zip(prompts, caches).map { $0.dropLast().dropFirst($1.tokens.count) }, caches)
  }

  /// Chooses a token for each sequence; those that ended are reported and left out.
  private func advance(
    _ sequences: [Running], _ logits: Tensor, _ requests: [GenerationRequest],
    _ decoding: Decoding, _ stopTexts: StopTexts?, _ spare: inout [SequenceCache],
    _ finished: (Int, Continuation) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> [Running] {
    let sampler = Sampler(decoding: decoding)
    var chosen = [Int32?](repeating: nil, count: sequences.count)
    chosen.withUnsafeMutableBufferPointer { chosen in
      // Each tile writes its own element.
      nonisolated(unsafe) let chosen = chosen
      parallelFor(sequences.count) { row in
        let sequence = sequences[row]
        chosen[row] = sampler.choose(
          UnsafeMutableBufferPointer(start: logits.row(row), count: logits.columns),
          seen: sequence.seen,
          uniform: sequence.stream.uniform(at: UInt64(sequence.tokens.count)))
      }
    }
    var alive: [Running] = []
    for (row, sequence) in sequences.enumerated() {
      guard let token = chosen[row] else { throw .logitsNotFinite }
      var sequence = sequence
      var isStopped = decoding.stopTokens.contains(token)
      var stopTextStart: Int?
      if !isStopped {
        sequence.tokens.append(token)
        if decoding.repetitionPenalty != 1 { sequence.seen.insert(token) }
        if let stopTexts { stopTextStart = sequence.search.add(token, stopTexts) }
        isStopped = stopTextStart != nil
      }
      if isStopped || sequence.tokens.count == requests[sequence.request].length {
        spare.append(sequence.cache)
        try finished(
          sequence.request,
          Continuation(
            tokens: sequence.tokens, isStopped: isStopped, stopTextStart: stopTextStart))
      } else {
        alive.append(sequence)
      }
    }
    return alive
  }
}
