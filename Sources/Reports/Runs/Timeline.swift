// When each instance ran, as bars on lanes: as many lanes as ran side by side. Drawn by hand, since
// it belongs to a run and not to the report, and must work where gnuplot is missing.

struct Timeline {
  private struct Bar {
    let lane: Int
    let stage: RunSummary.Stage
    let start: Double
    let end: Double
  }

  private let bars: [Bar]
  private let lanes: Int
  private let end: Double
  private let kinds: [String]

  /// Nil where nothing ran in this run.
  init?(run: RunSummary) {
    let ran = run.stages.filter { $0.start != nil && $0.seconds != nil }
      .sorted { ($0.start!, $0.id) < ($1.start!, $1.id) }
    guard !ran.isEmpty else { return nil }
    var free: [Double] = []
    var bars: [Bar] = []
    for stage in ran {
      let start = max(0, stage.start!)
      let end = start + max(0, stage.seconds!)
      let lane = free.firstIndex { $0 <= start + 1e-9 } ?? free.count
      if lane == free.count { free.append(0) }
      free[lane] = end
      bars.append(Bar(lane: lane, stage: stage, start: start, end: end))
    }
    self.bars = bars
    lanes = free.count
    end = max(run.seconds, bars.map(\.end).max() ?? 0, 1e-3)
    var kinds: [String] = []
    for stage in ran where !kinds.contains(stage.kind) { kinds.append(stage.kind) }
    self.kinds = kinds
  }

  var svg: String {
    let width = 960.0
    let left = 8.0
    let right = 8.0
    let lane = 26.0
    let columns = 4
    let legendRows = (kinds.count + columns - 1) / columns
    let top = Double(legendRows) * 20 + 8
    let bottom = top + Double(lanes) * lane
    let height = bottom + 40
    let scale = (width - left - right) / end
    var out =
      "<svg class=\"timeline\" viewBox=\"0 0 \(n(width)) \(n(height))\" role=\"img\" "
      + "aria-label=\"Timeline of \(bars.count) instances\">\n"
    for (index, kind) in kinds.enumerated() {
      let x = left + Double(index % columns) * (width / Double(columns))
      let y = Double(index / columns) * 20 + 4
      out += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"14\" height=\"12\" rx=\"2\" "
      out += "fill=\"var(--s\(index % 8 + 1))\"/>"
      out += "<text x=\"\(n(x + 20))\" y=\"\(n(y + 10.5))\">\(Format.escape(kind))</text>\n"
    }
    let step = Self.tick(end / 8)
    var tick = 0.0
    while tick <= end * 1.0001 {
      let x = left + tick * scale
      out += "<path d=\"M\(n(x)) \(n(top))V\(n(bottom + 4))\" stroke=\"var(--line)\"/>"
      let anchor = tick == 0 ? "start" : x > width - 40 ? "end" : "middle"
      out += "<text x=\"\(n(x))\" y=\"\(n(bottom + 18))\" text-anchor=\"\(anchor)\" class=\"tick\">"
      out += "\(step < 1 ? Format.fixed(tick, 1) : Format.fixed(tick, 0))</text>\n"
      tick += step
    }
    for bar in bars {
      let x = left + bar.start * scale
      let barWidth = max(1.5, (bar.end - bar.start) * scale - 1)
      let y = top + Double(bar.lane) * lane + 3
      let colour = (kinds.firstIndex(of: bar.stage.kind) ?? 0) % 8 + 1
      let failed = bar.stage.outcome == .failed
      out += "<g><title>\(Format.escape(bar.stage.id)): \(Format.seconds(bar.end - bar.start)) s"
      out += failed ? ", failed</title>" : "</title>"
      out += "<rect x=\"\(n(x))\" y=\"\(n(y))\" width=\"\(n(barWidth))\" height=\"\(n(lane - 6))\" "
      out += "rx=\"2\" fill=\"var(--s\(colour))\""
      out += failed ? " stroke=\"var(--bad)\" stroke-width=\"2.5\"/>" : "/>"
      out += "</g>\n"
    }
    out += "<text x=\"\(n(width / 2))\" y=\"\(n(height - 4))\" text-anchor=\"middle\">"
    out += "seconds after the start of the run</text>\n</svg>"
    return out
  }

  /// The round number (1, 2 or 5 times a power of ten) at or above a wish.
  static func tick(_ wish: Double) -> Double {
    var power = 1e-3
    while power * 10 <= wish { power *= 10 }
    return power * (wish <= power ? 1 : wish <= 2 * power ? 2 : wish <= 5 * power ? 5 : 10)
  }

  private func n(_ value: Double) -> String {
    var text = Format.fixed(value, 2).replacing("−", with: "-")
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }
}
