// Adapters in the layout of peft, with a checksum of the base model's weights: on another base an
// adapter runs without any sign of being wrong.

import Diagnostics
import Kernels
import ModelFiles
import Tensors

extension LowRankAdapter {
  /// Reads an adapter folder.
  ///
  /// - Parameters:
  ///   - files: logical name → path of `adapter_config.json` and `adapter_model.safetensors`.
  ///   - requiresSameBase: whether a base other than the one that we noted in the file is refused. Files
  ///     of others note none.
  ///
  /// **Throws**: the diagnostics of `PEFTFiles`, `adapter-target`, `adapter-base`.
  public convenience init(
    files: [String: String], for model: LanguageModel, requiresSameBase: Bool = true
  ) throws(Diagnostic) {
    let peft = try PEFTFiles(files: files)
    try self.init(empty: peft.configuration, for: model.table, expecting: peft)
    if requiresSameBase, let noted = peft.baseChecksum {
      let found = model.baseChecksum
      guard noted == found else {
        throw .adapterBase(
          peft.tensors.file.shown, noted: noted, found: found, name: peft.baseName)
      }
    }
  }

  public convenience init(
    folder: String, for model: LanguageModel, requiresSameBase: Bool = true
  ) throws(Diagnostic) {
    var files: [String: String] = [:]
    for name in [PEFTFiles.configurationName, PEFTFiles.weightsName]
    where fileExists(folder + "/" + name) { files[name] = folder + "/" + name }
    try self.init(files: files, for: model, requiresSameBase: requiresSameBase)
  }

  private convenience init(
    empty configuration: LowRankConfiguration, for table: ParameterTable, expecting peft: PEFTFiles
  ) throws(Diagnostic) {
    // Ranks come from outside: the file must hold all of it before memory of that size is taken.
    let expected = try Self.expected(configuration, table)
    let entries = try peft.match(expected)
    try self.init(empty: configuration, for: table)
    for (entry, parameter) in zip(entries, parameters) {
      try peft.read(
        entry,
        into: UnsafeMutableBufferPointer(
          start: weights[parameter.region].data, count: parameter.count))
    }
  }

  private static func expected(
    _ configuration: LowRankConfiguration, _ table: ParameterTable
  ) throws(Diagnostic) -> [(factor: PEFTFiles.Factor, alternative: PEFTFiles.Factor, shape: [Int])]
  {
    let (_, adapted) = try AdapterTargets(table).resolve(configuration.targets)
    return adapted.flatMap { parameter in
      let path = table.modulePath(parameter)
      let rank = configuration.values(of: path).rank
      return [
        (PEFTFiles.Factor.Side.a, [rank, parameter.shape.columns]),
        (.b, [parameter.shape.rows, rank]),
      ].map { side, shape in
        (
          PEFTFiles.Factor(module: path, side: side),
          PEFTFiles.Factor(module: parameter.module, side: side), shape
        )
      }
    }
  }

  /// Writes `adapter_config.json` and `adapter_model.safetensors` into an existing folder. Equal
  /// adapters give equal bytes.
  ///
  /// - Parameters:
  ///   - baseName: where peft finds the base model, such as `HuggingFaceTB/SmolLM2-135M`; may be nil.
  ///   - base: the model that the adapter was trained on, as it was stored then.
  ///
  /// **Throws**: `weights-not-finite`, `file-unwritable`.
  public func write(
    to folder: String, baseName: String?, base: LanguageModel
  ) throws(Diagnostic) {
    try write(
      to: folder, baseName: baseName, baseChecksum: base.baseChecksum, table: base.table)
  }

  func write(
    to folder: String, baseName: String?, baseChecksum: String?, table: ParameterTable
  ) throws(Diagnostic) {
    try requireFinite()
    try PEFTFiles.write(
      configuration: configuration.json(
        baseName: baseName, fansInFirst: table.fansInFirst,
        task: table.contains(.classifierWeight)
          ? "SEQ_CLS" : table.contains(.tokenTypeEmbedding) ? "FEATURE_EXTRACTION" : "CAUSAL_LM"),
      factors: parameters.map {
        (
          $0.factor, [$0.shape.rows, $0.shape.columns],
          UnsafeBufferPointer(start: weights[$0.region].data, count: $0.count)
        )
      }, baseChecksum: baseChecksum, to: folder)
  }
}

extension LanguageModel {
  /// A checksum of the numbers that the model computes with, classification heads left out: the same
  /// for blocks and for their expansion, another for another quantisation.
  public var baseChecksum: String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    func mix(_ value: UInt64) {
      hash = (hash ^ value) &* 0x100_0000_01b3
      hash ^= hash >> 29
    }
    for parameter in table.parameters where !parameter.role.isClassifier {
      for byte in parameter.name.utf8 { mix(UInt64(byte)) }
      mix(UInt64(parameter.shape.rows))
      mix(UInt64(parameter.shape.columns))
      let store = store(parameter.role)
      let (rows, columns) = (parameter.shape.rows, parameter.shape.columns)
      let size = max(1, 65_536 / max(1, columns))
      var parts = [UInt64](repeating: 0, count: (rows + size - 1) / size)
      parts.withUnsafeMutableBufferPointer { parts in
        parallelFor(parts.count) { part in
          let range = part * size..<min(rows, (part + 1) * size)
          Scratch.with(range.count * columns + 16) { memory in
            store.read(
              rows: range, into: Tensor(memory, rows: range.count, columns: columns))
            parts[part] = bitHash(memory, range.count * columns)
          }
        }
      }
      for part in parts { mix(part) }
    }
    return String(hash, radix: 16)
  }
}

extension ParameterRole {
  var isClassifier: Bool {
    switch self {
    case .classifierDenseWeight, .classifierDenseBias, .classifierWeight, .classifierBias: true
    default: false
    }
  }
}
