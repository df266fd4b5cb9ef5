// edit-with-network, probe-answers and explain-trait on a small Llama: what they say of an edit, of none, and of
// what cannot be.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelAnalysis
import ModelFiles
import Personality
import Reports
import Scheduling
import Testing

@testable import StageLibrary

@Suite struct EditingStagesTests {
  private static let edit: [(String, JSONValue)] = [
    ("label", "extraversion"), ("edits", 2), ("held_out", 1), ("layers", 1), ("steps", 3),
    ("accumulate", 2), ("edit_rate", .number(1e-2)), ("max_length", 64), ("seed", 5),
  ]
  private static let ports = ["adapter", "metrics", "history"]

  private func edited(
    _ place: TraitPlace, _ name: String, _ more: [(String, JSONValue)] = []
  ) throws -> [Metric] {
    let names = Set(more.map(\.0))
    #expect(
      try place.run(
        EditWithNetworkStage.self, Self.edit.filter { !names.contains($0.0) } + more,
        [
          "model": place.model, "corpus": place.path("opinions"),
          "locality": place.path("questions"),
        ], to: Self.ports, name))
    return try Metric.read(place.bytes("\(name)/metrics/metrics.json"), shown: name)
  }

  private func value(
    _ metrics: [Metric], _ name: String, _ at: [String: JSONValue] = [:]
  ) -> Double? {
    metrics.first { metric in
      metric.name == name && at.allSatisfy { metric.at[$0.key] == $0.value }
    }?.value
  }

  @Test func anEditIsAnAdapterThatMakesItsAnswersLikelier() throws {
    let place = try TraitPlace()
    let metrics = try edited(place, "edit")
    let before = try #require(value(metrics, "edit_loss", ["set": "edited", "when": "before"]))
    let after = try #require(value(metrics, "edit_loss", ["set": "edited", "when": "after"]))
    #expect(after < before - 0.01)
    #expect(value(metrics, "diverged") == 0 && value(metrics, "unusable") == 0)
    #expect(try #require(value(metrics, "locality_kl")) > 0)
    #expect((0...1).contains(try #require(value(metrics, "edit_score"))))
    #expect(metrics.allSatisfy { $0.at["method"] == "mend" && $0.at["trait"] == "extraversion" })
    // The file holds the same edit: what it does to the held-out answers is what the metrics say.
    let model = try LanguageModel(folder: place.model)
    let adapter = try LowRankAdapter(folder: place.path("edit/adapter"), for: model)
    #expect(Double(adapter.modules[0].rank) == value(metrics, "edit_rank"))
    #expect(adapter.modules.count == 2 && adapter.modules.allSatisfy { $0.scale == 1 })
    let lines = try place.bytes("edit/history/history.jsonl").split(separator: 0x0A)
    #expect(lines.count == 3)
    // Same seed, same bytes; another seed, another edit.
    _ = try edited(place, "again")
    let file = "adapter/" + PEFTFiles.weightsName
    #expect(try place.bytes("edit/" + file) == place.bytes("again/" + file))
    _ = try edited(place, "other", [("seed", 6)])
    #expect(try place.bytes("edit/" + file) != place.bytes("other/" + file))
  }

  @Test func goesOnAfterEveryStopWithTheSameBytes() throws {
    let place = try TraitPlace()
    _ = try edited(place, "whole")
    let inputs = [
      "model": place.model, "corpus": place.path("opinions"), "locality": place.path("questions"),
    ]
    var stops = 0
    while try !place.run(
      EditWithNetworkStage.self, Self.edit, inputs, to: Self.ports, "stopped",
      stopped: stops < 6), stops < 100
    {
      stops += 1
    }
    #expect(stops == 6, "three steps of two episodes")
    for file in [
      "adapter/" + PEFTFiles.weightsName, "history/history.jsonl", "metrics/metrics.json",
    ] {
      #expect(try place.bytes("whole/" + file) == place.bytes("stopped/" + file), "\(file)")
    }
  }

  @Test func aBrokenEditIsReportedAndHarmless() throws {
    let place = try TraitPlace()
    let metrics = try edited(place, "edit", [("edit_rate", .number(1e38))])
    #expect(value(metrics, "diverged") == 1 && value(metrics, "diverged_at") == 1)
    #expect(value(metrics, "unusable") == 1 && value(metrics, "locality_kl") == 0)
    let model = try LanguageModel(folder: place.model)
    let adapter = try LowRankAdapter(folder: place.path("edit/adapter"), for: model)
    #expect(adapter.weights.everything.values.allSatisfy { $0 == 0 })
  }

  @Test func whatCannotBeEditedIsRefused() throws {
    let place = try TraitPlace()
    for (more, id) in [
      ([("label", "openness")], "edit-label"), ([("edits", 4)], "edit-examples"),
      ([("held_out", 4)], "edit-examples"), ([("layers", 99)], "edit-layers"),
    ] as [([(String, JSONValue)], String)] {
      #expect {
        _ = try edited(place, "edit", more)
      } throws: { ($0 as? Diagnostic)?.id == id }
    }
  }

  @Test func stopsWhenAsked() throws {
    let place = try TraitPlace()
    #expect(
      try !place.run(
        EditWithNetworkStage.self, Self.edit,
        [
          "model": place.model, "corpus": place.path("opinions"),
          "locality": place.path("questions"),
        ], to: Self.ports, "edit", stopped: true))
  }

  // MARK: Probing

  private func probed(
    _ place: TraitPlace, _ name: String, _ inputs: [String: String],
    _ more: [(String, JSONValue)] = []
  ) throws -> [Metric] {
    _ = try place.run(
      ProbeAnswersStage.self,
      [("seed", 1), ("bootstrap", 100), ("max_new_tokens", 4), ("positions", 3)] + more,
      ["model": place.model, "questions": place.path("questions")].merging(inputs) { $1 },
      to: ["metrics", "scores"], name)
    return try Metric.read(place.bytes("\(name)/metrics/metrics.json"), shown: name)
  }

  @Test func divergenceIsZeroWithoutAnEditOnly() throws {
    let place = try TraitPlace()
    _ = try edited(place, "edit")
    let none = try probed(place, "none", [:])
    #expect(value(none, "locality_kl") == 0)
    let adapter = place.path("edit/adapter")
    let own = try probed(
      place, "own", ["adapter": adapter, "answers": place.path("opinions")],
      [("trait", "extraversion"), ("method", "mend"), ("marks", ["seed=5"])])
    let divergence = try #require(value(own, "locality_kl"))
    #expect(divergence > 0)
    #expect(own.allSatisfy { $0.at["method"] == "mend" && $0.at["trait"] == "extraversion" })
    #expect(own.allSatisfy { $0.at["seed"] == "5" })
    let half = try probed(place, "half", ["adapter": adapter], [("adapter_scale", .number(0.5))])
    #expect(try #require(value(half, "locality_kl")) < divergence)
    // The vocabulary of the example falls back to bytes: an emoji can begin at every place.
    for when in ["before", "after"] {
      for position in 0..<3 {
        let mass = value(
          own, "emoji_mass", ["when": .string(when), "position": .integer(position)])
        #expect(try #require(mass) > 0)
      }
    }
    let rows = try place.bytes("own/scores/scores.jsonl").split(separator: 0x0A)
    #expect(rows.count == 5 + 8)
    let lively = try probed(
      place, "lively", ["adapter": adapter, "answers": place.path("opinions")],
      [("labels", ["extraversion", "neutral"]), ("trait", "extraversion")])
    #expect(lively.contains { $0.name == "answer_loss" })
  }

  @Test func whatCannotBeProbedIsRefused() throws {
    let place = try TraitPlace()
    #expect {
      _ = try probed(place, "none", [:], [("labels", ["openness"])])
    } throws: { ($0 as? Diagnostic)?.id == "probe-empty" }
    try place.make("texts")
    try Corpus(
      documents: [Document(id: "text", text: "the news of the day")],
      facts: Corpus.Facts(origins: ["a test"])
    ).write(to: place.path("texts"))
    #expect(
      try value(probed(place, "text", ["questions": place.path("texts")]), "locality_kl") == 0)
    try place.make("context")
    let context = PromptContext(
      label: "extraversion", method: "ike", instruction: "Be lively.", instructionNumber: 0,
      order: 0, examples: [], layout: .message)
    try context.write(to: OutputArtifact(folder: place.path("context")))
    let moved = try probed(place, "context-run", ["context": place.path("context")])
    #expect(try #require(value(moved, "locality_kl")) > 0)
    #expect(moved.allSatisfy { $0.at["method"] == "ike" })
    #expect {
      _ = try probed(
        place, "both",
        ["questions": place.path("texts"), "context": place.path("context")])
    } throws: { ($0 as? Diagnostic)?.id == "probe-texts" }
  }

  // MARK: Explaining

  private static let explain: [(String, JSONValue)] = [
    ("trait", "extraversion"), ("top", 4), ("draws", 19), ("random_sets", 5), ("tried", 2),
    ("emoji", ["😀", "🎉"]), ("words", ["news", "day"]), ("ask", ["Say {trait}."]),
    ("ask_draws", 2), ("ask_tokens", 4), ("max_new_tokens", 4), ("seed", 3),
  ]

  private func explained(
    _ place: TraitPlace, _ name: String, _ more: [(String, JSONValue)] = [], judge: String? = nil
  ) throws -> [Metric] {
    let names = Set(more.map(\.0))
    var inputs = [
      "model": place.model, "adapter": place.path("edit/adapter"),
      "trait_questions": place.path("opinions"), "neutral_questions": place.path("questions"),
    ]
    inputs["judge"] = judge
    #expect(
      try place.run(
        ExplainTraitStage.self, Self.explain.filter { !names.contains($0.0) } + more, inputs,
        to: ["section", "metrics", "units"], name))
    return try Metric.read(place.bytes("\(name)/metrics/metrics.json"), shown: name)
  }

  @Test func explanationNamesUnitsAndTriesThem() throws {
    let place = try TraitPlace()
    _ = try edited(place, "edit")
    let metrics = try explained(place, "explain")
    let base = value(metrics, "patch_loss", ["units": "base"])
    let tuned = value(metrics, "patch_loss", ["units": "tuned"])
    #expect(base != nil && tuned != nil && base != tuned)
    #expect((1.0 / 6...1).contains(try #require(value(metrics, "patch_loss_p"))))
    let section = try ReportSection.read(
      place.bytes("explain/section/section.json"), shown: "section")
    #expect(section.id == "explain-extraversion" && section.claims.count == 3)
    let rows = try place.bytes("explain/units/scores.jsonl").split(separator: 0x0A)
    #expect(rows.count == 4 * 4)
    let set = try #require(
      try TraitUnitSet(place.bytes("explain/units/scores.jsonl"), shown: "units"))
    #expect(set.trait == "extraversion" && set.units.count == 4 && set.compared >= 4)
    // With their answers, prompts are other texts.
    let answered = try explained(place, "answered", [("read_answers", true)])
    let at: [String: JSONValue] = ["group": "extraversion"]
    #expect(value(answered, "unit_t", at) != value(metrics, "unit_t", at))
    // One set for every group, and no emoji beside the group of all of them.
    let pairs = metrics.filter { $0.name == "unit_overlap" }.map { metric in
      [metric.at["first"]?.string ?? "", metric.at["second"]?.string ?? ""]
    }
    #expect(pairs.contains(["extraversion", "emoji"]) && pairs.contains(["😀", "🎉"]))
    #expect(!pairs.contains(["emoji", "😀"]))
    // All units set back is the unmoved model again, as far as the last block goes.
    let all = try explained(place, "all", [("top", 100_000), ("layers", 99), ("random_sets", 1)])
    let found = try #require(value(all, "patch_loss", ["units": "found"]))
    #expect(abs(found - (base ?? 0)) < 1e-5)
    for name in ["patch_emoji_share", "patch_alignment"] {
      #expect((value(metrics, name, ["units": "tuned"]) == nil) == (name == "patch_alignment"))
    }
    _ = try explained(place, "again")
    for file in ["metrics/metrics.json", "section/section.json", "units/scores.jsonl"] {
      #expect(try place.bytes("explain/" + file) == place.bytes("again/" + file))
    }
  }

  /// What the tuned model writes with all units of all blocks as in the unmoved one is what that one
  /// writes, but for an edit of the last block's reading side; with none it is its own.
  @Test func writtenAnswersFollowTheUnits() throws {
    let place = try TraitPlace()
    _ = try edited(place, "edit")
    let judge = try place.judge()
    let all = try explained(
      place, "all", [("top", 100_000), ("layers", 99), ("written", 3), ("written_sets", 2)],
      judge: judge)
    for name in ["patch_alignment", "patch_emoji_share"] {
      let base = try #require(value(all, name, ["units": "base"]))
      #expect(value(all, name, ["units": "found"]) == base)
      #expect(value(all, name, ["units": "random"]) == base, "all units are all units")
      #expect(value(all, name + "_contrast") == 0)
    }
    #expect(throws: Diagnostic.self) {
      try explained(place, "unknown", [("trait", "openness")], judge: judge)
    }
    let none = try explained(place, "none", [("written", 0)], judge: judge)
    #expect(!none.contains { $0.name == "patch_alignment" })
  }

  /// The tandem's own words: untouched it writes what a Generator writes, with all of the other model's units
  /// what that one writes.
  @Test func tandemWritesWhatItsUnitsSay() throws {
    let place = try TraitPlace()
    _ = try edited(place, "edit")
    let model = try LanguageModel(files: place.input(place.path("base/model")).files)
    let adapter = try LowRankAdapter(
      files: place.input(place.path("edit/adapter")).files, for: model)
    let prompts: [[Int32]] = [[5, 9, 30, 7], [8], [40, 41, 42, 43, 44, 45, 46]]
    func generated(_ adapter: LowRankAdapter?) throws -> [[Int32]] {
      try Generator(model, adapter: adapter, batch: 3).run(
        prompts.enumerated().map {
          GenerationRequest(prompt: $1, length: 12, stream: "\($0)")
        }, .greedy()
      ).map(\.tokens)
    }
    let (plain, tuned) = try (generated(nil), generated(adapter))
    #expect(plain != tuned)
    for kind in UnitKind.allCases {
      let layout = UnitLayout(kind, of: model.specification)
      let patch = UnitPatch(layout)
      patch.recordedLayers = Set(0..<layout.layers)
      for (batch, room) in [(3, 512), (2, 3), (1, 512)] {
        let writer = try TandemWriter(
          model, adapter: adapter, batch: batch, prefillTokens: room)
        for units in [[], Array(0..<layout.count)] {
          patch.choose(units)
          let written = try writer.write(
            prompts, length: 12, stopTokens: [],
            plainSees: { patch.see($0, at: $1, .record) },
            adaptedSees: { patch.see($0, at: $1, .patch) })
          if units.isEmpty {
            #expect(written == tuned)
          } else if kind == .residual {
            #expect(written == plain)
          }
        }
      }
    }
  }

  @Test func promptsThatSayNothingAreRefused() throws {
    let place = try TraitPlace()
    _ = try edited(place, "edit")
    for more in [
      [("templates", ["{}", "no place"])], [("templates", ["{}"])], [("emoji", ["😀", "😀"])],
      [("emoji", [])], [("words", [])],
    ] as [[(String, JSONValue)]] {
      #expect {
        _ = try explained(place, "explain", more)
      } throws: { ($0 as? Diagnostic)?.id == "explain-prompts" }
    }
  }

  @Test func emojiOfAnswersAreAnalysed() throws {
    let place = try TraitPlace()
    try place.make("emoji")
    var documents: [Document] = []
    for number in 0..<12 {
      for (label, text) in [("extraversion", "Great! 🎉"), ("neuroticism", "Oh no \u{FFFD}")] {
        for scale in ["0", "1"] {
          var document = Document(id: "\(label)-\(number)-\(scale)", text: text, label: label)
          document.question = "What do you think of topic \(number)?"
          document.group = "trait=\(label);pole=high;topic=\(number);method=peft;scale=\(scale)"
          if scale == "0" { document.text = "Fine." }
          documents.append(document)
        }
      }
    }
    try Corpus(documents: documents, facts: Corpus.Facts(origins: ["a test"]))
      .write(to: place.path("emoji"))
    #expect(
      try place.run(
        AnalyseEmojiStage.self, [("seed", 1), ("shuffles", 99), ("bootstrap", 100)],
        ["answers": place.path("emoji")], to: ["metrics", "section"], "analysis"))
    let metrics = try Metric.read(place.bytes("analysis/metrics/metrics.json"), shown: "analysis")
    #expect(metrics.allSatisfy { $0.at["method"] == "peft" })
    #expect(value(metrics, "emoji_presence_information_p") == 0.01)
    #expect(value(metrics, "emoji_valence", ["trait": "extraversion"]) == 1)
    #expect(value(metrics, "emoji_dose_slope", ["trait": "extraversion"]) == 1)
    #expect(value(metrics, "emoji_dose_slope", ["trait": "neuroticism"]) == 0)
    #expect(value(metrics, "malformed_share") == 0.25)
    _ = try ReportSection.read(place.bytes("analysis/section/section.json"), shown: "section")
    #expect {
      _ = try place.run(
        AnalyseEmojiStage.self, [("seed", 1), ("method", "mend")],
        ["answers": place.path("emoji")], to: ["metrics", "section"], "none")
    } throws: { ($0 as? Diagnostic)?.id == "emoji-answers" }
  }

  @Test func wordsAreCountedAsWritten() {
    let counts = WordCounts(
      ["Fun, fun! 🎉🎉 Don't be sad 👍🏽", "FUN is fun; 1 2 3 ok"], without: ["sad"])
    #expect(counts.counts.map(\.word) == ["fun", "🎉", "don't", "👍🏽"])
    #expect(counts.counts.map(\.count) == [4, 2, 1, 1])
    #expect(counts.total == 8)
    #expect(WordCounts.isEmoji("🎉") && !WordCounts.isEmoji("fun") && !WordCounts.isEmoji(""))
    #expect(WordCounts([]).total == 0)
  }

  @Test func editScoreIsThatOfTheReleasedCode() {
    // σ(1.5)·min(1, e^0.7) and σ(−0.5)·e^−0.2
    let first = EditMeasures.score(target: -1, other: -2.5, targetBefore: -1.7)
    #expect(abs(first - 0.8175744761936437) < 1e-12)
    let second = EditMeasures.score(target: -2, other: -1.5, targetBefore: -1.8)
    #expect(abs(second - 0.3775406687981454 * 0.8187307530779818) < 1e-12)
  }
}
