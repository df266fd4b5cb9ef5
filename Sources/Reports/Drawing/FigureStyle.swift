// How series are told apart: the same names look the same in every figure of every report.

extension Figure {
  /// A colour of the page's palette, a line type and a marker: any one of them is enough to tell
  /// series apart, so nothing rests on colour alone.
  public struct Style: Sendable, Equatable {
    /// A pattern of strokes and gaps, as gnuplot writes it.
    public enum Dash: String, Sendable, CaseIterable {
      case solid = "solid"
      case short = "(5,3)"
      case long = "(9,3)"
      case dashDot = "(9,3,2,3)"
      case dots = "(2,2)"
    }

    /// 1…8: `--s1` … `--s8` of the style sheet.
    public let colour: Int
    public let dash: Dash
    /// gnuplot's point types 4…13.
    public let marker: Int

    public init(colour: Int, dash: Dash, marker: Int) {
      precondition((1...8).contains(colour), "the palette has no colour \(colour)")
      precondition((4...13).contains(marker), "there is no marker \(marker)")
      self.colour = colour
      self.dash = dash
      self.marker = marker
    }

    /// Strategies and classes look the same in every report.
    private static let fixed: [(name: String, style: Style)] = [
      ("none", Style(colour: 2, dash: .solid, marker: 7)),
      ("overfit", Style(colour: 4, dash: .long, marker: 9)),
      ("preserve", Style(colour: 1, dash: .short, marker: 5)),
      ("accumulate", Style(colour: 3, dash: .dashDot, marker: 11)),
      ("right", Style(colour: 2, dash: .solid, marker: 7)),
      ("center", Style(colour: 7, dash: .short, marker: 5)),
      ("left", Style(colour: 1, dash: .dashDot, marker: 9)),
    ]
    private static let others: [Style] = [
      Style(colour: 1, dash: .solid, marker: 7), Style(colour: 2, dash: .short, marker: 5),
      Style(colour: 3, dash: .dashDot, marker: 9), Style(colour: 4, dash: .long, marker: 11),
      Style(colour: 5, dash: .dots, marker: 13), Style(colour: 6, dash: .solid, marker: 6),
      Style(colour: 7, dash: .short, marker: 4), Style(colour: 8, dash: .dashDot, marker: 8),
    ]

    /// Styles for names in their order: known names first get theirs, others what is left.
    public static func styles(for names: [String]) -> [Style] {
      let known = names.map { name in fixed.first { $0.name == name }?.style }
      let taken = Set(known.compactMap { $0?.colour })
      var free = others.filter { !taken.contains($0.colour) }
      if free.isEmpty { free = others }
      var next = 0
      return known.map { style in
        if let style { return style }
        defer { next += 1 }
        return free[next % free.count]
      }
    }

    public static func numbered(_ index: Int) -> Style { others[index % others.count] }
  }

  /// The series' styles: their own, else by name.
  var styles: [Style] {
    zip(series, Style.styles(for: series.map(\.name))).map { $0.style ?? $1 }
  }
}
