// Ids are compared with those of the `tokenizers` library: fixtures/make_fixtures.py made them.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import Tokenizers

@Suite struct ByteLevelBPETests {
  @Test func idsOfEdgeCasesAreThoseOfTheLibrary() throws {
    let tokenizer = try Fixtures.tokenizer()
    let file = try JSONValue(
      parsing: SourceText(path: "edge.json", bytes: Fixtures.bytes("edge.json")))
    let rows = try #require(file.array)
    #expect(rows.count > 50)
    for row in rows {
      let text = try #require(row.array?[0].string)
      let ids = try #require(row.array?[1].array).compactMap { $0.integer.map(Int32.init) }
      #expect(tokenizer.encode(text) == ids, "\(text.debugDescription)")
      #expect(tokenizer.decode(ids) == Array(text.utf8))
    }
  }

  @Test func idsOfRandomTextsAreThoseOfTheLibrary() throws {
    let tokenizer = try Fixtures.tokenizer()
    let file = try JSONValue(
      parsing: SourceText(path: "hashes.json", bytes: Fixtures.bytes("hashes.json")))
    var random = SplitMix(state: 42)
    for (block, expected) in try #require(file.array).enumerated() {
      var hash: UInt64 = 0xcbf2_9ce4_8422_2325
      func add(_ value: UInt32) {
        for shift in [0, 8, 16, 24] {
          hash = (hash ^ UInt64(value >> UInt32(shift) & 0xFF)) &* 0x100_0000_01b3
        }
      }
      for _ in 0..<100 {
        for id in tokenizer.encode(random.text()) { add(UInt32(id)) }
        add(.max)
      }
      let text = String(hash, radix: 16)
      let padded = String(repeating: "0", count: 16 - text.count) + text
      #expect(padded == expected.string, "block \(block)")
    }
  }

  @Test func bytesThatAreNotUTF8ComeBack() throws {
    let tokenizer = try Fixtures.tokenizer()
    var random = SplitMix(state: 7)
    for _ in 0..<500 {
      let bytes = (0..<random.below(60)).map { _ in UInt8(random.below(256)) }
      #expect(tokenizer.decode(tokenizer.encode(bytes)) == bytes)
    }
    // Half a character is replaced once all bytes are joined, not token by token.
    let ids = tokenizer.encode("🙃")
    #expect(ids.count > 1)
    #expect(tokenizer.text(of: ids) == "🙃")
    #expect(tokenizer.text(of: Array(ids.dropLast())) == "\u{FFFD}")
  }

  @Test func specialTokensNeverComeFromText() throws {
    let tokenizer = try Fixtures.tokenizer()
    let end = try #require(tokenizer.endOfText)
    #expect(Int(end) == tokenizer.vocabularySize - 1)
    let text = "a<|endoftext|>b"
    let ids = tokenizer.encode(text)
    #expect(!ids.contains(end))
    #expect(tokenizer.text(of: ids) == text)
    #expect(tokenizer.decode([end]) == [])
    #expect(tokenizer.decode([end], keepingSpecial: true) == Array("<|endoftext|>".utf8))
  }

  @Test func longUnbrokenRunsAreNotQuadratic() throws {
    let tokenizer = try Fixtures.tokenizer()
    let text = [UInt8](repeating: UInt8(ascii: "a"), count: 400_000)
    var ids: [Int32] = []
    let time = ContinuousClock().measure { ids = tokenizer.encode(text) }
    #expect(tokenizer.decode(ids) == text)
    // It takes 0.03 s; a search for the best pair after each merge would take minutes.
    #expect(time < .seconds(5))
  }

  @Test func shortAndLongMergingAgree() throws {
    let tokenizer = try Fixtures.tokenizer()
    // Pieces of up to 64 bytes are merged by search, longer ones rank by rank: both around the border.
    for word in ["ab", "wouldn", "the", "schools", "aaa", "Größe"] {
      for times in [63, 64, 65].map({ $0 / word.utf8.count }) {
        let short = String(repeating: word, count: times)
        let reference = Self.slowlyMerged(Array(short.utf8), tokenizer)
        #expect(tokenizer.encode(short) == reference)
        let long = String(repeating: word, count: 4 * times)
        #expect(tokenizer.encode(long) == Self.slowlyMerged(Array(long.utf8), tokenizer))
      }
    }
  }

  /// Training gives no merges in such an order: later ones make what earlier ones take, and two make the
  /// same token.
  @Test func longRunsFollowMergesInAnyOrder() {
    var random = SplitMix(state: 5)
    for round in 0..<12 {
      var tokens: [[UInt8]?] = (0..<256).map { [UInt8($0)] }
      var merges: [(left: Int32, right: Int32, merged: Int32)] = []
      while merges.count < 30 {
        // One of the letters a to d, or what has been merged before.
        let parts = (0..<2).map { _ in
          let drawn = Int(random.below(4 + tokens.count - 256))
          return Int32(drawn < 4 ? 97 + drawn : 252 + drawn)
        }
        let bytes = tokens[Int(parts[0])]! + tokens[Int(parts[1])]!
        guard bytes.count <= 9,
          !merges.contains(where: { $0.left == parts[0] && $0.right == parts[1] })
        else { continue }
        let known = tokens.firstIndex { $0 == bytes }
        merges.append((parts[0], parts[1], Int32(known ?? tokens.count)))
        if known == nil { tokens.append(bytes) }
      }
      if round % 2 == 1 {
        for index in stride(from: merges.count - 1, to: 0, by: -1) {
          merges.swapAt(index, Int(random.below(index + 1)))
        }
      }
      let tokenizer = ByteLevelBPE(tokens: tokens, merges: merges, addedTokens: [])
      for length in [65, 90, 150] {
        let run = (0..<length).map { _ in UInt8(97 + Int(random.below(4))) }
        #expect(tokenizer.encode(run) == Self.slowlyMerged(run, tokenizer), "round \(round)")
      }
    }
  }

  /// The definition: again and again the pair of lowest rank, leftmost first.
  static func slowlyMerged(_ bytes: [UInt8], _ tokenizer: ByteLevelBPE) -> [Int32] {
    var ids = bytes.map { byte in
      Int32(tokenizer.tokens.firstIndex { $0 == [byte] }!)
    }
    while true {
      var best: (rank: Int, place: Int)?
      for place in 0..<max(0, ids.count - 1) {
        guard
          let rank = tokenizer.mergeList.firstIndex(where: {
            $0.left == ids[place] && $0.right == ids[place + 1]
          })
        else { continue }
        if best == nil || rank < best!.rank { best = (rank, place) }
      }
      guard let best else { return ids }
      ids[best.place] = tokenizer.mergeList[best.rank].merged
      ids.remove(at: best.place + 1)
    }
  }

  @Test func severalThreadsMayEncodeAtOnce() throws {
    let tokenizer = try Fixtures.tokenizer()
    let texts = Fixtures.trainingTexts
    let expected = texts.map { tokenizer.encode($0) }
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for (text, ids) in zip(texts, expected) {
        precondition(tokenizer.encode(text) == ids, "a thread got other ids")
      }
    }
  }
}
