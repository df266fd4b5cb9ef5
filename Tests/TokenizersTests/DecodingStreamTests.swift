// Text while it is written: no half characters, and in the end the same text.

import Testing

@testable import Tokenizers

@Suite struct DecodingStreamTests {
  @Test func charactersWaitUntilTheyAreWhole() throws {
    let tokenizer = try Fixtures.tokenizer()
    var stream = DecodingStream(tokenizer)
    // Four bytes of which no two are merged: nothing is shown before the last.
    let ids = tokenizer.encode("🙃")
    #expect(ids.count > 1)
    #expect(ids.dropLast().map { stream.append($0) }.joined() == "")
    #expect(stream.append(ids.last!) == "🙃")
    #expect(stream.finish() == "")
  }

  @Test(arguments: ["smollm", "roberta", "uncased"])
  func joinedPiecesAreTheWholeText(_ name: String) throws {
    let tokenizer = try FamilyTests.tokenizer(name)
    var random = SplitMix(state: 11)
    for round in 0..<300 {
      // Ids at random: broken characters in every way.
      let ids =
        round % 2 == 0
        ? tokenizer.encode(random.text())
        : (0..<random.below(30)).map { _ in Int32(random.below(tokenizer.vocabularySize)) }
      var stream = DecodingStream(tokenizer)
      let pieces = ids.map { stream.append($0) } + [stream.finish()]
      let joined = pieces.joined()
      #expect(Array(joined.utf8) == Array(tokenizer.text(of: ids).utf8))
    }
  }

  @Test func onlyBeginningsOfCharactersWait() {
    let cases: [([UInt8], Int)] = [
      ([], 0), ([0x61], 0), ([0xC3], 1), ([0xC3, 0xA9], 0), ([0xE2, 0x82], 2),
      ([0xF0, 0x9F, 0x99], 3),
      ([0xF0, 0x9F, 0x99, 0x83], 0), ([0xC0], 0), ([0xF5], 0), ([0xE0, 0x80], 0),
      ([0xED, 0xA0], 0),
      ([0xF4, 0x90], 0), ([0x80], 0), ([0x80, 0x80, 0x80, 0x80], 0), ([0xFF], 0),
      ([0xE2, 0x82, 0xAC, 0xC3], 1),
    ]
    for (bytes, waiting) in cases {
      #expect(DecodingStream.openTail(of: bytes) == waiting, "\(bytes)")
    }
  }
}
