// Judges that are encoders, through the bodies that workers run: a tokenizer, an encoder that has
// learnt nothing, a classifier made of it, and scores by that.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Testing
import Tokenizers

@testable import StageLibrary

private let training: [(String, JSONValue)] = [
  ("architecture", "encoder"), ("held_out", 0.25), ("split_by", "auto"), ("bootstrap", 100),
  ("seed", 1), ("epochs", 8), ("learning_rate", 5e-3), ("pooling", "mean"),
  ("trained", "everything"), ("max_length", 24), ("batch_documents", 8),
  ("class_weights", "balanced"), ("validation", 0.15), ("patience", 3), ("warmup", 0.1),
  ("weight_decay", 0.01), ("clip_norm", 1), ("dropout", 0), ("micro_batch_tokens", 4096),
  ("folds", 0), ("leaning_floor", 0.5), ("baseline", false), ("mask_sources", false), ("mask", []),
  ("equal_sources", false), ("chunks", 1), ("order", 1), ("feature_bits", 12),
  ("minimum_documents", 1), ("l2", 1e-4), ("iterations", 200), ("tolerance", 1e-4),
]

/// Makes `tokenizer` and `encoder` from the corpus `train`.
private func prepare(_ place: Workplace, _ documents: [Document]) throws {
  try place.corpus("train", documents)
  try place.run(
    TrainTokenizerStage.self, [("vocabulary_size", 300), ("minimum_count", 2)],
    ["corpus": [place.input("train")]], ["tokenizer": "tokenizer"])
  try place.run(
    InitialiseEncoderStage.self,
    [
      ("layers", 1), ("width", 32), ("heads", 2), ("context", 32), ("deviation", 0.05),
      ("seed", 1),
    ], ["tokenizer": [place.input("tokenizer")]], ["encoder": "encoder"])
}

private func train(_ place: Workplace, _ changes: [(String, JSONValue)] = []) throws {
  let parameters = training.map { item in changes.first { $0.0 == item.0 } ?? item }
  try place.run(
    TrainClassifierStage.self, parameters,
    ["corpus": [place.input("train")], "encoder": [place.input("encoder")]],
    ["classifier": "classifier", "metrics": "metrics"])
}

private func value(_ metrics: [Metric], _ name: String) throws -> Double {
  try #require(metrics.first { $0.name == name }, "no \(name)").value
}

private func id(_ body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch { return (error as? Diagnostic)?.id }
}

@Suite struct EncoderClassifierTests {
  @Test(arguments: ["first", "mean"])
  func learnsAndJudges(pooling: String) throws {
    let place = try Workplace()
    try prepare(place, Texts.documents(160, seed: 1))
    try train(place, [("pooling", .string(pooling))])
    let metrics = try place.metrics()
    #expect(try value(metrics, "accuracy") > 0.9)
    #expect(try value(metrics, "validation_macro_f1") > 0.8)
    // Thirty words are more than 24 tokens: all held-out documents were cut, and that is said.
    #expect(try value(metrics, "truncated_documents") == 40)
    #expect(metrics.contains { $0.name == "recall" } && metrics.contains { $0.name == "ece" })
    let json = try JSONValue(
      parsing: SourceText(
        path: "classifier.json", bytes: place.bytes("classifier/classifier.json")))
    #expect(json["kind"] == "encoder" && json["max_length"] == 24)
    #expect(json["labels"] == ["center", "left", "right"])
    #expect(json["training"]?["epochs"]?.array?.isEmpty == false)
    #expect(json["training"]?["truncated"] == 160)
    for name in ["config.json", "model.safetensors", "tokenizer.json", "tokenizer_config.json"] {
      #expect(try place.bytes("classifier/" + name).count > 0)
    }

    try place.corpus("corpus", Texts.documents(30, seed: 5, clarity: 1))
    try place.run(
      ScoreBiasStage.self,
      [
        ("from", "left"), ("to", "right"), ("bootstrap", 100), ("cluster", "document"),
        ("seed", 1), ("by", []),
      ],
      [
        "corpus": [place.input("corpus")], "classifier": [place.input("classifier")],
        "reference": [],
      ], ["metrics": "bias", "scores": "scores"])
    let shares = try place.metrics("bias").filter { $0.name == "share" }
    #expect(shares.count == 3)
    for share in shares { #expect(abs(share.value - 1.0 / 3) < 0.1, "\(share)") }
  }

  /// The same bytes again.
  @Test func isAFunctionOfItsInputs() throws {
    func bytes() throws -> [[UInt8]] {
      let place = try Workplace()
      try prepare(place, Texts.documents(60, seed: 3))
      try train(place, [("epochs", 2), ("dropout", 0.1)])
      return try ["classifier.json", "model.safetensors"].map {
        try place.bytes("classifier/" + $0)
      }
    }
    #expect(try bytes() == bytes())
  }

  @Test func aHeadAloneAndNoValidation() throws {
    let place = try Workplace()
    try prepare(place, Texts.documents(60, seed: 3))
    try train(place, [("trained", "head"), ("validation", 0), ("epochs", 2)])
    let metrics = try place.metrics()
    #expect(try value(metrics, "validation_documents") == 0)
    #expect(try value(metrics, "epochs") == 2)
    #expect(metrics.allSatisfy { $0.name != "best_epoch" })
    let (before, after) = (
      try LanguageModel(files: place.input("encoder").files),
      try LanguageModel(files: place.input("classifier").files)
    )
    #expect(before.tensor(.tokenEmbedding).values == after.tensor(.tokenEmbedding).values)
    #expect(after.tensor(.classifierWeight).rows == 3)
  }

  /// Folds of whole sources, n-grams in the same table, names masked, long texts in windows.
  @Test func triesSourcesLeftOutBesideNgrams() throws {
    let place = try Workplace()
    let documents = Texts.documents(90, seed: 3, clarity: 0.9, sources: 4)
    try prepare(place, documents)
    let changes: [(String, JSONValue)] = [
      ("folds", 3), ("baseline", true), ("chunks", 12), ("epochs", 6), ("split_by", "document"),
      ("mask", ["justice"]), ("equal_sources", true),
    ]
    try train(place, changes)
    let metrics = try place.metrics()
    for name in [
      "folds_macro_f1", "folds_ece", "folds_ece_untempered", "folds_macro_f1_by_source",
      "baseline_macro_f1", "baseline_folds_macro_f1", "macro_f1_gain", "folds_macro_f1_gain",
    ] {
      let metric = try #require(metrics.first { $0.name == name }, "no \(name)")
      #expect(metric.low != nil && metric.low! <= metric.high!)
    }
    #expect(try value(metrics, "folds_macro_f1") > 0.6)
    #expect(try value(metrics, "is_leaning") == 1)
    #expect(
      try abs(
        value(metrics, "folds_macro_f1_gain") - value(metrics, "folds_macro_f1")
          + value(metrics, "baseline_folds_macro_f1")) < 1e-12)
    // Every document is judged once, and what each class was taken for adds up.
    let shares = metrics.filter { $0.name == "folds_confusion_probability" }
    #expect(shares.count == 9 && abs(shares.reduce(0) { $0 + $1.value } - 3) < 1e-9)
    #expect(
      metrics.filter { $0.name == "folds_confusion" }.reduce(0) { $0 + $1.value } == 90)
    // Thirty words are at most twelve windows: nothing was lost, and the judge reads them so.
    #expect(try value(metrics, "truncated_documents") == 0)
    let judge = try ClassifierFolder.read(place.input("classifier"))
    let masked = try #require(judge as? MaskedClassifier)
    #expect((masked.classifier as? EncoderJudge)?.windows == 12)
    let texts = ["justice justice workers", "outlet outlet workers"]
    let p = try judge.probabilities(of: texts, log: { _ in }, progress: { _ in })
    #expect(p[0] == p[1])
  }

  /// One window is what it always was; many are averaged as probabilities.
  @Test func windowsAreAveraged() throws {
    let place = try Workplace()
    try prepare(place, Texts.documents(30, seed: 3))
    let tokenizer = try TokenizerFile.read(tokenizerJSON: place.bytes("encoder/tokenizer.json"))
    let text = "taxes border freedom values taxes border"
    let count = tokenizer.encode(text).count
    let texts = try EncoderTexts(
      [text, "taxes", ""], tokenizer: tokenizer, maximumLength: 2 + (count + 1) / 2, windows: 4,
      context: 32)
    #expect(texts.cut == 0 && texts.count == 3)
    #expect((0..<3).map { texts.windows(of: $0).count } == [2, 1, 1])
    let joined = texts.windows(of: 0).flatMap { texts.sequences[$0].dropFirst().dropLast() }
    #expect(joined == tokenizer.encode(text))
    let combined = texts.combined([[2, 0], [0, 0], [5, 7], [1, 1]])
    #expect(combined[1] == [5, 7] && combined[2] == [1, 1])
    let first = 1 / (1 + exp(-2.0))
    #expect(abs(combined[0][0] - log((first + 0.5) / 2)) < 1e-12)
  }

  @Test func encodersGoWithTheirArchitecture() throws {
    let place = try Workplace()
    try prepare(place, Texts.documents(60, seed: 3))
    #expect(
      id {
        try place.run(
          TrainClassifierStage.self, training, ["corpus": [place.input("train")], "encoder": []],
          ["classifier": "classifier", "metrics": "metrics"])
      } == "classifier-encoder")
    #expect(
      id {
        try place.run(
          TrainClassifierStage.self, ScoringTests.training,
          ["corpus": [place.input("train")], "encoder": [place.input("encoder")]],
          ["classifier": "classifier", "metrics": "metrics"])
      } == "classifier-encoder")
  }

  /// Every sentence in classifier.json is held against the weights beside it.
  @Test func refusesHostileDescriptions() throws {
    let place = try Workplace()
    try prepare(place, Texts.documents(60, seed: 3))
    try train(place, [("epochs", 1), ("trained", "head")])
    let good = String(
      decoding: try place.bytes("classifier/classifier.json"), as: UTF8.self)
    func read(_ text: String) throws {
      try Data(text.utf8).write(
        to: URL(fileURLWithPath: place.folder + "/classifier/classifier.json"))
      _ = try ClassifierFolder.read(place.input("classifier"))
    }
    #expect(id { try read(good) } == nil)
    for (part, other) in [
      ("\"encoder\"", "\"ngrams\""), ("\"left\"", "\"lefts\""),
      ("\"max_length\": 24", "\"max_length\": 33"), ("\"max_length\": 24", "\"max_length\": 0"),
      ("\"max_length\": 24", "\"max_length\": null"), ("\"temperature\"", "\"temper\""),
      ("\"chunks\": 1", "\"chunks\": 0"), ("\"chunks\": 1", "\"mask\": 3, \"chunks\": 1"),
    ] {
      #expect(good.contains(part))
      let hostile = good.replacingOccurrences(of: part, with: other)
      let found = id { try read(hostile) }
      #expect(
        found == "classifier-malformed" || other == "\"ngrams\"" && found == "input-file-missing",
        "\(other): \(found ?? "nothing")")
    }
    try read(good)
    try FileManager.default.removeItem(atPath: place.folder + "/classifier/tokenizer.json")
    #expect(id { try read(good) } == "input-file-missing")
  }

  @Test func textsAreFramedCutAndCounted() throws {
    let place = try Workplace()
    try prepare(place, Texts.documents(30, seed: 3))
    let tokenizer = try TokenizerFile.read(
      tokenizerJSON: place.bytes("encoder/tokenizer.json"))
    let first = try #require(tokenizer.id(ofAdded: "[CLS]"))
    let last = try #require(tokenizer.id(ofAdded: "[SEP]"))
    let text = "taxes border freedom values taxes border"
    let whole = tokenizer.encode(text)
    let texts = try EncoderTexts(
      [text, "", "taxes [SEP]"], tokenizer: tokenizer, maximumLength: 5, context: 32)
    #expect(texts.sequences[0] == [first] + whole.prefix(3) + [last])
    #expect(texts.sequences[1] == [first, last])
    #expect(texts.sequences[2].dropLast().allSatisfy { $0 != last })
    #expect(texts.cut >= 1 && texts.cutTokens >= whole.count - 3)
    #expect(
      id {
        _ = try EncoderTexts([text], tokenizer: tokenizer, maximumLength: 2, context: 32)
      } == "encoder-length")
    #expect(
      id {
        _ = try EncoderTexts([text], tokenizer: tokenizer, maximumLength: 33, context: 32)
      } == "encoder-length")
    let bare = try TokenizerFile.read(tokenizerJSON: place.bytes("tokenizer/tokenizer.json"))
    #expect(
      id {
        _ = try EncoderTexts([text], tokenizer: bare, maximumLength: 8, context: 32)
      } == "encoder-tokenizer")
  }
}
