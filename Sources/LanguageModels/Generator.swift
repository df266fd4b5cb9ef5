// Writes: many prompts at once, finished sequences making room for waiting ones. What a sequence says
// depends on its prompt, its stream's name and the settings, never on its neighbours or on threads.

import Diagnostics
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
  /// New tokens only, without the stop token.
  public var tokens: [Int32]
  /// Whether a stop token ended it.
  public var isStopped: Bool
}

/// A model ready to write.
public final class Generator {
  public let model: LanguageModel
  /// Most sequences at a time.
  public let batch: Int
  private let decoder: Decoder

  /// - Parameters:
  ///   - batch: most sequences at a time; for speed only.
  ///   - prefillTokens: most prompt tokens read at a time; for memory only.
  public init(_ model: LanguageModel, batch: Int, prefillTokens: Int = 2048) {
    precondition(batch >= 1, "a batch of \(batch) sequences writes nothing")
    self.model = model
    self.batch = batch
    decoder = Decoder(
      model, capacity: max(prefillTokens, model.specification.context), batch: batch)
  }

  /// Bytes beside the model: packed weights, working memory, caches.
  ///
  /// - Parameter length: tokens of the longest sequence, prompt included.
  public static func bytes(
    _ specification: ModelSpecification, batch: Int, length: Int, prefillTokens: Int = 2048
  ) -> Int {
    Decoder.bytes(
      specification, capacity: max(prefillTokens, specification.context), batch: batch)
      + batch * SequenceCache.bytes(specification, capacity: length)
  }

  private struct Running {
    let request: Int
    let cache: SequenceCache
    let stream: RandomStream
    var tokens: [Int32] = []
  }

  /// Continues all prompts.
  ///
  /// - Parameter finished: called with the request's number as each one ends, in no promised order.
  ///   What it throws ends the writing.
  ///
  /// **Throws**: `prompt-length`, `token-outside-vocabulary`, `logits-not-finite`.
  public func run(
    _ requests: [GenerationRequest], _ decoding: Decoding,
    finished: (Int, Continuation) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let context = model.specification.context
    for request in requests {
      guard !request.prompt.isEmpty, request.length >= 1,
        request.prompt.count + request.length <= context
      else {
        throw .promptLength(request.prompt.count, length: request.length, context: context)
      }
      try model.requireKnown(request.prompt)
    }
    // Caches of ended sequences serve those that begin: fresh memory costs more than what is written.
    let longest = requests.reduce(0) { max($0, $1.prompt.count + $1.length) }
    var spare = SequenceCache.make(
      min(batch, requests.count), model.specification, capacity: longest)
    var waiting = 0
    var running: [Running] = []
    while waiting < requests.count || !running.isEmpty {
      if running.count < batch, waiting < requests.count {
        let admitted = admit(requests, from: waiting, room: batch - running.count)
        let started = admitted.map { number in
          Running(
            request: number,
            cache: spare.removeLast(),
            stream: RandomStream(
              seed: decoding.seed, name: "generate/" + requests[number].stream))
        }
        waiting = admitted.upperBound
        let logits = decoder.prefill(admitted.map { requests[$0].prompt }, started.map(\.cache))
        running += try advance(started, logits, requests, decoding, &spare, finished)
        continue
      }
      let logits = decoder.next(running.map { $0.tokens.last! }, running.map(\.cache))
      running = try advance(running, logits, requests, decoding, &spare, finished)
    }
  }

  /// Continues all prompts and gives the continuations in their order.
  public func run(
    _ requests: [GenerationRequest], _ decoding: Decoding
  ) throws(Diagnostic) -> [Continuation] {
    var results = [Continuation](
      repeating: Continuation(tokens: [], isStopped: false), count: requests.count)
    try run(requests, decoding) { number, continuation in results[number] = continuation }
    return results
  }

  /// The next requests that fit into the free places and into one prefill; at least one.
  private func admit(_ requests: [GenerationRequest], from first: Int, room: Int) -> Range<Int> {
    var end = first
    var tokens = 0
    while end < requests.count, end - first < room,
      end == first || tokens + requests[end].prompt.count <= decoder.capacity
    {
      tokens += requests[end].prompt.count
      end += 1
    }
    return first..<end
  }

  /// Chooses a token for each sequence; those that ended are reported and left out.
  private func advance(
    _ sequences: [Running], _ logits: Tensor, _ requests: [GenerationRequest],
    _ decoding: Decoding, _ spare: inout [SequenceCache],
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
          UnsafeBufferPointer(start: logits.row(row), count: logits.columns),
          uniform: sequence.stream.uniform(at: UInt64(sequence.tokens.count)))
      }
    }
    var alive: [Running] = []
    for (row, sequence) in sequences.enumerated() {
      guard let token = chosen[row] else { throw .logitsNotFinite }
      var sequence = sequence
      let isStopped = decoding.stopTokens.contains(token)
      if !isStopped { sequence.tokens.append(token) }
      if isStopped || sequence.tokens.count == requests[sequence.request].length {
        sequence.cache.empty()
        spare.append(sequence.cache)
        try finished(
          sequence.request, Continuation(tokens: sequence.tokens, isStopped: isStopped))
      } else {
        alive.append(sequence)
      }
    }
    return alive
  }
}
