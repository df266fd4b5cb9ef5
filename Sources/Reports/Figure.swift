// What is to be drawn, free of how: FigureScript.swift turns figures into gnuplot's language,
// Gnuplot.swift runs it, FigureSVG.swift makes the result fit into a page.

/// One chart with everything a reader needs to understand it.
struct Figure {
  /// Unique in the page: lower-case letters, digits, hyphens.
  let id: String
  let title: String
  let xLabel: String
  /// With the unit in brackets.
  let yLabel: String
  var series: [Series]
  /// Says what is plotted, n, and what the interval is.
  let caption: String
  /// Horizontal lines to compare with.
  var references: [Reference] = []
  /// Ticks at the whole numbers only.
  var wholeX = true
  /// Must be visible on the y axis, such as 0.
  var include: [Double] = []
  /// Both axes from 0 to 1 with a diagonal: a reliability diagram.
  var isUnitSquare = false
  var drawsMarkers = true

  struct Series {
    let name: String
    let style: Style
    let points: [Point]
  }

  struct Point: Equatable {
    let x: Double
    let y: Double
    let low: Double?
    let high: Double?
  }

  struct Reference {
    let name: String
    let y: Double
  }

  /// A colour of the page's palette, a line type and a marker: any one of them is enough to tell
  /// series apart, so nothing rests on colour alone.
  struct Style: Equatable {
    /// 1…8: `--s1` … `--s8` of the style sheet.
    let colour: Int
    let dash: String
    let marker: Int

    /// Strategies look the same in every report.
    private static let fixed: [(name: String, style: Style)] = [
      ("none", Style(colour: 2, dash: "solid", marker: 7)),
      ("overfit", Style(colour: 4, dash: "(9,3)", marker: 9)),
      ("preserve", Style(colour: 1, dash: "(5,3)", marker: 5)),
      ("accumulate", Style(colour: 3, dash: "(9,3,2,3)", marker: 11)),
      ("right", Style(colour: 2, dash: "solid", marker: 7)),
      ("center", Style(colour: 7, dash: "(5,3)", marker: 5)),
      ("left", Style(colour: 1, dash: "(9,3,2,3)", marker: 9)),
    ]
    private static let others: [Style] = [
      Style(colour: 1, dash: "solid", marker: 7), Style(colour: 2, dash: "(5,3)", marker: 5),
      Style(colour: 3, dash: "(9,3,2,3)", marker: 9), Style(colour: 4, dash: "(9,3)", marker: 11),
      Style(colour: 5, dash: "(2,2)", marker: 13), Style(colour: 6, dash: "solid", marker: 6),
      Style(colour: 7, dash: "(5,3)", marker: 4), Style(colour: 8, dash: "(9,3,2,3)", marker: 8),
    ]

    /// Styles for names in their order: known names first get theirs, others what is left.
    static func styles(for names: [String]) -> [Style] {
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

    static func numbered(_ index: Int) -> Style { others[index % others.count] }
  }
}
