// A model: specification, parameter table, weights. Reads and writes Hugging Face folders; what it
// computes is in Transformer.swift, training in Trainer.swift, writing text in Generator.swift.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Networks
import Randomness
import Tensors

/// Weights in memory with the description of what they are.
public final class LanguageModel: Sendable {
  public let specification: ModelSpecification
  public let table: ParameterTable
  public let weights: Arena

  /// All zeros; for readers and initialisers.
  private init(empty specification: ModelSpecification) throws(Diagnostic) {
    try specification.requireSupported()
    self.specification = specification
    table = ParameterTable(specification)
    weights = Arena(table.plan)
  }

  /// A model that has learnt nothing: each parameter from its own named random stream, so that
  /// another size of one moves no other.
  ///
  /// **Throws**: `model-unsupported`.
  public convenience init(
    _ specification: ModelSpecification, seed: Int
  ) throws(Diagnostic) {
    try self.init(empty: specification)
    for parameter in table.parameters {
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
  }

  /// Reads a model in the Hugging Face layout: `config.json` and safetensors.
  ///
  /// - Parameter files: logical name → path
  ///
  /// **Throws**: the diagnostics of ModelFiles and `model-unsupported`; never fills in or leaves out
  /// a tensor.
  public convenience init(files: [String: String]) throws(Diagnostic) {
    let specification = ModelSpecification(try GPT2Configuration(files: files))
    // The file must hold every tensor of the configuration before memory of that size is taken.
    try specification.requireSupported()
    let matched = try Checkpoint(files: files).match(ParameterTable(specification).layout)
    try self.init(empty: specification)
    try matched.read { [table, weights] number in
      let parameter = table.parameters[number]
      return UnsafeMutableBufferPointer(
        start: weights[parameter.region].data, count: parameter.count)
    }
  }

  public convenience init(folder: String) throws(Diagnostic) {
    try self.init(files: [
      "config.json": folder + "/config.json",
      "model.safetensors": folder + "/model.safetensors",
    ])
  }

  /// Writes `config.json`, `generation_config.json`, `model.safetensors` and, unchanged,
  /// `tokenizer.json` into an existing folder. Equal models give equal bytes.
  ///
  /// **Throws**: `file-unwritable`, `weights-not-finite`.
  public func write(to folder: String, tokenizerJSON: [UInt8]?) throws(Diagnostic) {
    try requireFinite()
    switch specification.family {
    case .gpt2(let configuration):
      try AtomicFile.write(
        Array(configuration.json.indentedText.utf8), to: folder + "/config.json")
      try AtomicFile.write(
        Array(configuration.generationJSON.indentedText.utf8),
        to: folder + "/generation_config.json")
    }
    let tensors = table.parameters.map { parameter in
      TensorToWrite(
        name: table.layout.prefix + parameter.name, shape: parameter.file.shape,
        values: UnsafeBufferPointer(start: weights[parameter.region].data, count: parameter.count),
        isTransposed: parameter.file.isTransposed)
    }
    try Safetensors.write(tensors, to: folder + "/model.safetensors")
    if let tokenizerJSON {
      try AtomicFile.write(tokenizerJSON, to: folder + "/tokenizer.json")
    }
  }

  /// **Throws**: `weights-not-finite`.
  public func requireFinite() throws(Diagnostic) {
    for parameter in table.parameters {
      let values = UnsafeBufferPointer(
        start: weights[parameter.region].data, count: parameter.count)
      if firstNotFinite(values) != nil { throw .weightsNotFinite(parameter.name) }
    }
  }

  public func tensor(_ role: ParameterRole) -> Tensor { weights[table[role].region] }

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
