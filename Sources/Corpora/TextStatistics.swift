// How varied and how repetitive texts are: distinct-n, repetition, loops, entropy. Counted over any
// tokens given as numbers (words or tokenizer ids); lengths and coverage are in
// TextStatisticsLengths.swift.

import Foundation

/// Measures over documents given as token numbers, `[document][token]`.
///
/// Distinct-n and entropy depend on the amount of text: compare corpora of similar size, or cut them
/// to the same number of tokens first (`cut(to:)`).
public struct TextStatistics: Sendable {
  public let documents: [[Int32]]

  /// - Parameter documents: token numbers, none negative.
  public init(documents: [[Int32]]) {
    for document in documents {
      precondition(document.allSatisfy { $0 >= 0 }, "token numbers must not be negative")
    }
    self.documents = documents
  }

  public var tokenCount: Int { documents.reduce(0) { $0 + $1.count } }

  /// The first `count` tokens in document order; all where there are fewer.
  public func cut(to count: Int) -> TextStatistics {
    var left = count
    var kept: [[Int32]] = []
    for document in documents where left > 0 {
      kept.append(Array(document.prefix(left)))
      left -= min(left, document.count)
    }
    return TextStatistics(documents: kept)
  }

  /// Different n-grams / all n-grams over the whole corpus; nil where there is no n-gram.
  /// N-grams never cross a document border.
  ///
  /// **Source**: Li et al. 2016, "A diversity-promoting objective function", §5.3.
  public func distinct(_ n: Int) -> Double? {
    var numbering = NgramNumbering()
    var total = 0
    for document in documents { total += numbering.numbers(of: document, n: n).count }
    return total == 0 ? nil : Double(numbering.count) / Double(total)
  }

  /// Per document: the share of its n-grams that stood in it before; nil for documents without any.
  ///
  /// **Source**: seq-rep-n of Welleck et al. 2020, "Neural text generation with unlikelihood
  /// training", equation 10: 1 − different / all.
  public func repetition(_ n: Int) -> [Double?] {
    documents.map { document in
      var numbering = NgramNumbering()
      let total = numbering.numbers(of: document, n: n).count
      return total == 0 ? nil : 1 - Double(numbering.count) / Double(total)
    }
  }

  /// Per document: the length in tokens of the longest loop, a stretch that repeats what stood one
  /// period before, together with the first turn; 0 where nothing comes at least twice in a row.
  ///
  /// A period is at most `longestPeriod` tokens; a stretch counts from two whole turns on. Single
  /// tokens that come only twice (`had had`) are no loop.
  ///
  /// **Cost**: tokens × longestPeriod.
  public func longestLoops(longestPeriod: Int = 64) -> [Int] {
    documents.map { document in
      var longest = 0
      for period in 1...max(1, longestPeriod) where 2 * period <= document.count {
        var run = 0
        for index in period..<document.count {
          run = document[index] == document[index - period] ? run + 1 : 0
          if run >= max(period, 2) { longest = max(longest, run + period) }
        }
      }
      return longest
    }
  }

  /// Entropy of the n-gram distribution of the whole corpus; nil where there is no n-gram.
  ///
  /// **Units**: bits. **Source**: plug-in estimate −Σ p·log₂ p (Shannon 1948); it is biased low by
  /// about (different − 1) / (2·n·ln 2), so compare corpora of similar size.
  public func entropy(_ n: Int) -> Double? {
    var numbering = NgramNumbering()
    var counts: [Int] = []
    for document in documents {
      let numbers = numbering.numbers(of: document, n: n)
      counts += repeatElement(0, count: numbering.count - counts.count)
      for number in numbers { counts[number] += 1 }
    }
    let total = Double(counts.reduce(0, +))
    guard total > 0 else { return nil }
    // Sorted, so that the sum does not depend on the order of the documents.
    return counts.sorted().reduce(0) {
      let share = Double($1) / total
      return $0 - share * log2(share)
    }
  }
}

/// Gives every different n-gram its own number, exactly (no hashing of contents): an n-gram is the number of its first n − 1 tokens and its last token.
private struct NgramNumbering {
  private var levels: [[UInt64: Int]] = []
  private var sizes: [Int] = []

  /// How many different n-grams of the last asked order there are.
  var count: Int { sizes.last ?? 0 }

  mutating func numbers(of tokens: [Int32], n: Int) -> [Int] {
    precondition(n >= 1, "n-grams of \(n) tokens")
    while levels.count < n {
      levels.append([:])
      sizes.append(0)
    }
    guard tokens.count >= n else { return [] }
    var numbers = [Int](repeating: 0, count: tokens.count)
    for level in 0..<n {
      for end in level..<tokens.count {
        // Not yet overwritten: the n-gram of one less that ends before this token.
        let place = tokens.count - 1 - (end - level)
        let prefix = level == 0 ? 0 : numbers[place - 1]
        let key = UInt64(prefix) << 32 | UInt64(UInt32(tokens[place]))
        if let known = levels[level][key] {
          numbers[place] = known
        } else {
          numbers[place] = sizes[level]
          levels[level][key] = sizes[level]
          sizes[level] += 1
        }
      }
    }
    return Array(numbers[(n - 1)...])
  }
}
