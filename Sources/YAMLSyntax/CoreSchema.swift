// What plain text means: the core schema of YAML 1.2 (section 10.3), not YAML 1.1's, in which `no`
// is false, `1:30` is 90 and `010` is 8.

extension YAMLScalar.Value {
  /// Resolves a plain scalar.
  public init(plain text: String) {
    switch text {
    case "", "~", "null", "Null", "NULL": self = .null
    case "true", "True", "TRUE": self = .boolean(true)
    case "false", "False", "FALSE": self = .boolean(false)
    case ".nan", ".NaN", ".NAN": self = .number(.nan)
    case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF": self = .number(.infinity)
    case "-.inf", "-.Inf", "-.INF": self = .number(-.infinity)
    default: self = Self.number(in: Array(text.utf8)) ?? .text(text)
    }
  }

  private static func number(in bytes: [UInt8]) -> Self? {
    // Text is far more common than numbers: look at the first byte only.
    guard let first = bytes.first, isDigit(first) || "+-.".utf8.contains(first) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    if text.hasPrefix("0o"), let value = Int(text.dropFirst(2), radix: 8), isDigit(bytes[2]) {
      return .integer(value)
    }
    if text.hasPrefix("0x"), bytes.count > 2, bytes[2] != UInt8(ascii: "-"),
      bytes[2] != UInt8(ascii: "+"), let value = Int(text.dropFirst(2), radix: 16)
    {
      return .integer(value)
    }
    var at = 0
    func skipDigits() -> Int {
      let start = at
      while at < bytes.count, isDigit(bytes[at]) { at += 1 }
      return at - start
    }
    if first == UInt8(ascii: "+") || first == UInt8(ascii: "-") { at += 1 }
    let whole = skipDigits()
    if whole > 0, at == bytes.count {
      if let value = Int(text) { return .integer(value) }
      return Double(text).map { .number($0) }
    }
    var fraction = 0
    if at < bytes.count, bytes[at] == UInt8(ascii: ".") {
      at += 1
      fraction = skipDigits()
    }
    guard whole + fraction > 0 else { return nil }
    if at < bytes.count, bytes[at] | 0x20 == UInt8(ascii: "e") {
      at += 1
      if at < bytes.count, bytes[at] == UInt8(ascii: "+") || bytes[at] == UInt8(ascii: "-") {
        at += 1
      }
      guard skipDigits() > 0 else { return nil }
    }
    guard at == bytes.count else { return nil }
    // Swift reads neither `1.` nor `.5`.
    var spelled = text.hasSuffix(".") ? text + "0" : text
    spelled = spelled.replacing(".e", with: ".0e").replacing(".E", with: ".0E")
    if let point = spelled.firstIndex(of: "."),
      point == spelled.startIndex || !spelled[spelled.index(before: point)].isNumber
    {
      spelled.insert("0", at: point)
    }
    return Double(spelled).map { .number($0) }
  }

  private static func isDigit(_ byte: UInt8) -> Bool { (0x30...0x39).contains(byte) }
}
