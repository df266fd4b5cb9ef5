// What the tuned model writes while found units are as in the unmoved model: how far the trait and the emoji
// of whole answers go through them.

import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelAnalysis
import Scheduling
import Statistics
import Tokenizers

/// Of answers to the same questions.
struct WrittenShares: Equatable {
  /// Whether the judge finds the trait the likeliest; nil without a judge.
  var aligned: [Bool]?
  var withEmoji: [Bool]
}

/// Answers of both models, and of the tuned one with sets of units set back.
struct WrittenEffects: Equatable {
  var base: WrittenShares
  var tuned: WrittenShares
  var found: WrittenShares
  var random: [WrittenShares]

  /// One share of answers in all of them.
  struct Measure {
    let name: String
    let base: Double
    let tuned: Double
    let found: Double
    let random: [Double]
    /// Mean over questions of (found − mean of random sets), with Student's interval over questions.
    let contrast: (value: Double, interval: Interval?)

    var randomMean: Double { random.reduce(0, +) / Double(max(1, random.count)) }
  }

  /// Trait alignment, if there was a judge, and the share of answers with an emoji.
  var measures: [Measure] {
    [
      measure("patch_alignment", \.aligned),
      measure("patch_emoji_share", { $0.withEmoji }),
    ].compactMap { $0 }
  }

  private func measure(_ name: String, _ values: (WrittenShares) -> [Bool]?) -> Measure? {
    guard let base = values(base), let tuned = values(tuned), let found = values(found) else {
      return nil
    }
    let random = random.compactMap(values)
    func share(_ list: [Bool]) -> Double {
      Double(list.count { $0 }) / Double(max(1, list.count))
    }
    let changes = found.indices.map { place in
      (found[place] ? 1 : 0)
        - Double(random.count { $0[place] }) / Double(max(1, random.count))
    }
    return Measure(
      name: name, base: share(base), tuned: share(tuned), found: share(found),
      random: random.map(share),
      contrast: (
        SampleSummary(changes).mean,
        changes.count > 1 ? SampleSummary(changes).studentInterval() : nil
      ))
  }
}

/// Writes and judges.
struct ExplainWriting {
  let stage: StageContext
  let form: ChatForm
  let model: LanguageModel
  let adapter: LowRankAdapter
  let layout: UnitLayout

  /// - Parameters:
  ///   - questions: answered anew each time, greedily.
  ///   - sets: the found units, then random ones.
  /// - Returns: nil where nothing is to be written.
  ///
  /// **Throws**: `question-length`, `label-unknown`, `interrupted`, what reading the judge throws.
  func effects(
    _ questions: [Document], of sets: [[Int]]
  ) throws(Diagnostic) -> WrittenEffects? {
    guard !questions.isEmpty, let found = sets.first else { return nil }
    let judge = try stage.optionalInput("judge").map { artifact throws(Diagnostic) in
      try ClassifierFolder.read(artifact)
    }
    let trait = stage.parameters.string("trait")
    if let judge, !judge.labels.contains(trait) {
      throw .labelUnknown(trait, parameter: "trait", labels: judge.labels)
    }
    let context = model.specification.context
    let system = stage.parameters.optionalString("system")
    let prompts = questions.map { form.prompt(system: system, question: $0.question ?? $0.text) }
    let longest = prompts.reduce(0) { max($0, $1.count) }
    guard longest < context else {
      throw .questionLength(questions[0].id, tokens: longest, context: context)
    }
    let length = min(stage.parameters.integer("max_new_tokens"), context - longest)
    let stops = form.stopTokens.union(model.specification.endsOfText)
    let batch = stage.parameters.integer("batch")
    let rounds = sets.count + 2
    func told(_ round: Int) throws(Diagnostic) {
      stage.progress(step: round, of: rounds, unit: "rounds of answers without units")
      if stage.isStopping { throw .interrupted }
    }
    let plain = try Generator(model, batch: batch).run(
      prompts.enumerated().map {
        GenerationRequest(prompt: $1, length: length, stream: "explain/written/\($0)")
      }, .greedy(stopTokens: stops))
    let base = try shares(plain.map(\.tokens), judge, trait)
    try told(1)
    let writer = try TandemWriter(model, adapter: adapter, batch: batch)
    let patch = UnitPatch(layout)
    patch.recordedLayers = Set(sets.joined().map { layout.layer(of: $0) })
    var patched: [WrittenShares] = []
    for set in [[]] + [found] + sets.dropFirst() {
      patch.choose(set)
      let answers = try writer.write(
        prompts, length: length, stopTokens: stops,
        plainSees: { patch.see($0, at: $1, .record) },
        adaptedSees: { patch.see($0, at: $1, .patch) })
      patched.append(try shares(answers, judge, trait))
      try told(1 + patched.count)
    }
    return WrittenEffects(
      base: base, tuned: patched[0], found: patched[1], random: Array(patched[2...]))
  }

  private func shares(
    _ answers: [[Int32]], _ judge: (any TextClassifier)?, _ trait: String
  ) throws(Diagnostic) -> WrittenShares {
    let texts = answers.map { tokens in
      let text = AnswerWriting.answer(
        form.tokenizer.decode(tokens), isWhole: false, keepsFirstLine: false
      ).text
      let ends = form.stopTexts.compactMap { text.range(of: $0)?.lowerBound }
      return ends.min().map { String(text[..<$0]) } ?? text
    }
    var shares = WrittenShares(withEmoji: texts.map { !Emoji.all(in: $0).isEmpty })
    if let judge, let place = judge.labels.firstIndex(of: trait) {
      let rows = try judge.probabilities(of: texts.map { Emoji.removed(from: $0) }) { _ in
      } progress: { (_: Int) throws(Diagnostic) in
        if stage.isStopping { throw .interrupted }
      }
      shares.aligned = rows.map { row in
        row.indices.max { row[$0] < row[$1] } == place
      }
    }
    return shares
  }
}
