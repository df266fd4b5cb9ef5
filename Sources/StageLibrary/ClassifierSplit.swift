// Which documents a classifier may learn from and which it is tested on. By source: all documents of
// a source go to the same side, since a classifier that has seen an outlet knows its style.

import CanonicalJSON
import Corpora
import Diagnostics
import Randomness

/// Documents on two sides.
struct ClassifierSplit {
  let labels: [String]
  let training: [Document]
  let heldOut: [Document]
  /// Was it split by source?
  let bySource: Bool
  /// Documents without a label.
  let unlabelled: Int

  enum Way: String { case auto, source, document }

  /// **Throws**: `classifier-labels`, `classifier-too-few`, `classifier-sources`.
  init(
    _ corpus: Corpus, heldOut fraction: Double, way: Way, random: (String) -> RandomStream
  ) throws(Diagnostic) {
    let labelled = corpus.documents.filter { $0.label != nil }
    unlabelled = corpus.documents.count - labelled.count
    labels = corpus.labels
    guard labels.count >= 2 else { throw .classifierLabels(labels) }
    for (label, count) in corpus.labelCounts where count < 5 {
      throw .classifierTooFew(label, count)
    }
    let lonely = Self.labelOfOneSource(labelled, labels)
    switch way {
    case .document: bySource = false
    case .auto: bySource = lonely == nil
    case .source:
      if let lonely { throw .classifierSources(lonely) }
      bySource = true
    }
    var taken: Set<String> = []
    for label in labels {
      let own = labelled.filter { $0.label == label }
      let goal = max(1, Int((fraction * Double(own.count)).rounded()))
      var units = bySource ? Self.sources(own) : own.map { [$0] }
      var stream = random("held-out/\(label)")
      stream.shuffle(&units)
      var count = 0
      // A source that would overshoot by half is passed over, so that a giant is not held out by
      // chance; the last unit always stays for training.
      for (index, unit) in units.enumerated() where count < goal {
        let isLast = index == units.count - 1
        if count > 0, count + unit.count > goal + goal / 2 { continue }
        if count == 0, !isLast, unit.count > 2 * goal { continue }
        if isLast, unit.count + count == own.count { continue }
        count += unit.count
        taken.formUnion(unit.map(\.id))
      }
      if count == 0, let smallest = units.min(by: { $0.count < $1.count }) {
        taken.formUnion(smallest.map(\.id))
      }
    }
    training = labelled.filter { !taken.contains($0.id) }
    heldOut = labelled.filter { taken.contains($0.id) }
  }

  /// Documents by source in order of first appearance; one without a source is its own.
  static func sources(_ documents: [Document]) -> [[Document]] {
    var place: [String: Int] = [:]
    var groups: [[Document]] = []
    for document in documents {
      guard let source = document.source else {
        groups.append([document])
        continue
      }
      if let index = place[source] {
        groups[index].append(document)
      } else {
        place[source] = groups.count
        groups.append([document])
      }
    }
    return groups
  }

  /// The first label whose documents all come from one source, or of which none has a source.
  private static func labelOfOneSource(_ documents: [Document], _ labels: [String]) -> String? {
    labels.first { label in
      let own = documents.filter { $0.label == label }
      return Set(own.compactMap(\.source)).isEmpty || sources(own).count < 2
    }
  }

  /// Numbers that are equal for documents of one source.
  static func clusters(_ documents: [Document]) -> [Int] {
    var place: [String: Int] = [:]
    var next = 0
    return documents.map { document in
      if let source = document.source, let known = place[source] { return known }
      if let source = document.source { place[source] = next }
      next += 1
      return next - 1
    }
  }
}
