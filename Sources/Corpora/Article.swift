// News articles inside a document's text: the form of the study, `title: …` and `body: …`.

/// Title and body of an article.
public struct Article: Sendable, Hashable {
  public var title: String
  public var body: String

  public init(title: String, body: String) {
    self.title = title
    self.body = body
  }

  /// `title: {title}\nbody: {body}`; line breaks in the title become spaces, so that the text
  /// splits back into the same two parts.
  public var text: String {
    let line = title.split(omittingEmptySubsequences: false, whereSeparator: \.isNewline)
      .joined(separator: " ")
    return "title: \(line)\nbody: \(body)"
  }

  /// Splits a text. A text without `title: ` is all body; one without a line `body: ` after the
  /// title has its body from the second line on.
  public init(_ text: String) {
    guard text.utf8.starts(with: Self.titleMark.utf8) else {
      self.init(title: "", body: text)
      return
    }
    let rest = text.utf8.dropFirst(Self.titleMark.utf8.count)
    guard let end = rest.firstIndex(of: UInt8(ascii: "\n")) else {
      self.init(title: String(rest)!, body: "")
      return
    }
    var body = rest[rest.index(after: end)...]
    if body.starts(with: Self.bodyMark.utf8) { body = body.dropFirst(Self.bodyMark.utf8.count) }
    self.init(title: String(rest[..<end])!, body: String(body)!)
  }

  static let titleMark = "title: "
  static let bodyMark = "body: "
}

extension Document {
  public var article: Article { Article(text) }
}
