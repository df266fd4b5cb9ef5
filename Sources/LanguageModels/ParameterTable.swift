// The one list of a model's parameters. Sizes, memory, initialisation, weight decay, file names,
// AdamW, clipping, counting and neuron statistics all derive from it.

import Kernels
import ModelFiles
import Tensors

/// What a parameter is for; networks find their weights by it, not by file names.
public enum ParameterRole: Sendable, Hashable {
  public enum InBlock: Sendable, Hashable {
    /// In front of attention, or behind it where norms come after the residual.
    case attentionNormGain, attentionNormBias
    /// GPT-2's one matrix for queries, keys and values.
    case queryKeyValueWeight, queryKeyValueBias
    case queryWeight, queryBias
    case keyWeight, keyBias
    case valueWeight, valueBias
    case attentionOutputWeight, attentionOutputBias
    case feedForwardNormGain, feedForwardNormBias
    case gateWeight, gateBias
    case upWeight, upBias
    case downWeight, downBias
  }

  case tokenEmbedding
  case positionEmbedding
  case tokenTypeEmbedding
  case embeddingNormGain, embeddingNormBias
  case block(Int, InBlock)
  case finalNormGain
  case finalNormBias
  /// An output matrix of its own.
  case head
  case poolerWeight, poolerBias
  case classifierDenseWeight, classifierDenseBias
  case classifierWeight, classifierBias
}

/// How a parameter begins before any training.
public enum Initialisation: Sendable, Equatable {
  case zeros
  case ones
  /// Normal with mean 0.
  case normal(deviation: Double)
}

/// One parameter tensor: one tensor of the Hugging Face file.
public struct Parameter: Sendable {
  public let role: ParameterRole
  /// Its name in files, without the family's prefix.
  public let name: String
  /// Our shape; linear weights are [out, in]. A place in the arena only if `storage` is nil.
  public let region: ArenaPlan.Region
  /// Name, shape and orientation in the file.
  public let file: CheckpointLayout.Tensor
  public let initialisation: Initialisation
  /// Whether weight decay applies: matrices yes, biases and norms no (as Hugging Face's Trainer).
  public let decays: Bool
  /// The blocks that a frozen matrix is kept in; nil: single precision, in the model's `weights`.
  public let storage: BlockFormat?

  /// Whether training may change it.
  public var isTrainable: Bool { storage == nil }
  public var shape: Shape { region.shape }
  public var count: Int { region.shape.count }
  /// Bytes in memory.
  public var bytes: Int {
    storage.map { shape.rows * $0.bytes(columns: shape.columns) } ?? 4 * count
  }
  /// The module that it belongs to, in PyTorch's way of naming, without the family's prefix.
  public var module: String {
    for suffix in [".weight", ".bias"] where name.hasSuffix(suffix) {
      return String(name.dropLast(suffix.count))
    }
    return name
  }
  /// A matrix that vectors are multiplied with, inside the blocks.
  public var isLinearWeight: Bool {
    guard case .block = role else { return false }
    return file.shape.count == 2
  }
}

/// All parameters of a model, in file-layout order.
public struct ParameterTable: Sendable {
  public let parameters: [Parameter]
  /// Places of all parameters in single precision; gradients and moments use the same plan.
  public let plan: ArenaPlan
  public let layout: CheckpointLayout
  private let places: [ParameterRole: Int]

  /// - Parameter storage: the blocks that the tensor with this number of the layout is kept in.
  public init(
    _ specification: ModelSpecification, storage: (Int) -> BlockFormat? = { _ in nil }
  ) {
    let layout = specification.family.layout
    var plan = ArenaPlan()
    var elsewhere = ArenaPlan()
    var parameters: [Parameter] = []
    var places: [ParameterRole: Int] = [:]
    for (number, tensor) in layout.tensors.enumerated() {
      guard let role = ParameterRole(tensor: tensor.name) else {
        preconditionFailure("'\(tensor.name)' has no role in ParameterNames.swift")
      }
      let isMatrix = tensor.shape.count == 2
      let shape = tensor.isTransposed ? tensor.shape.reversed() : tensor.shape
      let (rows, columns) = isMatrix ? (shape[0], shape[1]) : (1, shape[0])
      let format = storage(number)
      precondition(
        format == nil || isMatrix && format!.fits(columns: columns),
        "'\(tensor.name)' \(shape) cannot be kept in blocks")
      let region =
        format == nil
        ? plan.add(tensor.name, rows: rows, columns: columns)
        : elsewhere.overlay { $0.add(tensor.name, rows: rows, columns: columns) }
      let previous = places.updateValue(number, forKey: role)
      precondition(previous == nil, "two tensors are \(role)")
      parameters.append(
        Parameter(
          role: role, name: tensor.name, region: region, file: tensor,
          initialisation: Self.initialisation(role, specification), decays: isMatrix,
          storage: format))
    }
    self.parameters = parameters
    self.plan = plan
    self.layout = layout
    self.places = places
  }

  /// How many numbers the model has; tied matrices count once.
  public var weightCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// Bytes of all weights as they are stored.
  public var weightBytes: Int {
    plan.bytes + parameters.reduce(0) { $0 + ($1.storage == nil ? 0 : $1.bytes) }
  }

  /// Bytes of the largest matrix in blocks once it is expanded for a product; 0 without any.
  public var expansionBytes: Int {
    parameters.reduce(0) { $1.storage == nil ? $0 : max($0, 4 * $1.count) }
  }

  public func contains(_ role: ParameterRole) -> Bool { places[role] != nil }

  public subscript(role: ParameterRole) -> Parameter {
    guard let place = places[role] else {
      preconditionFailure("this model has no parameter \(role)")
    }
    return parameters[place]
  }

  /// The name in files we write.
  public func fullName(_ parameter: Parameter) -> String {
    (parameter.file.isPrefixed ? layout.prefix : "") + parameter.name
  }

  /// Matrices are N(0, σ), gains 1, biases 0. In GPT-2 the two projections that add to the residual
  /// stream are scaled by 1/√(2L), since 2L of them add up (Radford et al. 2019, section 2.3).
  private static func initialisation(
    _ role: ParameterRole, _ specification: ModelSpecification
  ) -> Initialisation {
    let deviation =
      switch specification.family {
      case .gpt2(let configuration): configuration.initialiserRange
      case .llama(let configuration): configuration.initialiserRange
      case .encoder(let configuration): configuration.initialiserRange
      }
    switch role {
    case .tokenEmbedding, .positionEmbedding, .tokenTypeEmbedding, .head, .poolerWeight,
      .classifierDenseWeight, .classifierWeight:
      return .normal(deviation: deviation)
    case .finalNormGain, .embeddingNormGain: return .ones
    case .finalNormBias, .embeddingNormBias, .poolerBias, .classifierDenseBias, .classifierBias:
      return .zeros
    case .block(_, let part):
      switch part {
      case .attentionNormGain, .feedForwardNormGain: return .ones
      case .attentionNormBias, .feedForwardNormBias, .queryKeyValueBias, .queryBias, .keyBias,
        .valueBias, .attentionOutputBias, .gateBias, .upBias, .downBias:
        return .zeros
      case .queryKeyValueWeight, .queryWeight, .keyWeight, .valueWeight, .gateWeight, .upWeight:
        return .normal(deviation: deviation)
      case .attentionOutputWeight, .downWeight:
        guard case .gpt2 = specification.family else { return .normal(deviation: deviation) }
        return .normal(deviation: deviation / Double(2 * specification.layers).squareRoot())
      }
    }
  }
}
