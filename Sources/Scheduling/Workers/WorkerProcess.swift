// One worker as the scheduler sees it: spawned in its own process group, watched by a pidfd and an
// events pipe (DescriptorWatch.swift), ended by signals to the group. Foundation's Process is not used: it
// misses dead children on Linux. What its end means is in WorkerEnding.swift.

import CLinux
import CanonicalJSON
import Diagnostics
import Dispatch
import Foundation
import Glibc

/// Everything about it happens on the queue it was launched with.
final class WorkerProcess {
  struct Launch {
    var program: RunOptions.WorkerProgram
    var order: String
    var log: String
    var environment: [String: String]
    /// Read end of the pipe whose write end only the scheduler holds.
    var lifeline: Int32
  }

  static let eventsDescriptor: Int32 = 3
  static let lifelineDescriptor: Int32 = 4

  let pid: Int32
  private let pidfd: Int32
  private let eventsDescriptor: Int32
  private var exitWatch: DescriptorWatch.Token?
  private var eventsWatch: DescriptorWatch.Token?
  private var lines = LineSplitter(limit: 64 << 10)
  private let onMessage: (WorkerMessage) -> Void
  private(set) var peakMemory = 0
  private(set) var sentSignals: Set<Int32> = []
  var isOverMemoryLimit = false
  var isOverTimeLimit = false
  private let oomKillsBefore = Machine.outOfMemoryKills
  private let started = ContinuousClock.now
  private var hasEnded = false

  /// Starts the program.
  ///
  /// - Parameters:
  ///   - onMessage: for each line of its events that means something.
  ///   - onEnd: once, after its last message.
  init(
    _ launch: Launch, on queue: DispatchQueue, onMessage: @escaping (WorkerMessage) -> Void,
    onEnd: @escaping (WorkerEnding) -> Void
  ) throws(Diagnostic) {
    self.onMessage = onMessage
    let log = plumb_open_log(launch.log)
    guard log >= 0 else { throw .launchFailed(launch.log, error: errno) }
    defer { close(log) }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    var readEnd: Int32 = -1
    var writeEnd: Int32 = -1
    let pipeError = plumb_pipe(&readEnd, &writeEnd)
    guard pipeError == 0 else { throw .launchFailed("pipe", error: pipeError) }
    defer { close(writeEnd) }
    _ = plumb_set_nonblocking(readEnd)

    let descriptors = [
      plumb_descriptor(source: nothing, target: 0), plumb_descriptor(source: log, target: 1),
      plumb_descriptor(source: log, target: 2),
      plumb_descriptor(source: writeEnd, target: Self.eventsDescriptor),
      plumb_descriptor(source: launch.lifeline, target: Self.lifelineDescriptor),
    ]
    var pid: pid_t = 0
    let error = withCStrings([launch.program.path] + launch.program.arguments + [launch.order]) {
      arguments in
      let environment = launch.environment.map { "\($0.key)=\($0.value)" }
      return withCStrings(environment) { environment in
        plumb_spawn(
          launch.program.path, arguments, environment, descriptors, Int32(descriptors.count), &pid)
      }
    }
    guard error == 0 else {
      close(readEnd)
      throw .launchFailed(launch.program.path, error: error)
    }
    let pidfd = plumb_pidfd_open(pid)
    guard pidfd >= 0 else {
      let error = errno
      close(readEnd)
      kill(-pid, SIGKILL)
      throw .launchFailed("pidfd of \(launch.program.path)", error: error)
    }
    self.pid = pid
    self.pidfd = pidfd
    eventsDescriptor = readEnd

    let watch = DescriptorWatch.shared
    eventsWatch = watch.watch(readEnd, on: queue) { [weak self] in self?.readEvents() }
    exitWatch = watch.watch(pidfd, on: queue) { [weak self] in
      guard let self, let ending = collect() else { return }
      onEnd(ending)
    }
    guard eventsWatch != nil, exitWatch != nil else {
      let error = errno
      kill(-pid, SIGKILL)
      throw .launchFailed("epoll of \(launch.program.path)", error: error)
    }
    // Workers die before the scheduler when memory runs out.
    if let file = fopen("/proc/\(pid)/oom_score_adj", "w") {
      fputs("500", file)
      fclose(file)
    }
  }

  /// KILL goes to the whole group: bodies may have started programs of their own. What asks goes to the
  /// worker alone, which passes it on; a program that heard it first would look as if it had failed.
  func signal(_ signal: Int32) {
    guard !hasEnded else { return }
    sentSignals.insert(signal)
    kill(signal == SIGKILL ? -pid : pid, signal)
  }

  /// Looks at its memory; called once a second.
  func poll(limit: Int?) {
    guard !hasEnded else { return }
    peakMemory = max(peakMemory, Machine.peakMemory(of: pid) ?? 0)
    guard let limit, let resident = Machine.residentMemory(of: pid), resident > limit else {
      return
    }
    isOverMemoryLimit = true
    signal(SIGKILL)
  }

  /// Reads what is there: at most 1 MiB at a time, so that a babbling worker starves nobody.
  private func readEvents() {
    guard eventsWatch != nil else { return }
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    for _ in 0..<16 {
      let count = read(eventsDescriptor, &buffer, buffer.count)
      if count > 0 {
        for line in lines.add(buffer[..<count]) {
          if let message = WorkerMessage(line: line) { onMessage(message) }
        }
      } else if count == 0 || (errno != EAGAIN && errno != EINTR) {
        return endEvents()
      } else if errno == EAGAIN {
        return
      }
    }
  }

  /// nil if it has not ended after all.
  private func collect() -> WorkerEnding? {
    guard !hasEnded, plumb_has_ended(pid) else { return nil }
    // Still a zombie, so the group's number is not yet free: what it left behind ends here.
    kill(-pid, SIGKILL)
    var ending = plumb_ending()
    let error = plumb_collect(pid, &ending)
    guard error != 0 || ending.ended else { return nil }
    hasEnded = true
    readEvents()
    endWatches()
    let spent = started.duration(to: .now)
    return WorkerEnding(
      status: error == 0 && ending.signal == 0 ? ending.exit_status : nil,
      signal: ending.signal == 0 ? nil : ending.signal, dumpedCore: ending.dumped_core,
      sentSignals: sentSignals, isOverMemoryLimit: isOverMemoryLimit,
      isOverTimeLimit: isOverTimeLimit,
      isOutOfMemory: Machine.outOfMemoryKills > oomKillsBefore,
      seconds: Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18,
      cpuSeconds: ending.cpu_seconds, peakMemory: peakMemory)
  }

  private func endEvents() {
    guard let token = eventsWatch else { return }
    eventsWatch = nil
    DescriptorWatch.shared.end(token)
    close(eventsDescriptor)
  }

  private func endWatches() {
    endEvents()
    guard let token = exitWatch else { return }
    exitWatch = nil
    DescriptorWatch.shared.end(token)
    close(pidfd)
  }

  deinit { endWatches() }
}

/// Splits a stream of bytes into lines; a line over the limit is dropped whole.
struct LineSplitter {
  let limit: Int
  private var rest: [UInt8] = []
  private var isDropping = false

  init(limit: Int) { self.limit = limit }

  /// What came after the last line break; nil if nothing did.
  var unended: [UInt8]? { rest.isEmpty ? nil : rest }

  mutating func add(_ bytes: ArraySlice<UInt8>) -> [[UInt8]] {
    var lines: [[UInt8]] = []
    var start = bytes.startIndex
    while let end = bytes[start...].firstIndex(of: UInt8(ascii: "\n")) {
      if !isDropping && rest.count + end - start <= limit {
        lines.append(rest + bytes[start..<end])
      }
      isDropping = false
      rest.removeAll(keepingCapacity: true)
      start = end + 1
    }
    if rest.count + bytes.endIndex - start > limit {
      isDropping = true
      rest.removeAll()
    }
    if !isDropping { rest += bytes[start...] }
    return lines
  }
}

/// NULL-terminated `char *` array for the length of a call.
public func withCStrings<Result>(
  _ strings: [String], _ body: (UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { strdup($0) }
  pointers.append(nil)
  defer { for pointer in pointers { free(pointer) } }
  return pointers.withUnsafeMutableBufferPointer { body($0.baseAddress!) }
}
