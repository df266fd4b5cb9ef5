// Figures in gnuplot's language. All text goes into single quotes, where gnuplot substitutes nothing
// (double quotes would run commands in backquotes), and all data into inline blocks.

import Foundation

enum FigureScript {
  /// Sentinel colours: replaced by the page's variables in FigureSVG.swift.
  static func colour(_ number: Int) -> String { String(format: "#0102%02x", locale: nil, number) }
  static let ink = "#010220"
  static let grid = "#010221"
  static let soft = "#010222"

  /// - Parameter output: file name of a figure's drawing.
  static func text(_ figures: [Figure], output: (Figure) -> String) -> String {
    var out = "set encoding utf8\nset minussign\n"
    for figure in figures { out += text(figure, output: output(figure)) }
    return out
  }

  static func text(_ figure: Figure, output: String) -> String {
    let rows = (figure.series.count + figure.references.count + 3) / 4
    let square = figure.isUnitSquare
    var out = """
      reset
      set terminal svg size 520,\((square ? 400 : 330) + 18 * rows) font 'sans-serif,14' noenhanced \
      background '#010223'
      set output \(quote(output))
      set xlabel \(quote(figure.xLabel)) offset 0,0.4 textcolor rgb '\(ink)'
      set ylabel \(quote(figure.yLabel)) textcolor rgb '\(ink)'
      set border 3 linecolor rgb '\(soft)'
      set tics nomirror out scale 0.5 textcolor rgb '\(ink)'
      set format y '%.12g'
      set grid ytics linetype 1 linecolor rgb '\(grid)' linewidth 1 dashtype solid
      set key outside top left horizontal Left reverse samplen 3 width 2 textcolor rgb '\(ink)'
      set bars 0.6
      set style fill transparent solid 0.16 noborder

      """
    out += range(figure)
    var parts: [String] = []
    for (index, series) in figure.series.enumerated() {
      out += data("$series\(index)", series.points)
      if series.points.contains(where: { $0.low != nil && $0.high != nil }) {
        out += data("$band\(index)", series.points.filter { $0.low != nil && $0.high != nil })
      }
    }
    // Bands first, so that no line is hidden under one.
    let styles = figure.styles
    for (index, series) in figure.series.enumerated() {
      let banded = series.points.filter { $0.low != nil && $0.high != nil }
      guard !banded.isEmpty else { continue }
      let rgb = colour(styles[index].colour)
      parts.append(
        banded.count > 1
          ? "$band\(index) using 1:3:4 with filledcurves linecolor rgb '\(rgb)' notitle"
          : "$band\(index) using 1:2:3:4 with yerrorbars linecolor rgb '\(rgb)' "
            + "pointtype 0 notitle")
    }
    if square {
      parts.append(
        "x with lines linecolor rgb '\(soft)' dashtype (2,4) title 'perfect calibration'")
    }
    for (index, series) in figure.series.enumerated() {
      let rgb = colour(styles[index].colour)
      let dash = styles[index].dash.rawValue
      parts.append(
        figure.drawsMarkers
          ? "$series\(index) using 1:2 with linespoints linecolor rgb '\(rgb)' linewidth 2 "
            + "dashtype \(dash) pointtype \(styles[index].marker) pointsize 0.8 "
            + "title \(quote(series.name))"
          : "$series\(index) using 1:2 with lines linecolor rgb '\(rgb)' linewidth 1.6 "
            + "dashtype \(dash) title \(quote(series.name))")
    }
    for reference in figure.references {
      parts.append(
        "\(number(reference.value)) with lines linecolor rgb '\(soft)' dashtype (2,4) linewidth 1.4 "
          + "title \(quote(reference.name))")
    }
    return out + "plot " + parts.joined(separator: ", \\\n  ") + "\nunset output\n"
  }

  /// Axes that hold all points, intervals and references, with some air.
  private static func range(_ figure: Figure) -> String {
    if figure.isUnitSquare {
      return "set xrange [0:1]\nset yrange [0:1]\nset xtics 0.2\nset ytics 0.2\n"
    }
    let points = figure.series.flatMap(\.points)
    var y = figure.include + figure.references.map(\.value)
    y += points.flatMap { [$0.y, $0.low ?? $0.y, $0.high ?? $0.y] }
    let low = y.min() ?? 0
    let high = y.max() ?? 1
    let air = high > low ? 0.06 * (high - low) : max(0.05 * abs(high), 0.01)
    // An axis does not leave the range in which the quantity can be, where it touches its border.
    let bottom = figure.include.contains(low) && low == 0 ? 0 : low - air
    let x = points.map(\.x)
    let left = x.min() ?? 0
    let right = x.max() ?? 1
    let side = right > left ? 0.03 * (right - left) : 0.5
    var out = "set yrange [\(number(bottom)):\(number(high + air))]\n"
    out += "set xrange [\(number(left - side)):\(number(right + side))]\n"
    if figure.wholeX {
      let step = max(1, Timeline.tick((right - left) / 11).rounded(.up))
      out += "set xtics \(number((left / step).rounded(.down) * step)),\(number(step))\n"
    }
    return out
  }

  private static func data(_ name: String, _ points: [Figure.Point]) -> String {
    var out = "\(name) << EOD\n"
    for point in points {
      out += "\(number(point.x)) \(number(point.y)) \(number(point.low ?? point.y)) "
      out += "\(number(point.high ?? point.y))\n"
    }
    return out + "EOD\n"
  }

  private static func number(_ value: Double) -> String {
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
