// Which documents are tested by which classifier of a cross-validation: all documents of a source in
// one fold, every label spread over the folds as evenly as its sources allow. And how the few sources
// with very many documents are kept from being all that a classifier learns.

import Corpora
import Diagnostics
import Randomness

struct SourceFolds {
  /// The fold of each document.
  let foldOf: [Int]
  let count: Int

  /// - Parameters:
  ///   - documents: labelled.
  ///   - stream: decides between sources of one size.
  ///
  /// **Throws**: `classifier-folds` where a fold would leave nothing to learn a label from.
  init(
    _ documents: [Document], labels: [String], count: Int, _ stream: RandomStream
  ) throws(Diagnostic) {
    let clusters = ClassifierSplit.clusters(documents)
    let sources = (clusters.max() ?? -1) + 1
    guard sources >= count else { throw .classifierFolds(count, sources: sources) }
    var sizes = [[Double]](
      repeating: [Double](repeating: 0, count: labels.count), count: sources)
    for (document, cluster) in zip(documents, clusters) {
      if let label = labels.firstIndex(where: { $0 == document.label }) {
        sizes[cluster][label] += 1
      }
    }
    let totals = labels.indices.map { label in sizes.reduce(0) { $0 + $1[label] } }
    var order = Array(0..<sources)
    var stream = stream
    stream.shuffle(&order)
    // The largest first: the small ones then even out what they left uneven.
    let weight = sizes.map { $0.reduce(0, +) }
    let ranked = order.enumerated().sorted {
      weight[$0.element] == weight[$1.element]
        ? $0.offset < $1.offset : weight[$0.element] > weight[$1.element]
    }.map(\.element)
    var filled = [[Double]](
      repeating: [Double](repeating: 0, count: labels.count), count: count)
    var fold = [Int](repeating: 0, count: sources)
    for source in ranked {
      func growth(_ candidate: Int) -> Double {
        labels.indices.reduce(0) { sum, label in
          let (old, new) = (filled[candidate][label], sizes[source][label])
          return sum + (2 * old + new) * new / (totals[label] * totals[label])
        }
      }
      let growths = (0..<count).map(growth)
      let best = growths.indices.min { growths[$0] < growths[$1] } ?? 0
      fold[source] = best
      for label in labels.indices { filled[best][label] += sizes[source][label] }
    }
    for label in labels.indices where filled.contains(where: { $0[label] == totals[label] }) {
      throw .classifierSources(labels[label])
    }
    foldOf = clusters.map { fold[$0] }
    self.count = count
  }
}

enum SourceBalance {
  /// At most so many documents of each source, drawn at random, in their order.
  static func capped(
    _ documents: [Document], atMost most: Int?, _ stream: RandomStream
  ) -> [Document] {
    guard let most else { return documents }
    var stream = stream
    let clusters = ClassifierSplit.clusters(documents)
    var members = [[Int]](repeating: [], count: (clusters.max() ?? -1) + 1)
    for (row, cluster) in clusters.enumerated() { members[cluster].append(row) }
    var kept: Set<Int> = []  // membership only
    for rows in members {
      if rows.count <= most {
        kept.formUnion(rows)
      } else {
        kept.formUnion(stream.sample(most, of: rows.count).map { rows[$0] })
      }
    }
    return documents.indices.filter(kept.contains).map { documents[$0] }
  }

  /// Weights with which every source counts the same in sum, 1 on average.
  static func weights(_ documents: [Document]) -> [Double] {
    let clusters = ClassifierSplit.clusters(documents)
    var sizes = [Double](repeating: 0, count: (clusters.max() ?? -1) + 1)
    for cluster in clusters { sizes[cluster] += 1 }
    let scale = Double(documents.count) / Double(max(1, sizes.count))
    return clusters.map { scale / sizes[$0] }
  }
}

extension Diagnostic {
  static func classifierFolds(_ folds: Int, sources: Int) -> Diagnostic {
    Diagnostic(
      "classifier-folds",
      "\(folds) folds of whole sources need as many sources; there are \(sources)",
      help: "set folds to at most \(sources), or 0 for none", consequence: .stageFailed)
  }
}
