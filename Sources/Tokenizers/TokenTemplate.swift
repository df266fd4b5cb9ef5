// What a model wants round its texts: the post-processor of a tokenizer.json. This is the only way
// by which special tokens enter a sequence, beside chat templates. Files: TemplateFile.swift.

/// Ids of a sequence and, for encoders that tell two texts apart, the type of each.
public struct TemplatedText: Sendable, Hashable {
  public var ids: [Int32]
  /// 0 or 1 as a rule; of the same length as `ids`.
  public var types: [Int32]

  public init(ids: [Int32], types: [Int32]) {
    self.ids = ids
    self.types = types
  }
}

/// Special tokens before, between and behind one text or two.
public struct TokenTemplate: Sendable, Hashable {
  public enum Piece: Sendable, Hashable {
    case special([Int32], type: Int32)
    /// The first text (0) or the second (1).
    case text(Int, type: Int32)
  }

  public let single: [Piece]
  public let pair: [Piece]

  /// A text and nothing round it.
  public static let bare = TokenTemplate(
    single: [.text(0, type: 0)], pair: [.text(0, type: 0), .text(1, type: 1)])

  /// - Parameters:
  ///   - single: names text 0 once at least and never text 1.
  ///   - pair: names both.
  public init(single: [Piece], pair: [Piece]) {
    precondition(
      Self.texts(single) == [0] && Self.texts(pair) == [0, 1],
      "a template for one text needs text 0, one for two needs both")
    self.single = single
    self.pair = pair
  }

  /// BERT: `[CLS] a [SEP]`, `[CLS] a [SEP] b [SEP]`, the second text of type 1.
  public static func bert(classification: Int32, separator: Int32) -> TokenTemplate {
    let start: [Piece] = [
      .special([classification], type: 0), .text(0, type: 0), .special([separator], type: 0),
    ]
    return TokenTemplate(
      single: start, pair: start + [.text(1, type: 1), .special([separator], type: 1)])
  }

  /// RoBERTa: `<s> a </s>`, `<s> a </s> </s> b </s>`, all of type 0.
  public static func roberta(begin: Int32, end: Int32) -> TokenTemplate {
    let start: [Piece] = [
      .special([begin], type: 0), .text(0, type: 0), .special([end], type: 0),
    ]
    return TokenTemplate(
      single: start,
      pair: start + [.special([end], type: 0), .text(1, type: 0), .special([end], type: 0)])
  }

  static func texts(_ pieces: [Piece]) -> Set<Int> {
    Set(pieces.compactMap { if case .text(let text, _) = $0 { text } else { nil } })
  }

  /// How many tokens the template itself brings to one text: what a limit of length must leave.
  public var addedToOne: Int { Self.specialCount(single) }
  public var addedToTwo: Int { Self.specialCount(pair) }

  private static func specialCount(_ pieces: [Piece]) -> Int {
    pieces.reduce(0) { if case .special(let ids, _) = $1 { $0 + ids.count } else { $0 } }
  }

  public func apply(_ ids: [Int32]) -> TemplatedText { Self.fill(single, [ids]) }

  public func apply(_ first: [Int32], _ second: [Int32]) -> TemplatedText {
    Self.fill(pair, [first, second])
  }

  private static func fill(_ pieces: [Piece], _ texts: [[Int32]]) -> TemplatedText {
    var result = TemplatedText(ids: [], types: [])
    for piece in pieces {
      let (ids, type) =
        switch piece {
        case .special(let ids, let type): (ids, type)
        case .text(let text, let type): (texts[text], type)
        }
      result.ids += ids
      result.types += repeatElement(type, count: ids.count)
    }
    return result
  }
}
