// The stage kind `import-model`: a decoder from outside, checked to its last number, as a model of the
// store. Which files there may be is in ImportedModel.swift.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum ImportModelStage: StageBody {
  static let kind = "import-model"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let imported = try ImportedModel(stage.input("model").files)
    if case .encoder(let encoder) = imported.configuration {
      throw .importModel(
        "this is an encoder (\(encoder.kind.rawValue)), which writes no text",
        help: "use import-encoder")
    }
    for line in imported.description { stage.log(line) }
    let keepsStorage = stage.parameters.string("storage") == "as-stored"
    let tokenizer = try ImportedTokenizer(imported, given: stage.optionalInput("tokenizer"))
    stage.log("tokenizer: " + tokenizer.description)

    // Reading is the check: every number is looked at.
    let model = try LanguageModel(
      files: imported.files, storage: keepsStorage ? .asStored : .float32)
    let folder = stage.output("model").folder
    if keepsStorage {
      try imported.copyWeights(to: folder)
      try imported.writeConfiguration(to: folder)
      try AtomicFile.write(tokenizer.json, to: folder + "/tokenizer.json")
    } else {
      try model.write(to: folder, tokenizerJSON: tokenizer.json)
    }
    if let configuration = try imported.tokenizerConfiguration() {
      try AtomicFile.write(
        Array(configuration.indentedText.utf8), to: folder + "/tokenizer_config.json")
    }
  }

  static func memory(for order: StageSizes) -> Int {
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    return ModelMemory(order, storage: storage).copying()
  }
}
