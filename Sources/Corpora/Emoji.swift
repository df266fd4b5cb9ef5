// Emoji in texts, found on grapheme clusters by Unicode properties. Valence is in EmojiValence.swift.

/// Finds emoji.
public enum Emoji {
  /// The emoji of a text in order, each as its cluster: a family, a flag or a hand with a skin tone is one.
  public static func all(in text: String) -> [String] {
    text.filter(isEmoji).map { String($0) }
  }

  /// Is a grapheme cluster an emoji?
  ///
  /// Yes: what is shown as an emoji by default, or with U+FE0F, a skin tone or a keycap; pairs of
  /// regional indicators; joined sequences; and bare symbols with the property Emoji (☀, ❤), as
  /// platforms show them. No: bare © and ®, digits, `#` and `*`, lone regional indicators, and
  /// anything that U+FE0E asks to be shown as text.
  ///
  /// **Source**: Unicode Technical Standard 51, ED-1 to ED-17. **Differs**: the PyPI package `emoji` lists
  /// bare © and ® as emoji.
  public static func isEmoji(_ cluster: Character) -> Bool {
    let scalars = cluster.unicodeScalars
    guard let first = scalars.first else { return false }
    if scalars.contains("\u{FE0E}") { return false }
    if isIndicator(first) { return scalars.count { isIndicator($0) } == 2 }
    guard first.properties.isEmoji else { return false }
    if first.isASCII { return scalars.contains("\u{20E3}") }
    if first == "©" || first == "®" { return scalars.contains("\u{FE0F}") }
    return true
  }

  /// The text without its emoji; white space that stood before one goes too.
  public static func removed(from text: String) -> String {
    var out = ""
    for character in text {
      guard isEmoji(character) else {
        out.append(character)
        continue
      }
      while out.last == " " { out.removeLast() }
    }
    return String(out.drop { $0 == " " })
  }

  /// Replacement characters: bytes of a model that were no UTF-8, counted apart from emoji.
  public static func malformed(in text: String) -> Int {
    text.unicodeScalars.count { $0 == "\u{FFFD}" }
  }

  private static func isIndicator(_ scalar: Unicode.Scalar) -> Bool {
    (0x1F1E6...0x1F1FF).contains(scalar.value)
  }
}
