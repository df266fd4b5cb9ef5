// Looks for added tokens in a text, as the `tokenizers` library does: leftmost first, of those the
// longest, then the flags of what was found. ByteLevelBPE.swift and WordPiece.swift encode the rest.

/// A set of added tokens and the tree of their bytes.
struct AddedTokenFinder: Sendable {
  /// A longer token would make the search slow on texts that nearly contain it.
  static let longestContent = 1024

  private let tokens: [AddedToken]
  /// Node and byte → node; node 0 is the root.
  private var children: [UInt64: Int32] = [:]
  /// The token that ends at a node, or -1.
  private var tokenAtNode: [Int32] = [-1]
  private var firsts = [Bool](repeating: false, count: 256)
  private let hasPlain: Bool

  var isEmpty: Bool { tokens.isEmpty }

  /// - Parameter content: the bytes by which a token is found, in its normalised form if it has one.
  init(_ tokens: [AddedToken], content: (AddedToken) -> [UInt8] = { Array($0.content.utf8) }) {
    self.tokens = tokens
    hasPlain = tokens.contains { !$0.isSpecial }
    for (index, token) in tokens.enumerated() {
      let bytes = content(token)
      guard let first = bytes.first else { continue }
      firsts[Int(first)] = true
      var node = 0
      for byte in bytes {
        let key = UInt64(node) << 8 | UInt64(byte)
        if let next = children[key] {
          node = Int(next)
        } else {
          children[key] = Int32(tokenAtNode.count)
          node = tokenAtNode.count
          tokenAtNode.append(-1)
        }
      }
      tokenAtNode[node] = Int32(index)
    }
  }

  /// Hands over what stands between found tokens, and those.
  ///
  /// - Parameter findsSpecial: otherwise the name of a special token is plain text; it still hides
  ///   shorter tokens inside it.
  func forEachPart(
    of text: UnsafeBufferPointer<UInt8>, findsSpecial: Bool,
    plain: (UnsafeBufferPointer<UInt8>) -> Void, found: (Int32) -> Void
  ) {
    guard hasPlain || findsSpecial && !tokens.isEmpty else {
      if !text.isEmpty { plain(text) }
      return
    }
    var done = 0
    var at = 0
    while at < text.count {
      guard firsts[Int(text[at])], let (index, end) = longest(in: text, at: at) else {
        at += 1
        continue
      }
      let token = tokens[index]
      var start = at
      var stop = end
      at = end
      if token.isSpecial, !findsSpecial { continue }
      if token.isSingleWord,
        isWord(before: start, in: text) || stop < text.count && isWord(at: stop, in: text)
      {
        continue
      }
      if token.stripsLeft { start = leftOfSpace(start, downTo: done, in: text) }
      if token.stripsRight { stop = rightOfSpace(stop, in: text) }
      if done < start { plain(UnsafeBufferPointer(rebasing: text[done..<start])) }
      found(token.id)
      done = stop
    }
    if done < text.count { plain(UnsafeBufferPointer(rebasing: text[done...])) }
  }

  private func longest(
    in text: UnsafeBufferPointer<UInt8>, at start: Int
  ) -> (token: Int, end: Int)? {
    var node = 0
    var best: (token: Int, end: Int)?
    var at = start
    while at < text.count, let next = children[UInt64(node) << 8 | UInt64(text[at])] {
      node = Int(next)
      at += 1
      if tokenAtNode[node] >= 0 { best = (Int(tokenAtNode[node]), at) }
    }
    return best
  }

  // MARK: Neighbours

  private func isWord(at place: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    UTF8Scalar(text, place).map { isWordCharacter($0.value) } ?? false
  }

  private func isWord(before place: Int, in text: UnsafeBufferPointer<UInt8>) -> Bool {
    guard let start = UTF8Scalar.start(before: place, in: text) else { return false }
    return isWord(at: start, in: text)
  }

  private func leftOfSpace(
    _ place: Int, downTo limit: Int, in text: UnsafeBufferPointer<UInt8>
  ) -> Int {
    var place = place
    while place > limit, let start = UTF8Scalar.start(before: place, in: text), start >= limit,
      let scalar = UTF8Scalar(text, start), UnicodeClass(scalar.value) == .space
    {
      place = start
    }
    return place
  }

  private func rightOfSpace(_ place: Int, in text: UnsafeBufferPointer<UInt8>) -> Int {
    var place = place
    while place < text.count, let scalar = UTF8Scalar(text, place),
      UnicodeClass(scalar.value) == .space
    {
      place += scalar.length
    }
    return place
  }
}
