// A program in a process of its own: its lines, how it ended, and what it used.

import Foundation
import Glibc

struct ChildProcess {
  /// Everything that it wrote to standard output.
  let output: String
  let exitStatus: Int32
  /// Largest resident set, bytes.
  let peakBytes: Int
  let processorSeconds: Double

  /// Runs a program to its end; standard error is this process' own.
  ///
  /// - Parameter program: a path, or a name to be found along PATH.
  static func run(_ program: String, _ arguments: [String]) throws -> ChildProcess {
    var ends: [Int32] = [0, 0]
    guard pipe(&ends) == 0 else { throw ChildFailure.notStarted(program, errno) }
    for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, ends[1], 1)
    var words = ([program] + arguments).map { strdup($0) } + [nil]
    defer { for word in words { free(word) } }
    var child: pid_t = 0
    let failure = posix_spawnp(&child, program, &actions, nil, &words, environ)
    close(ends[1])
    defer { close(ends[0]) }
    guard failure == 0 else { throw ChildFailure.notStarted(program, failure) }

    let output = FileHandle(fileDescriptor: ends[0]).readDataToEndOfFile()
    var status: Int32 = 0
    var usage = rusage()
    while wait4(child, &status, 0, &usage) < 0 {
      guard errno == EINTR else { throw ChildFailure.notStarted(program, errno) }
    }
    return ChildProcess(
      output: String(decoding: output, as: UTF8.self),
      exitStatus: status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F),
      peakBytes: usage.ru_maxrss * 1024, processorSeconds: MachineLoad.seconds(usage))
  }
}

enum ChildFailure: Error, CustomStringConvertible {
  case notStarted(String, Int32)
  case ended(String, Int32)
  case noLine(String)

  var description: String {
    switch self {
    case .notStarted(let program, let number):
      "\(program) cannot be started: \(String(cString: strerror(number)))"
    case .ended(let command, let status): "`\(command)` ended with status \(status)"
    case .noLine(let command): "`\(command)` printed no JSON line about its workload"
    }
  }
}
