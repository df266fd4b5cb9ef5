// A command stage in its action record: `$command`, `$environment NAME`, `$tool NAME`, `$checkpoint`
// stand among the parameters, whose names cannot begin with `$`; the program's files are declared files.
// The values of secrets are nowhere.

import ArtifactStore
import CLinux
import CanonicalJSON
import Diagnostics
import Foundation
import Pipelines
import Synchronization

/// Versions of tools, each asked once per run.
final class ToolVersions: Sendable {
  private let seen = Mutex<[String: String]>([:])

  /// What the record of a kind's actions says beside parameters, inputs and files.
  func facts(of definition: StageDefinition) throws(Diagnostic) -> [(String, JSONValue)] {
    guard let command = definition.command else { return [] }
    var facts: [(String, JSONValue)] = [
      (
        "$command",
        .array(
          command.template.map { group in
            group.count == 1 ? .string(group[0]) : .array(group.map { .string($0) })
          })
      )
    ]
    if command.hasCheckpoint { facts.append(("$checkpoint", true)) }
    for (name, value) in command.environment {
      facts.append(("$environment \(name)", .string(value)))
    }
    for (name, words) in command.tools {
      facts.append(("$tool \(name)", .string(try version(name, words, of: definition))))
    }
    return facts
  }

  /// The first line that the tool prints, on either stream.
  private func version(
    _ name: String, _ words: [String], of definition: StageDefinition
  ) throws(Diagnostic) -> String {
    let path = definition.command?.environment.first { $0.name == "PATH" }?.value
    let key = ([path ?? ""] + words).joined(separator: "\0")
    if let known = seen.withLock({ $0[key] }) { return known }
    let program = try Program.find(words[0], path: path, kind: definition.kind)
    let output = try Program.output(of: program, words, path: path, kind: definition.kind)
    let line = output.split(whereSeparator: \.isNewline).first.map(String.init) ?? ""
    guard !line.isEmpty else { throw .toolWithoutVersion(name, words, kind: definition.kind) }
    seen.withLock { $0[key] = line }
    return line
  }
}

/// Finding and asking programs.
enum Program {
  static let standardPath = "/usr/local/bin:/usr/bin:/bin"

  /// The absolute path of a program; one with a slash is relative to the stage's own folder.
  ///
  /// **Throws**: `program-missing`.
  static func find(
    _ name: String, path: String?, kind: String
  ) throws(Diagnostic) -> String {
    if name.contains("/") { return name }
    let folders = (path ?? standardPath).split(separator: ":").map(String.init)
    for folder in folders where access(folder + "/" + name, X_OK) == 0 {
      return folder + "/" + name
    }
    throw .programMissing(name, folders: folders, kind: kind)
  }

  /// The first kilobytes of what a program prints; it gets ten seconds.
  static func output(
    of program: String, _ words: [String], path: String?, kind: String
  ) throws(Diagnostic) -> String {
    var (readEnd, writeEnd): (Int32, Int32) = (-1, -1)
    let pipeError = plumb_pipe(&readEnd, &writeEnd)
    guard pipeError == 0 else { throw .launchFailed("pipe", error: pipeError) }
    defer { close(readEnd) }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    defer { close(nothing) }
    let descriptors = [
      plumb_descriptor(source: nothing, target: 0), plumb_descriptor(source: writeEnd, target: 1),
      plumb_descriptor(source: writeEnd, target: 2),
    ]
    var pid: pid_t = 0
    let environment = ["PATH=\(path ?? standardPath)", "LC_ALL=C.UTF-8"]
    let error = withCStrings(words) { words in
      withCStrings(environment) {
        plumb_spawn(program, words, $0, descriptors, Int32(descriptors.count), &pid)
      }
    }
    close(writeEnd)
    guard error == 0 else { throw .launchFailed(program, error: error) }
    let deadline = ContinuousClock.now + .seconds(10)
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 4096)
    var waits = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
    while bytes.count < 65_536 {
      let left = ContinuousClock.now.duration(to: deadline).components
      let milliseconds = Int32(
        max(0, left.seconds * 1000 + left.attoseconds / 1_000_000_000_000_000))
      guard poll(&waits, 1, milliseconds) > 0 else { break }
      let count = read(readEnd, &buffer, buffer.count)
      if count <= 0 { break }
      bytes += buffer[..<count]
    }
    kill(-pid, SIGKILL)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return String(decoding: bytes, as: UTF8.self)
  }
}
