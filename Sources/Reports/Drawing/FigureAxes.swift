// Axes that hold all points, intervals and references, with some air.

import Foundation

struct FigureAxes {
  /// Ends of the axes as drawn.
  let x: (low: Double, high: Double)
  let y: (low: Double, high: Double)
  private let figure: Figure

  init(_ figure: Figure) {
    self.figure = figure
    let bars = figure.kind == .bars || figure.kind == .histogram
    let points = figure.series.flatMap(\.points).filter { $0.x.isFinite && $0.y.isFinite }
    var ys = figure.include + points.flatMap { [$0.y, $0.low ?? $0.y, $0.high ?? $0.y] }
    ys += figure.references.filter { $0.line == .horizontal }.map(\.value)
    // A bar says its value by its length.
    if bars, figure.yScale == .linear { ys.append(0) }
    var xs = points.map(\.x)
    xs += figure.references.filter { $0.line == .vertical }.map(\.value)
    if figure.isUnitSquare {
      x = (0, 1)
      y = (0, 1)
      return
    }
    let touches = figure.include + (bars ? [0] : [])
    y = Self.range(ys, figure.yScale, air: 0.06, touches: touches)
    switch figure.kind {
    case .bars:
      x = (-0.6, Double(max(1, figure.categories.count)) - 0.4)
    case .histogram:
      let half = Self.binWidth(figure) / 2
      x = Self.range(
        xs.flatMap { [$0 - half, $0 + half] }, figure.xScale, air: 0.01, touches: [])
    case .lines, .scatter:
      x = Self.range(xs, figure.xScale, air: 0.03, touches: [], alone: 0.5)
    }
  }

  /// Distance of neighbouring bins.
  static func binWidth(_ figure: Figure) -> Double {
    let xs = Set(figure.series.flatMap(\.points).map(\.x).filter(\.isFinite)).sorted()
    return zip(xs, xs.dropFirst()).map { $1 - $0 }.min() ?? 1
  }

  private static func range(
    _ values: [Double], _ scale: Figure.Scale, air: Double, touches: [Double], alone: Double? = nil
  ) -> (low: Double, high: Double) {
    let values = values.filter { $0.isFinite && (scale == .linear || $0 > 0) }
    guard let low = values.min(), let high = values.max() else {
      return scale == .log ? (1, 10) : (0, 1)
    }
    if scale == .log {
      // The ends stay numbers that have a logarithm.
      let factor = high > low ? pow(high / low, air) : 1.5
      return (
        max(low / factor, .leastNormalMagnitude), min(high * factor, .greatestFiniteMagnitude)
      )
    }
    // Halves, since high − low may overflow; then there is no air left to add either.
    let span = high / 2 - low / 2
    let side = high > low ? 2 * air * span : alone ?? max(0.05 * abs(high), 0.01)
    let wide = span.isFinite && side.isFinite && (low - side).isFinite && (high + side).isFinite
    guard wide else { return (low, high) }
    // An axis does not leave the range in which the quantity can be, where it touches its border.
    let bottom = low == 0 && touches.contains(0) ? 0 : low - side
    let top = high == 0 && touches.contains(0) && low < 0 ? 0 : high + side
    return (bottom, top)
  }

  /// Category names stand at a slant where they would run into each other.
  private var isSlanted: Bool {
    guard figure.kind == .bars, let longest = figure.categories.map(\.count).max() else {
      return false
    }
    return longest * 8 > (FigureScript.width - 70) / max(1, figure.categories.count)
  }

  private var slantedRoom: Int {
    isSlanted ? min(16, figure.categories.map(\.count).max() ?? 0) * 6 : 0
  }

  var extraHeight: Int { slantedRoom }

  /// Powers of ten, with other leading digits where few of them lie on the axis: gnuplot labels powers
  /// only, and a narrow axis would have no number at all.
  private static func logTicks(_ axis: String, _ range: (low: Double, high: Double)) -> String {
    let first = Int(log10(range.low).rounded(.down))
    let last = Int(log10(range.high).rounded(.up))
    let step = max(1, (last - first) / 8)
    let leading: [[Double]] = [[1], [1, 2, 5], [1, 2, 3, 4, 5, 6, 7, 8, 9]]
    for digits in leading {
      let ticks: [Double] = stride(from: first, through: last, by: step).flatMap { power in
        digits.map { $0 * pow(10, Double(power)) }
      }.filter { $0 >= range.low && $0 <= range.high }
      if ticks.count >= 3 {
        return "set \(axis)tics (\(ticks.map(FigureScript.number).joined(separator: ", ")))\n"
      }
    }
    return ""
  }

  var labelOffset: String { isSlanted ? "1.6" : "0.4" }

  var script: String {
    var out = ""
    if figure.xScale == .log { out += "set logscale x\n" }
    if figure.yScale == .log { out += "set logscale y\n" }
    let number = FigureScript.number
    out += "set xrange [\(number(x.low)):\(number(x.high))]\n"
    out += "set yrange [\(number(y.low)):\(number(y.high))]\n"
    if figure.isUnitSquare { return out + "set xtics 0.2\nset ytics 0.2\n" }
    if figure.xScale == .log || figure.yScale == .log { out += "set format '%g'\n" }
    if figure.xScale == .log { out += Self.logTicks("x", x) }
    if figure.yScale == .log { out += Self.logTicks("y", y) }
    if figure.kind == .bars {
      let ticks = figure.categories.enumerated().map { index, name in
        let shown = name.count <= 22 ? name : name.prefix(21) + "…"
        return "\(FigureScript.quote(String(shown))) \(index)"
      }
      out +=
        "set xtics (\(ticks.joined(separator: ", ")))"
        + (isSlanted ? " rotate by 30 right offset 0.4,0" : "") + "\n"
    } else if figure.wholeX, figure.xScale == .linear {
      let side = 0.03 / 1.06 * (x.high - x.low)
      let left = (x.low + side).rounded(.up)
      let step = max(1, Timeline.tick((x.high - x.low) / 11).rounded(.up))
      out += "set xtics \(number((left / step).rounded(.down) * step)),\(number(step))\n"
    } else {
      // gnuplot's own choice puts a tick under every word of a narrow drawing.
      out += figure.xScale == .linear ? "set xtics autofreq\n" : ""
    }
    return out
  }
}
