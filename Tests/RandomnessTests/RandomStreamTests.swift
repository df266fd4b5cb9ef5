import Testing

@testable import Randomness

@Suite struct RandomStreamTests {
  /// Known answers of Random123's `kat_vectors` for philox4x32, 10 rounds.
  @Test func matchesRandom123() {
    let ones = UInt32.max
    #expect(
      philox4x32(counter: (0, 0, 0, 0), key: (0, 0))
        == (0x6627_e8d5, 0xe169_c58d, 0xbc57_ac4c, 0x9b00_dbd8))
    #expect(
      philox4x32(counter: (ones, ones, ones, ones), key: (ones, ones))
        == (0x408f_276d, 0x41c8_3b0e, 0xa20b_c7c6, 0x6d54_51fd))
    #expect(
      philox4x32(
        counter: (0x243f_6a88, 0x85a3_08d3, 0x1319_8a2e, 0x0370_7344),
        key: (0xa409_3822, 0x299f_31d0))
        == (0xd16c_fe09, 0x94fd_cceb, 0x5001_e420, 0x2412_6ea1))
  }

  @Test func namesKeepStreamsApart() {
    var a = RandomStream(seed: 1, name: "a")
    var b = RandomStream(seed: 1, name: "b")
    var c = RandomStream(seed: 2, name: "a")
    let words = [a.next(), b.next(), c.next()]
    #expect(Set(words).count == 3)
  }

  @Test func anyPositionCanBeReached() {
    var walked = RandomStream(seed: -7, name: "walk")
    let all = (0..<20).map { _ in walked.next() }
    var jumped = RandomStream(seed: -7, name: "walk", position: 13)
    #expect(jumped.next() == all[13])
    #expect(jumped.bits(at: 4) == all[4])
  }

  @Test func integersAreUniform() {
    var stream = RandomStream(seed: 3, name: "chi-square")
    var counts = [Double](repeating: 0, count: 7)
    let draws = 70_000
    for _ in 0..<draws { counts[stream.integer(below: 7)] += 1 }
    let expected = Double(draws) / 7
    let chiSquare = counts.reduce(0) { $0 + ($1 - expected) * ($1 - expected) / expected }
    #expect(chiSquare < 22.46)  // 6 degrees of freedom, p = 0.001
  }

  @Test func normalsHaveUnitVariance() {
    var stream = RandomStream(seed: 5, name: "normal")
    let values = (0..<40_000).map { _ in stream.normal() }
    let mean = values.reduce(0, +) / Double(values.count)
    let variance = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count)
    #expect(abs(mean) < 0.02)
    #expect(abs(variance - 1) < 0.03)
  }

  @Test func shuffleAndSampleKeepElements() {
    var stream = RandomStream(seed: 9, name: "shuffle")
    var items = Array(0..<100)
    stream.shuffle(&items)
    #expect(items != Array(0..<100))
    #expect(items.sorted() == Array(0..<100))
    let sample = stream.sample(30, of: 40)
    #expect(Set(sample).count == 30)
    #expect(sample.allSatisfy { (0..<40).contains($0) })
  }

  @Test func weightsAreRespected() {
    var stream = RandomStream(seed: 11, name: "weights")
    var counts = [0, 0, 0]
    for _ in 0..<10_000 { counts[stream.index(weights: [1, 0, 3])] += 1 }
    #expect(counts[1] == 0)
    #expect(abs(Double(counts[2]) / 10_000 - 0.75) < 0.02)
  }
}
