// What a run looks like at one moment: changed by events, drawn by LiveBlock.swift and
// PlainLines.swift. Time comes in from outside, so that every picture can be tested.

/// A run's counts and its running stages.
public struct RunPicture: Sendable {
  /// One stage instance that is being made.
  public struct Running: Sendable {
    public let label: String
    public let started: Double
    public var step: Int?
    public var total: Int?
    public var loss: Double?
    public var rate: Double?
    public var unit: String?
    public var note: String?
    /// The first progress: work before it (reading inputs) says nothing about the pace.
    var first: (step: Int, time: Double)?
    var last: (step: Int, time: Double)?

    /// Share of the work that is done.
    public var fraction: Double? {
      guard let step, let total, total > 0 else { return nil }
      return min(1, max(0, Double(step) / Double(total)))
    }

    /// Seconds that are left at the pace so far; nil while there is no pace.
    public func secondsLeft(at now: Double) -> Double? {
      guard let first, let last, let total, last.step > first.step, last.step < total else {
        return nil
      }
      let pace = (last.time - first.time) / Double(last.step - first.step)
      return max(0, pace * Double(total - last.step) - (now - last.time))
    }
  }

  public let started: Double
  public var queued = 0
  public var reused = 0
  public var produced = 0
  public var failed = 0
  public var cancelled = 0
  /// Waiting for another run that makes the same thing.
  public var waiting = 0
  public var isStopping = false
  /// In order of start.
  public private(set) var running: [(id: Int, stage: Running)] = []

  public init(started: Double) { self.started = started }

  public mutating func start(_ id: Int, label: String, at now: Double) {
    running.removeAll { $0.id == id }
    running.append((id, Running(label: label.drawable, started: now)))
  }

  public mutating func progress(
    _ id: Int, step: Int, of total: Int?, loss: Double?, rate: Double?, unit: String?,
    note: String?, at now: Double
  ) {
    guard let index = running.firstIndex(where: { $0.id == id }) else { return }
    var stage = running[index].stage
    // A step that goes back begins a new part of the work, with a pace of its own.
    if let last = stage.last, step < last.step || total != stage.total { stage.first = nil }
    if stage.first == nil { stage.first = (step, now) }
    stage.last = (step, now)
    stage.step = step
    stage.total = total
    stage.loss = loss
    stage.rate = rate
    stage.unit = unit?.drawable
    stage.note = note?.drawable
    running[index].stage = stage
  }

  /// Takes a stage out; its last state goes into the line that stays.
  @discardableResult
  public mutating func finish(_ id: Int) -> Running? {
    guard let index = running.firstIndex(where: { $0.id == id }) else { return nil }
    return running.remove(at: index).stage
  }
}
