// The stage kind `initialise-model`: sizes and a tokenizer in, a GPT-2 that has learnt nothing out.

import Diagnostics
import Glibc
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum InitialiseModelStage: StageBody {
  static let kind = "initialise-model"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let tokenizerJSON = try stage.input("tokenizer").bytes("tokenizer.json")
    let tokenizer = try ModelTokenizer.read(tokenizerJSON)

    try requirePossible(stage.parameters, vocabulary: tokenizer.vocabularySize)

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

  /// **Throws**: `model-sizes`.
  static func requirePossible(_ sizes: Parameters, vocabulary: Int) throws(Diagnostic) {
    let width = sizes.integer("width")
    let heads = sizes.integer("heads")
    guard width.isMultiple(of: heads) else {
      throw .modelSizes(
        "a width of \(width) cannot be shared by \(heads) heads",
        help: "set width to a multiple of heads, such as \(heads * max(1, width / heads))")
    }
    // In floating point: the greatest sizes that stage.yaml allows would overflow nothing here.
    let inner = Double(sizes.optionalInteger("inner") ?? 4 * width)
    let block = 4 * Double(width) * Double(width) + 2 * Double(width) * inner
    let weights =
      Double(sizes.integer("layers")) * block
      + Double(vocabulary + sizes.integer("context")) * Double(width)
    let machine = Double(sysconf(Int32(_SC_PHYS_PAGES))) * Double(sysconf(Int32(_SC_PAGESIZE)))
    guard 4 * weights < machine else {
      throw .modelSizes(
        "\(Int(weights / 1e6)) million weights take \(Int(4 * weights / 1e9)) GB, more memory than "
          + "this machine has (\(Int(machine / 1e9)) GB)", help: "lower layers or width")
    }
  }

  static func memory(for order: StageSizes) -> Int {
    let width = order.parameters.integer("width")
    let weights = 12 * order.parameters.integer("layers") * width * width
    // A token takes some 20 bytes of tokenizer.json at least.
    let table = (order.inputBytes / 20 + order.parameters.integer("context")) * width
    return 128 << 20 + 4 * (weights + table) + 8 * order.inputBytes
  }
}

extension Diagnostic {
  static func modelSizes(_ what: String, help: String) -> Diagnostic {
    Diagnostic("model-sizes", what, help: help, consequence: .stageFailed)
  }
}
