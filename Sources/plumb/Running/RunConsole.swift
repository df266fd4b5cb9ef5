// Shows a run while it goes on: a live block on a terminal, plain lines into a pipe, JSON lines, or
// only problems. Draws from the scheduler's events and nothing else; the drawing itself is in the
// module Console.

import CanonicalJSON
import Console
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Scheduling

/// Events come on the scheduler's queue and are handed over at once; all state is touched on `queue`.
final class RunConsole: RunObserver, @unchecked Sendable {
  // Safe: everything mutable is used on `queue` only.
  enum Mode { case live, plain, quiet, json }

  private let queue = DispatchQueue(label: "plumb.console")
  private let mode: Mode
  private let output: Terminal
  private let errors: Terminal
  private let style: Style
  private let begin = ContinuousClock.now
  private var picture = RunPicture(started: 0)
  private var screen = LiveScreen()
  private var scrollback: [String] = []
  private var reasons: [Int: String] = [:]
  private var total = 0
  private var finished = 0
  private var isDirty = false
  private var timer: (any DispatchSourceTimer)?

  /// - Parameter mode: nil chooses by what the standard output is.
  init(mode: Mode?) {
    output = Terminal.output(colours: Messages.wantsColours)
    errors = Terminal.errors(colours: Messages.wantsColours)
    style = Style(colours: output.colours)
    self.mode = mode ?? (output.isTerminal ? .live : .plain)
    // A source that is never activated must not be made: letting it go would be a crash.
    let interval: Double
    switch self.mode {
    case .live: interval = 0.1
    case .plain: interval = 60
    case .quiet, .json: return
    }
    let timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(
      deadline: .now() + interval, repeating: interval, leeway: .milliseconds(5))
    timer.setEventHandler { [weak self] in self?.tick() }
    timer.activate()
    self.timer = timer
  }

  func receive(_ event: RunEvent) {
    queue.async { self.handle(event) }
  }

  /// Says how it ended. Nothing is drawn after this.
  func close(_ report: RunReport, page: String?) {
    queue.sync {
      timer?.cancel()
      let totals = RunTotals(
        produced: report.produced, reused: report.reused, failed: report.failed,
        cancelled: report.skipped + report.interrupted, seconds: report.seconds,
        report: page.map(Project.shown), isInterrupted: report.outcome == .interrupted)
      switch mode {
      case .live:
        output.write(
          screen.frame(
            width: output.size.columns, scrollback: scrollback + [totals.line(style: style)],
            block: []))
      case .plain: output.write(totals.line(style: style) + "\n")
      case .json:
        let members: [(String, JSONValue)] = [
          ("time", .number(now)), ("event", "report"),
          ("path", page.map { .string($0) } ?? .null),
        ]
        output.write(JSONValue.object(JSONObject(members)).canonicalText + "\n")
      case .quiet: break
      }
    }
  }

  // MARK: Events

  private func handle(_ event: RunEvent) {
    if mode == .json {
      var members = event.json.object!.members.map { ($0.key, $0.value) }
      members.insert(("time", .number((now * 1000).rounded() / 1000)), at: 0)
      output.write(JSONValue.object(JSONObject(members)).canonicalText + "\n")
    }
    switch event {
    case .started(let run, _, let pipeline, let instances, let threads):
      total = instances
      say(
        "started", pipeline,
        "\(count(instances, "instance")), "
          + (threads == 0 ? "jobs of a cluster" : count(threads, "thread")) + ", run \(run)")
    case .decided(let decision):
      reasons[decision.instance] = inOneLine(decision.reasons)
    case .submitted(_, let id, let job, let isAdopted):
      say(isAdopted ? "adopted" : "submitted", id.description, "job \(job)")
    case .launched(let instance, let id, _, _, _):
      if picture.waiting > 0, waitingFor.remove(instance) != nil { picture.waiting -= 1 }
      picture.start(instance, label: id.description, at: now)
      say("running", id.description, reasons[instance] ?? "")
    case .progress(let instance, _, let progress):
      picture.progress(
        instance, step: progress.step, of: progress.total, loss: progress.loss,
        rate: progress.rate, unit: progress.unit, note: progress.note, at: now)
    case .retrying(let instance, let id, let attempt, let total, let pause, let problem):
      _ = picture.finish(instance)
      let when = "attempt \(attempt) of \(total) in \(Figures.duration(pause, coarse: true))"
      say("retrying", id.description, "\(when): \(problem.message)")
      stay(style(.yellow, "retrying: ") + "\(id.description.drawable), \(when)")
    case .waiting(let instance, let id, let holder):
      if waitingFor.insert(instance).inserted { picture.waiting += 1 }
      say("waiting", id.description, "another run makes it: \(holder)")
    case .finished(let row): finish(row)
    case .warning(let problem): warn(DiagnosticPrinter(colours: errors.colours).text(of: problem))
    case .stopping(let signal, let grace, let workers):
      picture.isStopping = true
      let name = signal == SIGTERM ? "SIGTERM" : "Ctrl-C"
      let detail =
        workers == 0
        ? "nothing runs"
        : "\(count(workers, "stage")) may save for \(Figures.duration(grace, coarse: true))"
      say("stopping", name, detail + "; again to stop at once")
      stay(style(.yellow, "stopping: ") + detail + "; press Ctrl-C again to stop at once")
    case .ended: break
    }
    picture.queued = max(
      0, total - finished - picture.running.count - picture.waiting)
    isDirty = true
  }

  private var waitingFor: Set<Int> = []

  private func finish(_ row: RunRow) {
    finished += 1
    let stage = picture.finish(row.instance)
    if waitingFor.remove(row.instance) != nil { picture.waiting -= 1 }
    var detail = ""
    switch row.outcome {
    case .produced:
      picture.produced += 1
      detail = facts(of: row, stage)
      stay("\(style(.green, "✓")) \(row.id.drawable)  \(style(.faint, detail))")
      if row.comparison == .differs {
        detail += ", differs from the first result (kept at \(row.evidence ?? "?"))"
      }
    case .reused: picture.reused += 1
    case .failed:
      picture.failed += 1
      detail = row.failure?.problem.message ?? ""
      stay("\(style(.red, "✗")) \(row.id.drawable)")
    case .skipped, .interrupted, .notStarted, .pending:
      picture.cancelled += 1
      detail = row.failure?.problem.message ?? ""
    }
    say(row.outcome.rawValue, row.id, detail)
    if row.outcome == .failed, let failure = row.failure { warn(text(of: failure)) }
  }

  private func facts(of row: RunRow, _ stage: RunPicture.Running?) -> String {
    var facts: [String] = []
    if let seconds = row.seconds { facts.append(Figures.duration(seconds)) }
    if let loss = stage?.loss { facts.append("loss " + Figures.value(loss)) }
    if let memory = row.peakMemory { facts.append(Figures.bytes(memory)) }
    if let comparison = row.comparison { facts.append(comparison.rawValue) }
    return facts.joined(separator: ", ")
  }

  /// The cause, the end of the log, and where all of it is.
  private func text(of failure: RunFailure) -> String {
    var text = DiagnosticPrinter(colours: errors.colours).text(of: failure.problem)
    let lines = failure.logTail.reversed().drop { $0.allSatisfy(\.isWhitespace) }.reversed()
    if !lines.isEmpty {
      text += "  the last lines of its log:\n"
      for line in lines { text += "    " + line.drawable + "\n" }
    }
    if let log = failure.log { text += "  log: \(Project.shown(log))\n" }
    return text
  }

  // MARK: Drawing

  /// A line of the piped form.
  private func say(_ word: String, _ label: String, _ detail: String) {
    guard mode == .plain else { return }
    output.write(
      PlainLines(style: style).line(clock: clock, word: word, label: label, detail: detail) + "\n")
  }

  /// A line that stays above the live block.
  private func stay(_ line: String) {
    if mode == .live { scrollback.append(line) }
  }

  /// Problems go to the standard error stream; on one terminal they must not tear the live block.
  private func warn(_ text: String) {
    if mode == .live && errors.isTerminal {
      scrollback += text.split(separator: "\n", omittingEmptySubsequences: false)
        .dropLast(text.hasSuffix("\n") ? 1 : 0).map(String.init)
    } else {
      errors.write(text)
    }
  }

  private func tick() {
    switch mode {
    case .plain:
      output.write(
        PlainLines(style: style).heartbeat(clock: clock, of: picture, at: now) + "\n")
    case .live:
      // Durations move every second even when nothing happens.
      let second = Int(now)
      guard isDirty || second != drawnSecond || !scrollback.isEmpty else { return }
      drawnSecond = second
      isDirty = false
      let size = output.size
      let block = LiveBlock(style: style).lines(
        of: picture, width: size.columns, height: size.rows, at: now)
      output.write(screen.frame(width: size.columns, scrollback: scrollback, block: block))
      scrollback = []
    case .quiet, .json: break
    }
  }

  private var drawnSecond = -1

  // MARK: Time

  private var now: Double {
    let spent = begin.duration(to: .now).components
    return Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
  }

  private var clock: String {
    var time = time(nil)
    var parts = tm()
    localtime_r(&time, &parts)
    func two(_ value: Int32) -> String { value < 10 ? "0\(value)" : "\(value)" }
    return "\(two(parts.tm_hour)):\(two(parts.tm_min)):\(two(parts.tm_sec))"
  }

  private func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
