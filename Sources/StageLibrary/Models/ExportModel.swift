// The stage kind `export-model`: a model of the store as a folder that transformers loads, alone, with
// an adapter merged into it, or with the adapter beside it. What was written is read again and compared
// before it counts.

import CanonicalJSON
import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Networks
import Scheduling
import Tensors

enum ExportModelStage: StageBody {
  static let kind = "export-model"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let input = stage.input("model")
    let type = ElementType(precision: parameters.string("precision"))
    let isMerged = parameters.string("form") == "merged"
    // A quantised base is expanded: the adapter was trained beside these very numbers.
    let base = try stage.storedModel()
    let adapter = try stage.optionalInput("adapter").map { artifact throws(Diagnostic) in
      try LowRankAdapter(
        files: artifact.files, for: base,
        requiresSameBase: !parameters.boolean("allow_other_base"))
    }
    if adapter == nil, !isMerged {
      throw .exportIdle("form", "there is no adapter", "connect the input 'adapter'")
    }
    let model = if isMerged, let adapter { adapter.merged(into: base) } else { base.expanded() }

    let folder = stage.output("folder").folder
    let writer = ExportedFolder(model, as: type)
    try writer.requireRange()
    try writer.write(
      to: folder, maximumBytes: parameters.integer("shard_size") * 1_000_000,
      metadata: isMerged && adapter != nil
        ? [("plumb.merge", "float32 weights + scale * B * A, stored as \(type.torchName)")] : [])
    for name in ["tokenizer.json", "tokenizer_config.json"] {
      guard let path = input.files[name] else { continue }
      try AtomicFile.write(MappedFile(at: path).copy(), to: folder + "/" + name)
    }

    let again = try LanguageModel(folder: folder)
    let rounding = try writer.compare(with: again)
    stage.log(
      "\(model.table.weightCount) weights as \(type.torchName), read again and found equal; the "
        + "greatest change by rounding is \(rounding)")
    if !isMerged, let adapter {
      let place = folder + "/adapter"
      do {
        try FileManager.default.createDirectory(atPath: place, withIntermediateDirectories: true)
      } catch {
        throw .exportDiffers("adapter", because: error.localizedDescription)
      }
      try adapter.write(
        to: place, baseName: parameters.optionalString("base_name"), base: again)
      _ = try LowRankAdapter(folder: place, for: again)
      stage.log("\(adapter.weightCount) weights of the adapter in adapter/, for peft")
    }
    try compareOutputs(base, isMerged ? adapter : nil, again, stage)
  }

  /// Logits before and after, so that the log says what rounding and merging cost.
  private static func compareOutputs(
    _ base: LanguageModel, _ adapter: LowRankAdapter?, _ exported: LanguageModel,
    _ stage: StageContext
  ) throws(Diagnostic) {
    guard !base.specification.isEncoder else { return }
    let count = min(16, base.specification.context)
    let vocabulary = base.specification.vocabulary
    // Ids spread over the vocabulary: the same for every model of this size.
    let tokens = (0..<count).map { Int32($0 * 7919 % vocabulary) }
    func logits(_ model: LanguageModel, _ adapter: LowRankAdapter?) -> [Float] {
      var plan = ArenaPlan()
      let region = plan.add("logits", rows: count, columns: vocabulary)
      let arena = Arena(plan)
      Transformer(model, capacity: count, trains: false, adapter: adapter)
        .logits(Batch([TokenSequence(tokens)]), into: arena[region])
      return Array(UnsafeBufferPointer(start: arena[region].data, count: count * vocabulary))
    }
    let before = logits(base, adapter)
    let after = logits(exported, nil)
    let greatest = zip(before, after).map { abs($0 - $1) }.max() ?? 0
    let size = before.map { abs($0) }.max() ?? 0
    stage.log("logits of \(count) tokens differ by at most \(greatest) of \(size)")
    // A wrong orientation or scale of the adapter is far beyond any rounding.
    guard greatest.isFinite, greatest <= 0.1 * max(1, size) else {
      throw .exportDiffers("logits", because: "they differ by \(greatest) of \(size)")
    }
  }

  static func memory(for order: StageSizes) -> Int {
    ModelMemory(order).exporting() + 8 * order.bytes(of: "adapter")
  }
}

/// A model's files in a given precision.
private struct ExportedFolder {
  let model: LanguageModel
  let type: ElementType

  init(_ model: LanguageModel, as type: ElementType) {
    self.model = model
    self.type = type
  }

  private func values(_ parameter: Parameter) -> UnsafeBufferPointer<Float> {
    UnsafeBufferPointer(start: model.weights[parameter.region].data, count: parameter.count)
  }

  /// **Throws**: `export-range` for a weight that half precision cannot hold.
  func requireRange() throws(Diagnostic) {
    try model.requireFinite()
    for parameter in model.table.parameters {
      let values = values(parameter)
      if let place = type.firstOutOfRange(values) {
        throw .exportRange(parameter.name, values[place], type.torchName)
      }
    }
  }

  func write(
    to folder: String, maximumBytes: Int, metadata: [(String, String)]
  ) throws(Diagnostic) {
    let family = model.specification.family
    try AtomicFile.write(
      Array(family.json.setting("torch_dtype", .string(type.torchName)).indentedText.utf8),
      to: folder + "/config.json")
    if let generation = family.generationJSON {
      try AtomicFile.write(
        Array(generation.indentedText.utf8), to: folder + "/generation_config.json")
    }
    let tensors = model.table.parameters.map { parameter in
      TensorToWrite(
        name: model.table.fullName(parameter), shape: parameter.file.shape,
        values: values(parameter), isTransposed: parameter.file.isTransposed, type: type)
    }
    try Safetensors.write(
      tensors, metadata: metadata, toFolder: folder, maximumBytes: maximumBytes)
  }

  /// Every weight of the folder is ours, rounded.
  ///
  /// - Returns: the greatest |w − rounded w|.
  ///
  /// **Throws**: `export-differs`.
  func compare(with other: LanguageModel) throws(Diagnostic) -> Float {
    guard other.table.parameters.map(\.name) == model.table.parameters.map(\.name) else {
      throw .exportDiffers("parameters", because: "the folder describes another model")
    }
    var greatest: Float = 0
    for (parameter, copy) in zip(model.table.parameters, other.table.parameters) {
      let written = UnsafeBufferPointer(
        start: other.weights[copy.region].data, count: copy.count)
      let values = values(parameter)
      let (place, change) = type.compare(values, with: written)
      if let place {
        throw .exportDiffers(
          parameter.name, because: "\(values[place]) came back as \(written[place])")
      }
      greatest = max(greatest, change)
    }
    return greatest
  }
}

extension ElementType {
  init(precision: String) {
    switch precision {
    case "float32": self = .float32
    case "float16": self = .float16
    case "bfloat16": self = .bfloat16
    default: preconditionFailure("stage.yaml allows no precision '\(precision)'")
    }
  }

  /// PyTorch's name.
  var torchName: String {
    switch self {
    case .float16: "float16"
    case .bfloat16: "bfloat16"
    default: "float32"
    }
  }
}

extension Diagnostic {
  static func exportRange(_ name: String, _ value: Float, _ type: String) -> Diagnostic {
    Diagnostic(
      "export-range", "'\(name)' holds \(value), more than \(type) can",
      help: "set 'precision: bfloat16' or 'float32'", consequence: .stageFailed)
  }

  static func exportDiffers(_ name: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "export-differs",
      "the exported model is not the one that was to be exported: \(name): "
        + reason, help: "check the disk, and run the stage again", consequence: .stageFailed)
  }

  static func exportIdle(_ name: String, _ what: String, _ help: String) -> Diagnostic {
    Diagnostic(
      "export-idle", "'\(name)' asks for something that cannot be done: \(what)", help: help,
      consequence: .stageFailed)
  }
}
