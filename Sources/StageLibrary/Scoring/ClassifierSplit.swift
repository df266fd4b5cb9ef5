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

  /// - Parameter minimum: documents that every label must have.
  ///
  /// **Throws**: `classifier-labels`, `classifier-too-few`, `classifier-sources`.
  init(
    _ corpus: Corpus, heldOut fraction: Double, way: Way, minimum: Int = 5,
    random: (String) -> RandomStream
  ) throws(Diagnostic) {
    let labelled = corpus.documents.filter { $0.label != nil }
    unlabelled = corpus.documents.count - labelled.count
    labels = corpus.labels
    guard labels.count >= 2 else { throw .classifierLabels(labels) }
    for (label, count) in corpus.labelCounts where count < minimum {
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
    // Whole sources even where one writes under several labels: else its style would be learnt under
    // one label and tested under another.
    let units = bySource ? Self.sources(labelled) : labelled.map { [$0] }
    let taken = Self.draw(units, labels, fraction: fraction, random: random)
    let sides = bySource ? Self.clusters(labelled) : Array(labelled.indices)
    training = zip(labelled, sides).filter { !taken.contains($0.1) }.map(\.0)
    heldOut = zip(labelled, sides).filter { taken.contains($0.1) }.map(\.0)
  }

  /// The numbers of the units that are held out; no label loses all of its documents.
  private static func draw(
    _ units: [[Document]], _ labels: [String], fraction: Double,
    random: (String) -> RandomStream
  ) -> Set<Int> {
    let sizes = units.map { unit in
      labels.map { label in unit.count { $0.label == label } }
    }
    let totals = labels.indices.map { label in sizes.reduce(0) { $0 + $1[label] } }
    var counts = labels.map { _ in 0 }
    var taken: Set<Int> = []
    func spares(_ unit: Int) -> Bool {
      labels.indices.allSatisfy {
        sizes[unit][$0] == 0 || counts[$0] + sizes[unit][$0] < totals[$0]
      }
    }
    func take(_ unit: Int) {
      taken.insert(unit)
      for label in labels.indices { counts[label] += sizes[unit][label] }
    }
    for (label, name) in labels.enumerated() {
      let goal = max(1, Int((fraction * Double(totals[label])).rounded()))
      var own = units.indices.filter { sizes[$0][label] > 0 }
      var stream = random("held-out/\(name)")
      stream.shuffle(&own)
      // A source that would overshoot by half is passed over, so that a giant is not held out by
      // chance.
      for unit in own where counts[label] < goal && !taken.contains(unit) && spares(unit) {
        let count = counts[label]
        let size = sizes[unit][label]
        if count > 0, count + size > goal + goal / 2 { continue }
        if count == 0, unit != own.last, size > 2 * goal { continue }
        take(unit)
      }
      guard counts[label] == 0 else { continue }
      let free = own.filter { spares($0) }
      if let smallest = free.min(by: { sizes[$0][label] < sizes[$1][label] }) { take(smallest) }
    }
    return taken
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
