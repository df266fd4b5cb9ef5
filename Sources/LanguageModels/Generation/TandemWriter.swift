// Writes with an adapted model while the model without its adapter reads along, so that units of one can be
// put into the other: what they are worth in what is written, not only on given texts.

import Diagnostics
import Networks
import Tensors

/// A model with and without an adapter, over the same tokens.
public final class TandemWriter {
  /// Sees units of the newest tokens as a block has computed them; may write into them.
  public typealias Observer = (Tensor, ActivationSite) -> Void

  public let model: LanguageModel
  /// Most sequences at a time.
  public let batch: Int
  private let plain: Decoder
  private let adapted: Decoder

  /// - Parameter batch: most sequences at a time; for speed only.
  ///
  /// **Throws**: `model-is-an-encoder`.
  public init(
    _ model: LanguageModel, adapter: LowRankAdapter, batch: Int, prefillTokens: Int = 512
  ) throws(Diagnostic) {
    precondition(batch >= 1, "a batch of \(batch) sequences writes nothing")
    try model.specification.requireDecoder()
    self.model = model
    self.batch = batch
    plain = Decoder(model, capacity: prefillTokens, batch: batch)
    adapted = Decoder(model, adapter: adapter, capacity: prefillTokens, batch: batch)
  }

  /// Continues prompts greedily with the adapted model.
  ///
  /// - Parameters:
  ///   - length: most tokens to write behind each.
  ///   - plainSees: before the adapted model reads the same tokens.
  ///   - adaptedSees: sites come in the same order, with the same rows.
  ///   - progress: prompts continued so far.
  /// - Returns: new tokens of each, without the stop token.
  ///
  /// **Throws**: `prompt-length`, `token-outside-vocabulary`, `logits-not-finite`, what `progress` throws.
  public func write(
    _ prompts: [[Int32]], length: Int, stopTokens: Set<Int32>, plainSees: @escaping Observer,
    adaptedSees: @escaping Observer, progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [[Int32]] {
    let context = model.specification.context
    for prompt in prompts {
      guard !prompt.isEmpty, prompt.count + length <= context else {
        throw .promptLength(prompt.count, length: length, context: context)
      }
      try model.requireKnown(prompt)
    }
    plain.observe = plainSees
    adapted.observe = adaptedSees
    defer {
      plain.observe = nil
      adapted.observe = nil
    }
    var written: [[Int32]] = []
    for first in stride(from: 0, to: prompts.count, by: batch) {
      let some = Array(prompts[first..<min(prompts.count, first + batch)])
      written += try continued(some, length, stopTokens)
      try progress(written.count)
    }
    return written
  }

  private func continued(
    _ prompts: [[Int32]], _ length: Int, _ stopTokens: Set<Int32>
  ) throws(Diagnostic) -> [[Int32]] {
    let room = prompts.reduce(0) { max($0, $1.count) } + length
    let known = [plain, adapted].map { _ in
      SequenceCache.make(prompts.count, model.specification, capacity: room)
    }
    for (pieces, numbers) in plain.rounds(of: prompts.map { $0.dropLast() }) {
      plain.read(pieces, numbers.map { known[0][$0] }, wantsLogits: false)
      adapted.read(pieces, numbers.map { known[1][$0] }, wantsLogits: false)
    }
    let sampler = Sampler(decoding: .greedy(stopTokens: stopTokens))
    var written = prompts.map { _ in [Int32]() }
    var going = Array(prompts.indices)
    while !going.isEmpty {
      let newest = going.map { [written[$0].last ?? prompts[$0].last!] }
      plain.read(newest, going.map { known[0][$0] }, wantsLogits: false)
      let logits = adapted.read(newest, going.map { known[1][$0] })
      var next: [Int] = []
      for (row, number) in going.enumerated() {
        guard
          let token = sampler.choose(
            UnsafeMutableBufferPointer(start: logits.row(row), count: logits.columns), seen: [],
            uniform: 0)
        else { throw .logitsNotFinite }
        if stopTokens.contains(token) { continue }
        written[number].append(token)
        if written[number].count < length { next.append(number) }
      }
      going = next
    }
    return written
  }

  /// Bytes beside the model: packed weights of both, working memory, caches.
  ///
  /// - Parameter length: tokens of the longest sequence, prompt included.
  public static func bytes(
    _ specification: ModelSpecification, batch: Int, length: Int, prefillTokens: Int = 512
  ) -> Int {
    2
      * Generator.bytes(
        specification, batch: batch, length: length, prefillTokens: prefillTokens)
  }
}
