// Lengths of documents, and how much of a reference's vocabulary a corpus still uses. Variety inside
// a corpus is in TextStatistics.swift.

/// The distribution of document lengths.
public struct LengthDistribution: Sendable, Equatable {
  public let count: Int
  /// **Units**: tokens, as all of these.
  public let mean: Double
  /// With n − 1; 0 for one document.
  public let deviation: Double
  public let smallest: Int
  /// Linear interpolation between order statistics.
  public let median: Double
  public let largest: Int

  /// Nil for no documents.
  public init?(_ lengths: [Int]) {
    guard !lengths.isEmpty else { return nil }
    let sorted = lengths.sorted()
    count = sorted.count
    let mean = Double(sorted.reduce(0, +)) / Double(count)
    self.mean = mean
    let square = sorted.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    deviation = count < 2 ? 0 : (square / Double(count - 1)).squareRoot()
    smallest = sorted[0]
    largest = sorted[count - 1]
    median = (Double(sorted[(count - 1) / 2]) + Double(sorted[count / 2])) / 2
  }
}

/// What a corpus and a reference have in common.
public struct VocabularyCoverage: Sendable, Equatable {
  /// Share of the reference's different tokens that the corpus uses: falls when a model forgets the
  /// tails. Depends on the amount of text.
  public let types: Double
  /// Share of the corpus's tokens that the reference has too: falls when a model invents.
  public let tokens: Double

  /// Nil where either is empty.
  public init?(of corpus: TextStatistics, against reference: TextStatistics) {
    var known: Set<Int32> = []
    for document in reference.documents { known.formUnion(document) }
    var used: Set<Int32> = []
    var inside = 0
    for document in corpus.documents {
      for token in document where known.contains(token) {
        inside += 1
        used.insert(token)
      }
    }
    guard !known.isEmpty, corpus.tokenCount > 0 else { return nil }
    types = Double(used.count) / Double(known.count)
    tokens = Double(inside) / Double(corpus.tokenCount)
  }
}

/// Numbers for words, in order of first appearance; shared between corpora that are compared.
public struct WordNumbering: Sendable {
  private var numbers: [[UInt8]: Int32] = [:]

  public init() {}

  public var count: Int { numbers.count }

  /// The numbers of words given as bytes; new words get new numbers.
  public mutating func numbers(of words: [[UInt8]]) -> [Int32] {
    words.map { word in
      if let known = numbers[word] { return known }
      let next = Int32(numbers.count)
      numbers[word] = next
      return next
    }
  }
}
