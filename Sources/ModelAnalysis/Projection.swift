// How much of a weight update points along a bias: the one-point coefficient and the average along the
// path, which equals the change of the bias. Definition, theorem and proof: ModelAnalysis.docc.

import LanguageModels

/// What one generation's update does to the bias.
public struct BiasProjection: Sendable, Equatable {
  /// B(θₜ) and B(θₜ₊₁), nats.
  public let before: Double
  public let after: Double
  /// ∫ ⟨∇B, dθ⟩ along the stored path, nats; equals `change` but for the error of the quadrature.
  public let integral: Double
  /// cₜ = ⟨D, ∇B(θₜ)⟩ / ‖∇B(θₜ)‖ with D = θₜ₊₁ − θₜ, in units of the weights; 0 where ∇B is.
  public let coefficient: Double
  /// ‖∇B(θₜ)‖
  public let gradientNorm: Double
  /// ‖D‖
  public let stepLength: Double
  /// The integral over the parameters of each part; adds up to it.
  public let parts: [(part: ModelPart, integral: Double)]

  public var change: Double { after - before }
  /// ‖∇B(θₜ)‖·cₜ: what the change would be if the bias were linear.
  public var firstOrder: Double { gradientNorm * coefficient }
  /// cₜ/‖D‖: of the angle between the update and the bias; 0 for no update.
  public var cosine: Double { stepLength > 0 ? coefficient / stepLength : 0 }

  public static func == (a: Self, b: Self) -> Bool {
    a.before == b.before && a.after == b.after && a.integral == b.integral
      && a.coefficient == b.coefficient && a.gradientNorm == b.gradientNorm
      && a.stepLength == b.stepLength && a.parts.elementsEqual(b.parts) { $0 == $1 }
  }
}

/// Which parameters of a model belong together in a table.
public struct ModelPart: Sendable, Hashable {
  public enum Kind: String, Sendable, CaseIterable {
    case embeddings, attention
    case feedForward = "feed-forward"
    case norms, head
  }
  public let kind: Kind
  /// nil for what is outside the blocks.
  public let layer: Int?

  init(_ role: ParameterRole) {
    switch role {
    case .tokenEmbedding, .positionEmbedding, .tokenTypeEmbedding:
      (kind, layer) = (.embeddings, nil)
    case .embeddingNormGain, .embeddingNormBias, .finalNormGain, .finalNormBias:
      (kind, layer) = (.norms, nil)
    case .block(let number, let part):
      layer = number
      switch part {
      case .attentionNormGain, .attentionNormBias, .feedForwardNormGain, .feedForwardNormBias:
        kind = .norms
      case .queryKeyValueWeight, .queryKeyValueBias, .queryWeight, .queryBias, .keyWeight, .keyBias,
        .valueWeight, .valueBias, .attentionOutputWeight, .attentionOutputBias:
        kind = .attention
      case .gateWeight, .gateBias, .upWeight, .upBias, .downWeight, .downBias: kind = .feedForward
      }
    default: (kind, layer) = (.head, nil)
    }
  }
}
