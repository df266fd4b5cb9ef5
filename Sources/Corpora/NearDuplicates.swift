// Texts that say nearly the same, as clusters: what is held out must not be a twin of what was learnt.

import Foundation

/// Clusters of texts whose sets of words overlap.
public enum NearDuplicates {
  /// The cluster of each text, numbered from 0 in order of first appearance.
  ///
  /// Two texts are twins where the Jaccard index of their word sets (letters and digits, small) is at
  /// least `threshold`; twins of twins are in one cluster (single linkage). Texts without a word
  /// are alone.
  ///
  /// **Cost**: only pairs that share one of their rarest words are compared (prefix filter: Bayardo,
  /// Ma & Srikant 2007, "Scaling up all pairs similarity search").
  public static func clusters(of texts: [String], threshold: Double) -> [Int] {
    precondition(threshold > 0 && threshold <= 1, "a Jaccard threshold of \(threshold)")
    let sets = rankedSets(texts)
    var parent = Array(texts.indices)
    func root(_ item: Int) -> Int {
      var item = item
      while parent[item] != item {
        parent[item] = parent[parent[item]]
        item = parent[item]
      }
      return item
    }
    var postings: [[Int]] = []
    for (number, set) in sets.enumerated() where !set.isEmpty {
      // Twins share at least ⌈t·n⌉ words, so one of the first n − ⌈t·n⌉ + 1.
      let shared = Int((threshold * Double(set.count) - 1e-9).rounded(.up))
      let prefix = set.prefix(set.count - max(1, shared) + 1)
      var candidates: Set<Int> = []
      for word in prefix {
        if word < postings.count { candidates.formUnion(postings[word]) }
      }
      for other in candidates where root(other) != root(number) {
        if jaccard(set, sets[other]) >= threshold - 1e-12 {
          // The smaller number leads, so the order of a set's members decides nothing.
          let (a, b) = (root(other), root(number))
          parent[max(a, b)] = min(a, b)
        }
      }
      for word in prefix {
        while postings.count <= word { postings.append([]) }
        postings[word].append(number)
      }
    }
    var place: [Int: Int] = [:]
    return texts.indices.map { index in
      let leader = root(index)
      if let known = place[leader] { return known }
      place[leader] = place.count
      return place.count - 1
    }
  }

  /// The different words of each text as numbers, rarest first: small numbers are rare words.
  private static func rankedSets(_ texts: [String]) -> [[Int]] {
    var numbers: [String: Int] = [:]
    var counts: [Int] = []
    let sets = texts.map { text in
      var set: Set<Int> = []
      for word in text.lowercased().split(whereSeparator: { !$0.isLetter && !$0.isNumber }) {
        let number = numbers[String(word), default: numbers.count]
        if number == numbers.count {
          numbers[String(word)] = number
          counts.append(0)
        }
        if set.insert(number).inserted { counts[number] += 1 }
      }
      return set
    }
    let order = counts.indices.sorted { (counts[$0], $0) < (counts[$1], $1) }
    var rank = [Int](repeating: 0, count: counts.count)
    for (place, number) in order.enumerated() { rank[number] = place }
    return sets.map { set in set.map { rank[$0] }.sorted() }
  }

  /// Of two ascending lists without repetition.
  private static func jaccard(_ a: [Int], _ b: [Int]) -> Double {
    var (i, j, both) = (0, 0, 0)
    while i < a.count, j < b.count {
      if a[i] == b[j] { both += 1 }
      let (left, right) = (a[i], b[j])
      if left <= right { i += 1 }
      if right <= left { j += 1 }
    }
    return Double(both) / Double(a.count + b.count - both)
  }
}
