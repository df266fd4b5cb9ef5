// The stage kind `initialise-encoder`: sizes and a tokenizer in, a BERT that has learnt nothing out. A
// tokenizer without a template (train-tokenizer's) gets BERT's special tokens and template.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum InitialiseEncoderStage: StageBody {
  static let kind = "initialise-encoder"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let (tokenizerJSON, tokenizer) = try framed(stage.input("tokenizer").bytes("tokenizer.json"))
    try InitialiseModelStage.requirePossible(parameters, vocabulary: tokenizer.vocabularySize)

    var sizes = EncoderConfiguration()
    sizes.vocabularySize = tokenizer.vocabularySize
    sizes.positions = parameters.integer("context")
    sizes.width = parameters.integer("width")
    sizes.layers = parameters.integer("layers")
    sizes.heads = parameters.integer("heads")
    sizes.inner = parameters.optionalInteger("inner") ?? 4 * sizes.width
    sizes.initialiserRange = parameters.number("deviation")
    sizes.padToken = tokenizer.id(ofAdded: "[PAD]").map { Int($0) }
    // The reader's checks: sizes that a folder may not have, a stage may not write.
    var configuration = try EncoderConfiguration(json: sizes.json, shown: "the new config.json")
    configuration.head = .pooler

    let model = try LanguageModel(
      ModelSpecification(configuration), seed: parameters.integer("seed"))
    let output = stage.output("encoder")
    try model.write(to: output.folder, tokenizerJSON: tokenizerJSON)
    // Else transformers would look for BERT's word pieces.
    let settings: JSONValue = .object([
      "cls_token": "[CLS]", "model_max_length": .integer(sizes.positions), "pad_token": "[PAD]",
      "sep_token": "[SEP]", "tokenizer_class": "PreTrainedTokenizerFast",
    ])
    try AtomicFile.write(
      Array(settings.indentedText.utf8), to: output.path("tokenizer_config.json"))
    stage.log("\(model.table.weightCount) weights, vocabulary \(tokenizer.vocabularySize)")
  }

  /// The tokenizer, with `[CLS] … [SEP]` round texts if it puts nothing there yet.
  private static func framed(
    _ bytes: [UInt8]
  ) throws(Diagnostic) -> (json: [UInt8], tokenizer: any Tokenizer) {
    let tokenizer = try TokenizerFile.read(tokenizerJSON: bytes)
    guard tokenizer.template.addedToOne == 0 else { return (bytes, tokenizer) }
    let file = try JSONValue(parsing: SourceText(path: "tokenizer.json", bytes: bytes))
    let names = ["[CLS]", "[SEP]", "[PAD]"]
    var added = file["added_tokens"]?.array ?? []
    var ids: [String: Int] = [:]
    for name in names {
      if let known = tokenizer.id(ofAdded: name) {
        ids[name] = Int(known)
        continue
      }
      let id = tokenizer.vocabularySize + names.count { ids[$0] ?? -1 >= tokenizer.vocabularySize }
      ids[name] = id
      added.append(
        .object([
          "content": .string(name), "id": .integer(id), "lstrip": false, "normalized": false,
          "rstrip": false, "single_word": false, "special": true,
        ]))
    }
    let template: JSONValue = .object([
      "type": "BertProcessing", "cls": ["[CLS]", .integer(ids["[CLS]"]!)],
      "sep": ["[SEP]", .integer(ids["[SEP]"]!)],
    ])
    let members = file.object?.members.map { ($0.key, $0.value) } ?? []
    let framed = JSONValue.object(
      JSONObject(
        members.filter { $0.0 != "added_tokens" && $0.0 != "post_processor" } + [
          ("added_tokens", .array(added)), ("post_processor", template),
        ]))
    let json = framed.canonicalBytes + [UInt8(ascii: "\n")]
    return (json, try TokenizerFile.read(tokenizerJSON: json))
  }

  static func memory(for order: StageSizes) -> Int { InitialiseModelStage.memory(for: order) }
}
