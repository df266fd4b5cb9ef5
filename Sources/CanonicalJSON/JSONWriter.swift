// One value, one text: keys in byte order, no white space, shortest numbers that read back the same.

extension JSONValue {
  /// The canonical text: what keys and artifacts are made of.
  ///
  /// Numbers must be finite: a caller that may hold NaN decides what it means before writing.
  public var canonicalText: String { String(decoding: canonicalBytes, as: UTF8.self) }

  public var canonicalBytes: [UInt8] {
    var out: [UInt8] = []
    write(to: &out, indent: nil)
    return out
  }

  /// The same order and numbers, two spaces of indentation and a final line break: for people.
  public var indentedText: String {
    var out: [UInt8] = []
    write(to: &out, indent: 0)
    out.append(UInt8(ascii: "\n"))
    return String(decoding: out, as: UTF8.self)
  }

  private func write(to out: inout [UInt8], indent: Int?) {
    switch self {
    case .null: out += "null".utf8
    case .boolean(let value): out += (value ? "true" : "false").utf8
    case .integer(let value): out += String(value).utf8
    case .number(let value):
      precondition(value.isFinite, "JSON has no text for the number \(value)")
      out += value.description.utf8
    case .string(let value): Self.write(value, to: &out)
    case .array(let items):
      // Short lists of plain values stay on one line even in indented text.
      let flat = indent == nil || items.allSatisfy(\.isPlain)
      Self.writeList(
        items.count, "[", "]", to: &out, indent: flat ? nil : indent, spaced: indent != nil
      ) { items[$0].write(to: &$1, indent: $2) }
    case .object(let object):
      let members = object.sorted
      Self.writeList(members.count, "{", "}", to: &out, indent: indent, spaced: indent != nil) {
        Self.write(members[$0].key, to: &$1)
        $1 += (indent == nil ? ":" : ": ").utf8
        members[$0].value.write(to: &$1, indent: $2)
      }
    }
  }

  private var isPlain: Bool {
    switch self {
    case .array, .object: false
    default: true
    }
  }

  private static func writeList(
    _ count: Int, _ open: String, _ close: String, to out: inout [UInt8], indent: Int?,
    spaced: Bool, item: (Int, inout [UInt8], Int?) -> Void
  ) {
    out += open.utf8
    for index in 0..<count {
      if index > 0 { out += (indent == nil && spaced ? ", " : ",").utf8 }
      if let indent {
        out.append(UInt8(ascii: "\n"))
        out += repeatElement(UInt8(ascii: " "), count: 2 * (indent + 1))
      }
      item(index, &out, indent.map { $0 + 1 })
    }
    if let indent, count > 0 {
      out.append(UInt8(ascii: "\n"))
      out += repeatElement(UInt8(ascii: " "), count: 2 * indent)
    }
    out += close.utf8
  }

  private static func write(_ text: String, to out: inout [UInt8]) {
    let hex = Array("0123456789abcdef".utf8)
    out.append(UInt8(ascii: "\""))
    for byte in text.utf8 {
      switch byte {
      case UInt8(ascii: "\""): out += "\\\"".utf8
      case UInt8(ascii: "\\"): out += "\\\\".utf8
      case 0x0A: out += "\\n".utf8
      case 0x0D: out += "\\r".utf8
      case 0x09: out += "\\t".utf8
      case 0..<0x20:
        out += "\\u00".utf8
        out.append(hex[Int(byte >> 4)])
        out.append(hex[Int(byte & 15)])
      default: out.append(byte)
      }
    }
    out.append(UInt8(ascii: "\""))
  }
}
