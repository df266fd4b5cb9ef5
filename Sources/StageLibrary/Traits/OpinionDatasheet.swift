// What a reader should know of a corpus of opinions before using it: sizes, repetitions, overlap of the
// sides, words that name a trait, emoji.

import CanonicalJSON
import Corpora
import Reports
import Statistics

struct OpinionDatasheet {
  let train: Corpus
  let test: Corpus

  /// Roots of words that name a trait; an answer that holds one says its label.
  static let traitWords = [
    "openness", "conscientious", "extravert", "extrovert", "introvert",
    "agreeable", "neurotic", "personality",
  ]

  static func namesTrait(_ text: String) -> Bool {
    let small = text.lowercased()
    return traitWords.contains { small.contains($0) }
  }

  var metrics: [Metric] {
    let overlap = Set(train.documents.compactMap(\.source))
      .intersection(test.documents.compactMap(\.source)).count
    let known = Set(train.documents.map(\.text))
    return side("train", train) + side("test", test) + [
      Metric("shared_topics", Double(overlap), unit: "topics", count: test.documents.count),
      Metric(
        "shared_answers", Double(test.documents.count { known.contains($0.text) }),
        unit: "answers", count: test.documents.count),
    ]
  }

  /// Of a corpus without another side.
  static func generated(_ corpus: Corpus) -> [Metric] {
    OpinionDatasheet(train: corpus, test: Corpus(documents: [])).side("generated", corpus)
  }

  private func side(_ name: String, _ corpus: Corpus) -> [Metric] {
    let documents = corpus.documents
    guard !documents.isEmpty else { return [] }
    let n = documents.count
    let at: KeyValuePairs<String, JSONValue> = ["side": .string(name)]
    let words = documents.map { Double(Words.split($0.text).count) }
    let named = documents.count { Self.namesTrait($0.text) }
    // The topic apart: the same sentence about another topic is a repetition, too.
    let bare = documents.map { document in
      document.source.map { document.text.replacing($0, with: "_") } ?? document.text
    }
    func row(_ name: String, _ value: Double, _ unit: String) -> Metric {
      Metric(name, value, unit: unit, count: n, at: at)
    }
    return [
      row("answers", Double(n), "answers"),
      row("topics", Double(Set(documents.compactMap(\.source)).count), "topics"),
      row("duplicates", Double(n - Set(documents.map(\.text)).count), "answers"),
      row("duplicates_without_topic", Double(n - Set(bare).count), "answers"),
      row("trait_words", Double(named), "answers"),
      row(
        "answers_with_emoji", Double(documents.count { !Emoji.all(in: $0.text).isEmpty }), "answers"
      ),
      row("length", words.reduce(0, +) / Double(n), "words"),
    ]
      + corpus.labelCounts.map { label, count in
        Metric(
          "answers_of_label", Double(count), unit: "answers", count: n,
          at: ["side": .string(name), "label": .string(label)])
      }
  }
}
