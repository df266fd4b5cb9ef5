// How much memory a stage with a model will need. The scheduler asks before the stage runs, so the answer
// comes from the model's header: names, shapes, number formats. No weight is read.

import Diagnostics
import Foundation
import Kernels
import LanguageModels
import ModelFiles
import Scheduling

/// Estimates of a worker's largest resident set, meant to be a little too high.
struct ModelMemory {
  private let specification: ModelSpecification
  private let table: ParameterTable
  /// Of all files of the model. Weights are read from a mapped file, whose pages count as resident
  /// until it is closed: for good where weights stay as they are stored.
  private let fileBytes: Int
  /// The process itself, and a tokenizer as tables.
  private let rest: Int

  /// - Parameters:
  ///   - files: of a model in the store, or of one that `import-model` would read.
  ///   - storage: the form that weights will have in memory.
  ///
  /// **Throws**: what keeps the model from being described.
  init(files: [String: String], storage: WeightStorage = .float32) throws(Diagnostic) {
    let model = try ImportedModel(files)
    let specification = ModelSpecification(model.configuration)
    let table =
      switch storage {
      case .float32: ParameterTable(specification)
      case .asStored: ParameterTable(specification) { model.matched.blockFormat($0) }
      case .nf4:
        Self.table(specification) { parameter in
          parameter.isLinearWeight && BlockFormat.nf4.fits(columns: parameter.shape.columns)
            ? .nf4 : nil
        }
      }
    self.init(
      specification, table, fileBytes: files.values.reduce(0) { $0 + Self.size($1) })
  }

  /// For the model at an input port. Where its files cannot be read, their size must do; the stage will
  /// then fail with a better message than this could give.
  init(_ order: StageSizes, _ port: String = "model", storage: WeightStorage = .float32) {
    if let files = order.files(of: port).first,
      let memory = try? ModelMemory(files: files, storage: storage)
    {
      self = memory
    } else {
      self.init(modelBytes: order.bytes(of: port))
    }
  }

  /// For a model of which only the size is known: a GPT-2 in single precision with a layer for each 64
  /// channels, so that its weights take 48·L·C² bytes.
  init(modelBytes: Int) {
    var sizes = GPT2Configuration()
    sizes.layers = max(2, Int(cbrt(Double(modelBytes) / (48 * 64 * 64)).rounded(.up)))
    sizes.width = 64 * sizes.layers
    (sizes.heads, sizes.inner, sizes.vocabularySize) = (sizes.layers, 4 * sizes.width, 4096)
    let specification = ModelSpecification(sizes)
    self.init(specification, ParameterTable(specification), fileBytes: modelBytes)
  }

  /// - Parameter fileBytes: nil for a checkpoint in single precision.
  init(_ specification: ModelSpecification, _ table: ParameterTable, fileBytes: Int? = nil) {
    self.specification = specification
    self.table = table
    self.fileBytes = fileBytes ?? 4 * table.weightCount
    // Tokens, merges and the text of tokenizer.json: some 1 kB a token while it is read.
    rest = 96 << 20 + 1024 * specification.vocabulary
  }

  private static func table(
    _ specification: ModelSpecification, _ format: (Parameter) -> BlockFormat?
  ) -> ParameterTable {
    let parameters = ParameterTable(specification).parameters
    return ParameterTable(specification) { format(parameters[$0]) }
  }

  private static func size(_ path: String) -> Int {
    let attributes = try? FileManager.default.attributesOfItem(atPath: path)
    return (attributes?[.size] as? NSNumber)?.intValue ?? 0
  }

  /// Weights in memory; blocks as stored lie in the mapped file.
  private var weights: Int { table.weightBytes }

  /// Reading the file into memory: both are there at the end.
  private var reading: Int { rest + table.plan.bytes + max(fileBytes, weights - table.plan.bytes) }

  /// All weights with gradients and two moments, activations, a chunk of logits.
  func training(tokens: Int) -> Int {
    max(
      reading,
      rest + Trainer.bytes(specification, longest: tokens, microBatchTokens: tokens))
  }

  /// Frozen weights, room for the largest matrix of blocks, activations, and low-rank matrices beside
  /// every linear layer with gradients and two moments.
  func trainingAdapter(tokens: Int, rank: Int) -> Int {
    let adapter = table.parameters.filter(\.isLinearWeight).reduce(0) {
      $0 + 4 * rank * ($1.shape.rows + $1.shape.columns)
    }
    return max(
      reading,
      rest
        + Trainer.bytes(
          specification, table, adapterBytes: adapter, longest: tokens, microBatchTokens: tokens))
  }

  /// Weights twice (one copy packed), working memory, keys and values.
  func writing(sequences: Int, tokens: Int) -> Int {
    let length = min(tokens, specification.context)
    return packed(
      beside: Generator.bytes(specification, batch: max(1, sequences), length: length))
  }

  /// The same for fixed options behind texts of so many tokens.
  func comparingOptions(tokens: Int) -> Int {
    packed(beside: OptionScorer.bytes(specification, length: min(tokens, specification.context)))
  }

  /// - Parameter beside: with the packed copy in single precision.
  private func packed(beside: Int) -> Int {
    // What stays in blocks is packed as blocks, with up to a quarter more for their scales.
    let packed = ParameterTable(specification).plan.bytes
    let blocks = weights - table.plan.bytes
    return max(reading, rest + weights + beside - packed + table.plan.bytes + 5 * blocks / 4)
  }

  /// Weights, activations of so many tokens at a time, a chunk of logits.
  func evaluating(tokens: Int) -> Int {
    max(
      reading,
      rest + weights + table.expansionBytes
        + Transformer.bytes(specification, capacity: tokens, trains: false))
  }

  /// Reading a model, and writing it again from where it was read into.
  func copying() -> Int { reading }

  /// The model expanded to single precision and merged, and what was written read again.
  func exporting() -> Int { reading + 12 * table.weightCount }
}
