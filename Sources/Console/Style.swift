// Colours, in one place. Without colours the same texts come out plain.

/// Paints parts of a line, or leaves them as they are.
public struct Style: Sendable {
  public enum Colour: Int, Sendable {
    case red = 31
    case green = 32
    case yellow = 33
    case blue = 34
    case cyan = 36
    case faint = 2
    case bold = 1
  }

  public let colours: Bool

  public init(colours: Bool) { self.colours = colours }

  public func callAsFunction(_ colour: Colour, _ text: String) -> String {
    colours && !text.isEmpty ? "\u{1B}[\(colour.rawValue)m\(text)\u{1B}[0m" : text
  }
}
