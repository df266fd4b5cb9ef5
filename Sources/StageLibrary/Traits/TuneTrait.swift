// The stage kind `tune-trait`: a frozen chat model and answers of one voice in, low-rank matrices that
// learnt to answer so out. Training is AdapterTraining.swift's, the form of a question ChatForm's.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import Scheduling
import Tokenizers

enum TuneTraitStage: StageBody {
  static let kind = "tune-trait"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let input = stage.input("model")
    let tokenizer = try ModelTokenizer.read(input.bytes("tokenizer.json"))
    let form = try ChatForm(stage.parameters.string("chat"), of: input, tokenizer)
    stage.log("questions are put as \(form.kind.rawValue)")
    let model = try stage.storedModel()
    let sequences = try exchanges(stage, form, model.specification)
    try AdapterTraining.run(stage, stage.parameters, model, on: sequences)
  }

  /// One sequence for each answer of the chosen labels: the prompt masked, the answer learnt.
  ///
  /// **Throws**: `nothing-to-tune`, `example-length`.
  static func exchanges(
    _ stage: StageContext, _ form: ChatForm, _ model: ModelSpecification
  ) throws(Diagnostic) -> [TokenSequence] {
    let parameters = stage.parameters
    let labels = parameters.strings("labels")
    let limit = min(parameters.integer("max_length"), model.context)
    let system = parameters.optionalString("system")
    let learnsEnd = parameters.boolean("learn_end_of_turn")
    var sequences: [TokenSequence] = []
    var seen: Set<String> = []
    var (withoutQuestion, longPrompts, cut) = (0, 0, 0)
    try Corpus.forEachDocument(files: stage.input("corpus").files) { document in
      let label = document.label ?? ""
      seen.insert(label)
      guard labels.isEmpty || labels.contains(label) else { return }
      guard let question = document.question else {
        withoutQuestion += 1
        return
      }
      var sequence = form.sequence(system: system, question: question, answer: document.text)
      if !learnsEnd, let last = sequence.tokens.last, form.stopTokens.contains(last) {
        sequence.tokens.removeLast()
        sequence.isLearnt?.removeLast()
      }
      if sequence.tokens.count > limit {
        sequence = TokenSequence(
          Array(sequence.tokens.prefix(limit)),
          isLearnt: sequence.isLearnt.map { Array($0.prefix(limit)) })
        guard sequence.supervisedCount > 0 else {
          longPrompts += 1
          return
        }
        cut += 1
      }
      sequences.append(sequence)
    }
    for label in labels where !seen.contains(label) {
      throw .nothingToTune(
        "no answer has the label '\(label)'",
        help: "it has \(seen.sorted(by: bytesPrecede).joined(separator: ", "))")
    }
    if let limit = parameters.optionalInteger("limit"), sequences.count > limit {
      var order = Array(sequences.indices)
      var stream = stage.random("tune-trait/limit")
      stream.shuffle(&order)
      sequences = order.prefix(limit).sorted().map { sequences[$0] }
    }
    guard !sequences.isEmpty else {
      throw .nothingToTune(
        withoutQuestion > 0
          ? "\(withoutQuestion) documents have no question"
          : "no question fits into \(limit) tokens",
        help: withoutQuestion > 0
          ? "give questions and answers, as compose-opinions with form: fields writes them"
          : "give a greater max_length")
    }
    let tokens = sequences.reduce(0) { $0 + $1.tokens.count }
    let learnt = sequences.reduce(0) { $0 + $1.supervisedCount }
    stage.log(
      "\(sequences.count) answers of \(tokens) tokens, \(learnt) of them to learn; \(cut) were cut, "
        + "\(longPrompts) left out because their question alone is longer than \(limit) tokens"
        + (withoutQuestion > 0 ? ", \(withoutQuestion) because they have no question" : ""))
    return sequences
  }

  static func memory(for order: StageSizes) -> Int {
    AdapterTraining.memory(for: order, texts: order.bytes(of: "corpus"))
  }
}

extension Diagnostic {
  static func nothingToTune(_ what: String, help: String) -> Diagnostic {
    Diagnostic("nothing-to-tune", what, help: help, consequence: .stageFailed)
  }
}
