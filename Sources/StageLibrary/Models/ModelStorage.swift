// The parameter `storage` of stages that read a model, and what a log must say about it.

import Diagnostics
import LanguageModels
import Scheduling

extension WeightStorage {
  /// What the parameter `storage` of a stage says; 4 bits are those of fine-tune-adapter.
  init(stageName: String) {
    switch stageName {
    case "float32": self = .float32
    case "as-stored": self = .asStored
    case "nf4": self = .nf4(doubleQuantised: true)
    default: preconditionFailure("stage.yaml allows no storage '\(stageName)'")
    }
  }
}

extension StageContext {
  /// The model at an input port, its weights kept as the parameter `storage` asks. Layers that cannot be
  /// kept in 4 bits stay in single precision, and the log says which.
  ///
  /// **Throws**: `storage-without-effect`, and what `LanguageModel.init` throws.
  func storedModel(_ port: String = "model") throws(Diagnostic) -> LanguageModel {
    let name = parameters.string("storage")
    let model = try LanguageModel(
      files: input(port).files, storage: WeightStorage(stageName: name))
    guard name == "nf4" else { return model }
    let layers = model.table.parameters.filter(\.isLinearWeight)
    let wide = layers.filter { $0.storage == nil }
    guard let first = wide.first else { return model }
    let inputs = Set(wide.map(\.shape.columns)).sorted().map { "\($0)" }.joined(separator: ", ")
    guard wide.count < layers.count else {
      throw .storageWithoutEffect(name, "its linear layers have \(inputs) inputs")
    }
    log(
      "\(wide.count) of \(layers.count) linear layers stay in single precision, such as "
        + "\(first.name): blocks of 4 bits hold 64 numbers, and these have \(inputs) inputs")
    return model
  }
}

extension Diagnostic {
  static func storageWithoutEffect(_ storage: String, _ why: String) -> Diagnostic {
    Diagnostic(
      "storage-without-effect",
      "the model has no layer that can be kept in \(storage): \(why), blocks hold 64 numbers",
      help: "use storage: float32", consequence: .stageFailed)
  }
}
