// What a judge says of texts that say nothing. A judge without prejudice falls back on what it says of
// real texts on average; what it says beyond that is its own and would look like drift where texts decay.

import CanonicalJSON
import Corpora
import Randomness
import Reports
import Statistics

/// Texts that have lost their meaning, made from real ones, document by document.
enum EmptiedTexts: String, CaseIterable {
  /// A document's own words, in random order.
  case shuffled
  /// Words of all documents, drawn with replacement, as many as the document has.
  case pooled
  /// Random letters, as many as the document has in each word.
  case noise

  /// The same ids with other texts.
  func make(of documents: [Document], seed: Int) -> [Document] {
    let vocabulary = documents.flatMap { Self.words($0.text) }
    return documents.map { document in
      var stream = RandomStream(seed: seed, name: "audit/\(rawValue)/\(document.id)")
      var words = Self.words(document.text)
      switch self {
      case .shuffled: stream.shuffle(&words)
      case .pooled:
        words = words.map { _ in vocabulary[stream.integer(below: vocabulary.count)] }
      case .noise:
        words = Degradation.noise.apply(
          to: words, strength: 1, vocabulary: vocabulary, &stream)
      }
      var result = document
      result.text = words.joined(separator: " ")
      return result
    }
  }

  private static func words(_ text: String) -> [String] {
    text.split(whereSeparator: \.isWhitespace).map(String.init)
  }
}

struct JudgeAudit {
  let labels: [String]
  let real: [Document]
  /// `[document][class]`
  let probabilities: [[Double]]
  let tolerance: Double
  let bootstrap: Bootstrap

  private var clusters: [Int] { ClassifierSplit.clusters(real) }

  /// Class means on the real texts: what the judge falls back on.
  var prior: [Metric] {
    let columns = columns(probabilities)
    let ends = bootstrap.means(of: columns, clusters: clusters)
    return metrics("prior", "prior_share", columns.map(mean), ends, texts: nil, real.count)
  }

  /// Class means on other texts, their excess over the prior, and the largest one.
  ///
  /// - Parameters:
  ///   - others: what the judge says of them.
  ///   - documents: in pairs with the real ones where every one has its partner's id.
  func metrics(
    _ name: String, _ others: [[Double]], of documents: [Document], _ stream: RandomStream
  ) -> [Metric] {
    let own = columns(probabilities)
    let columns = columns(others)
    let owner = ClassifierSplit.clusters(documents)
    let ends = bootstrap.means(of: columns, clusters: owner)
    var place: [String: Int] = [:]  // look-up only
    for (row, document) in real.enumerated() { place[document.id] = row }
    let partners = documents.compactMap { place[$0.id] }
    let excess = zip(columns, own).map { mean($0) - mean($1) }
    let isPaired = partners.count == documents.count && documents.count == real.count
    let excessEnds =
      isPaired
      ? bootstrap.means(
        of: zip(columns, own).map { column, prior in
          zip(column, partners).map { $0 - prior[$1] }
        }, clusters: owner)
      : bootstrap.differences(
        of: columns, clusters: owner, from: own, otherClusters: clusters, otherStream: stream)
    let n = documents.count
    var result =
      metrics("mean_probability", "share", columns.map(mean), ends, texts: name, n)
      + metrics("excess", "share_excess", excess, excessEnds, texts: name, n)
    let worst = argmax(excess.prefix(labels.count).map(abs))
    let (low, high) = (excessEnds[worst].low, excessEnds[worst].high)
    let straddles = low <= 0 && high >= 0
    result += [
      Metric(
        "largest_excess", abs(excess[worst]), unit: "probability",
        low: straddles ? 0 : min(abs(low), abs(high)), high: max(abs(low), abs(high)), count: n,
        at: [
          "texts": .string(name), "class": .string(labels[worst]),
          "direction": .string(excess[worst] < 0 ? "too rarely" : "too often"),
        ]),
      Metric(
        "is_neutral", abs(excess[worst]) <= tolerance ? 1 : 0, count: n,
        at: ["texts": .string(name), "tolerance": .number(tolerance)]),
    ]
    return result
  }

  /// How good the judge is on the real texts; nothing where they are not labelled as it knows them.
  var accuracy: [Metric] {
    let rows = real.indices.filter { labels.contains(real[$0].label ?? "") }
    guard !rows.isEmpty else { return [] }
    let p = rows.map { probabilities[$0] }
    let test = HeldOutTest(
      JudgedRows(
        labels: rows.map { row in labels.firstIndex { $0 == real[row].label! }! },
        classCount: labels.count, probabilities: p, untempered: p,
        clusters: ClassifierSplit.clusters(rows.map { real[$0] })),
      names: labels, bySource: rows.contains { real[$0].source != nil }, bootstrap: bootstrap)
    // Its temperature is part of the judge: there is nothing to compare with.
    return test.metrics().filter { $0.name != "ece_untempered" }
  }

  /// Probability of each class, then whether it wins.
  private func columns(_ rows: [[Double]]) -> [[Double]] {
    labels.indices.map { label in rows.map { $0[label] } }
      + labels.indices.map { label in rows.map { argmax($0) == label ? 1 : 0 } }
  }

  private func metrics(
    _ name: String, _ shareName: String, _ values: [Double], _ ends: [Interval], texts: String?,
    _ count: Int
  ) -> [Metric] {
    values.indices.map { index in
      let isShare = index >= labels.count
      var metric = Metric(
        isShare ? shareName : name, values[index], unit: isShare ? "share" : "probability",
        low: ends[index].low, high: ends[index].high, count: count)
      metric.at = JSONObject(
        (texts.map { [("texts", JSONValue.string($0))] } ?? [])
          + [("class", .string(labels[index % labels.count]))])
      return metric
    }
  }

  private func mean(_ values: [Double]) -> Double { SampleSummary(values).mean }
}
