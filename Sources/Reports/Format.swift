// Numbers as people read them, the same on every machine: no locale, a fixed number of digits.

import Foundation

public enum Format {
  /// Fixed decimals with a true minus sign; a value that rounds to zero has no sign.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    guard value.isFinite else { return "–" }
    var text = String(format: "%.\(digits)f", locale: nil, abs(value))
    if value < 0, text.contains(where: { ("1"..."9").contains($0) }) { text = "−" + text }
    return text
  }

  /// As `fixed`, with a plus sign for positive values: for differences.
  public static func signed(_ value: Double, _ digits: Int) -> String {
    let text = fixed(value, digits)
    let isZero = !text.contains(where: { ("1"..."9").contains($0) })
    return value > 0 && !isZero && value.isFinite ? "+" + text : text
  }

  /// About four significant digits, for tables of mixed quantities.
  public static func figure(_ value: Double) -> String {
    let size = abs(value)
    if value == value.rounded(), size < 1e6 { return fixed(value, 0) }
    if size >= 1e6 || (size < 1e-3 && size > 0) {
      return String(format: "%.3g", locale: nil, value).replacingOccurrences(of: "-", with: "−")
    }
    return fixed(value, size >= 1000 ? 0 : size >= 100 ? 1 : size >= 10 ? 2 : size >= 1 ? 3 : 4)
  }

  /// About three significant digits, where space is short.
  public static func brief(_ value: Double) -> String {
    let size = abs(value)
    return fixed(value, size >= 100 ? 0 : size >= 10 ? 1 : size >= 1 ? 2 : 3)
  }

  /// A p value: three decimals, or that it is smaller.
  public static func probability(_ p: Double) -> String { p < 0.001 ? "< 0.001" : fixed(p, 3) }

  /// A bound that somebody chose, with no digit more than it has: 0.05, 0.001.
  public static func level(_ value: Double) -> String {
    guard value.isFinite, abs(value) >= 1e-4, abs(value) < 1e6 else { return figure(value) }
    var text = fixed(value, 6)
    while text.hasSuffix("0") { text.removeLast() }
    return text.hasSuffix(".") ? String(text.dropLast()) : text
  }

  public static func seconds(_ value: Double) -> String { fixed(value, value < 10 ? 2 : 1) }

  public static func duration(_ seconds: Double) -> String {
    if seconds < 60 { return Format.seconds(seconds) + " s" }
    let whole = Int(seconds.rounded())
    return whole < 3600
      ? "\(whole / 60) min \(whole % 60) s" : "\(whole / 3600) h \(whole % 3600 / 60) min"
  }

  static func bytes(_ count: Int) -> String {
    let value = Double(count)
    if value >= 1_073_741_824 { return fixed(value / 1_073_741_824, 2) + " GiB" }
    if value >= 1_048_576 { return fixed(value / 1_048_576, 0) + " MiB" }
    return fixed(value / 1024, 0) + " KiB"
  }

  /// `blob:sha256:0123…` → `blob:01234567`.
  static func shortReference(_ text: String) -> String {
    let parts = text.split(separator: ":")
    guard parts.count == 3 else { return String(text.prefix(16)) }
    return "\(parts[0]):\(parts[2].prefix(8))"
  }

  /// Thousands are set apart with thin spaces.
  public static func count(_ value: Int) -> String {
    let digits = Array(String(abs(value)))
    var out = value < 0 ? "−" : ""
    for (index, digit) in digits.enumerated() {
      if index > 0, (digits.count - index) % 3 == 0 { out += "\u{202F}" }
      out.append(digit)
    }
    return out
  }

  /// Text for HTML and SVG; control characters that XML forbids become replacement characters.
  static func escape(_ text: String) -> String {
    var out = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": out += "&amp;"
      case "<": out += "&lt;"
      case ">": out += "&gt;"
      case "\"": out += "&quot;"
      case "'": out += "&#39;"
      case "\n", "\t": out.unicodeScalars.append(scalar)
      default:
        let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
        out.unicodeScalars.append(isControl ? "\u{FFFD}" : scalar)
      }
    }
    return out
  }
}
