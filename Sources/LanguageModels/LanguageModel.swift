// A model: specification, parameter table, weights. Reads and writes Hugging Face folders, reads
// GGUF; what it computes is in BlockStack.swift, training in Trainer.swift, writing text in
// Generator.swift.

import CanonicalJSON
import Diagnostics
import Kernels
import ModelFiles
import Networks
import Randomness
import Tensors

/// Weights in memory with the description of what they are.
public final class LanguageModel: Sendable {
  public let specification: ModelSpecification
  public let table: ParameterTable
  /// Parameters in single precision.
  public let weights: Arena
  /// Parameters that are kept in blocks.
  private let quantised: QuantisedWeights

  /// All zeros; for readers and initialisers.
  init(empty specification: ModelSpecification) {
    self.specification = specification
    table = ParameterTable(specification)
    weights = Arena(table.plan)
    quantised = [:]
  }

  private init(
    _ specification: ModelSpecification, _ table: ParameterTable, quantised: QuantisedWeights
  ) {
    self.specification = specification
    self.table = table
    self.quantised = quantised
    weights = Arena(table.plan)
  }

  /// A model that has learnt nothing: each parameter from its own named random stream, so that
  /// another size of one moves no other.
  public convenience init(_ specification: ModelSpecification, seed: Int) throws(Diagnostic) {
    self.init(empty: specification)
    for parameter in table.parameters { initialise(parameter, seed: seed) }
  }

  /// A model that takes over what another of the same family has learnt: parameters of the same role
  /// and shape are copied, others begin anew, each from its own named random stream.
  public convenience init(
    _ specification: ModelSpecification, copying other: LanguageModel, seed: Int
  ) {
    self.init(empty: specification)
    for parameter in table.parameters {
      if other.table.contains(parameter.role), other.table[parameter.role].shape == parameter.shape
      {
        other.read(parameter.role, into: weights[parameter.region])
      } else {
        initialise(parameter, seed: seed)
      }
    }
  }

  private func initialise(_ parameter: Parameter, seed: Int) {
    let tensor = weights[parameter.region]
    switch parameter.initialisation {
    case .zeros: tensor.fill(0)
    case .ones: tensor.fill(1)
    case .normal(let deviation):
      var stream = RandomStream(seed: seed, name: "initialise/" + parameter.name)
      for index in 0..<parameter.count {
        tensor.data[index] = Float(deviation * stream.normal())
      }
    }
  }

  /// Reads a model: `config.json` with `model.safetensors` or with `model.safetensors.index.json` and
  /// its files, or `model.gguf`. The configuration's family decides.
  ///
  /// - Parameters:
  ///   - files: logical name → path
  ///   - storage: the form of the weights in memory.
  ///
  /// **Throws**: the diagnostics of ModelFiles; never fills in or leaves out a tensor.
  public convenience init(
    files: [String: String], storage: WeightStorage = .float32
  ) throws(Diagnostic) {
    let specification = ModelSpecification(try ModelConfiguration.read(files: files))
    // The file must hold every tensor of the configuration before memory of that size is taken.
    let matched = try Checkpoint(files: files).match(specification.family.layout)
    let quantised = try Self.quantised(matched, specification, storage)
    let table = ParameterTable(specification) { quantised[$0]?.format }
    var byRole: QuantisedWeights = [:]
    for (number, matrix) in quantised { byRole[table.parameters[number].role] = matrix }
    self.init(specification, table, quantised: byRole)
    for (number, parameter) in table.parameters.enumerated() where parameter.storage == nil {
      try matched.read(
        number,
        into: UnsafeMutableBufferPointer(
          start: weights[parameter.region].data, count: parameter.count))
    }
  }

  /// The matrices that are not kept in single precision, by their number in the layout.
  private static func quantised(
    _ matched: MatchedCheckpoint, _ specification: ModelSpecification, _ storage: WeightStorage
  ) throws(Diagnostic) -> [Int: QuantisedMatrix] {
    var result: [Int: QuantisedMatrix] = [:]
    switch storage {
    case .float32: break
    case .asStored:
      for number in 0..<matched.count {
        if let blocks = try matched.block(number) { result[number] = QuantisedMatrix(blocks) }
      }
    case .nf4(let doubleQuantised):
      for (number, parameter) in ParameterTable(specification).parameters.enumerated()
      where parameter.isLinearWeight && BlockFormat.nf4.fits(columns: parameter.shape.columns) {
        var plan = ArenaPlan()
        let region = plan.add(
          parameter.name, rows: parameter.shape.rows, columns: parameter.shape.columns)
        let arena = Arena(plan)
        try matched.read(
          number,
          into: UnsafeMutableBufferPointer(start: arena[region].data, count: parameter.count))
        result[number] = QuantisedMatrix(
          arena[region], as: .nf4, doubleQuantised: doubleQuantised)
      }
    }
    return result
  }

  /// - Parameter folder: holds `config.json` and the weights, or `model.gguf`.
  public convenience init(
    folder: String, storage: WeightStorage = .float32
  ) throws(Diagnostic) {
    var names = ["config.json", "model.safetensors", "model.gguf"]
    let index = folder + "/model.safetensors.index.json"
    if !fileExists(folder + "/model.safetensors"), fileExists(index) {
      names += ["model.safetensors.index.json"] + (try ShardIndex(at: index).fileNames)
    }
    var files: [String: String] = [:]
    for name in names where fileExists(folder + "/" + name) { files[name] = folder + "/" + name }
    try self.init(files: files, storage: storage)
  }

  /// Where a parameter's numbers are, in whichever form.
  public func store(_ role: ParameterRole) -> WeightStore {
    if let matrix = quantised[role] { return .blocks(matrix) }
    return .f32(tensor(role))
  }

  /// A parameter in single precision.
  public func tensor(_ role: ParameterRole) -> Tensor {
    let parameter = table[role]
    precondition(
      parameter.storage == nil,
      "'\(parameter.name)' is kept in \(parameter.storage?.rawValue ?? ""), not in single precision"
    )
    return weights[parameter.region]
  }

  /// Writes a parameter as single-precision numbers.
  ///
  /// - Parameter target: its shape, overwritten.
  public func read(_ role: ParameterRole, into target: Tensor) {
    store(role).read(rows: 0..<table[role].shape.rows, into: target)
  }

  /// Whether all weights are in single precision.
  public var isExpanded: Bool { quantised.isEmpty }

  /// The same model with all weights in single precision; itself if they are.
  public func expanded() -> LanguageModel {
    if isExpanded { return self }
    let copy = LanguageModel(empty: specification)
    for parameter in copy.table.parameters {
      read(parameter.role, into: copy.weights[parameter.region])
    }
    return copy
  }

  /// Writes `config.json`, `generation_config.json` (decoders), `model.safetensors` in single
  /// precision and, unchanged, `tokenizer.json` into an existing folder. Equal models give equal bytes.
  ///
  /// **Throws**: `file-unwritable`, `weights-not-finite`.
  public func write(to folder: String, tokenizerJSON: [UInt8]?) throws(Diagnostic) {
    let model = expanded()
    try model.requireFinite()
    let family = specification.family
    try AtomicFile.write(Array(family.json.indentedText.utf8), to: folder + "/config.json")
    if let generation = family.generationJSON {
      try AtomicFile.write(
        Array(generation.indentedText.utf8), to: folder + "/generation_config.json")
    }
    try model.writeWeights(to: folder + "/model.safetensors")
    if let tokenizerJSON {
      try AtomicFile.write(tokenizerJSON, to: folder + "/tokenizer.json")
    }
  }

  /// Writes the weights alone, in the layout of `model.safetensors`.
  ///
  /// - Precondition: all weights are in single precision.
  ///
  /// **Throws**: `file-unwritable`.
  func writeWeights(to path: String) throws(Diagnostic) {
    let tensors = table.parameters.map { parameter in
      TensorToWrite(
        name: table.fullName(parameter), shape: parameter.file.shape,
        values: UnsafeBufferPointer(
          start: tensor(parameter.role).data, count: parameter.count),
        isTransposed: parameter.file.isTransposed)
    }
    try Safetensors.write(tensors, to: path)
  }

  /// **Throws**: `weights-not-finite`.
  public func requireFinite() throws(Diagnostic) {
    // Weights in blocks were looked at when they were read, and nothing changes them.
    for parameter in table.parameters where parameter.storage == nil {
      let values = UnsafeBufferPointer(
        start: weights[parameter.region].data, count: parameter.count)
      if firstNotFinite(values) != nil { throw .weightsNotFinite(parameter.name) }
    }
  }

  /// Every id is one of the vocabulary.
  ///
  /// **Throws**: `token-outside-vocabulary`.
  public func requireKnown(_ tokens: some Sequence<Int32>) throws(Diagnostic) {
    let vocabulary = Int32(specification.vocabulary)
    for token in tokens where token < 0 || token >= vocabulary {
      throw .tokenOutsideVocabulary(token, vocabulary: specification.vocabulary)
    }
  }
}
