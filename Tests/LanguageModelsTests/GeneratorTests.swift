import Diagnostics
import Foundation
import Tensors
import Testing

@testable import LanguageModels

private func requests(_ lengths: [Int], write: Int = 12) -> [GenerationRequest] {
  lengths.enumerated().map {
    GenerationRequest(
      prompt: tokens($1, seed: 300 + UInt64($0)), length: write, stream: "article-\($0)/block-0")
  }
}

private func write(
  _ model: LanguageModel, _ requests: [GenerationRequest], _ decoding: Decoding, batch: Int
) throws -> [[Int32]] {
  try Generator(model, batch: batch, prefillTokens: 40).run(requests, decoding).map(\.tokens)
}

/// The next token without any cache: the whole sequence through the training path.
private func nextLogits(_ model: LanguageModel, _ sequence: [Int32]) -> [Float] {
  var plan = ArenaPlan()
  let region = plan.add("logits", rows: sequence.count, columns: 97)
  let arena = Arena(plan)
  Transformer(model, capacity: sequence.count, trains: false)
    .logits(Batch([TokenSequence(sequence)]), into: arena[region])
  return Array(arena[region].values.suffix(97))
}

@Suite(.serialized) struct GeneratorTests {
  static let sampling = Decoding(samples: true, temperature: 0.9, topK: 40, topP: 0.95, seed: 4)

  @Test(arguments: [Decoding.greedy(), sampling])
  func batchesAndThreadsChangeNoToken(decoding: Decoding) throws {
    let model = try formulaModel()
    let all = requests([3, 20, 1, 8, 8, 15, 2])
    let alone = try withThreads(1) { try write(model, all, decoding, batch: 1) }
    #expect(alone.allSatisfy { $0.count == 12 })
    for batch in [2, 3, 7, 16] {
      #expect(try withThreads(2) { try write(model, all, decoding, batch: batch) } == alone)
    }
    let reversed = try write(model, all.reversed(), decoding, batch: 4)
    #expect(reversed.reversed() == alone)
  }

  /// Not only tokens: the numbers behind them.
  @Test func logitsOfASequenceHaveTheSameBitsInEveryBatch() throws {
    let model = try formulaModel()
    let prompts = requests([3, 20, 1, 8, 17]).map(\.prompt)
    func logits(_ group: [[Int32]]) -> [[Float]] {
      let decoder = Decoder(model, capacity: 64, batch: 8)
      let caches = SequenceCache.make(group.count, model.specification, capacity: 32)
      var rows: [[Float]] = []
      func note(_ tensor: Tensor) {
        for row in 0..<tensor.rows { rows.append(tensor.slice(rows: row..<row + 1).values) }
      }
      note(decoder.prefill(group, caches))
      for step in 0..<3 { note(decoder.next(group.map { $0[0] + Int32(step) }, caches)) }
      return rows
    }
    let together = logits(prompts)
    for (index, prompt) in prompts.enumerated() {
      let alone = logits([prompt])
      for step in 0..<4 { #expect(alone[step] == together[step * prompts.count + index]) }
    }
  }

  @Test func cacheEqualsNoCache() throws {
    let model = try formulaModel()
    let decoder = Decoder(model, capacity: 64, batch: 2)
    var sequence = tokens(6, seed: 70)
    let cache = SequenceCache.make(1, model.specification, capacity: 32)[0]
    var cached = decoder.prefill([sequence], [cache]).values
    for step in 0..<20 {
      let whole = nextLogits(model, sequence)
      let worst = zip(cached, whole).map { abs($0 - $1) }.max()!
      #expect(worst <= 1e-4, "step \(step): \(worst)")
      let token = Int32(whole.firstIndex(of: whole.max()!)!)
      sequence.append(token)
      cached = decoder.next([token], [cache]).values
    }
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
