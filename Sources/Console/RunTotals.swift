// The last line of a run: the one that people quote.

/// Counts of a finished run.
public struct RunTotals: Sendable {
  public var produced: Int
  public var reused: Int
  public var failed: Int
  /// Not begun, because something before them failed or the run was stopped.
  public var cancelled: Int
  public var seconds: Double
  public var report: String?
  public var isInterrupted: Bool

  public init(
    produced: Int, reused: Int, failed: Int, cancelled: Int, seconds: Double, report: String?,
    isInterrupted: Bool = false
  ) {
    self.produced = produced
    self.reused = reused
    self.failed = failed
    self.cancelled = cancelled
    self.seconds = seconds
    self.report = report
    self.isInterrupted = isInterrupted
  }

  /// `12 produced, 88 reused, 0 failed in 2m14s; report …`
  public func line(style: Style = Style(colours: false)) -> String {
    let failures = "\(failed) failed"
    var text =
      style(.bold, "\(produced) produced") + ", \(reused) reused, "
      + (failed > 0 ? style(.red, failures) : failures)
    if cancelled > 0 { text += ", \(cancelled) not run" }
    text += " in " + Figures.duration(seconds)
    if isInterrupted { text += "; " + style(.yellow, "interrupted, run again to go on") }
    if let report { text += "; report " + report }
    return text
  }
}
