// A whole model as a value: sizes, block, how input and output are tied. Families are constructors.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Networks

/// Everything that determines a model's tensors and arithmetic.
public struct ModelSpecification: Sendable, Equatable {
  /// Decides file names and the configuration's form.
  public typealias Family = ModelConfiguration

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
  /// Whether the output matrix is the token embedding; encoders have none.
  public let tiesHead: Bool
  /// The row of a sequence's first token in the table of learned positions: RoBERTa's begin at 2.
  public let positionOffset: Int
  /// Rows of the table of token types, of which the first is added to every token; 0 without one.
  public let tokenTypes: Int
  /// The token that ends a document.
  public let endOfText: Int32?
  /// All tokens that end a text.
  public let endsOfText: [Int32]

  public init(_ configuration: ModelConfiguration) {
    switch configuration {
    case .gpt2(let configuration): self.init(configuration)
    case .llama(let configuration): self.init(configuration)
    case .encoder(let configuration): self.init(configuration)
    }
  }

  /// GPT-2: pre layer norm, learned positions, causal, tanh GELU, biases, tied head.
  public init(_ configuration: GPT2Configuration) {
    precondition(
      configuration.width % configuration.heads == 0,
      "width \(configuration.width) cannot be cut into \(configuration.heads) heads")
    self.init(
      family: .gpt2(configuration),
      block: BlockSpecification(
        normPlacement: .pre, norm: .layer, normEpsilon: configuration.layerNormEpsilon,
        positions: .learned, visibility: .causal, heads: configuration.heads,
        keyValueHeads: configuration.heads, headSize: configuration.width / configuration.heads,
        feedForward: .gelu(.tanh), inner: configuration.inner),
      vocabulary: configuration.vocabularySize, context: configuration.context,
      width: configuration.width, layers: configuration.layers, tiesHead: true,
      endsOfText: configuration.endOfText.map { [Int32($0)] } ?? [])
  }

  /// Llama and Mistral: pre RMS norm, rotary positions, grouped heads, SwiGLU.
  public init(_ configuration: LlamaConfiguration) {
    self.init(
      family: .llama(configuration),
      block: BlockSpecification(
        normPlacement: .pre, norm: .rms, normEpsilon: configuration.normEpsilon,
        positions: .rotary(configuration.inverseFrequencies),
        visibility: configuration.slidingWindow.map { .window($0) } ?? .causal,
        heads: configuration.heads, keyValueHeads: configuration.keyValueHeads,
        headSize: configuration.headSize, feedForward: .gated, inner: configuration.inner),
      vocabulary: configuration.vocabularySize, context: configuration.context,
      width: configuration.width, layers: configuration.layers, tiesHead: configuration.tiesHead,
      endsOfText: configuration.endsOfText.map { Int32($0) })
  }

  /// BERT and RoBERTa: post layer norm, learned positions, every token sees every other.
  public init(_ configuration: EncoderConfiguration) {
    precondition(
      configuration.width % configuration.heads == 0,
      "width \(configuration.width) cannot be cut into \(configuration.heads) heads")
    self.init(
      family: .encoder(configuration),
      block: BlockSpecification(
        normPlacement: .post, norm: .layer, normEpsilon: configuration.layerNormEpsilon,
        positions: .learned, visibility: .full, heads: configuration.heads,
        keyValueHeads: configuration.heads, headSize: configuration.width / configuration.heads,
        feedForward: .gelu(configuration.activation == .gelu ? .erf : .tanh),
        inner: configuration.inner),
      vocabulary: configuration.vocabularySize, context: configuration.context,
      width: configuration.width, layers: configuration.layers, tiesHead: false,
      positionOffset: configuration.positionOffset,
      tokenTypes: configuration.typeVocabularySize,
      endsOfText: configuration.endOfText.map { [Int32($0)] } ?? [])
  }

  init(
    family: Family, block: BlockSpecification, vocabulary: Int, context: Int, width: Int,
    layers: Int, tiesHead: Bool, positionOffset: Int = 0, tokenTypes: Int = 0,
    endsOfText: [Int32]
  ) {
    self.family = family
    self.block = block
    self.vocabulary = vocabulary
    self.context = context
    self.width = width
    self.layers = layers
    self.tiesHead = tiesHead
    self.positionOffset = positionOffset
    self.tokenTypes = tokenTypes
    self.endsOfText = endsOfText
    endOfText = endsOfText.first
  }

  /// Whether tokens see what follows them, so that the model gives vectors and writes no text.
  public var isEncoder: Bool { block.visibility == .full }

  /// **Throws**: `model-is-an-encoder`.
  public func requireDecoder() throws(Diagnostic) {
    if isEncoder { throw .modelIsAnEncoder(family.familyName) }
  }
}
