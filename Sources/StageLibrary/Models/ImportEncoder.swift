// The stage kind `import-encoder`: a BERT, RoBERTa or MiniLM from outside, checked to its last number.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum ImportEncoderStage: StageBody {
  static let kind = "import-encoder"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let imported = try ImportedModel(stage.input("model").files)
    guard case .encoder = imported.configuration else {
      throw .importModel(
        "this is a \(imported.configuration.familyName), which writes text and is no encoder",
        help: "use import-model")
    }
    for line in imported.description { stage.log(line) }
    let tokenizer = try ImportedTokenizer(imported, given: stage.optionalInput("tokenizer"))
    stage.log("tokenizer: " + tokenizer.description)
    let model = try LanguageModel(files: imported.files)
    let folder = stage.output("encoder").folder
    try model.write(to: folder, tokenizerJSON: tokenizer.json)
    if let configuration = try imported.tokenizerConfiguration() {
      try AtomicFile.write(
        Array(configuration.indentedText.utf8), to: folder + "/tokenizer_config.json")
    }
  }

  static func memory(for order: StageSizes) -> Int { ModelMemory(order).copying() }
}
