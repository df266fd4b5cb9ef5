// The same run for a file or a pipe: one line per event with the time, a heartbeat now and then.

/// Draws events as plain lines.
public struct PlainLines: Sendable {
  public let style: Style

  public init(style: Style) { self.style = style }

  /// `12:04:31  produced  train[seed=1]  12.3s`: words aligned, so that a log reads in columns.
  public func line(clock: String, word: String, label: String, detail: String = "") -> String {
    let tail = detail.isEmpty ? "" : "  " + detail.drawable
    return "\(clock)  \(paint(word).padded(by: 8 - word.columns))  \(label.drawable)\(tail)"
  }

  /// Once a minute: what runs and how far it is.
  public func heartbeat(clock: String, of picture: RunPicture, at now: Double) -> String {
    let stages = picture.running.prefix(6).map { entry in
      var text = entry.stage.label
      if let step = entry.stage.step {
        text += " " + (entry.stage.total.map { "\(step)/\($0)" } ?? "step \(step)")
      }
      if let loss = entry.stage.loss { text += " loss \(Figures.value(loss))" }
      if let left = entry.stage.secondsLeft(at: now) {
        text += " ~\(Figures.duration(left, coarse: true)) left"
      }
      return text
    }
    let more = picture.running.count > 6 ? ", … and \(picture.running.count - 6) more" : ""
    let detail =
      "\(picture.queued) queued, \(picture.produced) produced, \(picture.reused) reused, "
      + "\(picture.failed) failed; " + (stages.isEmpty ? "nothing runs" : "")
      + stages.joined(separator: ", ") + more
    return line(
      clock: clock, word: "alive", label: Figures.duration(now - picture.started, coarse: true),
      detail: detail)
  }

  private func paint(_ word: String) -> String {
    switch word {
    case "produced": style(.green, word)
    case "failed": style(.red, word)
    case "waiting", "stopping": style(.yellow, word)
    default: word
    }
  }
}

extension String {
  fileprivate func padded(by count: Int) -> String {
    self + String(repeating: " ", count: max(0, count))
  }
}
