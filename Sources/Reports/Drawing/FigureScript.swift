// Figures in gnuplot's language. All text goes into single quotes, where gnuplot substitutes nothing
// (double quotes would run commands in backquotes), and all data into inline blocks. What is drawn in
// which way is in FigurePlots.swift, the axes are in FigureAxes.swift.

import Foundation

enum FigureScript {
  /// Sentinel colours: replaced by the page's variables in FigureSVG.swift.
  static func colour(_ number: Int) -> String { String(format: "#0102%02x", locale: nil, number) }
  static let ink = "#010220"
  static let grid = "#010221"
  static let soft = "#010222"

  /// Narrow, so that text keeps a readable size where a phone shrinks it to 360 points.
  static let width = 440

  /// - Parameter output: file name of a figure's drawing.
  static func text(_ figures: [Figure], output: (Figure) -> String) -> String {
    var out = "set encoding utf8\nset minussign\n"
    for figure in figures { out += text(figure, output: output(figure)) }
    return out
  }

  static func text(_ figure: Figure, output: String) -> String {
    let axes = FigureAxes(figure)
    let key = FigureKey(figure)
    let height = (figure.isUnitSquare ? 380 : 290) + 19 * key.rows + axes.extraHeight
    return """
      reset
      set terminal svg size \(width),\(height) font 'sans-serif,14' noenhanced background '#010223'
      set output \(quote(output))
      set xlabel \(quote(figure.xLabel)) offset 0,\(axes.labelOffset) textcolor rgb '\(ink)'
      set ylabel \(quote(figure.yLabel)) offset 0.6,0 textcolor rgb '\(ink)'
      set border 3 linecolor rgb '\(soft)'
      set tics nomirror out scale 0.5 textcolor rgb '\(ink)'
      set format '%.12g'
      set grid ytics linetype 1 linecolor rgb '\(grid)' linewidth 1 dashtype solid
      set key \(key.place) Left reverse samplen 2.6 width \(key.width) font ',11' textcolor rgb '\(ink)'
      set rmargin 2
      set style fill transparent solid 0.16 noborder

      """ + axes.script + FigurePlots(figure, axes).script + "unset output\n"
  }

  static func number(_ value: Double) -> String {
    value.isFinite ? value.description : "NaN"
  }

  /// A single-quoted string. Quotes inside become ’ (gnuplot reads a doubled quote at the start of a
  /// string as its end), and a line break would end the command.
  static func quote(_ text: String) -> String {
    let clean = text.unicodeScalars.map { scalar in
      switch scalar {
      case "'": "’"
      case _ where scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value): " "
      default: String(scalar)
      }
    }
    return "'" + clean.joined() + "'"
  }
}

/// The legend: as many columns as its longest name leaves room for.
struct FigureKey {
  let rows: Int
  let columns: Int
  let isEmpty: Bool
  /// Widths that gnuplot should add to its own, which is too small for names of many wide letters.
  let width = 1

  init(_ figure: Figure) {
    var names = figure.series.map { Self.shown($0.name) } + figure.references.map(\.name)
    if figure.isUnitSquare { names.append("perfect calibration") }
    names = names.filter { !$0.isEmpty }
    isEmpty = names.isEmpty
    let longest = names.map(\.count).max() ?? 0
    columns = max(1, min(4, (FigureScript.width - 40) / (40 + 7 * longest)))
    rows = (names.count + columns - 1) / columns
  }

  var place: String {
    isEmpty ? "off" : "outside top left horizontal maxcols \(columns)"
  }

  /// A name longer than the drawing is wide is cut; the caption and the table have it in full.
  static func shown(_ name: String) -> String {
    name.count <= 44 ? name : name.prefix(43) + "…"
  }
}
