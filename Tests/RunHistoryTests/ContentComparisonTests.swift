// Contents of every sort, honest and hostile, in sentences.

import ArtifactStore
import Foundation
import ModelFiles
import Testing

@testable import RunHistory

@Suite struct ContentComparisonTests {
  private let nights: Nights

  init() throws { nights = try Nights() }

  private func said(_ old: [UInt8], _ new: [UInt8]) throws -> [String] {
    ContentComparison(ObjectReader([nights.store])).sentences(
      try nights.store.put(old), try nights.store.put(new), name: "it")
  }

  private func said(_ old: String, _ new: String) throws -> [String] {
    try said(Array(old.utf8), Array(new.utf8))
  }

  @Test(arguments: [
    // old, new, the first sentence
    ("a\nb\n", "a\nc\n", "line 2 of it differs: b → c"),
    ("a\r\nb\r\n", "a\nb\n", "it: only line ends differ (CRLF against LF)"),
    ("a\nb", "a\nb\n", "it: only the line break at its end differs"),
    ("", "a\n", "line 1 of it is new: a"),
    ("a\n", "", "line 1 of it is gone: a"),
    ("{\"a\": 1, \"b\": [1, 2]}", "{\"a\": 1, \"b\": [1, 3]}", "it differs in 'b[1]': 2 → 3"),
    ("{\"a\": 1}", "{\"a\":1}\n", "it says the same in other bytes (spaces, order of members)"),
    ("{\"a\": 1}", "{\"b\": 1}", "it differs in 'a': gone, was 1"),
    ("[1]", "[1, 2]", "it differs in 'length': 1 → 2"),
    ("\u{0}abc", "\u{0}abd", "it differs from byte 3 on; 4 bytes both"),
    ("\u{0}abc", "\u{0}ab", "it differs from byte 3 on; 4 → 3 bytes"),
    ("text", "\u{0}", "it differs from byte 0 on; 4 → 1 bytes"),
    ("{broken", "{broker", "line 1 of it differs: {broken → {broker"),
    ("\u{1B}[31mred\n", "\u{1B}[32mred\n", "line 1 of it differs: \u{1B}[31mred → \u{1B}[32mred"),
  ])
  func filesAreComparedByWhatTheyAre(old: String, new: String, first: String) throws {
    #expect(try said(old, new).first == first)
  }

  @Test(arguments: [
    [0xFF, 0xFE, 0x0A], [0x80], [UInt8](repeating: 0xFF, count: 9000),
    // The header of a safetensors file that promises too much.
    [0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F, 0x7B, 0x7D],
    [0x02, 0, 0, 0, 0, 0, 0, 0, 0x7B, 0x7D, 0x00],
    Array("{\"a\":".utf8) + [UInt8](repeating: UInt8(ascii: "["), count: 100_000),
  ])
  func bytesOfAnyKindGiveASentence(bytes: [UInt8]) throws {
    #expect(try !said(bytes, Array("a\nb\n".utf8)).isEmpty)
    #expect(try !said(Array("a\nb\n".utf8), bytes).isEmpty)
    #expect(try !said(bytes, bytes + [1]).isEmpty)
  }

  @Test func foldersAreComparedFileByFile() throws {
    let old = try nights.tree(["a.txt": "1\n", "b.txt": "2\n", "c.txt": "3\n"])
    let new = try nights.tree(["a.txt": "1\n", "b.txt": "x\n", "d.txt": "4\n"])
    let all = ContentComparison(ObjectReader([nights.store])).sentences(old, new, name: "corpus")
    #expect(
      all == [
        "line 1 of corpus/b.txt differs: 2 → x", "corpus/b.txt: 1 line changed",
        "corpus: 1 file added, 1 file removed, 1 file changed", "corpus/d.txt is new",
        "corpus/c.txt is gone",
      ])
    let file = try nights.blob("1")
    let mixed = ContentComparison(ObjectReader([nights.store])).sentences(file, new, name: "it")
    #expect(mixed == ["it was a file and is a folder now"])
  }

  @Test func tensorsAreNamed() throws {
    func model(_ value: Float, shape: [Int] = [2, 2]) throws -> ObjectReference {
      let path = nights.folder + "/model.safetensors"
      let values: [Float] = [1, 2, 3, value]
      try values.withUnsafeBufferPointer { buffer in
        try Safetensors.write(
          [
            TensorToWrite(name: "bias", shape: [4], values: buffer),
            TensorToWrite(name: "weight", shape: shape, values: buffer),
          ], to: path)
      }
      return try nights.store.put([UInt8](FileManager.default.contents(atPath: path)!))
    }
    let contents = ContentComparison(ObjectReader([nights.store]))
    let all = contents.sentences(try model(4), try model(4.5), name: "model")
    #expect(all.first == "model: tensor bias differs, by at most 0.5 (element 3)")
    #expect(all.last == "model: 2 of 2 tensors differ")
    let shaped = contents.sentences(try model(4), try model(4, shape: [4]), name: "model")
    #expect(shaped == ["model: tensor weight was F32 [2, 2] and is F32 [4]"])
  }

  @Test func aPipeInAnObjectsPlaceIsNotOpened() throws {
    let old = try nights.blob("a\n")
    let new = try nights.blob("b\n")
    try nights.remove(new)
    #expect(mkfifo(nights.store.objectPath(new.digest), 0o600) == 0)
    let all = ContentComparison(ObjectReader([nights.store])).sentences(old, new, name: "it")
    #expect(all.first?.contains("in no store that can be reached") == true)
  }

  @Test func objectsOfAnUpstreamOfAReadStoreAreFound() throws {
    let behind = try Nights()
    let old = try behind.blob("a\n")
    let new = try nights.blob("b\n")
    let theirs = try Nights()
    try theirs.store.setUpstreams([behind.store.path])
    let reader = ObjectReader([nights.store, try Store(readOnlyAt: theirs.store.path)])
    #expect(
      ContentComparison(reader).sentences(old, new, name: "it").first?.contains("a → b") == true)
  }
}
