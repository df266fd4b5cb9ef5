// Strict RFC 8259 with limits: outside bytes come through here (JSONL corpora, tokenizers,
// safetensors headers), so nothing is allocated by an unchecked number and nothing recurses freely.

import Diagnostics

extension JSONValue {
  /// Reads one JSON value that fills the whole text.
  ///
  /// **Throws**: `json-syntax` with line and column for anything RFC 8259 does not allow, duplicate
  /// keys, lone surrogates, invalid UTF-8, nesting over `depth`, numbers beyond `Double`.
  public init(parsing source: SourceText, depth: Int = 128) throws(Diagnostic) {
    do {
      self = try source.bytes.withUnsafeBufferPointer { bytes throws(JSONFault) in
        try JSONValue(parsing: bytes, depth: depth)
      }
    } catch {
      let span = SourceSpan(
        source: source, range: error.offset..<min(source.bytes.count, error.offset + 1))
      throw Diagnostic("json-syntax", "this is not valid JSON: \(error.reason)", at: span)
    }
  }

  /// Reads one line of a JSONL file, or any text without a name; a fault is a byte offset.
  public init(parsing bytes: UnsafeBufferPointer<UInt8>, depth: Int = 128) throws(JSONFault) {
    var parser = JSONParser(bytes: bytes, depthLimit: depth)
    self = try parser.document()
  }

  public init(parsing text: String) throws(JSONFault) {
    let bytes = Array(text.utf8)
    self = try bytes.withUnsafeBufferPointer { bytes throws(JSONFault) in
      try JSONValue(parsing: bytes)
    }
  }
}

/// What is wrong, and at which byte.
public struct JSONFault: Error, Sendable {
  public let offset: Int
  public let reason: String
}

private struct JSONParser {
  let bytes: UnsafeBufferPointer<UInt8>
  let depthLimit: Int
  var at = 0
  var depth = 0

  init(bytes: UnsafeBufferPointer<UInt8>, depthLimit: Int) {
    self.bytes = bytes
    self.depthLimit = depthLimit
  }

  mutating func document() throws(JSONFault) -> JSONValue {
    skipSpace()
    let value = try self.value()
    skipSpace()
    guard at == bytes.count else { throw fault("text after the end of the value") }
    return value
  }

  private func fault(_ reason: String) -> JSONFault { JSONFault(offset: at, reason: reason) }

  private var peek: UInt8? { at < bytes.count ? bytes[at] : nil }

  private mutating func skipSpace() {
    while at < bytes.count {
      switch bytes[at] {
      case 0x20, 0x09, 0x0A, 0x0D: at += 1
      default: return
      }
    }
  }

  private mutating func value() throws(JSONFault) -> JSONValue {
    guard let first = peek else { throw fault("the text ends too early") }
    switch first {
    case UInt8(ascii: "{"): return try nested { parser throws(JSONFault) in try parser.object() }
    case UInt8(ascii: "["): return try nested { parser throws(JSONFault) in try parser.array() }
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .boolean(true))
    case UInt8(ascii: "f"): return try word("false", .boolean(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    case UInt8(ascii: "-"), UInt8(ascii: "0")...UInt8(ascii: "9"): return try number()
    default: throw fault("a value cannot begin with byte \(first)")
    }
  }

  private mutating func nested(
    _ body: (inout Self) throws(JSONFault) -> JSONValue
  ) throws(JSONFault) -> JSONValue {
    guard depth < depthLimit else { throw fault("nested deeper than \(depthLimit)") }
    depth += 1
    defer { depth -= 1 }
    at += 1
    return try body(&self)
  }

  private mutating func word(_ text: String, _ value: JSONValue) throws(JSONFault) -> JSONValue {
    for byte in text.utf8 {
      guard peek == byte else { throw fault("expected '\(text)'") }
      at += 1
    }
    return value
  }

  private mutating func array() throws(JSONFault) -> JSONValue {
    var items: [JSONValue] = []
    skipSpace()
    if peek == UInt8(ascii: "]") {
      at += 1
      return .array(items)
    }
    while true {
      skipSpace()
      items.append(try value())
      skipSpace()
      switch peek {
      case UInt8(ascii: ","): at += 1
      case UInt8(ascii: "]"):
        at += 1
        return .array(items)
      default: throw fault("expected ',' or ']'")
      }
    }
  }

  private mutating func object() throws(JSONFault) -> JSONValue {
    var members: [(String, JSONValue)] = []
    skipSpace()
    if peek == UInt8(ascii: "}") {
      at += 1
      return .object(JSONObject(members))
    }
    while true {
      skipSpace()
      guard peek == UInt8(ascii: "\"") else { throw fault("expected a key in quotes") }
      let key = try string()
      skipSpace()
      guard peek == UInt8(ascii: ":") else { throw fault("expected ':'") }
      at += 1
      skipSpace()
      members.append((key, try value()))
      skipSpace()
      switch peek {
      case UInt8(ascii: ","): at += 1
      case UInt8(ascii: "}"):
        at += 1
        let object = JSONObject(members)
        if let key = object.duplicate { throw fault("the key '\(key)' stands twice") }
        return .object(object)
      default: throw fault("expected ',' or '}'")
      }
    }
  }

  private mutating func number() throws(JSONFault) -> JSONValue {
    let start = at
    var isInteger = true
    if peek == UInt8(ascii: "-") { at += 1 }
    if peek == UInt8(ascii: "0") { at += 1 } else { try digits() }
    if peek == UInt8(ascii: ".") {
      isInteger = false
      at += 1
      try digits()
    }
    if peek == UInt8(ascii: "e") || peek == UInt8(ascii: "E") {
      isInteger = false
      at += 1
      if peek == UInt8(ascii: "+") || peek == UInt8(ascii: "-") { at += 1 }
      try digits()
    }
    let text = String(decoding: bytes[start..<at], as: UTF8.self)
    if isInteger, let value = Int(text) { return .integer(value) }
    guard let value = Double(text), value.isFinite else {
      at = start
      throw fault("the number \(text.prefix(40)) is out of range")
    }
    return .number(value)
  }

  private mutating func digits() throws(JSONFault) {
    let start = at
    while let byte = peek, (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) { at += 1 }
    guard at > start else { throw fault("expected a digit") }
  }

  private mutating func string() throws(JSONFault) -> String {
    at += 1
    let start = at
    // Fast way: no escapes. The rest of the text is copied only when the first escape appears.
    while let byte = peek, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\"), byte >= 0x20 {
      at += 1
    }
    if peek == UInt8(ascii: "\"") {
      defer { at += 1 }
      return try text(bytes[start..<at], from: start)
    }
    var out = Array(bytes[start..<at])
    while let byte = peek {
      switch byte {
      case UInt8(ascii: "\""):
        at += 1
        return try out.withUnsafeBufferPointer { buffer throws(JSONFault) in
          try text(buffer[...], from: start)
        }
      case UInt8(ascii: "\\"):
        at += 1
        try escape(into: &out)
      case 0..<0x20: throw fault("a control character inside a string")
      default:
        out.append(byte)
        at += 1
      }
    }
    throw fault("the string does not end")
  }

  private func text(_ slice: Slice<UnsafeBufferPointer<UInt8>>, from start: Int) throws(JSONFault)
    -> String
  {
    guard let text = String(validating: slice, as: UTF8.self) else {
      throw JSONFault(offset: start, reason: "the string is not valid UTF-8")
    }
    return text
  }

  private mutating func escape(into out: inout [UInt8]) throws(JSONFault) {
    guard let byte = peek else { throw fault("the string does not end") }
    at += 1
    switch byte {
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): out.append(byte)
    case UInt8(ascii: "b"): out.append(0x08)
    case UInt8(ascii: "f"): out.append(0x0C)
    case UInt8(ascii: "n"): out.append(0x0A)
    case UInt8(ascii: "r"): out.append(0x0D)
    case UInt8(ascii: "t"): out.append(0x09)
    case UInt8(ascii: "u"):
      var code = try hexadecimal()
      if (0xD800..<0xDC00).contains(code) {
        guard peek == UInt8(ascii: "\\"), at + 1 < bytes.count, bytes[at + 1] == UInt8(ascii: "u")
        else { throw fault("half a surrogate pair") }
        at += 2
        let low = try hexadecimal()
        guard (0xDC00..<0xE000).contains(low) else { throw fault("half a surrogate pair") }
        code = 0x10000 + (code - 0xD800) << 10 + (low - 0xDC00)
      }
      guard let scalar = Unicode.Scalar(code) else { throw fault("half a surrogate pair") }
      out += UTF8.encode(scalar)!
    default: throw fault("unknown escape")
    }
  }

  private mutating func hexadecimal() throws(JSONFault) -> UInt32 {
    var code: UInt32 = 0
    for _ in 0..<4 {
      guard let byte = peek, let digit = Character(Unicode.Scalar(byte)).hexDigitValue else {
        throw fault("expected four hexadecimal digits")
      }
      code = code << 4 | UInt32(digit)
      at += 1
    }
    return code
  }
}
