// A small plot for a terminal: values from left to right as dots of Braille characters (two by four in
// a cell), or as stars where the terminal knows no Unicode.

import Glibc

/// Values in the order of time; gaps stay gaps.
public struct Plot: Sendable {
  public let values: [Double?]
  public let height: Int
  public let isUnicode: Bool

  public init(_ values: [Double?], height: Int = 5, isUnicode: Bool) {
    self.values = values.map { $0.flatMap { $0.isFinite ? $0 : nil } }
    self.height = height
    self.isUnicode = isUnicode
  }

  /// Lines of at most `width` columns, the scale at the left; none where no value is finite.
  public func lines(width: Int) -> [String] {
    let known = values.compactMap { $0 }
    guard var low = known.min(), var high = known.max() else { return [] }
    // Both ends of the scale should read differently.
    let digits =
      (4...12).first { Figures.value(high, digits: $0) != Figures.value(low, digits: $0) } ?? 4
    // One value or many equal ones are a line in the middle.
    let labels =
      low == high || height == 1
      ? [height / 2: Figures.value(known[0])]
      : [0: Figures.value(high, digits: digits), height - 1: Figures.value(low, digits: digits)]
    let margin = (labels.values.map(\.columns).max() ?? 0) + 2
    if low == high {
      let space = max(abs(low) * 0.1, 1e-9)
      (low, high) = (low - space, high + space)
    }
    let columns = max(4, width - margin)
    let (across, down) = isUnicode ? (2, 4) : (1, 1)
    // A few values need no wide plot.
    let used = min(columns, max(24, values.count * 3)) * across
    var dots = [Set<Int>](repeating: [], count: height * down)
    func x(_ index: Int) -> Int {
      values.count < 2
        ? 0 : Int((Double(index) * Double(used - 1) / Double(values.count - 1)).rounded())
    }
    func y(_ value: Double) -> Int {
      // Halves first: the range of two finite numbers may not be finite.
      let share = (high / 2 - value / 2) / (high / 2 - low / 2)
      return min(height * down - 1, max(0, Int((share * Double(height * down - 1)).rounded())))
    }
    var previous: (x: Int, y: Int)?
    for (index, value) in values.enumerated() {
      guard let value else {
        previous = nil
        continue
      }
      let at = (x: x(index), y: y(value))
      dots[at.y].insert(at.x)
      if let previous, isUnicode {
        for column in stride(from: previous.x + 1, to: at.x, by: 1) {
          let share = Double(column - previous.x) / Double(at.x - previous.x)
          let row = Double(previous.y) + share * Double(at.y - previous.y)
          dots[Int(row.rounded())].insert(column)
        }
      }
      previous = at
    }
    return (0..<height).map { row in
      let label = labels[row] ?? ""
      let cells = (0..<(used + across - 1) / across).map { cell(dots, row: row, column: $0) }
      var line =
        label.padded(to: margin - 2, right: true) + (isUnicode ? " ┤" : " |") + cells.joined()
      while line.hasSuffix(" ") || line.hasSuffix("\u{2800}") { line.removeLast() }
      return line
    }
  }

  /// **Source**: The Unicode Standard, block Braille Patterns: bits of the eight dots.
  private static let bits: [[UInt32]] = [
    [0x01, 0x08], [0x02, 0x10], [0x04, 0x20], [0x40, 0x80],
  ]

  private func cell(_ dots: [Set<Int>], row: Int, column: Int) -> String {
    guard isUnicode else { return dots[row].contains(column) ? "*" : " " }
    var pattern: UInt32 = 0
    for down in 0..<4 {
      for across in 0..<2 where dots[row * 4 + down].contains(column * 2 + across) {
        pattern |= Self.bits[down][across]
      }
    }
    return String(Character(Unicode.Scalar(0x2800 + pattern)!))
  }
}
