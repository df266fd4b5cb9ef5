// `2GiB` in bytes, `1h30m` in seconds.

public enum Quantity {
  /// Bytes: GiB counts by 1024, GB by 1000.
  static func bytes(_ text: String) -> Int? {
    let units: [(String, Double)] = [
      ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40),
      ("KB", 1e3), ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("B", 1),
    ]
    for (unit, factor) in units where text.hasSuffix(unit) {
      var digits = text.dropLast(unit.count)
      if digits.hasSuffix(" ") { digits = digits.dropLast() }
      guard let value = plain(digits), value * factor < 1e18 else { return nil }
      return Int(value * factor)
    }
    return nil
  }

  /// Seconds, from days, hours, minutes and seconds in any sum of them.
  public static func seconds(_ text: String) -> Double? {
    var rest = text[...]
    var total = 0.0
    repeat {
      guard let end = rest.firstIndex(where: { "dhms".contains($0) }),
        let value = plain(rest[..<end])
      else { return nil }
      switch rest[end] {
      case "d": total += value * 86_400
      case "h": total += value * 3_600
      case "m": total += value * 60
      default: total += value
      }
      rest = rest[rest.index(after: end)...]
    } while !rest.isEmpty
    return total < 1e12 ? total : nil
  }

  private static func plain(_ text: Substring) -> Double? {
    let isPlain =
      !text.isEmpty && text.utf8.count < 20
      && text.utf8.allSatisfy { (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") }
    return isPlain && text.first != "." && text.last != "." ? Double(text) : nil
  }
}
