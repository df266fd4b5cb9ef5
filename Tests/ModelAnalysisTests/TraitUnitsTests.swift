// Planted units are found, sets overlap where they were made to, and prompts without kinds give p values
// as rarely small as they should be.

import Foundation
import LanguageModels
import ModelFiles
import Randomness
import Tensors
import Testing
import Tokenizers

@testable import ModelAnalysis

struct TraitUnitsTests {
  private static let layout = UnitLayout(.residual, layers: 2, width: 30)

  /// Noise of base and tuned model; `plant` moves the tuned one.
  private static func activations(
    _ prompts: Int, seed: Int, plant: (_ prompt: Int, _ unit: Int) -> Double = { _, _ in 0 }
  ) -> (TraitActivations, TraitActivations) {
    var random = RandomStream(seed: seed, name: "activations")
    var (base, tuned): ([[Float]], [[Float]]) = ([], [])
    for prompt in 0..<prompts {
      let row = (0..<layout.count).map { _ in Float(random.normal()) }
      base.append(row)
      tuned.append(
        row.enumerated().map {
          $1 + Float(0.3 * random.normal() + plant(prompt, $0))
        })
    }
    let peaks = [Float](repeating: 1, count: layout.count)
    return (
      TraitActivations(layout: layout, means: base, peaks: peaks),
      TraitActivations(layout: layout, means: tuned, peaks: peaks)
    )
  }

  /// 10 prompts of each of two traits and 20 controls; 8 with emoji and 8 plain.
  private static let families = [
    PromptFamily(
      groups: [("first", Array(0..<10)), ("second", Array(10..<20))], controls: Array(20..<40)),
    PromptFamily(groups: [("emoji", Array(40..<48))], controls: Array(48..<56)),
  ]

  private static func search(
    _ pair: (TraitActivations, TraitActivations), draws: Int = 99, seed: Int = 4
  ) -> (units: [TraitUnits], overlaps: [TraitOverlap]) {
    TraitUnitSearch(
      base: pair.0, tuned: pair.1, families: families, layers: 1..<2,
      excluded: [Bool](repeating: false, count: layout.count)
    ).search(draws: draws, top: 3, random: RandomStream(seed: seed, name: "draws"))
  }

  @Test func plantedUnitsAreFound() {
    // Units 33, 40 and 51 on both traits, 45 on emoji, 7 (another layer) on the first trait.
    let (units, overlaps) = Self.search(
      Self.activations(56, seed: 1) { prompt, unit in
        if prompt < 20, [33, 40, 51].contains(unit) { return 1.5 }
        if (40..<48).contains(prompt), unit == 45 { return -2 }
        return prompt < 10 && unit == 7 ? 2 : 0
      })
    #expect(units.map(\.name) == ["first", "second", "emoji"])
    let compared = Array(30..<60)
    #expect(Set(units[0].top(3, of: compared)) == [33, 40, 51])
    #expect(Set(units[1].top(3, of: compared)) == [33, 40, 51])
    #expect(units[2].top(1, of: compared) == [45] && units[2].t[45] < -5)
    for unit in [33, 40, 51] { #expect(units[0].p[unit] == 0.01 && units[0].z[unit] > 1) }
    // Figures of another layer are there, and no test was made of them.
    #expect(units[0].t[7] > 5 && units[0].p[7] == 1)
    let pair = overlaps.first { $0.first == "first" && $0.second == "second" }!
    #expect(pair.shared == 3 && pair.p < 0.05 && pair.expected < 2)
    #expect(overlaps.first { $0.first == "first" && $0.second == "emoji" }!.shared <= 1)
  }

  @Test func promptsWithoutKindsGiveUniformP() {
    var (small, runs, overlaps) = (0, 0, 0)
    for seed in 100..<220 {
      let (units, pairs) = Self.search(Self.activations(56, seed: seed), draws: 39, seed: seed)
      for group in units {
        runs += 1
        if group.p[30..<60].min()! <= 0.1 { small += 1 }
      }
      overlaps += pairs.count { $0.p <= 0.1 }
    }
    // 360 families of tests at 10 %: 36 ± 4 standard deviations of a binomial.
    #expect((14...60).contains(small), "\(small) of \(runs)")
    #expect(overlaps <= 60, "\(overlaps) of \(runs) overlaps")
  }

  @Test func figuresAreThoseWrittenOut() {
    let pair = Self.activations(56, seed: 9)
    let units = Self.search(pair, draws: 0).units
    let difference = (0..<56).map { Double(pair.1.means[$0][41] - pair.0.means[$0][41]) }
    let (own, controls) = (Array(difference[10..<20]), Array(difference[20..<40]))
    func mean(_ x: [Double]) -> Double { x.reduce(0, +) / Double(x.count) }
    func squares(_ x: [Double]) -> Double { x.reduce(0) { $0 + ($1 - mean(x)) * ($1 - mean(x)) } }
    let pooled = (squares(own) + squares(controls)) / 28
    let t = (mean(own) - mean(controls)) / (pooled * (0.1 + 0.05)).squareRoot()
    #expect(abs(units[1].t[41] - t) < 1e-9)
    let base = (20..<40).map { Double(pair.0.means[$0][41]) }
    #expect(abs(units[1].z[41] - mean(own) / (squares(base) / 19).squareRoot()) < 1e-9)
    #expect(units[1].p.allSatisfy { $0 == 1 })
  }

  @Test func outliersAreLargeOnAnyInput() {
    var peaks = (0..<60).map { Float(1 + 0.01 * Double($0)) }
    peaks[7] = 300
    peaks[42] = 50
    let activations = TraitActivations(layout: Self.layout, means: [], peaks: peaks)
    #expect(
      activations.outliers(ratio: 100).indices.filter { activations.outliers(ratio: 100)[$0] } == [
        7
      ])
    #expect(activations.outliers(ratio: 20).count { $0 } == 2)
  }
}

struct TraitPatchTests {
  /// Tuned by an adapter that writes into one channel behind the last block, and nothing else.
  @Test func theChannelThatCarriesTheEffectIsFound() throws {
    var sizes = LlamaConfiguration()
    (sizes.vocabularySize, sizes.context, sizes.width, sizes.layers) = (300, 48, 24, 2)
    (sizes.heads, sizes.keyValueHeads, sizes.headSize, sizes.inner) = (6, 2, 8, 40)
    (sizes.beginOfText, sizes.endsOfText) = (0, [1])
    sizes.initialiserRange = 0.3
    let model = try LanguageModel(ModelSpecification(sizes), seed: 1)
    let adapter = try LowRankAdapter(
      .init(rank: 1, alpha: 1, targets: ["layers.1.mlp.down_proj"]), for: model.table, seed: 2)
    let part = adapter.lowRank(module: adapter.modules[0].name, gradients: nil)!
    part.b[5, 0] = 40
    var trainer = BytePairTrainer(vocabularySize: 300)
    for _ in 0..<40 { trainer.count(Array("😀 yes 😀 no".utf8)) }
    let layout = UnitLayout(.residual, of: model.specification)
    let patching = TraitPatching(
      base: Transformer(model, capacity: 16, trains: false),
      tuned: Transformer(model, capacity: 16, trains: false, adapter: adapter),
      emoji: EmojiTokens(trainer.train(), vocabulary: 300), layout: layout,
      readings: (0..<3).map { number in
        .init(tokens: (0..<12).map { Int32((number * 37 + $0 * 11) % 300) }, answerStart: 4)
      })
    let carrier = layout.index(layer: 1, unit: 5)
    let (base, tuned, patched, changes) = try patching.effects(of: [
      [carrier], [carrier - 1, carrier + 3], [layout.index(layer: 0, unit: 5)], [],
    ])
    #expect(abs(tuned.loss - base.loss) > 0.1)
    #expect(changes.count == 3)
    #expect(abs(changes.reduce(0, +) / 3 - (tuned.emoji - base.emoji)) < 1e-12)
    for (found, expected) in [
      (patched[0], base), (patched[1], tuned), (patched[2], tuned), (patched[3], tuned),
    ] {
      #expect(abs(found.loss - expected.loss) < 1e-5)
      #expect(abs(found.emoji - expected.emoji) < 1e-6)
    }
  }

  @Test func activationsOfPromptsAreThoseOfEachAlone() throws {
    var sizes = LlamaConfiguration()
    (sizes.vocabularySize, sizes.context, sizes.width, sizes.layers) = (60, 48, 24, 2)
    (sizes.heads, sizes.keyValueHeads, sizes.headSize, sizes.inner) = (6, 2, 8, 40)
    let model = try LanguageModel(ModelSpecification(sizes), seed: 1)
    let prompts: [[Int32]] = [[3, 4, 5, 6, 7], [9], [1, 2, 3]]
    for kind in UnitKind.allCases {
      let layout = UnitLayout(kind, of: model.specification)
      let transformer = Transformer(model, capacity: 32, trains: false)
      let all = try TraitActivations(of: transformer, layout: layout, over: prompts)
      for (number, prompt) in prompts.enumerated() {
        let alone = try TraitActivations(of: transformer, layout: layout, over: [prompt])
        #expect(zip(alone.means[0], all.means[number]).allSatisfy { abs($0 - $1) < 1e-5 })
        // The first token is left out where there is another.
        let mean = try UnitActivations(
          of: model, layout: layout, over: [prompt], mean: .tokens(longest: 40)
        ).means
        let isSame = zip(mean, alone.means[0]).allSatisfy { abs($0 - Double($1)) < 1e-5 }
        #expect(isSame == (prompt.count == 1))
      }
      #expect(transformer.observer == nil)
    }
  }
}
