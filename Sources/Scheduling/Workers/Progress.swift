// How far a running stage is: the value, its JSON line, and the reporter inside a worker that writes
// such lines to the descriptor PLUMB_EVENTS_FD. The scheduler's end is WorkerProcess.swift.

import CanonicalJSON
import Diagnostics
import Glibc
import Synchronization

public struct Progress: Sendable, Equatable {
  public var step: Int
  /// The last step, if the body knows it.
  public var total: Int?
  public var loss: Double?
  /// In `unit` per second.
  public var rate: Double?
  public var unit: String?
  public var note: String?

  public init(
    step: Int, of total: Int?, loss: Double? = nil, rate: Double? = nil, unit: String? = nil,
    note: String? = nil
  ) {
    self.step = step
    self.total = total
    self.loss = loss
    self.rate = rate
    self.unit = unit
    self.note = note
  }

  /// `{"step":…,"of":…,"loss":…,"rate":…,"unit":…,"note":…}`; what is not known (or not finite) is
  /// left out.
  public var json: JSONValue {
    var members: [(String, JSONValue)] = [("step", .integer(step))]
    if let total { members.append(("of", .integer(total))) }
    if let loss, loss.isFinite { members.append(("loss", .number(loss))) }
    if let rate, rate.isFinite { members.append(("rate", .number(rate))) }
    if let unit { members.append(("unit", .string(unit))) }
    if let note { members.append(("note", .string(note))) }
    return .object(JSONObject(members))
  }

  /// nil for anything that is not a progress line: workers are not trusted to write sense.
  public init?(_ json: JSONValue) {
    guard let step = json["step"]?.integer else { return nil }
    self.init(
      step: step, of: json["of"]?.integer, loss: json["loss"]?.double, rate: json["rate"]?.double,
      unit: json["unit"]?.string.map { String($0.prefix(40)) },
      note: json["note"]?.string.map { String($0.prefix(400)) })
  }
}

/// The worker's end of the events pipe. All writes are whole lines; a closed pipe is no error.
public final class ProgressReporter: Sendable {
  private let descriptor: Int32?
  private let interval: Duration
  private let last = Mutex<ContinuousClock.Instant?>(nil)

  /// - Parameter descriptor: nil keeps everything to itself.
  public init(descriptor: Int32?, interval: Duration = .milliseconds(100)) {
    self.descriptor = descriptor
    self.interval = interval
  }

  func report(_ progress: Progress) {
    guard descriptor != nil else { return }
    let isDue = last.withLock { last in
      let now = ContinuousClock.now
      // The last step always gets through, so that a bar ends full.
      if let last, last.duration(to: now) < interval, progress.step != progress.total {
        return false
      }
      last = now
      return true
    }
    if isDue { send(progress.json) }
  }

  func log(_ line: String) {
    writeAll(Array((line + "\n").utf8), to: STDERR_FILENO)
  }

  func send(_ message: JSONValue) {
    guard let descriptor else { return }
    writeAll(message.canonicalBytes + [UInt8(ascii: "\n")], to: descriptor)
  }
}

/// Writes everything, or as much as the other side takes before it closes.
@discardableResult
func writeAll(_ bytes: [UInt8], to descriptor: Int32) -> Bool {
  bytes.withUnsafeBytes { buffer in
    var offset = 0
    while offset < buffer.count {
      let count = write(descriptor, buffer.baseAddress! + offset, buffer.count - offset)
      if count < 0 && errno == EINTR { continue }
      if count < 0 && errno == EAGAIN {
        var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        _ = poll(&wait, 1, 1000)
        continue
      }
      if count <= 0 { return false }
      offset += count
    }
    return true
  }
}
