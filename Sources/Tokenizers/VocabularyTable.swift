// The vocabulary of a tokenizer file while it is read: checked, spelled as in the file, and turned
// into bytes once. TokenizerJSON.swift and VocabularyFiles.swift fill it.

import CanonicalJSON
import Diagnostics

struct VocabularyTable {
  /// Keyed by the bytes of the spelling: two canonically equivalent spellings are two tokens.
  private var idOfSpelling: [[UInt8]: Int32] = [:]
  private var spellings: [Int32: String] = [:]
  /// One more than the largest id.
  let idLimit: Int

  init(_ part: JSONValue?) throws(Diagnostic) {
    guard let object = part?.object else { throw .tokenizerMalformed("has no vocabulary") }
    // Holes are allowed, but ids are indices: a wild one must not decide how much is allocated.
    let ceiling = 4 * object.count + 4096
    var limit = 0
    for (spelling, value) in object.members {
      guard let id = value.integer, id >= 0, id < ceiling else {
        throw .tokenizerMalformed(
          "gives '\(spelling)' the id \(value.canonicalText), which is none below \(ceiling)")
      }
      if let other = spellings.updateValue(spelling, forKey: Int32(id)) {
        throw .tokenizerMalformed("gives the id \(id) to both '\(other)' and '\(spelling)'")
      }
      idOfSpelling[Array(spelling.utf8)] = Int32(id)
      limit = max(limit, id + 1)
    }
    idLimit = limit
  }

  func spelling(of id: Int32) -> String? { spellings[id] }
  func id(of spelling: String) -> Int32? { idOfSpelling[Array(spelling.utf8)] }

  func merge(_ left: String, _ right: String, rank: Int) throws(Diagnostic) -> (
    left: Int32, right: Int32, merged: Int32
  ) {
    func id(_ spelling: String) throws(Diagnostic) -> Int32 {
      guard let id = idOfSpelling[Array(spelling.utf8)] else {
        throw .tokenizerMalformed("has merge \(rank) with '\(spelling)', not in the vocabulary")
      }
      return id
    }
    return (left: try id(left), right: try id(right), merged: try id(left + right))
  }

  /// Id → bytes of the spelling, where a vocabulary spells its tokens plainly.
  var plainTokens: [[UInt8]?] {
    var tokens = [[UInt8]?](repeating: nil, count: idLimit)
    for (id, spelling) in spellings { tokens[Int(id)] = Array(spelling.utf8) }
    return tokens
  }

  /// Id → bytes. Added tokens may stand in the vocabulary too; they are spelled plainly there.
  func tokens(except added: [ByteLevelBPE.AddedToken]) throws(Diagnostic) -> [[UInt8]?] {
    let addedIDs = Set(added.map(\.id))
    var tokens = [[UInt8]?](repeating: nil, count: idLimit)
    var hasByte = [Bool](repeating: false, count: 256)
    for id in spellings.keys.sorted() where !addedIDs.contains(id) {
      let spelling = spellings[id]!
      switch ByteAlphabet.bytes(of: spelling) {
      case .success(let bytes):
        guard !bytes.isEmpty else { throw .tokenizerMalformed("has an empty token, id \(id)") }
        tokens[Int(id)] = bytes
        if bytes.count == 1 { hasByte[Int(bytes[0])] = true }
      case .failure(let foreign):
        let point = String(foreign.scalar.value, radix: 16, uppercase: true)
        throw .tokenizerMalformed(
          "has the token '\(spelling)' with U+\(point), which spells no byte")
      }
    }
    // Vocabularies learnt without the whole alphabet lack bytes that hardly occur (SmolLM2): those are
    // left out of texts. Without a letter or a space nobody would notice what is gone.
    if let missing = hasByte.indices.first(where: { !hasByte[$0] && 32..<127 ~= $0 }) {
      throw .tokenizerMalformed(
        "has no token for byte \(missing) ('\(ByteAlphabet.scalars[missing])')")
    }
    return tokens
  }
}
