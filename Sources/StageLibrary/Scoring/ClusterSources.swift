// Documents under the name of their cluster of near-duplicates: what is done by source is then done by
// cluster, from the split to the intervals.

import Corpora
import Scheduling

extension Corpus {
  /// The same labelled documents with `cluster-N` as source. Labels play no part in the clusters:
  /// twins under different labels stay together too.
  func withClustersAsSources(threshold: Double) -> (corpus: Corpus, clusters: Int, largest: Int) {
    let numbers = NearDuplicates.clusters(of: documents.map(\.text), threshold: threshold)
    var result = self
    var sizes: [Int] = []
    for (index, number) in numbers.enumerated() {
      result.documents[index].source = "cluster-\(number)"
      while sizes.count <= number { sizes.append(0) }
      sizes[number] += 1
    }
    return (result, sizes.count, sizes.max() ?? 0)
  }
}
