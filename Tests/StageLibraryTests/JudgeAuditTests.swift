// Audits of judges and the gibberish index, by classifiers whose answers are known.

import CanonicalJSON
import Corpora
import Diagnostics
import Randomness
import Reports
import Scheduling
import Statistics
import Testing

@testable import StageLibrary

/// Answers by a rule.
private struct RuleJudge: TextClassifier {
  let labels: [String]
  let rule: @Sendable (String) -> [Double]

  func probabilities(
    of texts: [String], log: (String) -> Void, progress: (Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> [[Double]] {
    texts.map(rule)
  }
}

@Suite struct JudgeAuditTests {
  private let order = ["clean", "mild-gibberish", "noise", "word-salad"]

  @Test func theIndexIsLevelTimesProbability() throws {
    let judge = RuleJudge(labels: order) { text in
      text.contains("x") ? [0.1, 0.2, 0.7, 0] : [0.8, 0.1, 0.1, 0]
    }
    let documents = [
      Document(id: "a", text: "One two. x y. three"), Document(id: "b", text: "x"),
      Document(id: "c", text: " . "),
    ]
    func index(_ rule: GibberishIndex.Rule, least: Int = 1) throws -> GibberishIndex {
      try GibberishIndex(documents, judge, rule: rule, leastWords: least) { _ in
      } progress: { _, _ in
      }
    }
    // Clean sentences: 3 × 0.8 and 3·0.8 + 2·0.1; noise: 0 × 0.7 and 3·0.1 + 2·0.2.
    let release = try index(.release)
    #expect(abs(release.values[0]! - (2.4 + 0 + 2.4) / 3) < 1e-12)
    #expect(release.values[1] == 0 && release.values[2] == nil)
    #expect(release.sentences == [3, 1, 0])
    let expectation = try index(.expectation)
    #expect(abs(expectation.values[0]! - (2.6 + 0.7 + 2.6) / 3) < 1e-12)
    #expect(abs(release.shares[3] - 0.5) < 1e-12 && abs(release.shares[0] - 0.5) < 1e-12)
    #expect(try index(.release, least: 2).sentences == [2, 0, 0])
    let mean = try #require(release.metrics().first)
    #expect(mean.name == "gibberish_index" && mean.count == 2)
    #expect(abs(mean.value - 0.8) < 1e-12)
  }

  @Test(arguments: [
    ["clean", "noise"], ["clean", "mild-gibberish", "noise", "salad"],
    ["clean", "mild-gibberish", "noise", "word-salad", "other"], ["left", "center", "right"],
  ])
  func otherClassesHaveNoLevels(labels: [String]) {
    let error = #expect(throws: Diagnostic.self) { try GibberishIndex.levels(of: labels) }
    #expect(error?.id == "gibberish-classes")
  }

  @Test func qualityTakesTheIndexFromAClassifier() throws {
    let place = try Workplace()
    let real = Texts.documents(40, seed: 1).map { document in
      var document = document
      document.text = document.text.split(separator: " ").enumerated().map { index, word in
        index % 6 == 5 ? word + "." : word
      }.joined(separator: " ")
      return document
    }
    try place.corpus("real", real)
    try place.run(
      ComposeGibberishStage.self, [("per_class", 40), ("least_words", 4), ("seed", 1)],
      ["corpus": [place.input("real")]], ["corpus": "sentences"])
    let sentences = try Corpus.read(files: place.input("sentences").files)
    #expect(sentences.labelCounts.map(\.count) == [40, 40, 40, 40])
    #expect(Set(sentences.documents.map(\.text)).count == 160)
    try place.run(
      TrainClassifierStage.self, ScoringTests.training,
      ["corpus": [place.input("sentences")], "encoder": []],
      ["classifier": "gibberish", "metrics": "metrics"])
    func index(of documents: [Document]) throws -> Double {
      try place.corpus("corpus", documents)
      try place.run(
        ScoreQualityStage.self,
        [("longest_period", 64), ("gibberish_index", "expectation"), ("least_words", 1)],
        [
          "corpus": [place.input("corpus")], "model": [], "reference": [],
          "gibberish": [place.input("gibberish")],
        ], ["metrics": "quality", "scores": "scores"])
      let lines = try place.bytes("scores/scores.jsonl")
      #expect(String(decoding: lines, as: UTF8.self).contains("\"gibberish\":"))
      return try #require(
        place.metrics("quality").first { $0.name == "gibberish_index" }
      ).value
    }
    let noise = Corpus(documents: real).degraded([.noise], strength: 1, seed: 1).documents
    #expect(try index(of: real) > index(of: noise) + 0.5)
  }

  @Test func tooFewSentencesAreRefused() throws {
    let place = try Workplace()
    try place.corpus("real", Texts.documents(10, seed: 1))
    let error = #expect(throws: Diagnostic.self) {
      try place.run(
        ComposeGibberishStage.self, [("per_class", 40), ("least_words", 4), ("seed", 1)],
        ["corpus": [place.input("real")]], ["corpus": "sentences"])
    }
    #expect(error?.id == "gibberish-too-few")
  }

  @Test func degradedCorporaKeepTheirNames() throws {
    let place = try Workplace()
    let documents = Texts.documents(9, seed: 1, sources: 2)
    try place.corpus("real", documents)
    func degraded(_ mode: String, _ amount: Double) throws -> [Document] {
      try place.run(
        DegradeCorpusStage.self,
        [("mode", .string(mode)), ("amount", .number(amount)), ("seed", 1)],
        ["corpus": [place.input("real")]], ["corpus": "worse"])
      return try Corpus.read(files: place.input("worse").files).documents
    }
    for mode in Degradation.allCases.map(\.rawValue) + ["mixed"] {
      let worse = try degraded(mode, 0.5)
      #expect(worse.map(\.id) == documents.map(\.id))
      #expect(worse.map(\.source) == documents.map(\.source))
      #expect(worse.map(\.label) == documents.map(\.label))
      #expect(zip(worse, documents).allSatisfy { $0.text != $1.text }, "\(mode)")
    }
    #expect(try degraded("mixed", 0) == documents)
  }

  @Test func emptiedTextsKeepTheirSize() {
    let documents = Texts.documents(6, seed: 2)
    let words = Set(documents.flatMap { $0.text.split(separator: " ") })
    for way in EmptiedTexts.allCases {
      let made = way.make(of: documents, seed: 1)
      #expect(made.map(\.id) == documents.map(\.id))
      for (new, old) in zip(made, documents) {
        let (a, b) = (new.text.split(separator: " "), old.text.split(separator: " "))
        #expect(a.count == b.count && a != b)
        switch way {
        case .shuffled: #expect(a.sorted() == b.sorted())
        case .pooled: #expect(words.isSuperset(of: a))
        case .noise: #expect(zip(a, b).allSatisfy { $0.count == $1.count })
        }
      }
    }
  }

  /// A judge that calls everything without meaning right is found out, by how much is known.
  @Test func theExcessIsWhatWasPlanted() throws {
    let labels = ["left", "right"]
    let documents = Texts.documents(60, seed: 2, sources: 4, labels: labels)
    let audit = JudgeAudit(
      labels: labels, real: documents,
      probabilities: documents.map { $0.label == "left" ? [0.9, 0.1] : [0.1, 0.9] },
      tolerance: 0.05,
      bootstrap: Bootstrap(replicates: 200, stream: RandomStream(seed: 1, name: "x"))
    )
    #expect(abs(audit.prior[0].value - 0.5) < 1e-12)
    let other = RandomStream(seed: 2, name: "x")
    let biased = audit.metrics(
      "noise", documents.map { _ in [0.3, 0.7] }, of: documents, other)
    let worst = try #require(biased.first { $0.name == "largest_excess" })
    #expect(abs(worst.value - 0.2) < 1e-12 && worst.at["texts"] == "noise")
    #expect(worst.at["direction"] != nil)
    #expect(biased.first { $0.name == "is_neutral" }?.value == 0)
    let excess = biased.filter { $0.name == "excess" }
    #expect(abs(excess[1].value - 0.2) < 1e-12 && excess[1].at["class"] == "right")
    let neutral = audit.metrics(
      "shuffled", documents.map { _ in [0.52, 0.48] }, of: documents, other)
    #expect(neutral.first { $0.name == "is_neutral" }?.value == 1)
    let accuracy = audit.accuracy
    #expect(accuracy.first { $0.name == "accuracy" }?.value == 1)
    let response = accuracy.filter { $0.name == "response" }
    #expect(response.count == 4 && abs(response[0].value - 0.9) < 1e-12)
  }

  @Test func anAuditRunsThroughItsBody() throws {
    let place = try Workplace()
    let documents = Texts.documents(120, seed: 1)
    try place.corpus("real", documents)
    try place.run(
      TrainClassifierStage.self, ScoringTests.training,
      ["corpus": [place.input("real")], "encoder": []],
      ["classifier": "classifier", "metrics": "metrics"])
    try place.run(
      AuditJudgeStage.self, [("tolerance", 0.05), ("bootstrap", 100), ("seed", 1)],
      [
        "classifier": [place.input("classifier")], "corpus": [place.input("real")],
        "gibberish": [place.input("real")],
      ], ["metrics": "audit"])
    let metrics = try place.metrics("audit")
    #expect(metrics.count { $0.name == "largest_excess" } == 4)
    // The real texts as gibberish have no excess at all.
    let same = metrics.filter { $0.name == "excess" && $0.at["texts"] == "gibberish" }
    #expect(same.count == 3 && same.allSatisfy { $0.value == 0 })
    #expect(metrics.contains { $0.name == "confusion_probability" })
  }

  @Test func partsOfACorpusHaveTheirOwnShares() throws {
    let documents = (0..<20).map {
      Document(
        id: "\($0)", text: "x", source: $0 < 5 ? "a" : "b",
        group: $0 % 2 == 0 ? "topic=health;class=title" : "topic=tax;class=block")
    }
    let scores = BiasScores(
      documents: documents,
      probabilities: documents.indices.map { $0 % 2 == 0 ? [0.9, 0.1] : [0.2, 0.8] },
      poles: .init(from: 0, to: 1))
    let measure = BiasMeasure(
      labels: ["left", "right"], poles: .init(from: 0, to: 1), replicates: 100,
      clustersBySource: false
    ) { RandomStream(seed: 1, name: $0) }
    let topics = try measure.parts(of: scores, by: "topic")
    let health = topics.filter { $0.at["group"] == "health" }
    #expect(
      health.map(\.name) == ["group_documents", "group_share", "group_share", "group_mean_score"])
    #expect(health.map(\.value)[0...2] == [10, 1, 0])
    #expect(abs(health[3].value + 0.8) < 1e-12 && health[1].at["class"] == "left")
    #expect(try measure.parts(of: scores, by: "source").count == 8)
    let error = #expect(throws: Diagnostic.self) { try measure.parts(of: scores, by: "seen") }
    #expect(error?.id == "group-unknown")
  }
}
