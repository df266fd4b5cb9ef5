// What every unit does on each of some prompts, and how large single activations get: the rows that
// TraitUnits.swift compares.

import Diagnostics
import LanguageModels
import Tensors

/// Mean activation of each unit over each prompt's tokens, the first token left out: it is a sink whose
/// activations say nothing about the prompt.
public struct TraitActivations: Sendable, Equatable {
  public let layout: UnitLayout
  /// [prompts][units]
  public let means: [[Float]]
  /// Largest |activation| of each unit on any token, first tokens included.
  public let peaks: [Float]

  /// - Parameters:
  ///   - transformer: the model, with an adapter or without; its observer is taken while this runs.
  ///   - prompts: none empty.
  ///   - progress: prompts read so far.
  ///
  /// **Throws**: `token-outside-vocabulary`, `neurons-not-finite`.
  public init(
    of transformer: Transformer, layout: UnitLayout, over prompts: [[Int32]],
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) {
    for prompt in prompts { try transformer.model.requireKnown(prompt) }
    let recorder = PromptMeans(layout)
    let old = transformer.observer
    transformer.observer = recorder
    defer { transformer.observer = old }
    for run in Batch.runs(of: prompts.map(\.count), atMost: transformer.capacity) {
      transformer.forward(Batch(prompts[run].map { TokenSequence($0) }))
      recorder.endRun()
      try progress(run.upperBound)
    }
    self.layout = layout
    means = recorder.means
    peaks = recorder.peaks
    guard peaks.allSatisfy(\.isFinite) else { throw .neuronsNotFinite("activations") }
  }

  /// For tests.
  init(layout: UnitLayout, means: [[Float]], peaks: [Float]) {
    self.layout = layout
    self.means = means
    self.peaks = peaks
  }

  /// Units whose activation on some token is so many times the median unit's of their layer: dimensions
  /// that are large whatever is read.
  ///
  /// **Source**: Sun et al. 2024 (arXiv 2402.17762), "massive activations".
  public func outliers(ratio: Double) -> [Bool] {
    var result = [Bool](repeating: false, count: layout.count)
    for layer in 0..<layout.layers {
      let range = layer * layout.width..<(layer + 1) * layout.width
      let sorted = peaks[range].sorted()
      let median = Double(sorted[sorted.count / 2])
      for unit in range { result[unit] = Double(peaks[unit]) >= ratio * median && median > 0 }
    }
    return result
  }
}

/// Sums of the prompts of one run at a time.
private final class PromptMeans: ActivationObserver {
  let layout: UnitLayout
  private(set) var means: [[Float]] = []
  private(set) var peaks: [Float]
  private var open: [[Float]] = []

  init(_ layout: UnitLayout) {
    self.layout = layout
    peaks = Array(repeating: 0, count: layout.count)
  }

  func endRun() {
    means += open
    open = []
  }

  func observe(_ activation: Tensor, at site: ActivationSite, of batch: Batch) {
    guard let layer = layout.layer(at: site) else { return }
    let width = layout.width
    precondition(
      activation.columns == width, "activations \(activation.shape) are not \(layout)")
    if open.isEmpty {
      open = Array(
        repeating: Array(repeating: 0, count: layout.count), count: batch.segments.count)
    }
    for segment in 0..<batch.segments.count {
      let rows = batch.segments[segment]
      // A prompt of one token has no other.
      let counted = rows.count > 1 ? rows.dropFirst() : rows
      let share = 1 / Float(counted.count)
      open[segment].withUnsafeMutableBufferPointer { sums in
        for row in rows {
          let values = activation.row(row)
          let adds = row >= counted.lowerBound
          for column in 0..<width {
            peaks[layer * width + column] = max(
              peaks[layer * width + column], abs(values[column]))
            if adds { sums[layer * width + column] += share * values[column] }
          }
        }
      }
    }
  }
}

extension UnitLayout {
  /// The layer whose units are seen at a place; nil where none are.
  func layer(at site: ActivationSite) -> Int? {
    switch (site, kind) {
    case (.blockOutput(let layer), .residual), (.feedForwardInner(let layer), .hidden): layer
    default: nil
    }
  }
}
