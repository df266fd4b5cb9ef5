// What of a figure becomes which plot of gnuplot: ribbons, lines, points, bars, steps, references.

import Foundation

struct FigurePlots {
  private let figure: Figure
  private let axes: FigureAxes
  private var data = ""
  private var plots: [String] = []

  init(_ figure: Figure, _ axes: FigureAxes) {
    self.figure = figure
    self.axes = axes
    // Ribbons and bars first, so that no line is hidden under one.
    for (index, style) in figure.styles.enumerated() { addArea(index, style) }
    if figure.isUnitSquare {
      plots.append(
        "x with lines linecolor rgb '\(FigureScript.soft)' dashtype (2,4) "
          + "title 'perfect calibration'")
    }
    for (index, style) in figure.styles.enumerated() { addMarks(index, style) }
    for (index, reference) in figure.references.enumerated() { addReference(index, reference) }
  }

  var script: String {
    // gnuplot cannot plot nothing; a figure of no points keeps its axes.
    let list = plots.isEmpty ? ["NaN notitle"] : plots
    return data + "plot " + list.joined(separator: ", \\\n  ") + "\n"
  }

  private func visible(_ index: Int) -> [Figure.Point] {
    figure.series[index].points.filter {
      $0.x.isFinite && $0.y.isFinite && (figure.xScale == .linear || $0.x > 0)
        && (figure.yScale == .linear || $0.y > 0)
    }
  }

  /// An inline block of x, y, low, high, size of the mark.
  private mutating func block(_ name: String, _ points: [Figure.Point], shift: Double = 0) {
    data += "\(name) << EOD\n"
    // Few marks can be larger.
    let least = points.count > 150 ? 0.35 : 0.7
    for point in points {
      let size = min(1.6, least + 0.11 * log2(Double(max(1, point.count))))
      let ends = [point.x + shift, point.y, point.low ?? point.y, point.high ?? point.y, size]
      data += ends.map(FigureScript.number).joined(separator: " ") + "\n"
    }
    data += "EOD\n"
  }

  private func title(_ index: Int) -> String {
    let name = FigureKey.shown(figure.series[index].name)
    return name.isEmpty ? "notitle" : "title \(FigureScript.quote(name))"
  }

  /// What lies under the lines.
  private mutating func addArea(_ index: Int, _ style: Figure.Style) {
    let points = visible(index)
    guard !points.isEmpty else { return }
    let colour = "linecolor rgb '\(FigureScript.colour(style.colour))'"
    let ends = points.filter { $0.low != nil && $0.high != nil }
    switch figure.kind {
    case .bars:
      let width = 0.8 / Double(figure.series.count)
      let shift = (Double(index) - Double(figure.series.count - 1) / 2) * width
      block("$bars\(index)", points, shift: shift)
      plots.append(
        "$bars\(index) using 1:2:(\(FigureScript.number(0.92 * width))) with boxes \(colour) "
          + "fillstyle solid 0.75 border \(title(index))")
      guard !ends.isEmpty else { return }
      block("$ends\(index)", ends, shift: shift)
      plots.append(Self.whiskers("$ends\(index)", "linecolor rgb '\(FigureScript.ink)'"))
    case .histogram:
      block("$bins\(index)", points)
      let width = FigureScript.number(FigureAxes.binWidth(figure))
      plots.append(
        "$bins\(index) using 1:2:(\(width)) with boxes \(colour) fillstyle transparent solid 0.2 "
          + "noborder notitle")
    case .lines, .scatter:
      guard !ends.isEmpty else { return }
      block("$band\(index)", ends)
      plots.append(
        ends.count > 1 && figure.kind == .lines
          ? "$band\(index) using 1:3:4 with filledcurves \(colour) notitle"
          : Self.whiskers("$band\(index)", colour))
    }
  }

  /// Arrows with flat heads: gnuplot's own error bars put a disc of paper behind each point.
  private static func whiskers(_ block: String, _ colour: String) -> String {
    "\(block) using 1:3:(0):($4-$3) with vectors heads size screen 0.008,90 \(colour) "
      + "linewidth 1.4 notitle"
  }

  private mutating func addMarks(_ index: Int, _ style: Figure.Style) {
    let points = visible(index)
    guard !points.isEmpty, figure.kind != .bars else { return }
    let colour = "linecolor rgb '\(FigureScript.colour(style.colour))'"
    let dash = "dashtype \(style.dash.rawValue)"
    block("$series\(index)", points)
    switch figure.kind {
    case .bars: break
    case .histogram:
      plots.append(
        "$series\(index) using 1:2 with histeps \(colour) linewidth 1.8 \(dash) \(title(index))")
    case .scatter:
      plots.append(
        "$series\(index) using 1:2:5 with points \(colour) pointtype \(style.marker) "
          + "pointsize variable \(title(index))")
    case .lines:
      plots.append(
        // A line of one point is its marker.
        figure.drawsMarkers || points.count == 1
          ? "$series\(index) using 1:2 with linespoints \(colour) linewidth 2 \(dash) "
            + "pointtype \(style.marker) pointsize 0.8 \(title(index))"
          : "$series\(index) using 1:2 with lines \(colour) linewidth 1.6 \(dash) \(title(index))")
    }
  }

  private mutating func addReference(_ index: Int, _ reference: Figure.Reference) {
    guard reference.value.isFinite else { return }
    let ends =
      reference.line == .horizontal
      ? [(axes.x.low, reference.value), (axes.x.high, reference.value)]
      : [(reference.value, axes.y.low), (reference.value, axes.y.high)]
    block("$reference\(index)", ends.map { Figure.Point(x: $0.0, y: $0.1) })
    let name = reference.name.isEmpty ? "notitle" : "title \(FigureScript.quote(reference.name))"
    plots.append(
      "$reference\(index) using 1:2 with lines linecolor rgb '\(FigureScript.soft)' "
        + "dashtype (2,4) linewidth 1.4 \(name)")
  }
}
