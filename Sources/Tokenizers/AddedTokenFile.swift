// The list `added_tokens` of a tokenizer.json.

import CanonicalJSON
import Diagnostics

extension AddedToken {
  /// **Throws**: `tokenizer-malformed`.
  static func read(
    _ part: JSONValue?, _ vocabulary: VocabularyTable
  ) throws(Diagnostic) -> [AddedToken] {
    guard let part, part != .null else { return [] }
    guard let list = part.array else {
      throw .tokenizerMalformed("has 'added_tokens' that is no list")
    }
    var tokens: [AddedToken] = []
    var ids: Set<Int> = []
    var contents: Set<[UInt8]> = []
    for item in list {
      guard let id = item["id"]?.integer, let content = item["content"]?.string, !content.isEmpty
      else { throw .tokenizerMalformed("has an added token without id or content") }
      guard content.utf8.count <= AddedTokenFinder.longestContent else {
        throw .tokenizerMalformed(
          "has an added token of \(content.utf8.count) bytes, more than "
            + "\(AddedTokenFinder.longestContent)")
      }
      guard id >= 0, id < vocabulary.idLimit + list.count else {
        throw .tokenizerMalformed("gives '\(content)' the id \(id), far beyond the vocabulary")
      }
      if let holder = vocabulary.spelling(of: Int32(id)), !bytesEqual(holder, content) {
        throw .tokenizerMalformed("gives the id \(id) to both '\(holder)' and '\(content)'")
      }
      guard ids.insert(id).inserted, contents.insert(Array(content.utf8)).inserted else {
        throw .tokenizerMalformed("has the added token '\(content)' or its id \(id) twice")
      }
      if let known = vocabulary.id(of: content), known != Int32(id) {
        throw .tokenizerMalformed("gives '\(content)' both the id \(id) and the id \(known)")
      }
      func flag(_ name: String, else other: Bool = false) -> Bool { item[name]?.boolean ?? other }
      let isSpecial = flag("special")
      tokens.append(
        AddedToken(
          id: Int32(id), content: content, isSpecial: isSpecial, stripsLeft: flag("lstrip"),
          stripsRight: flag("rstrip"), isSingleWord: flag("single_word"),
          isNormalized: flag("normalized", else: !isSpecial)))
    }
    return tokens
  }

  /// The spellings of a vocabulary as a file needs them. The library takes the id of an added token from
  /// the vocabulary and numbers those that are not in it on from the vocabulary's size, whatever the file
  /// says: only tokens that follow the vocabulary in order may stand outside it.
  static func vocabulary(_ spellings: [String?], _ added: [AddedToken]) -> JSONValue {
    var spellings = spellings
    for token in added where Int(token.id) < spellings.count {
      spellings[Int(token.id)] = token.content
    }
    var members = spellings.enumerated().compactMap { id, spelling in
      spelling.map { ($0, JSONValue.integer(id)) }
    }
    let following = added.filter { Int($0.id) >= spellings.count }
    let areCounted =
      members.count == spellings.count
      && following.enumerated().allSatisfy { Int($1.id) == spellings.count + $0 }
    if !areCounted { members += following.map { ($0.content, .integer(Int($0.id))) } }
    return .object(JSONObject(members))
  }

  var json: JSONValue {
    .object([
      "id": .integer(Int(id)), "content": .string(content), "special": .boolean(isSpecial),
      "single_word": .boolean(isSingleWord), "lstrip": .boolean(stripsLeft),
      "rstrip": .boolean(stripsRight), "normalized": .boolean(isNormalized),
    ])
  }
}
