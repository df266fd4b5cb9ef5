// Where a model drops activations while it learns. Masks are functions, see Networks/Dropout.swift.

import Networks

/// Shares of activations that training sets to zero.
public struct DropoutRates: Sendable, Equatable {
  public var embedding: Double
  public var attention: Double
  public var residual: Double

  public static let none = DropoutRates(embedding: 0, attention: 0, residual: 0)

  public init(embedding: Double, attention: Double, residual: Double) {
    self.embedding = embedding
    self.attention = attention
    self.residual = residual
  }

  var isNone: Bool { self == .none }
}

/// Which masks a pass draws: a function of seed, step and place, never of batches or threads.
public struct DropoutMasks: Sendable {
  public var rates: DropoutRates
  public var seed: Int
  public var step: Int
  /// Row of this batch's first token in the whole step.
  public var firstRow: Int

  public init(rates: DropoutRates, seed: Int, step: Int, firstRow: Int = 0) {
    self.rates = rates
    self.seed = seed
    self.step = step
    self.firstRow = firstRow
  }

  enum Site {
    case embedding
    case attention(Int)
    case attentionOutput(Int)
    case feedForwardOutput(Int)
  }

  func dropout(at site: Site) -> Dropout? {
    let (rate, number) =
      switch site {
      case .embedding: (rates.embedding, 0)
      case .attention(let layer): (rates.attention, 3 * layer + 1)
      case .attentionOutput(let layer): (rates.residual, 3 * layer + 2)
      case .feedForwardOutput(let layer): (rates.residual, 3 * layer + 3)
      }
    guard rate > 0 else { return nil }
    return Dropout(rate: Float(rate), seed: seed, step: step, site: number, firstRow: firstRow)
  }
}
