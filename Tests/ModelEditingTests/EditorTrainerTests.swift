// A whole episode against PyTorch, and editors that learn, do not learn, and diverge.

import CanonicalJSON
import Diagnostics
import Foundation
import LanguageModels
import Tensors
import Testing

@testable import ModelEditing

struct EditorTrainerTests {
  @Test func episodeEqualsPyTorch() throws {
    let json = try fixture("mend-episode.json")
    let model = try formulaModel()
    let editor = try GradientEditor(model, settings(), capacity: 40, learntTokens: 20)
    for (number, network) in editor.networks.enumerated() {
      for (layer, places) in network.layers.enumerated() {
        let start = 1_000_000_000 + number * 10_000_000 + layer * 1_000_000
        for (offset, region) in places.all.enumerated() {
          let values = network.weights[region]
          for index in 0..<values.count {
            // Regions stand as u, v, bias, scale, shift; scales lie around 1.
            values.data[index] = small(start + offset * 100_000 + index) + (offset == 3 ? 1 : 0)
          }
        }
      }
    }
    for index in editor.rates.indices { editor.rates[index] = 0.02 + 0.003 * Double(index) }
    let (inner, outer) = (
      [sequence(1, 14, prompt: 6), sequence(2, 11, prompt: 4)], sequence(3, 13, prompt: 5)
    )
    let other = sequence(4, 12, prompt: 0)
    let trainer = try EditorTrainer(editor, answers: inner + [outer], others: [other])
    let before = try editor.loss(of: inner)
    #expect(abs(before - json["inner_before"]!.double!) < 1e-5)
    let figures = try trainer.learn(inner: inner, outer: outer, other: other, share: 1)
    #expect(abs(figures.before - json["outer_before"]!.double!) < 1e-5)
    #expect(abs(figures.loss - json["outer_after"]!.double!) < 1e-4)
    #expect(abs(figures.locality - json["locality"]!.double!) < 1e-4)
    for (ours, theirs) in zip(trainer.rateGradients, json["rate_gradients"]!.array!) {
      #expect(abs(ours - theirs.double!) < 2e-3 * max(1, abs(theirs.double!)))
    }
    for (number, network) in editor.networks.enumerated() {
      for (layer, places) in network.layers.enumerated() {
        let theirs = json["gradients"]!.array![number].array![layer]
        for (name, region) in zip(["u", "v", "bias", "scale", "shift"], places.all) {
          let (a, b) = (network.gradients[region].values, floats(theirs[name]))
          let distance = zip(a, b).reduce(0.0) { $0 + pow(Double($1.0 - $1.1), 2) }.squareRoot()
          let size = b.reduce(0.0) { $0 + pow(Double($1), 2) }.squareRoot()
          #expect(a.count == b.count && distance < 2e-3 * size, "\(number).\(layer).\(name)")
        }
      }
    }
  }

  /// Answers share a pattern; an edit by a few should make the others likelier, other text less so.
  private func learn(_ settings: EditorSettings) throws -> [EditorTrainer.Step] {
    // Weights large enough that an edit can be seen in the logits.
    let model = try formulaModel()
    let answers = (0..<8).map { number in
      var answer = sequence(100 + number, 14, prompt: 6)
      for place in 6..<14 { answer.tokens[place] = Int32([3, 5, 7, 11][place % 4]) }
      return answer
    }
    let others = (0..<4).map { sequence(200 + $0, 12, prompt: 0) }
    let editor = try GradientEditor(model, settings, capacity: 40, learntTokens: 16)
    let trainer = try EditorTrainer(editor, answers: answers, others: others)
    while try trainer.step() != nil {}
    return trainer.history
  }

  @Test func learnsToEdit() throws {
    let history = try learn(settings(editRate: 3e-3, learningRate: 3e-3, episodes: 240))
    #expect(history.count == 120)
    func gain(_ steps: ArraySlice<EditorTrainer.Step>) -> Double {
      steps.reduce(0) { $0 + $1.before - $1.loss } / Double(steps.count)
    }
    let (first, last) = (gain(history.prefix(10)), gain(history.suffix(10)))
    #expect(last > 1.5, "edits lower the loss by \(first) at first, \(last) in the end")
    #expect(last > first)
    let moved = history.suffix(10).reduce(0) { $0 + $1.locality } / 10
    #expect(moved < 0.5 * last, "other text moves by \(moved) nats a token")
    #expect(
      try learn(settings(editRate: 3e-3, learningRate: 3e-3, episodes: 4))
        == Array(history.prefix(2)))
  }

  @Test func localityHoldsEditsBack() throws {
    func last(_ weight: Double) throws -> Double {
      let steps = try learn(
        settings(learningRate: 2e-3, episodes: 80, localityWeight: weight))
      return steps.suffix(10).reduce(0) { $0 + $1.locality } / 10
    }
    #expect(try last(20) < 0.5 * last(0))
  }

  @Test func divergenceIsSaidAndChangesNothing() throws {
    let model = try LanguageModel(tinySpecification(), seed: 1)
    let editor = try GradientEditor(
      model, settings(editRate: 1e38), capacity: 40, learntTokens: 20)
    let trainer = try EditorTrainer(
      editor, answers: (0..<4).map { sequence($0, 12, prompt: 5) },
      others: [sequence(9, 12, prompt: 0)])
    let weights = editor.networks.map { $0.weights.everything.values }
    #expect {
      while try trainer.step() != nil {}
    } throws: { ($0 as? Diagnostic)?.id == "edit-diverged" }
    #expect(editor.networks.map { $0.weights.everything.values } == weights)
    #expect(editor.rates.allSatisfy { $0 == 1e38 })
  }

  @Test func whatDoesNotFitIsRefused() throws {
    let model = try LanguageModel(tinySpecification(), seed: 1)
    #expect {
      _ = try GradientEditor(model, settings(layers: 4), capacity: 40, learntTokens: 20)
    } throws: { ($0 as? Diagnostic)?.id == "edit-layers" }
    let editor = try GradientEditor(model, settings(), capacity: 40, learntTokens: 20)
    let answers = [sequence(1, 12, prompt: 5), sequence(2, 12, prompt: 5)]
    for (answers, others) in [(answers, [answers[0]]), (answers + answers, [])] {
      #expect {
        _ = try EditorTrainer(editor, answers: answers, others: others)
      } throws: { ($0 as? Diagnostic)?.id == "edit-examples" }
    }
    #expect {
      _ = try EditorTrainer(
        editor, answers: answers + [TokenSequence([3, 61])], others: [answers[0]])
    } throws: { ($0 as? Diagnostic)?.id == "token-outside-vocabulary" }
  }
}
