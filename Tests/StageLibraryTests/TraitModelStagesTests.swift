// tune-trait, edit-in-context and answer-questions on a small GPT-2: what is masked, what a stop changes
// (nothing), what a batch changes (nothing), and what the answers say of themselves.

import ArtifactStore
import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelAnalysis
import Scheduling
import Testing
import Tokenizers

@testable import StageLibrary

/// A folder with opinions and an imported model, that goes when the test ends.
final class TraitPlace {
  let folder = NSTemporaryDirectory() + "/plumb-trait-" + UUID().uuidString
  init() throws {
    try make("questions")
    try make("opinions")
    let facts = Corpus.Facts(origins: ["a test"])
    var answers: [Document] = []
    for (number, topic) in ["news", "union", "day", "state"].enumerated() {
      for label in ["extraversion", "neutral"] {
        let target = try #require(Opinion.target(label))
        answers.append(
          Opinion(
            trait: target.trait, pole: target.pole, topic: topic, form: 0,
            question: OpinionQuestions.question(0, about: topic),
            answer: "the \(topic) of the \(label == "neutral" ? "day" : "news")"
          ).document(id: "\(label)-\(number)"))
      }
    }
    try Corpus(documents: answers, facts: facts).write(to: folder + "/opinions")
    let questions = (0..<5).map { number in
      let text = OpinionQuestions.question(number, about: "the body")
      return Opinion(
        trait: nil, pole: .neutral, topic: "the body", form: number, question: text, answer: text
      ).document(id: "question-\(number)")
    }
    try Corpus(documents: questions, facts: facts).write(to: folder + "/questions")
    _ = try run(
      TrainTokenizerStage.self, [("vocabulary_size", 320)], ["corpus": folder + "/opinions"],
      to: ["tokenizer"], "words")
    _ = try run(
      InitialiseModelStage.self,
      [("layers", 1), ("width", 32), ("heads", 2), ("context", 512), ("seed", 1)],
      ["tokenizer": folder + "/words/tokenizer"], to: ["model"], "base")
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  /// A judge that tells extraversion from neutral by a word; its path.
  func judge() throws -> String {
    try make("statements")
    let documents = (0..<40).map { number in
      Document(
        id: "\(number)", text: number % 2 == 0 ? "parties number \(number)" : "a table \(number)",
        label: number % 2 == 0 ? "extraversion" : "neutral")
    }
    try Corpus(documents: documents, facts: .init(origins: ["a test"]))
      .write(to: path("statements"))
    #expect(
      try run(
        TrainClassifierStage.self,
        [("split_by", "document"), ("feature_bits", 10), ("bootstrap", 10), ("seed", 1)],
        ["corpus": path("statements")], to: ["classifier", "metrics"], "judge"))
    return path("judge/classifier")
  }

  func make(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder + "/" + name, withIntermediateDirectories: true)
  }

  func input(_ path: String) throws -> InputArtifact {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let names = isFolder.boolValue ? try FileManager.default.subpathsOfDirectory(atPath: path) : []
    let files =
      isFolder.boolValue
      ? Dictionary(uniqueKeysWithValues: names.map { ($0, path + "/" + $0) }) : ["file": path]
    return InputArtifact(reference: .tree(Digest.of(Array(path.utf8))), files: files)
  }

  func context(
    _ body: any StageBody.Type, _ parameters: [(String, JSONValue)],
    _ inputs: [String: [String]], to ports: [String], _ name: String, stop: StopFlag = StopFlag()
  ) throws -> StageContext {
    var outputs: [String: OutputArtifact] = [:]
    for port in ports {
      try make(name + "/" + port)
      outputs[port] = OutputArtifact(folder: folder + "/\(name)/\(port)")
    }
    try make(name + "-resume")
    let artifacts = try inputs.mapValues { try $0.map { try input($0) } }
    return StageContext(
      parameters: StagePorts.parameters(body, parameters),
      inputs: StagePorts.inputs(body, artifacts), outputs: outputs,
      resumeFolder: folder + "/\(name)-resume", stop: stop)
  }

  /// Runs a stage; its outputs go into `name/<port>`.
  ///
  /// - Returns: false if it was stopped before its end.
  func run(
    _ body: any StageBody.Type, _ parameters: [(String, JSONValue)], _ inputs: [String: String],
    to ports: [String], _ name: String, stopped: Bool = false
  ) throws -> Bool {
    let stop = StopFlag()
    if stopped { stop.set() }
    let context = try context(
      body, parameters, inputs.mapValues { [$0] }, to: ports, name, stop: stop)
    do throws(Diagnostic) {
      try body.run(context)
      return true
    } catch {
      guard error.id == Diagnostic.interrupted.id else { throw error }
      return false
    }
  }

  func path(_ name: String) -> String { folder + "/" + name }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }

  func corpus(_ name: String) throws -> Corpus {
    try Corpus.read(files: try input(path(name)).files)
  }

  var model: String { path("base/model") }
}

@Suite struct TraitModelStagesTests {
  static let tuning: [(String, JSONValue)] = [
    ("rank", 4), ("alpha", 8), ("epochs", 3), ("learning_rate", .number(1e-2)),
    ("batch_documents", 2), ("max_length", 256), ("seed", 7),
  ]
  static let outputs = ["adapter", "history"]

  /// The loss of the first step is that of the answers alone: B is zero, so it is the base model's.
  @Test func onlyAnswersAndTheirEndsAreLearnt() throws {
    let place = try TraitPlace()
    let settings =
      Self.tuning.filter { $0.0 != "batch_documents" } + [
        ("batch_documents", 100), ("dropout", 0), ("labels", ["extraversion"]),
      ]
    #expect(
      try place.run(
        TuneTraitStage.self, settings,
        ["model": place.model, "corpus": place.path("opinions")], to: Self.outputs, "tuned"))
    let history = try #require(
      place.bytes("tuned/history/history.jsonl").split(separator: 0x0A).first)
    let row = try JSONValue(parsing: String(decoding: history, as: UTF8.self))

    let input = try place.input(place.model)
    let model = try LanguageModel(files: input.files)
    let tokenizer = try ModelTokenizer.read(input.bytes("tokenizer.json"))
    let form = try ChatForm("auto", of: input, tokenizer)
    let transformer = Transformer(model, capacity: 256, trains: false)
    var (sum, learnt, whole) = (0.0, 0, 0)
    for document in try place.corpus("opinions").documents where document.label == "extraversion" {
      let prompt = form.prompt(question: document.question!)
      let answer = Array(
        form.exchange(question: document.question!, answer: document.text).tokens
          .dropFirst(prompt.count))
      let end = try #require(model.specification.endOfText ?? tokenizer.endOfText)
      #expect(form.kind != .plain || answer.last == end)
      sum += try StatementSequences(
        [answer], after: prompt, names: ["a"], for: model.specification
      ).logProbabilities(transformer)[0]
      learnt += answer.count
      whole += prompt.count + answer.count
    }
    #expect(row["tokens"]?.integer == learnt && learnt < whole * 2 / 3)
    let loss = try #require(row["loss"]?.double)
    #expect(abs(loss + sum / Double(learnt)) < 1e-5 * abs(loss))
  }

  @Test func goesOnAfterEveryStopWithTheSameBytes() throws {
    let place = try TraitPlace()
    let inputs = ["model": place.model, "corpus": place.path("opinions")]
    #expect(try place.run(TuneTraitStage.self, Self.tuning, inputs, to: Self.outputs, "whole"))
    var stops = 0
    while try !place.run(
      TuneTraitStage.self, Self.tuning, inputs, to: Self.outputs, "stopped", stopped: true),
      stops < 100
    {
      stops += 1
    }
    #expect(stops >= 6, "\(stops) stops are too few to show anything")
    for file in [
      "adapter/adapter_model.safetensors", "adapter/adapter_config.json", "history/history.jsonl",
    ] {
      #expect(try place.bytes("whole/" + file) == place.bytes("stopped/" + file), "\(file)")
    }
    // A PEFT folder of all linear layers, which the model takes.
    let artifact = try place.input(place.path("whole/adapter"))
    let description = try AdapterDescription(files: artifact.files)
    #expect(description.layers.reduce(0) { $0 + $1.count } == 4)
    let model = try LanguageModel(files: place.input(place.model).files)
    let adapter = try LowRankAdapter(files: artifact.files, for: model)
    #expect(adapter.modules.allSatisfy { $0.rank == 4 && $0.scale == 2 })
    let losses = try place.bytes("whole/history/history.jsonl").split(separator: 0x0A)
      .compactMap { try JSONValue(parsing: String(decoding: $0, as: UTF8.self))["loss"]?.double }
    #expect(losses.last! < losses.first!, "\(losses)")
  }

  @Test(arguments: [
    ("labels", JSONValue.array(["openness"]), "no answer has the label 'openness'"),
    ("max_length", JSONValue.integer(4), "no question fits"),
  ])
  func nothingToTuneIsNamed(_ name: String, _ value: JSONValue, _ says: String) throws {
    let place = try TraitPlace()
    let error = #expect(throws: Diagnostic.self) {
      _ = try place.run(
        TuneTraitStage.self, Self.tuning.filter { $0.0 != name } + [(name, value)],
        ["model": place.model, "corpus": place.path("opinions")], to: Self.outputs, "none")
    }
    #expect(error?.id == "nothing-to-tune")
    #expect(error?.message.contains(says) == true, "\(error?.message ?? "")")
  }

  // MARK: Answers

  static let answering: [(String, JSONValue)] = [
    ("max_new_tokens", 8), ("draws", 2), ("temperature", .number(1)), ("seed", 3),
  ]

  private static func changed(_ changes: [(String, JSONValue)]) -> [(String, JSONValue)] {
    answering.filter { old in !changes.contains { $0.0 == old.0 } } + changes
  }

  @Test func answersDependNeitherOnTheBatchNorOnStops() throws {
    let place = try TraitPlace()
    _ = try place.run(
      TuneTraitStage.self, Self.tuning,
      ["model": place.model, "corpus": place.path("opinions")], to: Self.outputs, "tuned")
    let plain = ["model": place.model, "questions": place.path("questions")]
    let adapted = plain.merging(["adapter": place.path("tuned/adapter")]) { $1 }
    func answer(
      _ changes: [(String, JSONValue)], _ inputs: [String: String], _ name: String
    ) throws -> [UInt8] {
      #expect(
        try place.run(
          AnswerQuestionsStage.self, Self.changed(changes), inputs, to: ["answers"], name))
      return try place.bytes(name + "/answers/documents.jsonl")
    }
    let whole = try answer([("batch", 4)], adapted, "whole")
    #expect(try answer([("batch", 1)], adapted, "one") == whole)
    #expect(try answer([("batch", 7)], adapted, "seven") == whole)
    #expect(try answer([], plain, "plain") != whole)
    var stops = 0
    while try !place.run(
      AnswerQuestionsStage.self, Self.changed([("batch", 1)]), adapted, to: ["answers"], "stopped",
      stopped: true), stops < 100
    {
      stops += 1
    }
    #expect(stops >= 5)
    #expect(try place.bytes("stopped/answers/documents.jsonl") == whole)
    // Half of the questions alone are answered as among all.
    _ = try answer([("limit", 2), ("batch", 3)], adapted, "few")
    #expect(
      try place.corpus("few/answers").documents
        == Array(place.corpus("whole/answers").documents.prefix(4)))
    // An adapter times 0 is the model itself; the answers say so.
    _ = try answer([("adapter_scale", 0), ("method", "base")], adapted, "zero")
    let texts = { (name: String) in try place.corpus(name + "/answers").documents.map(\.text) }
    #expect(try texts("zero") == texts("plain"))
    #expect(try texts("whole") != texts("plain"))
  }

  @Test func answersSayHowTheyCameAbout() throws {
    let place = try TraitPlace()
    #expect(
      try place.run(
        EditInContextStage.self,
        [("trait", "extraversion"), ("instruction", 2), ("order", 1), ("seed", 5)],
        ["examples": place.path("opinions")], to: ["context", "base_context"], "prompt"))
    let inputs = [
      "model": place.model, "questions": place.path("questions"),
      "context": place.path("prompt/context"),
    ]
    #expect(
      try place.run(
        AnswerQuestionsStage.self, Self.changed([("marks", ["seed=4"])]), inputs,
        to: ["answers"], "prompted"))
    let answers = try place.corpus("prompted/answers").documents
    let questions = try place.corpus("questions").documents
    #expect(answers.count == 10 && answers[3].id == "question-1/1")
    #expect(answers[3].question == questions[1].question && answers[3].label == "extraversion")
    #expect(answers[3].source == "the body")
    let group =
      "trait=extraversion;pole=high;topic=the body;form=1;method=ike;instruction=2;order=1"
    #expect(answers[3].group?.hasPrefix(group + ";seed=4;draw=1") == true, "\(answers[3])")
    // The unmoved model behind the same examples is of no trait.
    #expect(
      try place.run(
        AnswerQuestionsStage.self, Self.changed([("draws", 1), ("decoding", "greedy")]),
        inputs.merging(["context": place.path("prompt/base_context")]) { $1 }, to: ["answers"],
        "unmoved"))
    let base = try #require(place.corpus("unmoved/answers").documents.first)
    #expect(base.id == "question-0" && base.label == "neutral")
    #expect(base.groupValue("method") == "base" && base.groupValue("trait") == nil)
  }

  @Test(arguments: ["seed", "a=b=c", "=x", "trait=openness", "a=b;c", "draw=1"])
  func marksThatCouldNotBeReadAreRefused(_ mark: String) throws {
    let place = try TraitPlace()
    let error = #expect(throws: Diagnostic.self) {
      _ = try place.run(
        AnswerQuestionsStage.self, Self.changed([("marks", .array([.string(mark)]))]),
        ["model": place.model, "questions": place.path("questions")], to: ["answers"], "none")
    }
    #expect(error?.id == "answer-marks")
  }

  struct Written: Sendable, CustomTestStringConvertible {
    let bytes: [UInt8]
    /// Whether the model ended them itself.
    let isWhole: Bool
    let text: String
    let isMalformed: Bool
    var testDescription: String { text.debugDescription }
  }

  static let written: [Written] = [
    Written(
      bytes: Array(" I love it! 🎉 \n".utf8), isWhole: true, text: "I love it! 🎉",
      isMalformed: false),
    Written(bytes: [0x61, 0xFF, 0x62], isWhole: true, text: "a\u{FFFD}b", isMalformed: true),
    // Half a character where the length ended it would have gone on.
    Written(bytes: [0x73, 0x6F, 0x20, 0xF0, 0x9F], isWhole: false, text: "so", isMalformed: false),
    Written(
      bytes: [0x73, 0x6F, 0x20, 0xF0, 0x9F], isWhole: true, text: "so \u{FFFD}",
      isMalformed: true),
    Written(bytes: [], isWhole: true, text: "", isMalformed: false),
    Written(bytes: [0x20, 0x0A], isWhole: false, text: "", isMalformed: false),
  ]

  @Test(arguments: written) func bytesBecomeAnswers(_ written: Written) {
    let answer = AnswerWriting.answer(
      written.bytes, isWhole: written.isWhole, keepsFirstLine: false)
    #expect(answer.text == written.text && answer.isMalformed == written.isMalformed)
  }

  @Test func theFirstLineIsKept() {
    let bytes = Array("\n one \ntwo".utf8)
    #expect(
      AnswerWriting.answer(bytes, isWhole: true, keepsFirstLine: true).text == "one")
    #expect(
      AnswerWriting.answer(bytes, isWhole: true, keepsFirstLine: false).text == "one \ntwo")
  }
}

@Suite struct AskedOptionsTests {
  private static let items =
    "n\ttrait\tfacet\tkey\titem\n1\tE\tE1\t1\tTalk a lot\n2\tO\tO1\t-1\tAvoid art\n"

  /// Shares of the options of every item.
  private func shares(_ place: TraitPlace, chat: String) throws -> [[Double]] {
    try Self.items.write(toFile: place.path("items.tsv"), atomically: true, encoding: .utf8)
    _ = try place.run(
      TakeInventoryStage.self,
      [("chat", .string(chat)), ("prompts", .array([.string("{item}?")]))],
      ["model": place.path("base/model"), "items": place.path("items.tsv")],
      to: ["metrics", "scores"], "inventory-\(chat)")
    let text = String(
      decoding: try place.bytes("inventory-\(chat)/scores/scores.jsonl"), as: UTF8.self)
    return try text.split(separator: "\n").map { line in
      try #require(try JSONValue(parsing: String(line))["shares"]?.array).compactMap(\.double)
    }
  }

  @Test func inAChatTheEndOfAnAnswerCounts() throws {
    let place = try TraitPlace()
    let text = try shares(place, chat: "none")
    let plain = try shares(place, chat: "plain")
    #expect(text.count == 2 && plain.count == 2)
    for row in text + plain { #expect(abs(row.reduce(0, +) - 1) < 1e-9 && row.count == 5) }
    #expect(text != plain)
    // Written out: message, a space, the option, the end of the text.
    let model = try place.input(place.path("base/model"))
    let tokenizer = try ModelTokenizer.read(model.bytes("tokenizer.json"))
    let end = try #require(tokenizer.endOfText)
    let transformer = Transformer(
      try LanguageModel(files: model.files), capacity: 256, trains: false)
    let options = [
      "Very inaccurate", "Moderately inaccurate", "Neither accurate nor inaccurate",
      "Moderately accurate", "Very accurate",
    ]
    let form = try ChatForm(.plain, tokenizer)
    let beginning = form.prompt(message: "Talk a lot?")
    let values = try StatementSequences(
      options.map { tokenizer.encode(" " + $0) + [end] }, after: beginning, names: options,
      for: transformer.model.specification
    ).logProbabilities(transformer)
    let weights = values.map { exp($0 - values[0]) }
    for (share, weight) in zip(plain[0], weights) {
      #expect(abs(share - weight / weights.reduce(0, +)) < 1e-6)
    }
    #expect(throws: Diagnostic.self) { try shares(place, chat: "chatml") }
  }
}
