// Cuts a normalised text at white space and punctuation and spells each word in the longest pieces
// that the vocabulary has. Texts come from BERTNormalizer.swift.

/// Working memory of an encoding thread.
final class WordPieceEncoder {
  private let vocabulary: WordPieceVocabulary
  private let unknown: Int32
  private let longestWord: Int
  private var cache = PieceCache()
  /// The normalised text.
  var text: [UInt8] = []

  init(_ vocabulary: WordPieceVocabulary, unknown: Int32, longestWord: Int) {
    self.vocabulary = vocabulary
    self.unknown = unknown
    self.longestWord = longestWord
  }

  private enum Kind: UInt8 {
    case word, white, punctuation

    init(_ flags: BERTFlags) {
      self = flags.contains(.white) ? .white : flags.contains(.punctuation) ? .punctuation : .word
    }

    static let ascii: [Kind] = (UInt32(0)..<128).map { Kind(BERTFlags($0)) }
  }

  /// Appends the ids of a normalised text.
  func append(_ text: UnsafeBufferPointer<UInt8>, to out: inout [Int32]) {
    Kind.ascii.withUnsafeBufferPointer { ascii in
      var start = 0
      var at = 0
      while at < text.count {
        let kind: Kind
        let length: Int
        if text[at] < 0x80 {
          kind = ascii[Int(text[at])]
          length = 1
        } else {
          // What the normaliser wrote is UTF-8.
          let scalar = UTF8Scalar(text, at)
          kind = scalar.map { Kind(BERTFlags($0.value)) } ?? .word
          length = scalar?.length ?? 1
        }
        if kind != .word {
          if start < at { word(UnsafeBufferPointer(rebasing: text[start..<at]), to: &out) }
          start = at + length
          if kind == .punctuation {
            word(UnsafeBufferPointer(rebasing: text[at..<start]), to: &out)
          }
        }
        at += length
      }
      if start < at { word(UnsafeBufferPointer(rebasing: text[start..<at]), to: &out) }
    }
  }

  private func word(_ word: UnsafeBufferPointer<UInt8>, to out: inout [Int32]) {
    guard word.count <= PieceCache.longestPiece else {
      spell(word, to: &out)
      return
    }
    let hash = PieceCache.hash(word)
    if cache.append(word, hash, to: &out) { return }
    let before = out.count
    spell(word, to: &out)
    cache.remember(word, hash, out[before...])
  }

  /// Longest piece first; a word of which a part is in no piece is unknown as a whole.
  private func spell(_ word: UnsafeBufferPointer<UInt8>, to out: inout [Int32]) {
    let before = out.count
    // Continuation bytes are no characters of their own.
    if word.count > longestWord,
      word.reduce(0, { $1 & 0xC0 == 0x80 ? $0 : $0 + 1 }) > longestWord
    {
      out.append(unknown)
      return
    }
    var at = 0
    while at < word.count {
      let root = at == 0 ? WordPieceVocabulary.beginning : WordPieceVocabulary.continuing
      guard let (id, length) = vocabulary.longest(in: word[at...], from: root) else {
        out.removeLast(out.count - before)
        out.append(unknown)
        return
      }
      out.append(id)
      at += length
    }
  }
}
