// `run --detach`: the same command again as a process in a session of its own, so that it survives its
// terminal. A process and not a batch job: it needs no time limit and hardly any processor, and should the
// machine go down, running the same command again adopts its jobs.

import CLinux
import CanonicalJSON
import Diagnostics
import Foundation
import Glibc
import Scheduling

enum Detaching {
  /// Holds the descriptor on which the new process says that its run has begun.
  fileprivate static let variable = "PLUMB_DETACHED_FD"

  /// Whether this process is the one that was detached.
  static var isDetached: Bool { descriptor != nil }

  private static var descriptor: Int32? {
    ProcessInfo.processInfo.environment[variable].flatMap { Int32($0) }
  }

  /// Starts the command again without the terminal.
  ///
  /// - Returns: the exit code for the caller: 0 once the run has begun, else how the new process ended.
  static func start() throws(Diagnostic) -> Int32 {
    var (readEnd, writeEnd): (Int32, Int32) = (-1, -1)
    guard plumb_pipe(&readEnd, &writeEnd) == 0 else { throw .notDetached("no pipe") }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer {
      close(readEnd)
      close(nothing)
    }
    let words = [Project.executable] + CommandLine.arguments.dropFirst().filter { $0 != "--detach" }
    var environment = ProcessInfo.processInfo.environment
    environment[variable] = "3"
    let descriptors = [
      plumb_descriptor(source: nothing, target: 0), plumb_descriptor(source: 1, target: 1),
      plumb_descriptor(source: 2, target: 2), plumb_descriptor(source: writeEnd, target: 3),
    ]
    var pid: pid_t = 0
    let error = withCStrings(words) { words in
      withCStrings(environment.map { "\($0.key)=\($0.value)" }) {
        plumb_spawn_in(
          Project.workingFolder, Project.executable, words, $0, descriptors,
          Int32(descriptors.count), &pid)
      }
    }
    close(writeEnd)
    guard error == 0 else { throw .notDetached(String(cString: strerror(error))) }
    var text: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    while true {
      let count = read(readEnd, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      text += buffer[..<count]
    }
    if let run = text.split(separator: UInt8(ascii: "\n")).first {
      let run = String(decoding: run, as: UTF8.self)
      Messages.remark("run \(run) goes on in process \(pid); look on with: plumb attach \(run)")
      return 0
    }
    // It ended before its run began, and has said why.
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + status & 0x7F
  }

  /// In the new process, before anything else: a session without a terminal.
  static func leaveTerminal() {
    guard let descriptor else { return }
    _ = plumb_close_on_exec(descriptor)
    unsetenv(variable)
    setsid()
  }
}

/// Turns the output of a detached run into `controller.log` in the run's folder as soon as there is one,
/// and tells the process that waits at the terminal.
final class DetachedOutput: RunObserver {
  private let descriptor: Int32

  /// nil where nothing is detached. The first observer: what is printed later goes to the log.
  init?() {
    guard let text = ProcessInfo.processInfo.environment[Detaching.variable],
      let descriptor = Int32(text)
    else { return nil }
    self.descriptor = descriptor
  }

  func receive(_ event: RunEvent) {
    guard case .started(let run, let folder, _, _, _) = event else { return }
    let log = plumb_open_log(folder + "/controller.log")
    if log >= 0 {
      dup2(log, 1)
      dup2(log, 2)
      close(log)
    }
    let line = run + "\n"
    _ = line.withCString { write(descriptor, $0, strlen($0)) }
    close(descriptor)
  }
}
