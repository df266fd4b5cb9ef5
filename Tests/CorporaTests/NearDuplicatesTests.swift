import Randomness
import Testing

@testable import Corpora

@Suite struct NearDuplicatesTests {
  @Test func twinsOfTwinsAreTogether() {
    let clusters = NearDuplicates.clusters(
      of: [
        "I like to meet new people", "like to meet new people", "Rain.", "to meet new people", "",
      ],
      threshold: 0.6)
    #expect(clusters == [0, 0, 1, 0, 2])
  }

  @Test(arguments: [0.3, 0.6, 0.9])
  func agreesWithComparingAllPairs(_ threshold: Double) {
    var stream = RandomStream(seed: 3, name: "twins")
    let texts = (0..<120).map { _ in
      (0..<(1 + stream.integer(below: 7))).map { _ in "w\(stream.integer(below: 14))" }
        .joined(separator: " ")
    }
    let sets = texts.map { Set($0.split(separator: " ")) }
    var plain = Array(texts.indices)
    for a in texts.indices {
      for b in texts.indices
      where Double(sets[a].intersection(sets[b]).count) / Double(sets[a].union(sets[b]).count)
        >= threshold - 1e-12
      {
        let (from, to) = (plain[b], plain[a])
        for index in plain.indices where plain[index] == from { plain[index] = to }
      }
    }
    let found = NearDuplicates.clusters(of: texts, threshold: threshold)
    for a in texts.indices {
      for b in texts.indices { #expect((found[a] == found[b]) == (plain[a] == plain[b])) }
    }
  }
}
