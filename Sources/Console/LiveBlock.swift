// The few lines at the bottom of a terminal while a run goes on. Pure: picture in, lines out;
// LiveScreen.swift puts them on the screen.

/// Draws a run's picture in a given width and height.
public struct LiveBlock: Sendable {
  public let style: Style

  public init(style: Style) { self.style = style }

  /// Lines of at most `width` − 1 columns (the last column would wrap on some terminals), at most
  /// `height` of them.
  public func lines(of picture: RunPicture, width: Int, height: Int = 24, at now: Double)
    -> [String]
  {
    let width = max(10, width - 1)
    let room = max(1, min(12, height - 2))
    var shown = picture.running
    var left = 0
    if shown.count > room {
      left = shown.count - (room - 1)
      shown = Array(shown.prefix(room - 1))
    }
    let labelWidth = min(
      shown.map(\.stage.label.columns).max() ?? 0, max(12, width - 46), width * 3 / 5)
    var lines = shown.map { line(of: $0.stage, labelWidth: labelWidth, width: width, at: now) }
    if left > 0 { lines.append(style(.faint, "  … and \(left) more running".cut(to: width))) }
    lines.append(counts(of: picture, width: width, at: now))
    return lines
  }

  /// One running stage; what does not fit is left out from the least important on.
  func line(of stage: RunPicture.Running, labelWidth: Int, width: Int, at now: Double) -> String {
    let label = stage.label.cut(to: labelWidth).padded(to: labelWidth)
    var facts: [(text: String, importance: Int)] = []
    if let step = stage.step {
      facts.append((stage.total.map { "\(step)/\($0)" } ?? "step \(step)", 3))
    }
    if let loss = stage.loss { facts.append(("loss " + Figures.value(loss), 2)) }
    if let rate = stage.rate {
      facts.append((Figures.short(rate) + " " + (stage.unit ?? "") + "/s", 1))
    }
    if let seconds = stage.secondsLeft(at: now) {
      facts.append(("~" + Figures.duration(seconds, coarse: true) + " left", 4))
    } else {
      facts.append((Figures.duration(now - stage.started, coarse: true), 4))
    }
    if let note = stage.note { facts.append((note, 0)) }
    let barWidth = width >= 110 ? 24 : width >= 70 ? 12 : 0
    let bar =
      barWidth == 0
      ? "" : stage.fraction.map { self.bar($0, barWidth) + " " } ?? pad(barWidth + 1)
    let used = 1 + labelWidth + 2 + (barWidth == 0 ? 0 : barWidth + 1)
    while facts.count > 1, used + facts.joinedColumns > width {
      let least = facts.indices.min { facts[$0].importance < facts[$1].importance }!
      facts.remove(at: least)
    }
    let text = facts.map(\.text).joined(separator: " · ").cut(to: max(0, width - used))
    return " " + style(.cyan, label) + "  " + bar + text
  }

  private func pad(_ count: Int) -> String { String(repeating: " ", count: count) }

  private func bar(_ fraction: Double, _ width: Int) -> String {
    let full = min(width, Int((fraction * Double(width)).rounded(.down)))
    return style(.green, String(repeating: "━", count: full))
      + style(.faint, String(repeating: "─", count: width - full))
  }

  private func counts(of picture: RunPicture, width: Int, at now: Double) -> String {
    var parts: [(text: String, colour: Style.Colour?)] = []
    if picture.isStopping { parts.append(("stopping", .yellow)) }
    parts.append(("\(picture.running.count) running", nil))
    parts.append(("\(picture.queued) queued", nil))
    if picture.waiting > 0 { parts.append(("\(picture.waiting) waiting for another run", .yellow)) }
    parts.append(("\(picture.produced) produced", picture.produced > 0 ? .green : nil))
    parts.append(("\(picture.reused) reused", nil))
    parts.append(("\(picture.failed) failed", picture.failed > 0 ? .red : nil))
    parts.append((Figures.duration(now - picture.started, coarse: true), .faint))
    var out = " "
    var used = 1
    for (index, part) in parts.enumerated() {
      let separator = index == 0 ? "" : " · "
      guard used + separator.columns + part.text.columns <= width else { break }
      out += separator + (part.colour.map { style($0, part.text) } ?? part.text)
      used += separator.columns + part.text.columns
    }
    return out
  }
}

extension [(text: String, importance: Int)] {
  fileprivate var joinedColumns: Int {
    reduce(0) { $0 + $1.text.columns } + 3 * (count - 1)
  }
}
