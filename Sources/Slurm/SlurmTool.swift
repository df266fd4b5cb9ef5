// Runs one of Slurm's commands and waits for its answer, for a limited time. It blocks, so it belongs on
// a queue of its own.

import CLinux
import Glibc

/// What a command said.
public struct SlurmReply: Sendable, Equatable {
  public enum Ending: Sendable, Equatable {
    case status(Int32)
    case signal(Int32)
    /// It did not answer in time and was ended. What it asked for may have been done.
    case timeIsUp
    /// There is no such program, or it could not be started.
    case notStarted(String)
  }

  public var ending: Ending
  public var output: String
  public var errors: String

  public init(_ ending: Ending, output: String = "", errors: String = "") {
    self.ending = ending
    self.output = output
    self.errors = errors
  }

  public var isGood: Bool { ending == .status(0) }

  /// The telling line, without the program's name before it.
  public var complaint: String {
    switch ending {
    case .timeIsUp: return "no answer in time"
    case .notStarted(let reason): return reason
    case .status, .signal: break
    }
    let lines = errors.split(whereSeparator: \.isNewline).map(\.trimmed).filter { !$0.isEmpty }
    let line =
      lines.last { $0.contains("error") || $0.contains("failed") } ?? lines.last
      ?? "it ended without a word"
    for head in [
      "sbatch: error: ", "squeue: error: ", "scancel: error: ", "slurm_load_jobs error: ",
    ]
    where line.hasPrefix(head) {
      return String(String(line.dropFirst(head.count)).prefix(400))
    }
    return String(line.prefix(400))
  }

  /// Whether sbatch said no for good. Anything else (time-outs, a controller that restarts, a crash
  /// of the command) leaves open whether the job is there.
  public var isRefusal: Bool {
    guard case .status(let status) = ending, status != 0 else { return false }
    guard !isPassing else { return false }
    let text = errors.lowercased()
    return text.contains("batch job submission failed") || text.contains("invalid")
      || text.contains("unrecognized option") || text.contains("unable to open")
  }

  /// Whether the controller answered, be it with a no ("already completing").
  public var wasHeard: Bool {
    guard case .status = ending else { return false }
    return isGood || !isPassing
  }

  /// Trouble on the way to the controller.
  private var isPassing: Bool {
    let text = errors.lowercased()
    return [
      "unable to contact", "timed out", "timeout", "connection refused", "connection reset",
      "zero bytes", "temporarily", "communication", "i/o error", "unexpected message",
      "slurm backup controller", "in standby", "resource temporarily", "socket", "send/recv",
      "try again", "unable to connect", "protocol authentication", "munge",
    ].contains(where: text.contains)
  }

  /// Refused only because too many jobs of this user are there: it works later.
  public var isCrowded: Bool {
    let text = errors.lowercased()
    return [
      "submit job limit", "maxsubmitjob", "qosmaxsubmit", "assocmaxsubmit", "job submit limit",
      "too many jobs", "maximum number of jobs", "slurm temporarily unable to accept job",
    ].contains(where: text.contains)
  }
}

/// Starts Slurm's programs, found on a search path.
public struct SlurmTool: Sendable {
  public let searchPath: String
  public let environment: [String: String]

  /// - Parameter environment: SLURM_… and SBATCH_… of a job in which the controller itself runs are
  ///   left out, but for the place of the configuration.
  public init(environment: [String: String]) {
    searchPath = environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    let inside = environment["SLURM_JOB_ID"] != nil
    self.environment = environment.filter { name, _ in
      !inside || !(name.hasPrefix("SLURM_") || name.hasPrefix("SBATCH_")) || name == "SLURM_CONF"
    }
  }

  public func path(of program: String) -> String? {
    if program.contains("/") { return access(program, X_OK) == 0 ? program : nil }
    return searchPath.split(separator: ":").lazy.map { "\($0)/\(program)" }
      .first { access($0, X_OK) == 0 }
  }

  /// - Parameters:
  ///   - seconds: after which it is ended.
  ///   - holding: a descriptor that the program keeps open for as long as it lives.
  public func run(_ words: [String], seconds: Double, holding: Int32? = nil) -> SlurmReply {
    guard let path = path(of: words[0]) else {
      return SlurmReply(.notStarted("there is no program '\(words[0])' in PATH"))
    }
    var ends: [(read: Int32, write: Int32)] = []
    for _ in 0..<2 {
      var end: (Int32, Int32) = (-1, -1)
      guard plumb_pipe(&end.0, &end.1) == 0 else { return SlurmReply(.notStarted("no pipe")) }
      _ = plumb_set_nonblocking(end.0)
      ends.append((end.0, end.1))
    }
    defer { for end in ends { close(end.read) } }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    var descriptors = [
      plumb_descriptor(source: nothing, target: 0),
      plumb_descriptor(source: ends[0].write, target: 1),
      plumb_descriptor(source: ends[1].write, target: 2),
    ]
    if let holding { descriptors.append(plumb_descriptor(source: holding, target: 3)) }
    var pid: pid_t = 0
    let error = Self.strings(words) { words in
      Self.strings(environment.map { "\($0.key)=\($0.value)" }) {
        plumb_spawn(path, words, $0, descriptors, Int32(descriptors.count), &pid)
      }
    }
    for end in ends { close(end.write) }
    guard error == 0 else {
      return SlurmReply(.notStarted("\(path): \(String(cString: strerror(error)))"))
    }
    return Self.listen(to: pid, ends.map(\.read), seconds: seconds)
  }

  private static func listen(
    to pid: pid_t, _ descriptors: [Int32], seconds: Double
  ) -> SlurmReply {
    let pidfd = plumb_pidfd_open(pid)
    defer { if pidfd >= 0 { close(pidfd) } }
    let end = ContinuousClock.now.advanced(by: .seconds(seconds))
    var texts: [[UInt8]] = [[], []]
    var isOver = false
    func drain() {
      var buffer = [UInt8](repeating: 0, count: 64 << 10)
      for (place, descriptor) in descriptors.enumerated() {
        while true {
          let count = read(descriptor, &buffer, buffer.count)
          guard count > 0 else { break }
          if texts[place].count < 64 << 20 { texts[place] += buffer[..<count] }
        }
      }
    }
    // Its end counts, not that of its pipes: somebody it left behind may hold them.
    while !plumb_has_ended(pid) {
      guard ContinuousClock.now < end else {
        isOver = true
        kill(-pid, SIGKILL)
        break
      }
      var polled = (descriptors + (pidfd >= 0 ? [pidfd] : [])).map {
        pollfd(fd: $0, events: Int16(POLLIN), revents: 0)
      }
      _ = poll(&polled, nfds_t(polled.count), 200)
      drain()
      // A closed pipe is always ready: do not spin on it.
      if polled.prefix(2).contains(where: { $0.revents & Int16(POLLIN) == 0 && $0.revents != 0 }) {
        usleep(2_000)
      }
    }
    var ending = plumb_ending()
    while plumb_collect(pid, &ending) == 0, !ending.ended { usleep(1_000) }
    drain()
    let said: SlurmReply.Ending =
      isOver
      ? .timeIsUp : ending.signal != 0 ? .signal(ending.signal) : .status(ending.exit_status)
    return SlurmReply(
      said, output: String(decoding: texts[0], as: UTF8.self),
      errors: String(decoding: texts[1], as: UTF8.self))
  }

  private static func strings<Value>(
    _ texts: [String], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Value
  ) -> Value {
    var pointers = texts.map { strdup($0) }
    pointers.append(nil)
    defer { for pointer in pointers { free(pointer) } }
    return body(pointers)
  }
}
