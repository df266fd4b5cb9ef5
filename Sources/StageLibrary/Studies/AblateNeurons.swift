// The stage kind `ablate-neurons`: a model without chosen units. Which, and what takes their place, is in
// ModelAnalysis (AblationChoice.swift, AblationPatch.swift).

import Corpora
import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Scheduling
import Tokenizers

enum AblateNeuronsStage: StageBody {
  static let kind = "ablate-neurons"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let input = stage.input("model")
    let tokenizerJSON = try input.bytes("tokenizer.json")
    var model = try LanguageModel(files: input.files)
    try model.specification.requireDecoder()
    if let set = UnitSet(rawValue: parameters.string("set")), set != .none {
      let table = try NeuronTable(
        stage.input("table").bytes("neurons.jsonl"), shown: "neurons.jsonl")
      let units = try units(set, of: table, stage)
      stage.log(described(units, table.layout))
      let method = try method(stage, model, tokenizerJSON)
      model = try model.ablating(units, of: table.layout, method: method)
    } else {
      stage.log("no unit: the model as it is")
    }
    let folder = stage.output("model").folder
    try model.write(to: folder, tokenizerJSON: tokenizerJSON)
    // It holds the chat template.
    if let path = input.files["tokenizer_config.json"] {
      try AtomicFile.write(MappedFile(at: path).copy(), to: folder + "/tokenizer_config.json")
    }
  }

  /// The named set at draw 0, else its n-th random double.
  private static func units(
    _ set: UnitSet, of table: NeuronTable, _ stage: StageContext
  ) throws(Diagnostic) -> [Int] {
    let parameters = stage.parameters
    let choice = AblationChoice(
      set, measure: .init(rawValue: parameters.string("measure"))!,
      top: parameters.optionalInteger("top"), level: parameters.number("level"))
    let named = try choice.units(of: table)
    let draw = parameters.integer("draw")
    guard draw > 0 else { return named }
    return AblationChoice.random(
      matching: named, in: table.layout,
      random: stage.random("ablation/\(set.rawValue)/draw-\(draw)"))
  }

  private static func method(
    _ stage: StageContext, _ model: LanguageModel, _ tokenizerJSON: [UInt8]
  ) throws(Diagnostic) -> AblationMethod {
    let parameters = stage.parameters
    guard parameters.string("method") == "mean" else { return .zero }
    guard let corpus = stage.optionalInput("corpus") else {
      throw .ablationIdle(
        "method: mean needs a corpus to take the mean over",
        help: "connect the input 'corpus', or set method: zero")
    }
    let tokenizer = try ModelTokenizer.read(tokenizerJSON)
    let documents = try Corpus.read(files: corpus.files).documents
    guard !documents.isEmpty else { throw .nothingToScore("corpus") }
    let activations = try UnitActivations(
      of: model, layout: UnitLayout(.hidden, of: model.specification),
      over: documents.map { tokenizer.encode($0.text) },
      mean: .tokens(longest: parameters.integer("longest"))
    ) { (done: Int) throws(Diagnostic) in
      stage.progress(step: done, of: documents.count, unit: "documents")
      if stage.isStopping { throw .interrupted }
    }
    return .mean(inner: activations.means)
  }

  private static func described(_ units: [Int], _ layout: UnitLayout) -> String {
    let layers = (0..<layout.layers).map { layer in
      units.count { layout.layer(of: $0) == layer }
    }
    return "\(units.count) of \(layout.count) \(layout.kind.rawValue) units; by layer "
      + layers.map(String.init).joined(separator: " ")
  }

  static func memory(for order: StageSizes) -> Int {
    // The model twice, a batch of activations, the table as text and numbers.
    ModelMemory(modelBytes: order.bytes(of: "model")).writing(sequences: 8, tokens: 256)
      + order.bytes(of: "model") + 6 * order.bytes(of: "table") + 24 * order.bytes(of: "corpus")
  }
}
