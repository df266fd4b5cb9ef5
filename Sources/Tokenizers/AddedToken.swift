// Tokens that stand outside a tokenizer's model. AddedTokenFinder.swift looks for them in texts.

/// A token that is found in a text before the text is cut, or that only templates may write.
public struct AddedToken: Sendable, Hashable {
  public let id: Int32
  public let content: String
  /// Special tokens steer models: they never come out of a text. Others are found in it first.
  public let isSpecial: Bool
  /// White space left of the token belongs to it (RoBERTa's `<mask>`).
  public let stripsLeft: Bool
  public let stripsRight: Bool
  /// Only between characters that are not of a word.
  public let isSingleWord: Bool
  /// Looked for in the normalised text, in its own normalised form.
  public let isNormalized: Bool

  public init(
    id: Int32, content: String, isSpecial: Bool, stripsLeft: Bool = false,
    stripsRight: Bool = false, isSingleWord: Bool = false, isNormalized: Bool = false
  ) {
    self.id = id
    self.content = content
    self.isSpecial = isSpecial
    self.stripsLeft = stripsLeft
    self.stripsRight = stripsRight
    self.isSingleWord = isSingleWord
    self.isNormalized = isNormalized
  }

  /// Canonically equivalent contents are different tokens, so bytes are compared.
  public static func == (left: Self, right: Self) -> Bool {
    left.id == right.id && left.content.utf8.elementsEqual(right.content.utf8)
      && left.flags == right.flags
  }

  public func hash(into hasher: inout Hasher) { hasher.combine(id) }

  private var flags: [Bool] { [isSpecial, stripsLeft, stripsRight, isSingleWord, isNormalized] }
}
