// Numbers with units as a person reads them. Nothing here goes into artifacts.

import Glibc

/// Texts for durations, sizes, rates and counts.
public enum Figures {
  /// Seconds as `480ms`, `12.3s`, `2m14s`, `1h02m`, `3d04h`; coarse ones, which change on the
  /// screen, in whole seconds: `12s`.
  public static func duration(_ seconds: Double, coarse: Bool = false) -> String {
    guard seconds.isFinite, seconds >= 0 else { return "?" }
    if coarse, seconds < 59.5 { return "\(Int(seconds.rounded()))s" }
    if seconds < 0.9995 { return "\(Int((seconds * 1000).rounded()))ms" }
    if seconds < 59.95 { return fixed(seconds, 1) + "s" }
    let whole = Int(min(seconds, 1e12).rounded())
    if whole < 3600 { return "\(whole / 60)m\(two(whole % 60))s" }
    if whole < 86_400 { return "\(whole / 3600)h\(two(whole % 3600 / 60))m" }
    return "\(whole / 86_400)d\(two(whole % 86_400 / 3600))h"
  }

  /// Bytes in binary units: `512 B`, `3.4 KiB`, `1.2 GiB`.
  public static func bytes(_ count: Int) -> String {
    if count < 1024 { return "\(count) B" }
    var value = Double(count)
    var unit = 0
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"]
    while value >= 1023.95, unit < units.count - 1 {
      value /= 1024
      unit += 1
    }
    return "\(fixed(value, value < 100 ? 1 : 0)) \(units[unit])"
  }

  /// A count or rate in three digits: `950`, `1.24k`, `41.3k`, `2.05M`.
  public static func short(_ value: Double) -> String {
    guard value.isFinite else { return "?" }
    let size = abs(value)
    if size < 10 { return size == size.rounded() ? "\(Int(value))" : fixed(value, 2) }
    if size < 999.5 { return fixed(value, size < 99.95 && size != size.rounded() ? 1 : 0) }
    for (limit, unit) in [(1e3, "k"), (1e6, "M"), (1e9, "G")] where size < limit * 999.5 {
      let scaled = value / limit
      return fixed(scaled, abs(scaled) < 9.995 ? 2 : abs(scaled) < 99.95 ? 1 : 0) + unit
    }
    return fixed(value / 1e12, 1) + "T"
  }

  /// A measured value with `digits` significant digits and no more than needed: `0.4167`, `21.3`.
  public static func value(_ value: Double, digits: Int = 4) -> String {
    guard value.isFinite else { return value.isNaN ? "nan" : value < 0 ? "-inf" : "inf" }
    if value == value.rounded(), abs(value) < 1e15 { return String(Int(value)) }
    let size = abs(value)
    if size >= 1e6 || size < 1e-4 { return format("%.\(max(0, digits - 1))e", value) }
    let whole = size < 1 ? 0 : Int(log10(size).rounded(.down)) + 1
    let leading = size < 1 ? Int(-log10(size).rounded(.down)) - 1 : 0
    return fixed(value, max(0, digits - whole + leading))
  }

  /// With this many digits after the point, in every locale the same.
  public static func fixed(_ value: Double, _ digits: Int) -> String {
    format("%.\(digits)f", value)
  }

  private static func two(_ number: Int) -> String { number < 10 ? "0\(number)" : "\(number)" }

  private static func format(_ pattern: String, _ value: Double) -> String {
    var buffer = [CChar](repeating: 0, count: 400)
    let count = withVaList([value]) { vsnprintf(&buffer, buffer.count, pattern, $0) }
    return String(
      decoding: buffer.prefix(Int(min(count, 399))).map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}
