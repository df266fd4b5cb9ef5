// From class probabilities per document to shares, mean score and their change, each with an
// interval. The body that feeds it is ScoreBias.swift.

import CanonicalJSON
import Corpora
import Randomness
import Reports
import Statistics

/// What a classifier said about each document of a corpus.
struct BiasScores {
  let documents: [Document]
  /// `[document][class]`
  let probabilities: [[Double]]
  let poles: BiasMeasure.Poles?

  var count: Int { documents.count }

  func score(_ row: Int) -> Double? {
    poles.map { probabilities[row][$0.to] - probabilities[row][$0.from] }
  }

  /// One JSON object per document: id, predicted class, probabilities, score.
  func lines(_ labels: [String]) -> [JSONValue] {
    documents.indices.map { row in
      var members: [(String, JSONValue)] = [
        ("id", .string(documents[row].id)),
        ("label", .string(labels[argmax(probabilities[row])])),
        (
          "probabilities",
          .object(
            JSONObject(zip(labels, probabilities[row]).map { ($0, .number($1)) }))
        ),
      ]
      if let score = score(row) { members.append(("score", .number(score))) }
      return .object(JSONObject(members))
    }
  }

  /// Columns that are averaged: is-class, probability per class, score.
  func columns(_ labels: [String]) -> [[Double]] {
    var columns: [[Double]] = []
    for label in labels.indices {
      columns.append(probabilities.map { argmax($0) == label ? 1 : 0 })
    }
    for label in labels.indices { columns.append(probabilities.map { $0[label] }) }
    if poles != nil { columns.append(documents.indices.map { score($0)! }) }
    return columns
  }
}

struct BiasMeasure {
  /// Class numbers between which the score runs: P(to) − P(from), from −1 to 1.
  struct Poles: Equatable {
    let from: Int
    let to: Int
  }

  let labels: [String]
  let poles: Poles?
  let replicates: Int
  let clustersBySource: Bool
  let random: (String) -> RandomStream

  func metrics(of corpus: BiasScores, against reference: BiasScores?) -> [Metric] {
    let bootstrap = Bootstrap(replicates: replicates, stream: random("bootstrap/documents"))
    let columns = corpus.columns(labels)
    let units = clusters(corpus).map { ($0.max() ?? 0) + 1 } ?? corpus.count
    let intervals = zip(
      columns.indices, bootstrap.means(of: columns, clusters: clusters(corpus))
    ).map { column, interval in
      // All or none: every resample says the same, but the next document need not.
      guard column < labels.count, interval.low == interval.high else { return interval }
      return Interval.wilson(successes: interval.low > 0.5 ? units : 0, of: units)
    }
    var metrics = zip(names(""), zip(columns, intervals)).map { name, pair in
      metric(name, mean(pair.0), pair.1, corpus.count)
    }
    guard let reference else { return metrics }
    let own = reference.columns(labels)
    metrics += zip(names("reference_"), own).map { metric($0, mean($1), nil, reference.count) }
    metrics += changes(corpus, columns, reference, own, bootstrap)
    return metrics
  }

  /// Differences in pairs where every document has its partner by id; else of independent means.
  private func changes(
    _ corpus: BiasScores, _ columns: [[Double]], _ reference: BiasScores, _ own: [[Double]],
    _ bootstrap: Bootstrap
  ) -> [Metric] {
    var place: [String: Int] = [:]
    for (row, document) in reference.documents.enumerated() { place[document.id] = row }
    let partners = corpus.documents.compactMap { place[$0.id] }
    let isPaired = partners.count == corpus.count
    let differences: [Double]
    let intervals: [Interval]
    if isPaired {
      let paired = zip(columns, own).map { column, other in
        zip(column, partners).map { $0 - other[$1] }
      }
      differences = paired.map(mean)
      intervals = bootstrap.means(of: paired, clusters: clusters(corpus))
    } else {
      differences = zip(columns, own).map { mean($0) - mean($1) }
      intervals = bootstrap.differences(
        of: columns, clusters: clusters(corpus), from: own, otherClusters: clusters(reference),
        otherStream: random("bootstrap/reference"))
    }
    let pairing: (String, JSONValue) = (
      "compared", .string(isPaired ? "in pairs" : "as independent samples")
    )
    return zip(names("", "_change"), zip(differences, intervals)).map { name, pair in
      var item = metric(name, pair.0, pair.1, corpus.count)
      item.at = JSONObject(item.at.members.map { ($0.key, $0.value) } + [pairing])
      return item
    }
  }

  private struct Name {
    let name: String
    let unit: String
    let at: JSONObject
  }

  /// In the order of `BiasScores.columns`.
  private func names(_ prefix: String, _ suffix: String = "") -> [Name] {
    func each(_ name: String, _ unit: String) -> [Name] {
      labels.map {
        Name(
          name: prefix + name + suffix, unit: unit, at: JSONObject([("class", .string($0))]))
      }
    }
    var names = each("share", "share") + each("mean_probability", "probability")
    if let poles {
      names.append(
        Name(
          name: prefix + "mean_score" + suffix, unit: "probability difference",
          at: JSONObject([
            ("from", .string(labels[poles.from])), ("to", .string(labels[poles.to])),
          ])))
    }
    return names
  }

  private func metric(
    _ name: Name, _ value: Double, _ interval: Interval?, _ count: Int
  ) -> Metric {
    var metric = Metric(
      name.name, value, unit: name.unit, low: interval?.low, high: interval?.high, count: count)
    metric.at = name.at
    return metric
  }

  private func clusters(_ scores: BiasScores) -> [Int]? {
    clustersBySource ? ClassifierSplit.clusters(scores.documents) : nil
  }

  private func mean(_ values: [Double]) -> Double { SampleSummary(values).mean }
}
