// The text of an alternative: plain words and braces. `{rule}`, `{^rule}` (capital), `{a rule}` and
// `{A rule}` (article), `{2-3 of rule}` (list), `{this|that|}` (choice), `{{` (a brace).
// GrammarReader.swift calls it for every text of a grammar.

/// Parses one text; names stay names until all rules are known.
struct TemplateParser {
  indirect enum Piece {
    case text(String)
    case symbol(name: String, form: Grammar.Form, place: Range<Int>)
    case list(name: String, count: ClosedRange<Int>, place: Range<Int>)
    case choice([[Piece]])
  }

  struct Fault: Error {
    let reason: String
    /// Bytes of the text.
    let place: Range<Int>
  }

  private let bytes: [UInt8]
  private var at = 0

  static func parse(_ text: String) throws(Fault) -> [Piece] {
    var parser = TemplateParser(bytes: Array(text.utf8))
    return try parser.pieces(depth: 0)
  }

  private init(bytes: [UInt8]) { self.bytes = bytes }

  /// Pieces up to the end, or inside braces up to `|` or `}`.
  private mutating func pieces(depth: Int) throws(Fault) -> [Piece] {
    var pieces: [Piece] = []
    var plain: [UInt8] = []
    func flush() {
      if !plain.isEmpty { pieces.append(.text(String(decoding: plain, as: UTF8.self))) }
      plain = []
    }
    while at < bytes.count {
      switch bytes[at] {
      case UInt8(ascii: "{"):
        if at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "{") {
          plain.append(bytes[at])
          at += 2
          continue
        }
        flush()
        pieces.append(try braces(depth: depth + 1))
      case UInt8(ascii: "}"), UInt8(ascii: "|"):
        if depth > 0 {
          flush()
          return pieces
        }
        if bytes[at] == UInt8(ascii: "}") {
          throw Fault(reason: "a '}' without its '{'", place: at..<at + 1)
        }
        plain.append(bytes[at])
        at += 1
      default:
        plain.append(bytes[at])
        at += 1
      }
    }
    flush()
    return pieces
  }

  private mutating func braces(depth: Int) throws(Fault) -> Piece {
    let start = at
    guard depth <= 16 else { throw Fault(reason: "braces deeper than 16", place: at..<at + 1) }
    at += 1
    var options = [try pieces(depth: depth)]
    while at < bytes.count, bytes[at] == UInt8(ascii: "|") {
      at += 1
      options.append(try pieces(depth: depth))
    }
    guard at < bytes.count else {
      throw Fault(reason: "this '{' is not closed", place: start..<start + 1)
    }
    at += 1
    if options.count > 1 { return .choice(options) }
    guard options[0].count == 1, case .text(let words) = options[0][0] else {
      throw Fault(reason: "braces hold a name or a choice with '|'", place: start..<at)
    }
    return try reference(words, place: start..<at)
  }

  private func reference(_ words: String, place: Range<Int>) throws(Fault) -> Piece {
    if words.hasPrefix("^") {
      return .symbol(name: String(words.dropFirst()), form: .capital, place: place)
    }
    let parts = words.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    switch parts.count {
    case 1: return .symbol(name: words, form: .plain, place: place)
    case 2 where parts[0] == "a" || parts[0] == "A":
      return .symbol(name: parts[1], form: .article(capital: parts[0] == "A"), place: place)
    case 3 where parts[1] == "of":
      let bounds = parts[0].split(separator: "-").compactMap { Int($0) }
      guard (1...2).contains(bounds.count), bounds[0] >= 1, bounds.last! >= bounds[0],
        bounds.last! <= 20
      else {
        throw Fault(
          reason: "'\(parts[0])' is no count of list items, such as 2 or 2-3", place: place)
      }
      return .list(name: parts[2], count: bounds[0]...bounds.last!, place: place)
    default:
      throw Fault(reason: "'{\(words)}' is neither a name nor a known form", place: place)
    }
  }
}
