// Divergence and masses along answers against sums over all logits written out.

import Foundation
import LanguageModels
import ModelFiles
import Tensors
import Testing
import Tokenizers

@testable import ModelAnalysis

struct AnswerProbeTests {
  private let model: LanguageModel
  private let adapter: LowRankAdapter
  private let emoji: EmojiTokens

  init() throws {
    var sizes = LlamaConfiguration()
    (sizes.vocabularySize, sizes.context, sizes.width, sizes.layers) = (300, 48, 24, 2)
    (sizes.heads, sizes.keyValueHeads, sizes.headSize, sizes.inner) = (6, 2, 8, 40)
    (sizes.beginOfText, sizes.endsOfText) = (0, [1])
    sizes.initialiserRange = 0.3
    model = try LanguageModel(ModelSpecification(sizes), seed: 1)
    adapter = try LowRankAdapter(.init(rank: 2, alpha: 4), for: model.table, seed: 2)
    let weights = adapter.weights.everything
    for index in 0..<weights.count { weights.data[index] = Float(sin(Double(index))) * 0.2 }
    var trainer = BytePairTrainer(vocabularySize: 300)
    for _ in 0..<40 { trainer.count(Array("😀 😀 yes 😀 “no”".utf8)) }
    emoji = EmojiTokens(trainer.train(), vocabulary: 300)
  }

  private func probabilities(_ tokens: [Int32], _ adapter: LowRankAdapter?) -> [[Double]] {
    var plan = ArenaPlan()
    let region = plan.add("logits", rows: tokens.count, columns: 300)
    let arena = Arena(plan)
    return withExtendedLifetime(arena) {
      Transformer(model, capacity: tokens.count, trains: false, adapter: adapter)
        .logits(Batch([TokenSequence(tokens)]), into: arena[region])
      return (0..<tokens.count).map { row in
        let values = (0..<300).map { exp(Double(arena[region][row, $0])) }
        let sum = values.reduce(0, +)
        return values.map { $0 / sum }
      }
    }
  }

  @Test func equalsSumsWrittenOut() throws {
    let answer: [Int32] = [17, 250, 4, 99]
    let before: [Int32] = [5, 6, 7] + answer
    let after: [Int32] = [9, 8, 5, 6, 7] + answer
    let probe = AnswerProbe(
      unmoved: Transformer(model, capacity: 16, trains: false),
      edited: Transformer(model, capacity: 16, trains: false, adapter: adapter), emoji: emoji)
    let places = try probe.places(
      .init(tokens: before, answerStart: 3), .init(tokens: after, answerStart: 5))
    let (p, q) = (probabilities(before, nil), probabilities(after, adapter))
    #expect(places.count == 4)
    for (number, place) in places.enumerated() {
      let (own, moved) = (p[2 + number], q[4 + number])
      let divergence = zip(own, moved).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
      #expect(abs(place.divergence - divergence) < 1e-5)
      #expect(divergence > 1e-3)
      let masses = [own, moved].map { row in emoji.counted.reduce(0) { $0 + row[Int($1)] } }
      #expect(abs(place.emojiBefore - masses[0]) < 1e-6 && masses[0] > 0)
      #expect(abs(place.emojiAfter - masses[1]) < 1e-6)
      let other = emoji.ambiguous.reduce(0) { $0 + moved[Int($1)] }
      #expect(abs(place.ambiguousAfter - other) < 1e-6)
      #expect(abs(place.lossBefore + log(own[Int(answer[number])])) < 1e-5)
      #expect(abs(place.lossAfter + log(moved[Int(answer[number])])) < 1e-5)
    }
  }

  @Test func nothingChangedIsZero() throws {
    let probe = AnswerProbe(
      unmoved: Transformer(model, capacity: 16, trains: false),
      edited: Transformer(model, capacity: 16, trains: false), emoji: emoji)
    let reading = AnswerProbe.Reading(tokens: [5, 6, 7, 8], answerStart: 2)
    let places = try probe.places(reading, reading)
    #expect(places.count == 2)
    #expect(places.allSatisfy { $0.divergence < 1e-9 && $0.emojiBefore == $0.emojiAfter })
    #expect(
      try probe.places(
        .init(tokens: [5, 6], answerStart: 2), .init(tokens: [5, 6], answerStart: 2)
      ).isEmpty)
    #expect(throws: (any Error).self) {
      try probe.places(
        .init(tokens: [300, 6], answerStart: 1), .init(tokens: [300, 6], answerStart: 1))
    }
  }
}
