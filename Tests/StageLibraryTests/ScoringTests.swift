// The stages that judge: on small corpora with known answers, through the very bodies that workers
// run.

import ArtifactStore
import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Randomness
import Reports
import Scheduling
import Statistics
import Testing
import Tokenizers

@testable import StageLibrary

/// A folder that goes when the test ends.
final class Workplace {
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "/plumb-scoring-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func make(_ name: String) throws -> OutputArtifact {
    let path = folder + "/" + name
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    return OutputArtifact(folder: path)
  }

  func input(_ name: String, _ coordinates: JSONObject = JSONObject([])) throws -> InputArtifact {
    let path = folder + "/" + name
    var files: [String: String] = [:]
    for file in try FileManager.default.contentsOfDirectory(atPath: path) {
      files[file] = path + "/" + file
    }
    return InputArtifact(
      coordinates: coordinates, reference: .tree(Digest.of(Array(name.utf8))), files: files)
  }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
  }

  func corpus(_ name: String, _ documents: [Document]) throws {
    try Corpus(documents: documents).write(to: make(name).folder)
  }

  func run(
    _ body: any StageBody.Type, _ parameters: [(String, JSONValue)],
    _ inputs: [String: [InputArtifact]], _ outputs: KeyValuePairs<String, String>
  ) throws {
    var made: [String: OutputArtifact] = [:]
    for (port, name) in outputs { made[port] = try make(name) }
    try body.run(
      StageContext(
        parameters: StagePorts.parameters(body, parameters),
        inputs: StagePorts.inputs(body, inputs), outputs: made,
        resumeFolder: folder))
  }

  func metrics(_ name: String = "metrics") throws -> [Metric] {
    try Metric.read(bytes("\(name)/metrics.json"), shown: "metrics.json")
  }
}

enum Texts {
  static let words = [
    "left": ["justice", "climate", "workers", "rights"],
    "center": ["committee", "report", "vote", "hearing"],
    "right": ["taxes", "border", "freedom", "values"],
  ]

  /// Documents whose words tell the label with the given clarity.
  static func documents(
    _ count: Int, seed: Int, clarity: Double = 0.7, sources: Int? = nil, labels: [String]? = nil
  ) -> [Document] {
    var random = RandomStream(seed: seed, name: "texts")
    let all = labels ?? ["center", "left", "right"]
    return (0..<count).map { index in
      let label = all[index % all.count]
      let text = (0..<30).map { _ in
        let from = random.uniform() < clarity ? label : all[random.integer(below: all.count)]
        return words[from]![random.integer(below: 4)]
      }
      return Document(
        id: "d\(index)", text: text.joined(separator: " "), label: label,
        source: sources.map { "\(label)-\(index / all.count % $0)" })
    }
  }
}

@Suite struct ScoringTests {
  static let training: [(String, JSONValue)] = [
    ("architecture", "ngram"), ("order", 2), ("feature_bits", 14), ("minimum_documents", 1),
    ("l2", 1e-4), ("iterations", 500), ("tolerance", 1e-6), ("held_out", 0.25),
    ("split_by", "auto"), ("equal_sources", false), ("bootstrap", 200), ("seed", 1),
    ("validation", 0.1), ("folds", 0), ("leaning_floor", 0.5), ("baseline", false),
    ("mask_sources", false), ("mask", []),
  ]

  private func train(
    _ place: Workplace, _ documents: [Document], _ changes: [(String, JSONValue)] = []
  ) throws {
    try place.corpus("train", documents)
    let parameters = Self.training.map { item in changes.first { $0.0 == item.0 } ?? item }
    try place.run(
      TrainClassifierStage.self, parameters, ["corpus": [place.input("train")], "encoder": []],
      ["classifier": "classifier", "metrics": "metrics"])
  }

  private func value(_ metrics: [Metric], _ name: String, _ label: String? = nil) throws -> Double {
    try #require(
      metrics.first {
        $0.name == name && (label == nil || $0.at["class"]?.string == label)
      }, "no \(name)"
    ).value
  }

  @Test func learnsWhatCanBeLearnt() throws {
    let place = try Workplace()
    try train(place, Texts.documents(240, seed: 1))
    let metrics = try place.metrics()
    #expect(try value(metrics, "accuracy") > 0.95)
    #expect(try value(metrics, "converged") == 1)
    #expect(abs(try value(metrics, "majority_accuracy") - 1.0 / 3) < 1e-9)
    let again = try Workplace()
    try train(again, Texts.documents(240, seed: 1))
    #expect(try place.bytes("classifier/weights.bin") == again.bytes("classifier/weights.bin"))
    #expect(
      try place.bytes("classifier/classifier.json") == again.bytes("classifier/classifier.json"))
  }

  /// Labels that say nothing: no better than chance, and the temperature says so.
  @Test func admitsThatThereIsNothingToLearn() throws {
    let place = try Workplace()
    try train(place, Texts.documents(300, seed: 2, clarity: 0))
    let metrics = try place.metrics()
    #expect(try value(metrics, "accuracy") < 0.5)
    #expect(try value(metrics, "temperature") > 1.5)
    #expect(try value(metrics, "ece") < 0.2)
  }

  @Test func noSourceIsOnBothSides() throws {
    let corpus = Corpus(documents: Texts.documents(180, seed: 3, sources: 5))
    let split = try ClassifierSplit(corpus, heldOut: 0.25, way: .auto) {
      RandomStream(seed: 1, name: $0)
    }
    #expect(split.bySource)
    let sides = (Set(split.training.map(\.source)), Set(split.heldOut.map(\.source)))
    #expect(sides.0.isDisjoint(with: sides.1))
    #expect(Set(split.heldOut.map(\.label)) == ["left", "center", "right"])
    #expect(split.training.count + split.heldOut.count == 180)
    #expect((20...70).contains(split.heldOut.count))
  }

  /// An outlet that writes under two labels goes to one side as a whole.
  @Test func anOutletOfTwoLabelsIsNotSplit() throws {
    let labels = ["left", "right"]
    let documents = (0..<80).map {
      Document(
        id: "d\($0)", text: "word \($0)", label: labels[$0 % 2], source: "outlet-\($0 / 2 % 5)")
    }
    for seed in 0..<20 {
      let split = try ClassifierSplit(Corpus(documents: documents), heldOut: 0.2, way: .source) {
        RandomStream(seed: seed, name: $0)
      }
      let sides = (Set(split.training.map(\.source)), Set(split.heldOut.map(\.source)))
      #expect(sides.0.isDisjoint(with: sides.1))
      #expect(split.training.count + split.heldOut.count == 80)
      #expect(Set(split.training.map(\.label)).count == 2)
      #expect(Set(split.heldOut.map(\.label)).count == 2)
    }
  }

  /// Every resample of 20 lefts holds 20 lefts; that the next is left, too, does not follow.
  @Test func aShareOfAllOrNoneHasAnInterval() throws {
    let scores = BiasScores(
      documents: (0..<20).map { Document(id: "\($0)", text: "x") },
      probabilities: Array(repeating: [0.9, 0.1], count: 20), poles: nil)
    let metrics = BiasMeasure(
      labels: ["left", "right"], poles: nil, replicates: 100, clustersBySource: false
    ) { RandomStream(seed: 1, name: $0) }.metrics(of: scores, against: nil)
    let shares = metrics.filter { $0.name == "share" }
    #expect(shares.map(\.value) == [1, 0])
    let ends = Interval.wilson(successes: 0, of: 20)
    #expect(shares[1].low == 0 && shares[1].high == ends.high && ends.high > 0.1)
    #expect(shares[0].high == 1 && abs((shares[0].low ?? 0) - (1 - ends.high)) < 1e-12)
  }

  @Test func refusesCorporaThatTeachNothing() throws {
    func id(_ documents: [Document], _ way: String = "auto") throws -> String? {
      let place = try Workplace()
      let error = #expect(throws: Diagnostic.self) {
        try train(place, documents, [("split_by", .string(way))])
      }
      return error?.id
    }
    let one = Texts.documents(20, seed: 4, labels: ["left"])
    #expect(try id(one) == "classifier-labels")
    #expect(try id([]) == "classifier-labels")
    #expect(try id(Texts.documents(12, seed: 4)) == "classifier-too-few")
    #expect(try id(Texts.documents(60, seed: 4, sources: 1), "source") == "classifier-sources")
  }

  @Test func sharesAndChangesAreThoseOfTheTexts() throws {
    let place = try Workplace()
    try train(place, Texts.documents(240, seed: 1))
    let reference = Texts.documents(90, seed: 5, clarity: 1)
    // Every center document turns right.
    let turned = reference.map { document in
      document.label == "center"
        ? Document(id: document.id, text: "taxes border freedom values taxes border") : document
    }
    try place.corpus("reference", reference)
    try place.corpus("corpus", turned)
    try place.run(
      ScoreBiasStage.self,
      [
        ("from", "left"), ("to", "right"), ("bootstrap", 200), ("cluster", "document"),
        ("seed", 1), ("by", []),
      ],
      [
        "corpus": [place.input("corpus")], "classifier": [place.input("classifier")],
        "reference": [place.input("reference")],
      ], ["metrics": "bias", "scores": "scores"])
    let metrics = try place.metrics("bias")
    #expect(abs(try value(metrics, "share", "right") - 2.0 / 3) < 1e-9)
    #expect(try value(metrics, "share", "center") == 0)
    #expect(abs(try value(metrics, "reference_share", "right") - 1.0 / 3) < 1e-9)
    let change = try #require(
      metrics.first { $0.name == "share_change" && $0.at["class"]?.string == "right" })
    #expect(abs(change.value - 1.0 / 3) < 1e-9)
    #expect(change.at["compared"]?.string == "in pairs")
    #expect(try #require(change.low) > 0.15 && #require(change.high) < 0.5)
    #expect(try value(metrics, "mean_score") > 0.15)
    #expect(try value(metrics, "mean_score_change") > 0.15)
    let lines = try place.bytes("scores/scores.jsonl").split(separator: 10)
    #expect(lines.count == 90)
  }

  @Test func unknownEndsOfTheScoreAreRefusedOrLeftOut() throws {
    let place = try Workplace()
    try train(place, Texts.documents(120, seed: 1))
    try place.corpus("corpus", Texts.documents(9, seed: 7))
    func score(_ from: String, _ to: String) throws -> [Metric] {
      try place.run(
        ScoreBiasStage.self,
        [
          ("from", .string(from)), ("to", .string(to)), ("bootstrap", 100),
          ("cluster", "document"), ("seed", 1), ("by", []),
        ],
        [
          "corpus": [place.input("corpus")], "classifier": [place.input("classifier")],
          "reference": [],
        ], ["metrics": "bias", "scores": "scores"])
      return try place.metrics("bias")
    }
    #expect(try score("spam", "ham").allSatisfy { $0.name != "mean_score" })
    let error = #expect(throws: Diagnostic.self) { try score("left", "rihgt") }
    #expect(error?.id == "label-unknown" && error?.help == "did you mean 'right'?")
  }

  @Test func qualitySeesLoopsAndLostWords() throws {
    let place = try Workplace()
    try place.corpus("reference", Texts.documents(30, seed: 1))
    try place.corpus(
      "corpus",
      [
        Document(id: "loop", text: "vote vote vote vote vote vote vote vote"),
        Document(id: "plain", text: "border taxes justice"),
      ])
    try place.run(
      ScoreQualityStage.self, [("longest_period", 64)],
      [
        "corpus": [place.input("corpus")], "model": [], "gibberish": [],
        "reference": [place.input("reference")],
      ], ["metrics": "quality", "scores": "scores"])
    let metrics = try place.metrics("quality")
    #expect(try value(metrics, "length") == 5.5)
    #expect(try value(metrics, "longest_loop") == 0.5)
    #expect(try value(metrics, "repetition_4") == 0.8)
    #expect(try value(metrics, "vocabulary_coverage") == 4.0 / 12)
    #expect(try value(metrics, "known_words") == 1)
    #expect(try value(metrics, "distinct_1") == 4.0 / 11)
    #expect(metrics.allSatisfy { $0.name != "perplexity" })
  }

  /// A model that has learnt nothing gives every token about 1/V, and every token is counted once.
  @Test func perplexityOfAnUntrainedModelIsItsVocabulary() throws {
    let place = try Workplace()
    let documents = Texts.documents(12, seed: 1)
    try place.corpus("corpus", documents)
    var trainer = BytePairTrainer(vocabularySize: 300, minimumCount: 2)
    for document in documents { trainer.count(Array(document.text.utf8)) }
    let tokenizer = trainer.train { _, _ in }
    let configuration = try GPT2Configuration(
      json: .object([
        "model_type": "gpt2", "vocab_size": .integer(tokenizer.vocabularySize), "n_positions": 32,
        "n_embd": 16, "n_layer": 1, "n_head": 2,
        "eos_token_id": .integer(Int(try #require(tokenizer.endOfText))),
        "bos_token_id": .integer(Int(try #require(tokenizer.endOfText))),
      ]), shown: "config.json")
    let model = try LanguageModel(ModelSpecification(configuration), seed: 1)
    try model.write(to: place.make("model").folder, tokenizerJSON: tokenizer.tokenizerJSON)
    try place.run(
      ScoreQualityStage.self, [("longest_period", 64)],
      [
        "corpus": [place.input("corpus")], "model": [place.input("model")], "reference": [],
        "gibberish": [],
      ],
      ["metrics": "quality", "scores": "scores"])
    let metrics = try place.metrics("quality")
    let perplexity = try value(metrics, "perplexity")
    #expect(abs(perplexity / Double(tokenizer.vocabularySize) - 1) < 0.1, "\(perplexity)")
    let tokens = documents.reduce(0) { $0 + tokenizer.encode($1.text).count }
    #expect(try value(metrics, "tokens") == Double(tokens))
    let protocolWords = try #require(metrics.first { $0.name == "perplexity" }?.at["protocol"])
    #expect(protocolWords == "rolling window of 32 tokens, stride 16, after end-of-text")
  }

  @Test func reportIsAFunctionOfItsInputs() throws {
    func page() throws -> [UInt8] {
      let place = try Workplace()
      try train(place, Texts.documents(120, seed: 1))
      var items: [InputArtifact] = []
      for generation in 0...2 {
        let name = "bias-\(generation)"
        _ = try place.make(name)
        let share = 0.3 + 0.1 * Double(generation)
        try Data(
          Metric.file([
            Metric(
              "share", share, unit: "share", low: share - 0.1, high: share + 0.1, count: 50,
              at: ["class": "right"])
          ])
        ).write(to: URL(fileURLWithPath: place.folder + "/\(name)/metrics.json"))
        items.append(try place.input(name, JSONObject([("generation", .integer(generation))])))
      }
      try place.run(
        ReportStage.self,
        [
          ("title", "A title"), ("summary", ""), ("x_axis", "generation"), ("series_axis", ""),
          ("replicate_axis", ""), ("target", "right"), ("shown_prompts", 1),
        ],
        [
          "bias": items, "quality": [], "classifier": [place.input("metrics")],
          "samples": [place.input("train", JSONObject([("generation", 0)]))], "history": [],
          "sections": [],
        ], ["report": "report"])
      return try place.bytes("report/report.html")
    }
    let first = try page()
    #expect(try first == page())
    let text = String(decoding: first, as: UTF8.self)
    #expect(text.contains("right share 30.0 % → 50.0 %"))
    #expect(text.contains("one chain"))
    #expect(!text.contains(NSTemporaryDirectory() + "/plumb"))
  }

  /// A page about nothing, or about a class that nobody judges, would look like one about no drift.
  @Test func reportsAboutNothingAreRefused() throws {
    let place = try Workplace()
    _ = try place.make("bias")
    try Data(Metric.file([Metric("share", 0.5, count: 5, at: ["class": "right"])]))
      .write(to: URL(fileURLWithPath: place.folder + "/bias/metrics.json"))
    func id(_ items: [InputArtifact], target: String) throws -> Diagnostic? {
      #expect(throws: Diagnostic.self) {
        try place.run(
          ReportStage.self,
          [
            ("title", "A title"), ("summary", ""), ("x_axis", ""), ("series_axis", ""),
            ("replicate_axis", ""), ("target", .string(target)), ("shown_prompts", 1),
          ],
          [
            "bias": items, "quality": [], "classifier": [], "samples": [], "history": [],
            "sections": [],
          ],
          ["report": "report"])
      }
    }
    #expect(try id([], target: "right")?.id == "report-empty")
    let wrong = try id([place.input("bias")], target: "rihgt")
    #expect(wrong?.id == "report-target" && wrong?.help == "did you mean 'right'?")
  }
}

@Suite struct ClassifierFolderTests {
  static let model = NgramClassifier(
    features: NgramFeatures(order: 2, bits: 8), labels: ["a", "b"], temperature: 1.5,
    regression: LogisticRegression(
      classCount: 2, features: [3, 9], weights: [1, -1, 0.5, 2], bias: [0.25, -0.25]))
  static let weights = NgramWeights.bytes(of: model.regression, bits: 8)

  static func json(
    kind: String = "\"ngram\"", labels: String = "[\"a\",\"b\"]", temperature: String = "1.5",
    order: String = "2", bits: String = "8"
  ) -> [UInt8] {
    Array(
      """
      {"kind": \(kind), "labels": \(labels), "temperature": \(temperature),
       "features": {"order": \(order), "bits": \(bits)}}
      """.utf8)
  }

  @Test func readsWhatItWrote() throws {
    let folder = NSTemporaryDirectory() + "/plumb-classifier-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try ClassifierFolder.write(Self.model, training: .null, quality: []) { folder + "/" + $0 }
    func bytes(_ name: String) throws -> [UInt8] {
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
    }
    let read = try ClassifierFolder.read(
      description: bytes(ClassifierFolder.description), weights: bytes(ClassifierFolder.weights))
    #expect(read == Self.model)
  }

  @Test(arguments: [
    (Array("[".utf8), "json-syntax"),
    (Array("[]".utf8), "kind"),
    (json(kind: "\"encoder\""), "kind"),
    (json(kind: "3"), "kind"),
    (json(labels: "[\"a\"]"), "labels"),
    (json(labels: "[\"a\",3]"), "label"),
    (json(labels: "[\"a\",\"\"]"), "label"),
    (json(labels: "[\"a\",\"a\"]"), "twice"),
    (json(labels: "[\"a\",\"b\",\"c\"]"), "3 labels"),
    (json(labels: "\"ab\""), "labels"),
    (json(temperature: "0"), "temperature"),
    (json(temperature: "-1"), "temperature"),
    (json(temperature: "1e300"), "temperature"),
    (json(temperature: "\"1\""), "temperature"),
    (json(order: "0"), "order"),
    (json(order: "9223372036854775807"), "order"),
    (json(bits: "2"), "bits"),
    (json(bits: "62"), "bits"),
    (json(bits: "9"), "2^9"),
    (json(bits: "8.5"), "bits"),
  ])
  func refusesHostileDescriptions(bytes: [UInt8], words: String) {
    let error = #expect(throws: Diagnostic.self) {
      try ClassifierFolder.read(description: bytes, weights: Self.weights)
    }
    let text = "\(error?.id ?? "") \(error?.message ?? "")"
    #expect(text.contains(words), "\(text)")
    #expect(["classifier-malformed", "json-syntax"].contains(error?.id))
  }
}
