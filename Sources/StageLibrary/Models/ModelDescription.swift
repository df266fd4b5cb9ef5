// What a person wants to know about a model before using it: family, sizes, number formats, memory.
// Read from names and sizes alone; no weight is touched.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelFiles

/// A model in figures.
public struct ModelDescription: Sendable {
  /// A number format and what is stored in it.
  public struct Storage: Sendable {
    public let type: String
    public let tensors: Int
    public let weights: Int
    public let bytes: Int
  }

  /// Memory of one way of using the model.
  public struct Memory: Sendable {
    public let use: String
    public let bytes: Int
  }

  public let configuration: ModelConfiguration
  public let specification: ModelSpecification
  public let weights: Int
  /// Sorted by bytes, most first.
  public let storage: [Storage]
  private let table: ParameterTable

  public init(_ configuration: ModelConfiguration, _ matched: MatchedCheckpoint) {
    self.configuration = configuration
    specification = ModelSpecification(configuration)
    table = ParameterTable(specification) { matched.blockFormat($0) }
    weights = table.weightCount
    var byType: [String: (tensors: Int, weights: Int, bytes: Int)] = [:]
    for number in 0..<matched.count {
      let tensor = matched.stored(number)
      var sum = byType[tensor.typeName] ?? (0, 0, 0)
      sum.tensors += 1
      sum.weights += tensor.count
      sum.bytes += tensor.range.count
      byType[tensor.typeName] = sum
    }
    storage = byType.map {
      Storage(
        type: $0.key, tensors: $0.value.tensors, weights: $0.value.weights, bytes: $0.value.bytes)
    }.sorted { ($1.bytes, $0.type) < ($0.bytes, $1.type) }
  }

  /// What the family is called by people.
  public var familyName: String {
    switch configuration {
    case .gpt2: "GPT-2"
    case .llama(let configuration): configuration.family == .llama ? "Llama" : "Mistral"
    case .encoder(let configuration): configuration.kind == .bert ? "BERT" : "RoBERTa"
    }
  }

  /// Name and text of each size.
  public var sizes: [(name: String, text: String)] {
    let block = specification.block
    var rows: [(name: String, text: String)] = [
      ("layers", "\(specification.layers)"), ("width", "\(specification.width)"),
      (
        "heads",
        block.keyValueHeads == block.heads
          ? "\(block.heads) of \(block.headSize)"
          : "\(block.heads) of \(block.headSize), sharing \(block.keyValueHeads) of keys and values"
      ), ("feed-forward", "\(block.inner)"), ("vocabulary", "\(specification.vocabulary)"),
      ("context", "\(specification.context) tokens"),
    ]
    switch configuration {
    case .gpt2: rows.append(("output", "tied to the embedding"))
    case .llama(let llama):
      rows.append(("output", llama.tiesHead ? "tied to the embedding" : "a matrix of its own"))
      rows.append(("positions", "rotary, base \(Int(llama.rotaryTheta))" + scaling(llama)))
      if let window = llama.slidingWindow { rows.append(("window", "\(window) tokens")) }
    case .encoder(let encoder):
      switch encoder.head {
      case .none: rows.append(("head", "none"))
      case .pooler: rows.append(("head", "pooler"))
      case .classifier(let labels, let pooling):
        let names = labels.prefix(6).joined(separator: ", ") + (labels.count > 6 ? ", …" : "")
        rows.append(
          (
            "head",
            "\(labels.count) classes on \(pooling == .mean ? "the mean" : "the first token"): "
              + names
          ))
      }
    }
    return rows
  }

  private func scaling(_ llama: LlamaConfiguration) -> String {
    switch llama.rotaryScaling {
    case nil: ""
    case .linear(let factor): ", stretched \(factor)-fold"
    case .llama3(let factor, _, _, let context):
      ", long waves stretched \(factor)-fold beyond \(context) tokens"
    }
  }

  /// Memory in bytes by the engine's own plans: what is reserved, before a byte is taken.
  public var memory: [Memory] {
    let full = 4 * weights
    let length = min(512, specification.context)
    var rows = [Memory(use: "weights in single precision", bytes: full)]
    let asStored = table.weightBytes
    if asStored < full { rows.append(Memory(use: "weights as stored", bytes: asStored)) }
    rows.append(
      Memory(
        use: "training all weights, 1,024 tokens at a time",
        bytes: Trainer.bytes(specification, longest: length, microBatchTokens: 1024)))
    let adapter = table.parameters.filter(\.isLinearWeight).reduce(0) {
      $0 + 4 * 16 * ($1.shape.rows + $1.shape.columns)
    }
    rows.append(
      Memory(
        use: "training an adapter of rank 16, weights as stored",
        bytes: Trainer.bytes(
          specification, table, adapterBytes: adapter, longest: length, microBatchTokens: 1024)))
    guard !specification.isEncoder else { return rows }
    for batch in [1, 32] {
      rows.append(
        Memory(
          use: "writing \(batch) text\(batch == 1 ? "" : "s") of \(length) tokens",
          bytes: full + Generator.bytes(specification, batch: batch, length: length)))
    }
    return rows
  }

  /// Lines for a log.
  public var summary: [String] {
    [
      "\(familyName): \(weights) weights, "
        + sizes.map { "\($0.name) \($0.text)" }.joined(separator: ", "),
      "stored as "
        + storage.map { "\($0.type) (\($0.tensors) tensors, \($0.bytes) bytes)" }
        .joined(separator: ", "),
    ]
  }

  public var json: JSONValue {
    .object([
      "family": .string(configuration.familyName), "weights": .integer(weights),
      "storage": .array(
        storage.map {
          .object([
            "type": .string($0.type), "tensors": .integer($0.tensors),
            "weights": .integer($0.weights), "bytes": .integer($0.bytes),
          ])
        }),
      "memory": .array(
        memory.map { .object(["use": .string($0.use), "bytes": .integer($0.bytes)]) }),
      "configuration": configuration.json,
    ])
  }
}

/// A model outside the store, described with its tokenizer and chat template.
public struct ModelInspection: Sendable {
  public let description: ModelDescription
  public let tokenizer: String
  public let chatTemplate: String
  /// Tensors of the file that the model does not use.
  public let leftOut: [String]

  /// - Parameter files: logical name → path, or one `.gguf` under `file`.
  ///
  /// **Throws**: what keeps the model from being read; a tokenizer that cannot be read is described.
  public init(files: [String: String]) throws(Diagnostic) {
    let model = try ImportedModel(files)
    description = ModelDescription(model.configuration, model.matched)
    leftOut = model.matched.leftOut
    do throws(Diagnostic) {
      let tokenizer = try ImportedTokenizer(model, given: nil)
      self.tokenizer = tokenizer.description
    } catch {
      self.tokenizer = error.message
    }
    chatTemplate = Self.chatTemplate(model)
  }

  private static func chatTemplate(_ model: ImportedModel) -> String {
    do throws(Diagnostic) {
      guard let configuration = try model.tokenizerConfiguration(),
        let template = try ModelTokenizer.chatTemplate(configuration)
      else { return "none" }
      return template.defaultSystem.map { "ChatML, system prompt: \($0)" } ?? "ChatML"
    } catch {
      return error.message
    }
  }
}
