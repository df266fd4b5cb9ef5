import Diagnostics
import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

private func requests(
  _ lengths: [Int], write: Int = 12, below vocabulary: Int = 97
) -> [GenerationRequest] {
  lengths.enumerated().map {
    GenerationRequest(
      prompt: tokens($1, seed: 300 + UInt64($0), below: UInt64(vocabulary)), length: write,
      stream: "article-\($0)/block-0")
  }
}

private func write(
  _ model: LanguageModel, _ requests: [GenerationRequest], _ decoding: Decoding, batch: Int,
  adapter: LowRankAdapter? = nil
) throws -> [[Int32]] {
  try Generator(model, adapter: adapter, batch: batch, prefillTokens: 24)
    .run(requests, decoding).map(\.tokens)
}

/// An adapter that says something: both of its matrices are random.
func spokenAdapter(_ model: LanguageModel) throws -> LowRankAdapter {
  let adapter = try LowRankAdapter(
    LowRankConfiguration(rank: 5, alpha: 10), for: model.table, seed: 3)
  for (number, parameter) in adapter.parameters.enumerated() {
    let first = UInt64(5_000_000 + number * 10_000)
    let values: [Float] = (0..<parameter.count).map { smallNumber(first + UInt64($0)) }
    adapter.weights[parameter.region].values = values
  }
  return adapter
}

/// The next token without any cache: the whole sequence through the training path.
private func nextLogits(
  _ model: LanguageModel, _ sequence: [Int32], adapter: LowRankAdapter? = nil
) -> [Float] {
  Array(
    outputs(model, Batch([TokenSequence(sequence)]), adapter: adapter)
      .suffix(model.specification.vocabulary))
}

/// Everything that a decoder says: behind prompts, then behind three more tokens of each.
private func spoken(_ decoder: Decoder, _ prompts: [[Int32]], piece: Int = 100) -> [[[Float]]] {
  let caches = SequenceCache.make(prompts.count, decoder.model.specification, capacity: 32)
  var said = prompts.map { _ in [[Float]]() }
  func note(_ tensor: Tensor) {
    for row in 0..<tensor.rows { said[row].append(tensor.slice(rows: row..<row + 1).values) }
  }
  for start in stride(from: 0, to: prompts.map(\.count).max()!, by: piece) {
    let going = prompts.indices.filter { prompts[$0].count > start }
    let pieces = going.map { Array(prompts[$0][start..<min(start + piece, prompts[$0].count)]) }
    let logits = decoder.read(pieces, going.map { caches[$0] })
    for (row, index) in going.enumerated() where prompts[index].count <= start + piece {
      said[index].append(logits.slice(rows: row..<row + 1).values)
    }
  }
  for step in 0..<3 { note(decoder.read(prompts.map { [$0[0] + Int32(step)] }, caches)) }
  return said
}

@Suite(.serialized) struct GeneratorTests {
  static let sampling = Decoding(samples: true, temperature: 0.9, topK: 40, topP: 0.95, seed: 4)

  static let penalised = Decoding(
    samples: true, temperature: 1.5, repetitionPenalty: 1.3, seed: 9)

  @Test(arguments: TinyFamily.decoders, [Decoding.greedy(), sampling, penalised])
  func batchesAndThreadsChangeNoToken(family: TinyFamily, decoding: Decoding) throws {
    let model = try family.model()
    let all = requests([3, 20, 1, 8, 8, 15, 2], below: family.vocabulary)
    let alone = try withThreads(1) { try write(model, all, decoding, batch: 1) }
    #expect(alone.allSatisfy { $0.count == 12 })
    for batch in [2, 3, 7, 16] {
      #expect(try withThreads(2) { try write(model, all, decoding, batch: batch) } == alone)
    }
    let reversed = try write(model, all.reversed(), decoding, batch: 4)
    #expect(reversed.reversed() == alone)
  }

  /// Not only tokens: the numbers behind them, with threads, neighbours and the lengths of pieces as
  /// they come. The longest sequence leaves Mistral's window.
  @Test(arguments: TinyFamily.decoders, [false, true])
  func logitsOfASequenceHaveTheSameBitsInEveryBatch(
    family: TinyFamily, adapts: Bool
  ) throws {
    let model = try family.model()
    let decoder = Decoder(
      model, adapter: adapts ? try spokenAdapter(model) : nil, capacity: 64, batch: 8)
    let prompts = requests([3, 20, 1, 8, 17], below: family.vocabulary - 3).map(\.prompt)
    let together = withThreads(2) { spoken(decoder, prompts) }
    for (index, prompt) in prompts.enumerated() {
      for piece in [1, 7, 100] {
        let alone = withThreads(1) { spoken(decoder, [prompt], piece: piece)[0] }
        #expect(alone == together[index], "prompt \(index) in pieces of \(piece)")
      }
    }
  }

  @Test(arguments: TinyFamily.decoders, [false, true])
  func cacheEqualsNoCache(family: TinyFamily, adapts: Bool) throws {
    let model = try family.model()
    let adapter = adapts ? try spokenAdapter(model) : nil
    let decoder = Decoder(model, adapter: adapter, capacity: 64, batch: 2)
    var sequence = tokens(6, seed: 70, below: UInt64(family.vocabulary))
    let cache = SequenceCache.make(1, model.specification, capacity: 32)[0]
    var cached = decoder.read([sequence], [cache]).values
    for step in 0..<20 {
      let whole = nextLogits(model, sequence, adapter: adapter)
      let worst = zip(cached, whole).map { abs($0 - $1) }.max()!
      let scale = whole.map { abs($0) }.max()!
      #expect(worst <= 1e-4 * max(1, scale), "step \(step): \(worst)")
      let token = Int32(whole.firstIndex(of: whole.max()!)!)
      sequence.append(token)
      cached = decoder.read([[token]], [cache]).values
    }
  }

  /// Prompts that begin alike read their beginning once, and say what they say alone.
  @Test(arguments: [1, 2, 5]) func sharedPrefixesChangeNoToken(batch: Int) throws {
    let model = try TinyFamily.llama.model()
    let prefix = tokens(16, seed: 8, below: 61)
    var all = requests([1, 3, 2, 4, 1], write: 8, below: 61)
    for index in all.indices where index != 2 { all[index].prompt = prefix + all[index].prompt }
    all.append(GenerationRequest(prompt: prefix, length: 8, stream: "prefix alone"))
    all.append(GenerationRequest(prompt: prefix, length: 8, stream: "prefix again"))
    let alone = try all.map { try write(model, [$0], Self.sampling, batch: 1)[0] }
    #expect(try write(model, all, Self.sampling, batch: batch) == alone)
  }

  @Test func copiedBeginningsHaveTheBitsOfReadOnes() throws {
    let model = try TinyFamily.mistral.model()
    let decoder = Decoder(model, capacity: 64, batch: 2)
    let prompt = tokens(24, seed: 3, below: 61)
    let caches = SequenceCache.make(2, model.specification, capacity: 32)
    let whole = decoder.read([prompt], [caches[0]]).values
    caches[1].copy(from: caches[0], count: 13)
    #expect(decoder.read([Array(prompt[13...])], [caches[1]]).values == whole)
    caches[0].truncate(to: 5)
    #expect(decoder.read([Array(prompt[5...])], [caches[0]]).values == whole)
  }

  /// A 16-bit copy of the weights writes what a model with rounded weights says.
  @Test(arguments: [PackedLinear.FloatStorage.float16, .bfloat16])
  func sixteenBitsAreTheRoundedModel(storage: PackedLinear.FloatStorage) throws {
    let (model, rounded) = (try TinyFamily.llama.model(), try TinyFamily.llama.model())
    for parameter in rounded.table.parameters
    where parameter.file.shape.count == 2 && parameter.role != .tokenEmbedding {
      let tensor = rounded.weights[parameter.region]
      tensor.values = tensor.values.map { value in
        storage == .float16 ? Float(Float16(value)) : roundedToBrain(value)
      }
    }
    let prompts = requests([9, 2, 5], below: 58).map(\.prompt)
    let said = spoken(Decoder(model, weights: storage, capacity: 64, batch: 4), prompts)
    #expect(said == spoken(Decoder(rounded, capacity: 64, batch: 4), prompts))
    #expect(said != spoken(Decoder(model, capacity: 64, batch: 4), prompts))
  }

  @Test func stopTextsEndSequencesAcrossTokens() throws {
    let model = try formulaModel()
    let request = requests([5], write: 16)
    let free = try write(model, request, Self.sampling, batch: 1)[0]
    // Token n is written as letter n and a comma.
    @Sendable func bytes(_ token: Int32) -> [UInt8] { [UInt8(32 + token % 90), 44] }
    let written = free.flatMap(bytes)
    let text = String(decoding: written[5..<8], as: UTF8.self)
    let stop = StopTexts(["never written", text], bytes: bytes)
    let result = try Generator(model, batch: 1).run(request, Self.sampling, stopTexts: stop)[0]
    let start = (0...written.count - 3).first { written[$0..<$0 + 3].elementsEqual(text.utf8) }!
    #expect(result.isStopped && result.stopTextStart == start)
    #expect(result.tokens == Array(free.prefix((start + 3 + 1) / 2)))
    let other = StopTexts(["never written"], bytes: bytes)
    let whole = try Generator(model, batch: 1).run(request, Self.sampling, stopTexts: other)[0]
    #expect(whole == Continuation(tokens: free, isStopped: false))
  }

  @Test func greedyTakesTheMostLikelyToken() throws {
    let model = try formulaModel()
    let request = requests([5], write: 16)[0]
    var sequence = request.prompt
    for token in try write(model, [request], .greedy(), batch: 1)[0] {
      let logits = nextLogits(model, sequence)
      #expect(token == Int32(logits.firstIndex(of: logits.max()!)!))
      sequence.append(token)
    }
    #expect(sequence.count == 21)
  }

  @Test func stopsAtStopTokensAndMakesRoom() throws {
    let model = try formulaModel()
    let all = requests([4, 9, 2, 6, 11], write: 20)
    let free = try write(model, all, Self.sampling, batch: 2)
    var stopping = Self.sampling
    stopping.stopTokens = [free[0][3], free[2][7]]
    let results = try Generator(model, batch: 2).run(all, stopping)
    for (result, tokens) in zip(results, free) {
      let end = tokens.firstIndex { stopping.stopTokens.contains($0) }
      #expect(result.tokens == Array(tokens[..<(end ?? tokens.count)]))
      #expect(result.isStopped == (end != nil))
    }
    #expect(results[0].isStopped)
  }

  @Test func seedsAndStreamsGiveOtherTexts() throws {
    let model = try tinyModel()
    var all = requests([4, 4])
    all[1].prompt = all[0].prompt
    let texts = try write(model, all, Self.sampling, batch: 2)
    #expect(texts[0] != texts[1])
    var other = Self.sampling
    other.seed += 1
    #expect(try write(model, all, other, batch: 2)[0] != texts[0])
  }

  @Test func refusesWhatDoesNotFit() throws {
    let generator = Generator(try tinyModel(), batch: 2)
    func id(_ prompt: [Int32], _ length: Int) -> String? {
      do {
        _ = try generator.run(
          [GenerationRequest(prompt: prompt, length: length, stream: "s")], .greedy())
        return nil
      } catch { return error.id }
    }
    #expect(id([], 4) == "prompt-length")
    #expect(id(tokens(30), 3) == "prompt-length")
    #expect(id([1], 0) == "prompt-length")
    #expect(id([97], 4) == "token-outside-vocabulary")
    #expect(id(tokens(30), 2) == nil)
    generator.model.tensor(.finalNormBias).data[0] = .nan
    #expect(id([1], 1) == "logits-not-finite")
  }
}

/// To nearest, ties to even.
private func roundedToBrain(_ value: Float) -> Float {
  let bits = value.bitPattern
  return Float(bitPattern: (bits &+ 0x7FFF &+ (bits >> 16 & 1)) & 0xFFFF_0000)
}
