// From metrics and scores to grids: shares per class, quality, perplexity, statements, documents.

import CanonicalJSON
import Diagnostics
import Foundation
import Reports

/// Everything of the input, sorted by its place.
struct DriftMeasures {
  /// The judge's classes, in the order of its metrics.
  let classes: [String]
  /// Share of documents, by class.
  let shares: [String: ChainGrid]
  let qualityName: String?
  let quality: ChainGrid
  /// Natural logarithm: a fall by a factor is a difference.
  let logPerplexity: ChainGrid
  /// Judged documents by place.
  let documents: [ChainGrid.Key: [DocumentScore]]
  let secondDocuments: [ChainGrid.Key: [DocumentScore]]
  /// Quality of documents by place and id, higher being better.
  let documentQuality: [ChainGrid.Key: [String: Double]]
  let documentQualityName: String
  /// log P(right) − log P(left), towards the target; empty where the target is neither end.
  let statements: ChainGrid
  /// Fewest and most documents behind a share.
  let documentCounts: ClosedRange<Int>?

  /// **Throws**: `drift-axis`, `drift-axis-number`, `drift-twice`, `drift-target`, `drift-quality`.
  init(_ input: DriftInput, _ settings: DriftSettings) throws(Diagnostic) {
    let places = try ChainPlaces(input.bias.map(\.coordinates), axes: settings.axes)
    var classes: [String] = []
    for metric in input.bias.flatMap(\.content) where metric.name == "share" {
      if let name = metric.at["class"]?.string, !classes.contains(name) { classes.append(name) }
    }
    guard classes.contains(settings.target) else {
      throw .driftTarget(settings.target, classes: classes)
    }
    self.classes = classes
    var shares: [String: ChainGrid] = [:]
    for name in classes {
      shares[name] = try Self.grid(input.bias, places, "bias") {
        $0.name == "share" && $0.at["class"]?.string == name && $0.at.count == 1
      }
    }
    self.shares = shares
    let counts = input.bias.flatMap(\.content).filter { $0.name == "share" }.map(\.count)
    documentCounts = counts.min().map { $0...counts.max()! }

    let there = Self.names(input.quality)
    if settings.quality.isEmpty {
      qualityName = ["gibberish_index", "distinct_2"].first { there.contains($0) }
    } else {
      guard input.quality.isEmpty || there.contains(settings.quality) else {
        throw .driftQuality(settings.quality, there: there)
      }
      qualityName = input.quality.isEmpty ? nil : settings.quality
    }
    let chosen = qualityName
    quality = try Self.grid(input.quality, places, "quality") { $0.name == chosen }
    logPerplexity = try Self.grid(input.quality, places, "quality") { $0.name == "perplexity" }
      .mapped { $1 > 0 ? log($1) : nil }

    documents = try Self.documents(input.biasScores, places, "bias_scores")
    secondDocuments = try Self.documents(input.secondScores, places, "second_scores")
    let rows = try Self.documents(input.qualityScores, places, "quality_scores")
    let hasIndex = rows.values.contains { $0.contains { $0.values["gibberish"] != nil } }
    documentQualityName = hasIndex ? "gibberish index" : "1 − repetition_4"
    documentQuality = rows.mapValues { rows in
      var quality: [String: Double] = [:]
      for row in rows {
        quality[row.id] =
          hasIndex ? row.values["gibberish"] : row.values["repetition_4"].map { 1 - $0 }
      }
      return quality
    }

    let side = Self.side(of: settings.target, input.bias.flatMap(\.content))
    statements =
      side == 0
      ? ChainGrid()
      : try Self.grid(input.statements, places, "statements") {
        $0.name == "difference" && $0.at["scale"]?.string ?? "token" == "token"
      }.mapped { Double(side) * $1 }
  }

  /// +1 where the target is the upper pole of the judge's score, −1 at the lower, 0 between.
  private static func side(of target: String, _ metrics: [Metric]) -> Int {
    for metric in metrics where metric.name == "mean_score" {
      if metric.at["to"]?.string == target { return 1 }
      if metric.at["from"]?.string == target { return -1 }
    }
    return target == "right" ? 1 : target == "left" ? -1 : 0
  }

  private static func names(_ items: DriftInput.Metrics) -> [String] {
    var names: [String] = []
    for metric in items.flatMap(\.content) where !names.contains(metric.name) {
      names.append(metric.name)
    }
    return names
  }

  private static func grid(
    _ items: DriftInput.Metrics, _ places: ChainPlaces, _ input: String,
    _ matches: (Metric) -> Bool
  ) throws(Diagnostic) -> ChainGrid {
    var grid = ChainGrid()
    for item in items {
      let key = try places.key(item.coordinates)
      guard let metric = item.content.first(where: matches) else { continue }
      guard grid[key] == nil else { throw .driftTwice(input, words(key)) }
      grid.set(key, metric.value)
    }
    return grid
  }

  private static func documents(
    _ items: DriftInput.Scores, _ places: ChainPlaces, _ input: String
  ) throws(Diagnostic) -> [ChainGrid.Key: [DocumentScore]] {
    var found: [ChainGrid.Key: [DocumentScore]] = [:]
    for item in items {
      let key = try places.key(item.coordinates)
      guard found[key] == nil else { throw .driftTwice(input, words(key)) }
      found[key] = item.content
    }
    return found
  }

  private static func words(_ key: ChainGrid.Key) -> String {
    "\(key.strategy), chain \(key.chain.isEmpty ? "–" : key.chain), \(key.generation)"
  }

  /// The share of a class among judged documents; nil for none.
  static func share(of label: String, _ documents: [DocumentScore]) -> Double? {
    let labels = documents.compactMap(\.label)
    return labels.isEmpty ? nil : Double(labels.count { $0 == label }) / Double(labels.count)
  }
}
