// Folds of whole sources, masks, caps, and the figures over them.

import CanonicalJSON
import Corpora
import Diagnostics
import Randomness
import Reports
import Statistics
import Testing

@testable import StageLibrary

@Suite struct ClassifierTrialTests {
  private func stream(_ seed: Int) -> RandomStream { RandomStream(seed: seed, name: "folds") }

  @Test(arguments: 1...5) func foldsHoldWholeSources(seed: Int) throws {
    // One source as large as all others together, as in collections of news.
    let giant = (0..<60).map {
      Document(id: "g\($0)", text: "x", label: "center", source: "giant")
    }
    let documents = Texts.documents(120, seed: seed, sources: 7) + giant
    let folds = try SourceFolds(
      documents, labels: ["center", "left", "right"], count: 4, stream(seed))
    var foldsOf: [String: Set<Int>] = [:]
    for (document, fold) in zip(documents, folds.foldOf) {
      foldsOf[document.source!, default: []].insert(fold)
    }
    #expect(foldsOf.values.allSatisfy { $0.count == 1 })
    #expect(Set(folds.foldOf) == [0, 1, 2, 3])
    for fold in 0..<4 {
      let left = zip(documents, folds.foldOf).filter { $0.1 != fold }
      #expect(Set(left.map { $0.0.label }).count == 3)
      #expect(zip(documents, folds.foldOf).contains { $0.1 == fold && $0.0.label == "left" })
    }
  }

  @Test func foldsThatCannotBeAreRefused() {
    func id(_ documents: [Document], _ count: Int) -> String? {
      do {
        _ = try SourceFolds(documents, labels: ["left", "right"], count: count, stream(1))
        return nil
      } catch { return error.id }
    }
    let two = (0..<10).map {
      Document(id: "\($0)", text: "x", label: $0 < 5 ? "left" : "right", source: "s\($0 % 2)")
    }
    #expect(id(two, 2) == nil)
    #expect(id(two, 3) == "classifier-folds")
    // All lefts come from one source: the fold that holds it would leave none to learn from.
    let lonely = two.map { document in
      var document = document
      if document.label == "left" { document.source = "only" }
      return document
    }
    #expect(id(lonely, 2) == "classifier-sources")
  }

  @Test func ngramsAreTriedOnSourcesLeftOut() throws {
    let place = try Workplace()
    try place.corpus("train", Texts.documents(240, seed: 1, sources: 6))
    func run(_ changes: [(String, JSONValue)]) throws -> [Metric] {
      let parameters = ScoringTests.training.map { item in
        changes.first { $0.0 == item.0 } ?? item
      }
      try place.run(
        TrainClassifierStage.self, parameters + changes.filter { $0.0 == "most_per_source" },
        ["corpus": [place.input("train")], "encoder": []],
        ["classifier": "classifier", "metrics": "metrics"])
      return try place.metrics()
    }
    let metrics = try run([("folds", 3), ("leaning_floor", 0.5)])
    let f1 = try #require(metrics.first { $0.name == "folds_macro_f1" })
    #expect(f1.value > 0.9 && f1.count == 240)
    #expect(metrics.first { $0.name == "is_leaning" }?.value == 1)
    // Nothing but the floor is different.
    let strict = try run([("folds", 3), ("leaning_floor", 1)])
    #expect(strict.first { $0.name == "folds_macro_f1" } == f1)
    #expect(strict.first { $0.name == "is_leaning" }?.value == (f1.value >= 1 ? 1 : 0))
    // Three of every source at most, of 18 sources.
    let capped = try run([("folds", 0), ("most_per_source", 3)])
    let learnt = try #require(capped.first { $0.name == "training_documents" }).value
    #expect(learnt <= 54 && learnt > 30)
    #expect(capped.allSatisfy { !$0.name.hasPrefix("folds_") && $0.name != "is_leaning" })
  }

  @Test func idleParametersAreRefused() throws {
    let place = try Workplace()
    try place.corpus("train", Texts.documents(60, seed: 1))
    for change in [("folds", JSONValue.integer(1)), ("baseline", .boolean(true))] {
      let parameters = ScoringTests.training.map { $0.0 == change.0 ? change : $0 }
      let error = #expect(throws: Diagnostic.self) {
        try place.run(
          TrainClassifierStage.self, parameters,
          ["corpus": [place.input("train")], "encoder": []],
          ["classifier": "classifier", "metrics": "metrics"])
      }
      #expect(error?.id == "classifier-idle")
    }
  }

  @Test func namesAreMaskedAsWholeWords() {
    let mask = NameMask(
      sourcesOf: [
        Document(id: "a", text: "", source: "Fox News (Online)"),
        Document(id: "b", text: "", source: "New York Times - Opinion"),
        Document(id: "c", text: "", source: "The Daily Wire"), Document(id: "d", text: ""),
      ], and: ["Fox", "!?"])
    #expect(mask.names == ["Daily Wire", "Fox", "Fox News", "New York Times", "The Daily Wire"])
    for (text, wanted) in [
      ("Fox News said", "outlet said"), ("he told the New York Times.", "he told the outlet."),
      ("The Daily Wire, a site", "outlet, a site"), ("Foxes and fox news", "Foxes and fox news"),
      ("Fox — News", "outlet — News"), ("FoxNews", "FoxNews"), ("Fox", "outlet"), ("", ""),
      ("Daily  Wire's", "outlet's"), ("é Fox é", "é outlet é"),
      ("New York Fox News", "New York outlet"),
    ] {
      #expect(mask.masked(text) == wanted)
    }
    #expect(NameMask([]).masked("Fox") == "Fox" && NameMask(["", "—"]).names == ["—"])
  }

  @Test func capsAndWeightsEvenSourcesOut() {
    let documents = (0..<20).map {
      Document(id: "\($0)", text: "x", label: "left", source: $0 < 15 ? "big" : "s\($0)")
    }
    let capped = SourceBalance.capped(documents, atMost: 4, stream(1))
    #expect(capped.count == 9 && capped.count { $0.source == "big" } == 4)
    #expect(capped.map { Int($0.id)! } == capped.map { Int($0.id)! }.sorted())
    let weights = SourceBalance.weights(documents)
    #expect(abs(weights.reduce(0, +) - 20) < 1e-9)
    #expect(abs(weights[..<15].reduce(0, +) - weights[19]) < 1e-9)
  }

  /// Against scikit-learn's accuracy, f1_score and recall_score, with and without sample_weight.
  @Test func figuresCountDocumentsAndSources() {
    let labels = [0, 0, 0, 0, 1, 1, 2, 2]
    let predictions = [0, 0, 0, 1, 1, 0, 2, 1]
    let rows = predictions.map { winner in (0..<3).map { $0 == winner ? 0.6 : 0.2 } }
    let judged = JudgedRows(
      labels: labels, classCount: 3, probabilities: rows, untempered: rows,
      clusters: [0, 0, 0, 1, 2, 3, 4, 5])
    let figures = judged.figures
    #expect(abs(figures.accuracy - 0.625) < 1e-12)
    // F1: 0.75, 0.4, 2/3.
    #expect(abs(figures.macroF1 - (0.75 + 0.4 + 2.0 / 3) / 3) < 1e-12)
    // Three documents of source 0 weigh a third each: 3 of 6 right.
    #expect(abs(figures.accuracyBySource - 0.5) < 1e-12)
    #expect(abs(figures.macroF1BySource - (0.5 + 0.4 + 2.0 / 3) / 3) < 1e-12)
    #expect(abs(figures.calibrationError - 0.025) < 1e-12)
    #expect(abs(figures.confusion[0][1] - 0.25) < 1e-12)
    #expect(abs(figures.response[2][1] - 0.4) < 1e-12)
    let bootstrap = Bootstrap(replicates: 200, stream: stream(1))
    let same = JudgedRows.differences(judged, judged, bySource: true, bootstrap)
    #expect(same.allSatisfy { $0.low == 0 && $0.high == 0 })
    let ends = judged.intervals(bySource: true, bootstrap)
    #expect(ends[0].low < 0.625 && ends[0].high > 0.625)
  }
}
