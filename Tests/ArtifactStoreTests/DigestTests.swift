import Testing

@testable import ArtifactStore

@Suite struct DigestTests {
  /// FIPS 180-4, example for one block.
  @Test func hashesAsTheStandardSays() {
    let abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    #expect(Digest.of("abc").hex == abc)
    #expect(Digest(hex: abc) == Digest.of("abc"))
  }

  @Test(arguments: [
    "", "ab", String(repeating: "A", count: 64), String(repeating: "a", count: 63),
    String(repeating: "a", count: 65), String(repeating: "g", count: 64),
    String(repeating: "é", count: 64), " " + String(repeating: "a", count: 63),
  ])
  func otherTextsAreNoDigests(_ text: String) {
    #expect(Digest(hex: text) == nil)
  }

  @Test func orderIsThatOfTheText() {
    let digests = (0..<200).map { Digest.of("\($0)") }
    #expect(digests.sorted().map(\.hex) == digests.map(\.hex).sorted())
  }

  @Test(arguments: [
    "blob:sha256:", "tree:md5:" + String(repeating: "a", count: 64),
    "link:sha256:" + String(repeating: "a", count: 64), String(repeating: "a", count: 64),
    "blob:sha256:" + String(repeating: "a", count: 64) + ":",
    "Blob:sha256:" + String(repeating: "a", count: 64),
  ])
  func otherTextsAreNoReferences(_ text: String) {
    #expect(ObjectReference(text) == nil)
  }

  @Test func referencesReadWhatTheyWrite() {
    for reference in [ObjectReference.blob(.of("a")), .tree(.of("b"))] {
      #expect(ObjectReference(reference.description) == reference)
    }
  }
}
