// The one list of a model's parameters. Sizes, memory, initialisation, weight decay, file names,
// AdamW, clipping, counting and neuron statistics all derive from it.

import ModelFiles
import Tensors

/// What a parameter is for; networks find their weights by it, not by file names.
public enum ParameterRole: Sendable, Hashable {
  public enum InBlock: Sendable, Hashable {
    case attentionNormGain, attentionNormBias
    case queryKeyValueWeight, queryKeyValueBias
    case attentionOutputWeight, attentionOutputBias
    case feedForwardNormGain, feedForwardNormBias
    case upWeight, upBias
    case downWeight, downBias
  }

  case tokenEmbedding
  case positionEmbedding
  case block(Int, InBlock)
  case finalNormGain
  case finalNormBias
}

/// How a parameter begins before any training.
public enum Initialisation: Sendable, Equatable {
  case zeros
  case ones
  /// Normal with mean 0.
  case normal(deviation: Double)
}

/// One parameter tensor.
public struct Parameter: Sendable {
  public let role: ParameterRole
  /// Its name in files, without the family's prefix.
  public let name: String
  /// Our shape; linear weights are [out, in].
  public let region: ArenaPlan.Region
  /// Name, shape and orientation in the file.
  public let file: CheckpointLayout.Tensor
  public let initialisation: Initialisation
  /// Whether weight decay applies: matrices yes, biases and norms no (as Hugging Face's Trainer).
  public let decays: Bool
  /// Whether training changes it.
  public let isTrainable: Bool

  public var shape: Shape { region.shape }
  public var count: Int { region.shape.count }
}

/// All parameters of a model, in file-layout order.
public struct ParameterTable: Sendable {
  public let parameters: [Parameter]
  /// Places of all parameters; gradients and moments use the same plan.
  public let plan: ArenaPlan
  public let layout: CheckpointLayout
  private let places: [ParameterRole: Int]

  public init(_ specification: ModelSpecification) {
    switch specification.family {
    case .gpt2(let configuration):
      self.init(
        layout: configuration.layout, roles: Self.gpt2Roles(layers: specification.layers),
        initialisation: { Self.gpt2Initialisation($0, configuration) })
    }
  }

  private init(
    layout: CheckpointLayout, roles: [ParameterRole],
    initialisation: (ParameterRole) -> Initialisation
  ) {
    precondition(
      roles.count == layout.tensors.count,
      "\(roles.count) roles do not name \(layout.tensors.count) tensors")
    var plan = ArenaPlan()
    var parameters: [Parameter] = []
    for (role, tensor) in zip(roles, layout.tensors) {
      let isMatrix = tensor.shape.count == 2
      let shape = tensor.isTransposed ? tensor.shape.reversed() : tensor.shape
      let region = plan.add(
        tensor.name, rows: isMatrix ? shape[0] : 1, columns: isMatrix ? shape[1] : shape[0])
      parameters.append(
        Parameter(
          role: role, name: tensor.name, region: region, file: tensor,
          initialisation: initialisation(role), decays: isMatrix, isTrainable: true))
    }
    self.parameters = parameters
    self.plan = plan
    self.layout = layout
    places = Dictionary(
      parameters.enumerated().map { ($1.role, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// How many numbers the model has; tied matrices count once.
  public var weightCount: Int { parameters.reduce(0) { $0 + $1.count } }

  public subscript(role: ParameterRole) -> Parameter {
    guard let place = places[role] else {
      preconditionFailure("this model has no parameter \(role)")
    }
    return parameters[place]
  }

  // MARK: GPT-2

  /// In the order of `GPT2Configuration.layout`.
  private static func gpt2Roles(layers: Int) -> [ParameterRole] {
    let block: [ParameterRole.InBlock] = [
      .attentionNormGain, .attentionNormBias, .queryKeyValueWeight, .queryKeyValueBias,
      .attentionOutputWeight, .attentionOutputBias, .feedForwardNormGain, .feedForwardNormBias,
      .upWeight, .upBias, .downWeight, .downBias,
    ]
    return [.tokenEmbedding, .positionEmbedding]
      + (0..<layers).flatMap { layer in block.map { .block(layer, $0) } }
      + [.finalNormGain, .finalNormBias]
  }

  /// N(0, 0.02); the two projections that add to the residual stream are scaled by 1/√(2L), since 2L
  /// of them add up (Radford et al. 2019, section 2.3).
  private static func gpt2Initialisation(
    _ role: ParameterRole, _ configuration: GPT2Configuration
  ) -> Initialisation {
    let deviation = configuration.initialiserRange
    switch role {
    case .tokenEmbedding, .positionEmbedding: return .normal(deviation: deviation)
    case .finalNormGain: return .ones
    case .finalNormBias: return .zeros
    case .block(_, let part):
      switch part {
      case .queryKeyValueWeight, .upWeight: return .normal(deviation: deviation)
      case .attentionOutputWeight, .downWeight:
        return .normal(deviation: deviation / Double(2 * configuration.layers).squareRoot())
      case .attentionNormGain, .feedForwardNormGain: return .ones
      case .attentionNormBias, .queryKeyValueBias, .attentionOutputBias, .feedForwardNormBias,
        .upBias, .downBias:
        return .zeros
      }
    }
  }
}
