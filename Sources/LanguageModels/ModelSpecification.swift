// A whole model as a value: sizes, block, how input and output are tied. Families are constructors.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Networks

/// Everything that determines a model's tensors and arithmetic.
public struct ModelSpecification: Sendable, Equatable {
  /// Decides file names and the configuration's form.
  public enum Family: Sendable, Equatable {
    case gpt2(GPT2Configuration)
  }

  public let family: Family
  public let block: BlockSpecification
  /// V
  public let vocabulary: Int
  /// Longest sequence, tokens.
  public let context: Int
  /// C
  public let width: Int
  /// L
  public let layers: Int
  /// Whether the output matrix is the token embedding.
  public let tiesHead: Bool
  /// The token that ends a document.
  public let endOfText: Int32?

  /// GPT-2: pre layer norm, learned positions, causal, tanh GELU, biases, tied head.
  public init(_ configuration: GPT2Configuration) {
    precondition(
      configuration.width % configuration.heads == 0,
      "width \(configuration.width) cannot be cut into \(configuration.heads) heads")
    family = .gpt2(configuration)
    block = BlockSpecification(
      normPlacement: .pre, norm: .layer, normEpsilon: configuration.layerNormEpsilon,
      positions: .learned, visibility: .causal, heads: configuration.heads,
      keyValueHeads: configuration.heads, headSize: configuration.width / configuration.heads,
      feedForward: .gelu(.tanh), inner: configuration.inner, hasBiases: true)
    vocabulary = configuration.vocabularySize
    context = configuration.context
    width = configuration.width
    layers = configuration.layers
    tiesHead = true
    endOfText = configuration.endOfText.map { Int32($0) }
  }

  init(
    family: Family, block: BlockSpecification, vocabulary: Int, context: Int, width: Int,
    layers: Int, tiesHead: Bool, endOfText: Int32?
  ) {
    self.family = family
    self.block = block
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.layers = layers
    self.tiesHead = tiesHead
    self.endOfText = endOfText
  }

  /// What of this value the arithmetic below cannot run yet, each by its name; empty if it runs.
  public var unsupported: [String] {
    var names: [String] = []
    if block.normPlacement != .pre { names.append("norms after the residual (post)") }
    if block.norm != .layer { names.append("root-mean-square norms") }
    if block.positions != .learned { names.append("rotary positions") }
    if block.visibility != .causal { names.append("attention other than causal") }
    if block.keyValueHeads != block.heads { names.append("grouped key/value heads") }
    if case .gated = block.feedForward { names.append("a gated feed-forward part") }
    if !block.hasBiases { names.append("linear layers without biases") }
    if !tiesHead { names.append("an output matrix of its own") }
    return names
  }

  /// **Throws**: `model-unsupported` naming the parts.
  public func requireSupported() throws(Diagnostic) {
    let names = unsupported
    guard names.isEmpty else { throw .modelUnsupported(names) }
  }
}
