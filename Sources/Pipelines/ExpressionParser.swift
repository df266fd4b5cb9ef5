// A recursive descent over the bytes of one scalar. Each mistake points at its own characters.
//
//   input     = term { "??" term }                term  = "none" | reference
//   reference = name [ "[" selector { "," selector } "]" ] "." name
//   selector  = "*" | axis ("+" | "-") integer | axis "=" ("*" | range | literal)
//   range     = bound (".." | "..<") bound        bound = (integer | axis | $(…)) [("+" | "-") integer]
//   axis      = range | name "." name             (under `matrix`)

import Diagnostics
import YAMLSyntax

struct ExpressionParser {
  private let node: YAMLNode
  private let bytes: [UInt8]
  private var at = 0

  private init(_ node: YAMLNode, _ text: String) {
    self.node = node
    bytes = Array(text.utf8)
  }

  static func input(_ node: YAMLNode) throws(Diagnostic) -> InputExpression {
    var parser = ExpressionParser(node, node.scalar?.text ?? "")
    return try parser.input()
  }

  static func axis(_ node: YAMLNode) throws(Diagnostic) -> AxisExpression {
    var parser = ExpressionParser(node, node.scalar?.text ?? "")
    return try parser.axis()
  }

  /// `train[strategy=preserve].model` as a command-line argument; the port may be absent.
  static func selector(_ text: String) throws(Diagnostic) -> (
    stage: Located<String>, selectors: [AxisSelector], port: Located<String>?
  ) {
    let source = SourceText(path: "argument", text: text)
    let span = SourceSpan(source: source, range: 0..<source.bytes.count)
    let scalar = YAMLScalar(plain: text)
    var parser = ExpressionParser(YAMLNode(.scalar(scalar), at: span), text)
    parser.skipSpace()
    let stage = try parser.name("a stage")
    var selectors: [AxisSelector] = []
    if parser.peek == UInt8(ascii: "[") { selectors = try parser.selectors() }
    var port: Located<String>?
    if parser.take(".") { port = try parser.name("a port") }
    parser.skipSpace()
    guard parser.isAtEnd else { throw parser.unexpected("the end of the selector") }
    return (stage, selectors, port)
  }

  // MARK: Forms

  private mutating func input() throws(Diagnostic) -> InputExpression {
    skipSpace()
    if isAtEnd { throw .expression("an expression is missing", at: node.span, help: Self.forms) }
    var alternatives: [InputExpression.Alternative] = []
    while true {
      alternatives.append(try alternative())
      skipSpace()
      if isAtEnd { return InputExpression(alternatives: alternatives) }
      guard take("??") else { throw unexpected("'??' or the end") }
      skipSpace()
    }
  }

  private mutating func alternative() throws(Diagnostic) -> InputExpression.Alternative {
    skipSpace()
    let start = at
    if let first = peek,
      first == UInt8(ascii: "/") || bytes[at...].starts(with: "./".utf8)
        || bytes[at...].starts(with: "../".utf8)
    {
      throw .pathAsExpression(wholeText, at: node.span)
    }
    if bytes[at...].starts(with: "$(".utf8) {
      throw .substitutionAsReference(wholeText, at: place(at..<bytes.count))
    }
    let stage = try name("a stage")
    if stage.value == "none", peek != UInt8(ascii: "."), peek != UInt8(ascii: "[") {
      return .none(place(start..<at))
    }
    if peek == UInt8(ascii: "/") { throw .pathAsExpression(wholeText, at: node.span) }
    var selectors: [AxisSelector] = []
    if peek == UInt8(ascii: "[") { selectors = try self.selectors() }
    guard take(".") else {
      throw .portMissing(wholeText(start..<at), at: place(start..<at))
    }
    let port = try name("a port")
    if peek == UInt8(ascii: "[") {
      throw .selectorAfterPort(
        stage: stage.value, port: port.value, at: place(at..<bytes.count))
    }
    if peek == UInt8(ascii: "/") || peek == UInt8(ascii: ".") {
      throw .pathAsExpression(wholeText, at: node.span)
    }
    return .reference(
      Reference(
        stage: stage, selectors: selectors, port: port, span: place(start..<at),
        text: wholeText(start..<at)))
  }

  private mutating func selectors() throws(Diagnostic) -> [AxisSelector] {
    let open = at
    at += 1
    var selectors: [AxisSelector] = []
    while true {
      skipSpace()
      selectors.append(try selector(open: open))
      skipSpace()
      if take("]") { break }
      guard take(",") else {
        if isAtEnd { throw unclosed(open) }
        throw unexpected("',' or ']'")
      }
    }
    var names: Set<String> = []
    for selector in selectors where !names.insert(selector.axis?.value ?? "*").inserted {
      throw .axisSelectedTwice(selector.axis?.value ?? "*", at: selector.span)
    }
    return selectors
  }

  private func unclosed(_ open: Int) -> Diagnostic {
    .expression(
      "this '[' has no closing ']'", at: place(open..<open + 1), help: "close the bracket")
  }

  private mutating func selector(open: Int) throws(Diagnostic) -> AxisSelector {
    let start = at
    if isAtEnd { throw unclosed(open) }
    if peek == UInt8(ascii: "]") {
      throw .expression(
        "the brackets are empty", at: place(open..<at + 1),
        help: "name an axis, as in [generation - 1], or write [*] for all")
    }
    if take("*") { return AxisSelector(axis: nil, choice: .all, span: place(start..<at)) }
    if let first = peek, isDigit(first) || first == UInt8(ascii: "-") {
      while let byte = peek, !",]".utf8.contains(byte) { at += 1 }
      throw .axisNameMissing(wholeText(start..<at), at: place(start..<at))
    }
    let axis = try name("an axis", hyphens: false)
    skipSpace()
    if take("=") {
      let choice = try choice(of: axis.value)
      return AxisSelector(axis: axis, choice: choice, span: place(start..<at))
    }
    if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") {
      let offset = try self.offset()
      return AxisSelector(axis: axis, choice: .shift(offset), span: place(start..<at))
    }
    throw .expression(
      "'\(axis.value)' needs '=', '+' or '-'", at: axis.span,
      help: "write [\(axis.value)=VALUE], [\(axis.value)=*] or [\(axis.value) - 1]")
  }

  /// What follows `axis=`, up to ',' or ']'.
  private mutating func choice(of axis: String) throws(Diagnostic) -> AxisSelector.Choice {
    skipSpace()
    let start = at
    if take("*") { return .all }
    if let quote = peek, quote == UInt8(ascii: "'") || quote == UInt8(ascii: "\"") {
      at += 1
      let inner = at
      while let byte = peek, byte != quote { at += 1 }
      guard peek == quote else {
        throw .expression(
          "the quotes are not closed", at: place(start..<start + 1), help: "close them")
      }
      let text = wholeText(inner..<at)
      at += 1
      return .value(AxisLiteral(text: text, isQuoted: true, bound: nil, span: place(start..<at)))
    }
    var depth = 0
    while let byte = peek, depth > 0 || !",]".utf8.contains(byte) {
      if byte == UInt8(ascii: "(") { depth += 1 }
      if byte == UInt8(ascii: ")") { depth -= 1 }
      at += 1
    }
    var end = at
    while end > start, bytes[end - 1] == UInt8(ascii: " ") { end -= 1 }
    guard end > start else {
      throw .expression(
        "a value is missing after '='", at: place(start - 1..<start),
        help: "write [\(axis)=VALUE] or [\(axis)=*]")
    }
    let text = wholeText(start..<end)
    if text.contains("..") {
      at = start
      return try range()
    }
    let after = at
    at = start
    var bound = try? self.bound()
    skipSpace()
    if at < end { bound = nil }
    at = after
    return .value(AxisLiteral(text: text, isQuoted: false, bound: bound, span: place(start..<end)))
  }

  private mutating func range() throws(Diagnostic) -> AxisSelector.Choice {
    let lower = try bound()
    skipSpace()
    let includesUpper: Bool
    if take("..<") {
      includesUpper = false
    } else if take("..") {
      includesUpper = true
    } else {
      throw unexpected("'..' or '..<'")
    }
    skipSpace()
    return .range(lower, try bound(), includesUpper: includesUpper)
  }

  private mutating func bound() throws(Diagnostic) -> Bound {
    skipSpace()
    let start = at
    guard let first = peek else { throw unexpected("an integer") }
    var base: Bound.Base
    if isDigit(first) || first == UInt8(ascii: "-") || first == UInt8(ascii: "+") {
      base = .integer(try integer(signed: true))
    } else if bytes[at...].starts(with: "$(".utf8) {
      let reference = try TemplateReference(in: bytes, at: at, of: node)
      at = reference.end
      base = .reference(reference)
    } else {
      base = .axis(try name("an axis", hyphens: false).value)
    }
    let end = at
    skipSpace()
    var offset = 0
    if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") {
      offset = try self.offset()
      if case .integer = base {
        throw .expression(
          "there is no arithmetic on plain integers", at: place(start..<at),
          help: "write the sum")
      }
    } else {
      at = end
    }
    return Bound(base: base, offset: offset, span: place(start..<at))
  }

  private mutating func axis() throws(Diagnostic) -> AxisExpression {
    skipSpace()
    let text = wholeText
    if text.contains("..") {
      guard case .range(let lower, let upper, let includesUpper) = try range() else {
        preconditionFailure("range() gives ranges only")
      }
      skipSpace()
      guard isAtEnd else { throw unexpected("the end of the range") }
      return .range(lower, upper, includesUpper: includesUpper)
    }
    guard text.contains("."), let first = peek, !isDigit(first), first != UInt8(ascii: "-") else {
      throw .scalarAxis(text, at: node.span)
    }
    let stage = try name("a stage")
    guard take(".") else { throw .scalarAxis(text, at: node.span) }
    let axis = try name("an axis", hyphens: false)
    skipSpace()
    guard isAtEnd else { throw unexpected("the end of the expression") }
    return .axis(stage: stage, axis: axis)
  }

  // MARK: Tokens

  private static let forms =
    "write stage.port, stage[generation - 1].port, stage[*].port, or {file: PATH}"

  private var isAtEnd: Bool { at >= bytes.count }
  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }
  private var wholeText: String { String(decoding: bytes, as: UTF8.self) }
  private func wholeText(_ range: Range<Int>) -> String {
    String(decoding: bytes[range], as: UTF8.self)
  }
  private func place(_ range: Range<Int>) -> SourceSpan { node.span(ofText: range) }
  private func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }

  private mutating func skipSpace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x09 { at += 1 }
  }

  private mutating func take(_ text: String) -> Bool {
    guard bytes[min(at, bytes.count)...].starts(with: text.utf8) else { return false }
    at += text.utf8.count
    return true
  }

  /// The character that should not be here, as a whole Unicode scalar.
  private func unexpected(_ expected: String) -> Diagnostic {
    if isAtEnd {
      return .expression(
        "expected \(expected), but the text ends", at: place(bytes.count..<bytes.count),
        help: Self.forms)
    }
    var end = at + 1
    while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return .expression(
      "expected \(expected), not '\(wholeText(at..<end))'", at: place(at..<end), help: Self.forms)
  }

  private mutating func name(
    _ what: String, hyphens: Bool = true
  ) throws(Diagnostic) -> Located<String> {
    let start = at
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    guard let first = peek, isLetter(first) else { throw unexpected("\(what)'s name") }
    while let byte = peek,
      isLetter(byte) || isDigit(byte) || byte == UInt8(ascii: "_")
        || hyphens && byte == UInt8(ascii: "-")
    {
      at += 1
    }
    return Located(wholeText(start..<at), at: place(start..<at))
  }

  private mutating func integer(signed: Bool) throws(Diagnostic) -> Int {
    let start = at
    if signed, peek == UInt8(ascii: "-") || peek == UInt8(ascii: "+") { at += 1 }
    while let byte = peek, isDigit(byte) { at += 1 }
    guard let value = Int(wholeText(start..<at)), abs(value.magnitudeAsInt) < 1 << 53 else {
      if at == start || !isDigit(bytes[at - 1]) { throw unexpected("an integer") }
      throw .expression(
        "the integer \(wholeText(start..<at)) is too large", at: place(start..<at), help: nil)
    }
    return value
  }

  /// `+ 1` or `- 1`.
  private mutating func offset() throws(Diagnostic) -> Int {
    let isMinus = peek == UInt8(ascii: "-")
    at += 1
    skipSpace()
    let value = try integer(signed: false)
    return isMinus ? -value : value
  }
}

extension Int {
  fileprivate var magnitudeAsInt: Int { self == .min ? .max : Swift.abs(self) }
}
