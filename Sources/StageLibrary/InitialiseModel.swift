// The stage kind `initialise-model`: sizes and a tokenizer in, a GPT-2 that has learnt nothing out.

import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum InitialiseModelStage: StageBody {
  static let kind = "initialise-model"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let tokenizerJSON = try stage.input("tokenizer").bytes("tokenizer.json")
    let tokenizer = try ByteLevelBPE(tokenizerJSON: tokenizerJSON)

    var sizes = GPT2Configuration()
    sizes.vocabularySize = tokenizer.vocabularySize
    sizes.context = parameters.integer("context")
    sizes.width = parameters.integer("width")
    sizes.layers = parameters.integer("layers")
    sizes.heads = parameters.integer("heads")
    sizes.inner = parameters.optionalInteger("inner") ?? 4 * sizes.width
    sizes.initialiserRange = parameters.number("deviation")
    sizes.endOfText = tokenizer.endOfText.map { Int($0) }
    sizes.beginOfText = sizes.endOfText
    // The reader's checks: sizes that a folder may not have, a stage may not write.
    let configuration = try GPT2Configuration(json: sizes.json, shown: "the new config.json")

    let model = try LanguageModel(
      ModelSpecification(configuration), seed: parameters.integer("seed"))
    try model.write(to: stage.output("model").folder, tokenizerJSON: tokenizerJSON)
    stage.log("\(model.table.weightCount) weights, vocabulary \(tokenizer.vocabularySize)")
  }

  static func memory(for order: StageSizes) -> Int {
    let width = order.parameters.integer("width")
    let weights = 12 * order.parameters.integer("layers") * width * width
    // A token takes some 20 bytes of tokenizer.json at least.
    let table = (order.inputBytes / 20 + order.parameters.integer("context")) * width
    return 128 << 20 + 4 * (weights + table) + 8 * order.inputBytes
  }
}
