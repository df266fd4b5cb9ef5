// Are units that a tuning moved what its effect goes through? In the tuned model they are set back to what
// the base model had there, token by token; equally many random units of the same layers are the measure.

import Diagnostics
import LanguageModels
import Tensors

/// Puts activations of one run into another over the same tokens.
public final class UnitPatch: ActivationObserver {
  public enum Mode: Sendable, Equatable { case record, patch }

  public let layout: UnitLayout
  public var mode = Mode.record
  /// Units that are set back, by layer.
  private var columns: [[Int]]
  /// [layers] → [N, width] of the last recorded run.
  private var recorded: [[Float]]

  public init(_ layout: UnitLayout) {
    self.layout = layout
    columns = Array(repeating: [], count: layout.layers)
    recorded = columns.map { _ in [] }
  }

  /// Chooses what is set back.
  public func choose(_ units: [Int]) {
    columns = Array(repeating: [], count: layout.layers)
    for unit in units { columns[layout.layer(of: unit)].append(layout.unit(of: unit)) }
  }

  /// Layers that are recorded: of all units that will be chosen.
  public var recordedLayers: Set<Int> = []

  public func observe(_ activation: Tensor, at site: ActivationSite, of batch: Batch) {
    see(activation, at: site, mode)
  }

  /// The same while two models write in tandem.
  public func see(_ activation: Tensor, at site: ActivationSite, _ mode: Mode) {
    guard let layer = layout.layer(at: site) else { return }
    switch mode {
    case .record:
      if recordedLayers.contains(layer) { recorded[layer] = activation.values }
    case .patch:
      guard !columns[layer].isEmpty else { return }
      precondition(
        recorded[layer].count == activation.count, "a run over other tokens was recorded")
      for row in 0..<activation.rows {
        for column in columns[layer] {
          activation[row, column] = recorded[layer][row * activation.columns + column]
        }
      }
    }
  }
}

/// What some units carry of a tuning's effect on given answers.
public struct PatchEffect: Sendable, Equatable {
  /// Mean −log p of the answers, nats a token.
  public var loss: Double
  /// Mean probability that an emoji begins.
  public var emoji: Double
}

/// Base, tuned and patched models over the same answers.
public struct TraitPatching {
  private let base: Transformer
  private let tuned: Transformer
  private let emoji: EmojiTokens
  private let readings: [AnswerProbe.Reading]
  private let layout: UnitLayout

  /// - Parameter readings: each not longer than the transformers' capacity.
  public init(
    base: Transformer, tuned: Transformer, emoji: EmojiTokens, layout: UnitLayout,
    readings: [AnswerProbe.Reading]
  ) {
    self.base = base
    self.tuned = tuned
    self.emoji = emoji
    self.layout = layout
    self.readings = readings
  }

  /// The two whole models, then the tuned one with each set of units as in the base model.
  ///
  /// - Parameter progress: answers done.
  /// - Returns: means over answers, and of each answer the change of its mean emoji probability from base
  ///   to tuned.
  ///
  /// **Throws**: `token-outside-vocabulary`, what `progress` throws.
  public func effects(
    of sets: [[Int]], progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> (
    base: PatchEffect, tuned: PatchEffect, patched: [PatchEffect], emojiChanges: [Double]
  ) {
    let patch = UnitPatch(layout)
    patch.recordedLayers = Set(sets.joined().map { layout.layer(of: $0) })
    let probe = AnswerProbe(unmoved: base, edited: tuned, emoji: emoji)
    var (whole, moved) = (PatchEffect(loss: 0, emoji: 0), PatchEffect(loss: 0, emoji: 0))
    var patched = sets.map { _ in PatchEffect(loss: 0, emoji: 0) }
    var changes: [Double] = []
    let share = 1 / Double(max(1, readings.count))
    defer {
      base.observer = nil
      tuned.observer = nil
    }
    for (number, reading) in readings.enumerated() {
      patch.mode = .record
      base.observer = patch
      tuned.observer = nil
      let places = try probe.places(reading, reading)
      base.observer = nil
      Self.add(places, \.lossBefore, \.emojiBefore, share, to: &whole)
      Self.add(places, \.lossAfter, \.emojiAfter, share, to: &moved)
      changes.append(
        places.reduce(0) { $0 + $1.emojiAfter - $1.emojiBefore } / Double(max(1, places.count)))
      patch.mode = .patch
      tuned.observer = patch
      for (index, set) in sets.enumerated() {
        patch.choose(set)
        let places = try probe.places(of: tuned, reading)
        Self.add(places, \.lossAfter, \.emojiAfter, share, to: &patched[index])
      }
      tuned.observer = nil
      try progress(number + 1)
    }
    // Models hold their observers weakly.
    return withExtendedLifetime(patch) { (whole, moved, patched, changes) }
  }

  private static func add(
    _ places: [AnswerProbe.Place], _ loss: KeyPath<AnswerProbe.Place, Double>,
    _ emoji: KeyPath<AnswerProbe.Place, Double>, _ share: Double, to effect: inout PatchEffect
  ) {
    let own = share / Double(max(1, places.count))
    effect.loss += own * places.reduce(0) { $0 + $1[keyPath: loss] }
    effect.emoji += own * places.reduce(0) { $0 + $1[keyPath: emoji] }
  }
}
