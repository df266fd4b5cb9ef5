// Open-ended prompts out of articles: what a model is asked to continue before and after each
// generation, in groups that can be compared (topic, kind of prompt, whether the article was learnt).

import Diagnostics
import Randomness

/// Composes the prompts of the benchmark.
public struct Benchmark: Sendable {
  /// What a prompt is cut from.
  public enum TitleForm: String, Sendable, CaseIterable {
    /// The title itself.
    case bare
    /// `title: …` and `body:`, as articles are written.
    case heading
  }

  public var topics: Topics
  public var titles: TitleForm?
  /// Blocks of each body: the first so many whole ones.
  public var blocks: Int
  /// Articles drawn from each corpus; nil for all.
  public var articles: Int?
  public var seed: Int
  /// Cuts a body into whole blocks, as many as asked for at most.
  public var cut: @Sendable (_ body: String, _ most: Int) -> [String]

  public init(
    topics: Topics, titles: TitleForm?, blocks: Int, articles: Int?, seed: Int,
    cut: @escaping @Sendable (_ body: String, _ most: Int) -> [String]
  ) {
    self.topics = topics
    self.titles = titles
    self.blocks = blocks
    self.articles = articles
    self.seed = seed
    self.cut = cut
  }

  /// The prompts of both corpora, training first, each in the order of its articles.
  ///
  /// - Returns: documents `<article>/title` and `<article>/block-<n>` with label, source and date of
  ///   their article and the group `topic=…;class=title|block;seen=yes|no`.
  ///
  /// **Throws**: `benchmark-overlap`, `benchmark-empty`, `sample-too-few`.
  public func prompts(training: Corpus, heldBack: Corpus) throws(Diagnostic) -> Corpus {
    let ids = Set(training.documents.map { Array($0.id.utf8) })
    let texts = Set(training.documents.map { Array($0.text.utf8) })
    let shared = heldBack.documents.filter {
      ids.contains(Array($0.id.utf8)) || texts.contains(Array($0.text.utf8))
    }
    if let first = shared.first {
      throw .benchmarkOverlap(shared.count, of: heldBack.documents.count, first: first.id)
    }
    let seen = try prompts(of: training, seen: true)
    let unseen = try prompts(of: heldBack, seen: false)
    return Corpus(joining: [seen, unseen])
  }

  private func prompts(of corpus: Corpus, seen: Bool) throws(Diagnostic) -> Corpus {
    var documents: [Document] = []
    for article in try drawn(corpus, seen: seen) {
      let parts = article.article
      var made: [(id: String, kind: String, text: String)] = []
      if let titles, parts.title.contains(where: { !$0.isWhitespace }) {
        let text = titles == .bare ? parts.title : "title: \(parts.title)\nbody:"
        made.append(("title", "title", text))
      }
      for (number, block) in cut(parts.body, blocks).enumerated()
      where block.contains(where: { !$0.isWhitespace }) {
        made.append(("block-\(number)", "block", block))
      }
      guard !made.isEmpty else { continue }
      let topic = topics.topic(of: parts)
      for prompt in made {
        documents.append(
          Document(
            id: "\(article.id)/\(prompt.id)", text: prompt.text, label: article.label,
            source: article.source, date: article.date,
            group: "topic=\(topic);class=\(prompt.kind);seen=\(seen ? "yes" : "no")"))
      }
    }
    guard !documents.isEmpty else {
      throw .benchmarkEmpty(seen ? "training" : "held_back", corpus.documents.count)
    }
    return Corpus(documents: documents, facts: corpus.facts)
  }

  /// In the order they have in their corpus; equally many of each label where all documents have one.
  private func drawn(_ corpus: Corpus, seen: Bool) throws(Diagnostic) -> [Document] {
    guard let articles else { return corpus.documents }
    let total = corpus.documents.count
    guard articles <= total else { throw .sampleTooFew(has: total, wanted: articles) }
    let stream = "benchmark/\(seen ? "training" : "held-back")"
    var chosen: Set<Int> = []
    let labels = corpus.labels
    if !labels.isEmpty, corpus.documents.allSatisfy({ $0.label != nil }) {
      for (number, label) in labels.enumerated() {
        let group = corpus.documents.indices.filter { corpus.documents[$0].label == label }
        let wanted = articles / labels.count + (number < articles % labels.count ? 1 : 0)
        var random = RandomStream(seed: seed, name: "\(stream)/\(label)")
        for index in random.sample(min(wanted, group.count), of: group.count) {
          chosen.insert(group[index])
        }
      }
    }
    // What is missing, because there are no labels or too few documents of one.
    var random = RandomStream(seed: seed, name: stream)
    let rest = corpus.documents.indices.filter { !chosen.contains($0) }
    for index in random.sample(articles - chosen.count, of: rest.count) {
      chosen.insert(rest[index])
    }
    return chosen.sorted().map { corpus.documents[$0] }
  }

  /// Whole blocks of so many words: runs of what is not white space, with what stands between them.
  public static func wordBlocks(of words: Int)
    -> @Sendable (_ body: String, _ most: Int) -> [String]
  {
    precondition(words >= 1, "a block of \(words) words is no prompt")
    return { body, most in
      var blocks: [String] = []
      var start: String.UnicodeScalarView.Index?
      var count = 0
      var isInside = false
      let scalars = body.unicodeScalars
      for index in scalars.indices {
        let isSpace = scalars[index].properties.isWhitespace
        if isSpace, isInside, count == words, let from = start {
          if blocks.count < most { blocks.append(String(scalars[from..<index])) }
          (start, count) = (nil, 0)
        } else if !isSpace, !isInside {
          start = start ?? index
          count += 1
        }
        isInside = !isSpace
        if blocks.count == most { return blocks }
      }
      if isInside, count == words, let start, blocks.count < most {
        blocks.append(String(scalars[start...]))
      }
      return blocks
    }
  }
}
