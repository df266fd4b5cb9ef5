import Foundation
import Randomness
import Testing

@testable import Corpora

@Suite struct TextStatisticsTests {
  @Test func distinctCountsByHand() {
    // 1 2 1 2 1 | 1 2: unigrams 2 of 7; bigrams 12 21 12 21 12: 2 different of 5.
    let text = TextStatistics(documents: [[1, 2, 1, 2, 1], [1, 2]])
    #expect(text.distinct(1) == 2.0 / 7)
    #expect(text.distinct(2) == 2.0 / 5)
    #expect(text.distinct(3) == 2.0 / 3)
    #expect(text.distinct(6) == nil)
    #expect(TextStatistics(documents: []).distinct(1) == nil)
  }

  /// Against sets of slices, for every order, on random text over few words.
  @Test func distinctAndEntropyAgreeWithPlainCounting() throws {
    var random = RandomStream(seed: 4, name: "text")
    let documents = (0..<20).map { _ in
      (0..<random.integer(below: 60)).map { _ in Int32(random.integer(below: 4)) }
    }
    let text = TextStatistics(documents: documents)
    for n in 1...5 {
      var counts: [[Int32]: Int] = [:]
      for document in documents where document.count >= n {
        for start in 0...(document.count - n) {
          counts[Array(document[start..<start + n]), default: 0] += 1
        }
      }
      let total = Double(counts.values.reduce(0, +))
      #expect(text.distinct(n) == Double(counts.count) / total)
      let entropy = counts.values.reduce(0.0) {
        $0 - Double($1) / total * log2(Double($1) / total)
      }
      #expect(abs(try #require(text.entropy(n)) - entropy) < 1e-9)
    }
  }

  @Test func entropyOfEquallyLikelyTokensIsTheirLogarithm() throws {
    let text = TextStatistics(documents: [Array(0..<8)])
    #expect(abs(try #require(text.entropy(1)) - 3) < 1e-12)
    #expect(TextStatistics(documents: [[5, 5, 5]]).entropy(1) == 0)
  }

  @Test func repetitionIsPerDocument() {
    let text = TextStatistics(documents: [[1, 2, 1, 2, 1], [1, 2, 3], [9]])
    #expect(text.repetition(2) == [1 - 2.0 / 4, 0, nil])
  }

  @Test(
    arguments: [
      ([1, 2, 3, 1, 2, 3, 1, 2, 3], 9),  // three turns of three
      ([7, 1, 2, 1, 2, 8], 4),
      ([5, 5, 5, 5], 4),
      ([5, 5], 0),  // a doubled word is no loop
      ([1, 2, 3, 1, 2, 4], 0),  // not two whole turns
      ([], 0),
      ([1], 0),
    ] as [([Int32], Int)])
  func findsTheLongestLoop(tokens: [Int32], length: Int) {
    #expect(TextStatistics(documents: [tokens]).longestLoops() == [length])
  }

  @Test func periodsBeyondTheLimitAreNoLoops() {
    let turn = (0..<10).map(Int32.init)
    let text = TextStatistics(documents: [turn + turn])
    #expect(text.longestLoops(longestPeriod: 9) == [0])
    #expect(text.longestLoops(longestPeriod: 10) == [20])
  }

  @Test func cutsAcrossDocuments() {
    let text = TextStatistics(documents: [[1, 2, 3], [4, 5], [6]])
    #expect(text.cut(to: 4).documents == [[1, 2, 3], [4]])
    #expect(text.cut(to: 3).documents == [[1, 2, 3]])
    #expect(text.cut(to: 99).documents == text.documents)
  }
}

@Suite struct TextStatisticsLengthsTests {
  @Test func describesLengths() throws {
    let lengths = try #require(LengthDistribution([1, 5, 2, 8]))
    #expect(lengths.mean == 4 && lengths.median == 3.5)
    #expect(lengths.smallest == 1 && lengths.largest == 8)
    #expect(abs(lengths.deviation - 10.0.squareRoot()) < 1e-12)
    #expect(LengthDistribution([]) == nil)
    #expect(LengthDistribution([3])?.deviation == 0)
  }

  @Test func coverageLooksBothWays() throws {
    let reference = TextStatistics(documents: [[1, 2, 3, 4]])
    let coverage = try #require(
      VocabularyCoverage(of: TextStatistics(documents: [[1, 1, 9]]), against: reference))
    #expect(coverage.types == 0.25)
    #expect(coverage.tokens == 2.0 / 3)
    #expect(VocabularyCoverage(of: TextStatistics(documents: []), against: reference) == nil)
  }

  @Test func wordsThatLookAlikeKeepTheirOwnNumbers() {
    var numbering = WordNumbering()
    // é as one scalar and as e with an accent: Swift's String would call them equal.
    let words = [Array("caf\u{E9}".utf8), Array("cafe\u{301}".utf8), Array("caf\u{E9}".utf8)]
    #expect(numbering.numbers(of: words) == [0, 1, 0])
  }
}
