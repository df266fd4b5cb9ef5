// Learning rate over time, as `transformers.get_scheduler` has it.

import Foundation

/// A learning-rate schedule; its value is a factor on the peak rate.
public struct Schedule: Sendable, Hashable {
  public enum Shape: String, Sendable, Hashable, CaseIterable {
    /// 1 (after the warm-up, as `constant_with_warmup`).
    case constant
    /// Down to 0 along a line.
    case linear
    /// Down to 0 along half a cosine.
    case cosine
  }
  public var shape: Shape
  /// Steps in which the factor rises from 0 to 1.
  public var warmupSteps: Int
  public var totalSteps: Int

  public init(_ shape: Shape, warmupSteps: Int = 0, totalSteps: Int) {
    precondition(
      warmupSteps >= 0 && totalSteps >= 0,
      "a schedule of \(totalSteps) steps, \(warmupSteps) of them warm-up, cannot be")
    self.shape = shape
    self.warmupSteps = warmupSteps
    self.totalSteps = totalSteps
  }

  /// The factor of a step that counts from 0: with a warm-up, the first step's is 0.
  public func factor(at step: Int) -> Double {
    let step = Double(step)
    let warmup = Double(warmupSteps)
    if step < warmup { return step / max(1, warmup) }
    let span = max(1, Double(totalSteps) - warmup)
    switch shape {
    case .constant: return 1
    case .linear: return max(0, (Double(totalSteps) - step) / span)
    case .cosine: return max(0, 0.5 * (1 + cos(.pi * (step - warmup) / span)))
    }
  }
}
