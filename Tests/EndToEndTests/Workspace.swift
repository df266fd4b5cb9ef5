// A temporary folder and the built `plumb` in it. KEEP_WORKSPACE=1 keeps the folders and prints them.

import CanonicalJSON
import Foundation
import Glibc
import Testing

/// Where the program and the project under test are.
enum Built {
  /// The folder of this package.
  static let project = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path

  /// The program stands beside the test bundle.
  static let program: String = {
    let tests =
      (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")) ?? ""
    let beside = (tests as NSString).deletingLastPathComponent + "/plumb"
    return FileManager.default.isExecutableFile(atPath: beside)
      ? beside : project + "/.build/debug/plumb"
  }()
}

final class Workspace {
  let folder: String

  init(_ manifest: String? = nil) throws {
    var template = Array((NSTemporaryDirectory() + "/plumb-test-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else { throw POSIXError(.EIO) }
    folder = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    if let manifest { try write(manifest, to: "plumb.yaml") }
  }

  deinit {
    if ProcessInfo.processInfo.environment["KEEP_WORKSPACE"] == "1" {
      print("kept: \(folder)")
    } else {
      try? FileManager.default.removeItem(atPath: folder)
    }
  }

  func path(_ name: String) -> String { folder + "/" + name }

  func write(_ text: String, to name: String) throws {
    let path = path(name)
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    try text.write(toFile: path, atomically: false, encoding: .utf8)
  }

  func read(_ name: String) -> String {
    String(decoding: FileManager.default.contents(atPath: path(name)) ?? Data(), as: UTF8.self)
  }

  /// Replaces a text of a file; it must be there.
  func edit(_ old: String, _ new: String, in name: String = "plumb.yaml") throws {
    let text = read(name)
    try #require(text.contains(old), "\(name) holds no '\(old)'")
    try write(text.replacing(old, with: new), to: name)
  }

  /// Files below a folder, relative and sorted.
  func files(_ name: String) -> [String] {
    (FileManager.default.enumerator(atPath: path(name))?.allObjects as? [String] ?? [])
      .filter { entry in
        var isFolder: ObjCBool = false
        let path = path(name + "/" + entry)
        return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
          && !isFolder.boolValue
      }.sorted()
  }

  /// Runs the command to its end.
  @discardableResult
  func plumb(_ words: String...) throws -> Finished { try start(words).wait(seconds: 60) }

  @discardableResult
  func plumb(_ words: [String], seconds: Double) throws -> Finished {
    try start(words).wait(seconds: seconds)
  }

  func start(_ words: String...) throws -> Running { try start(words) }

  func start(_ words: [String], environment: [String: String] = [:]) throws -> Running {
    try Running([Built.program] + words, in: folder, environment: environment)
  }

  /// Runs a line of shell in which `plumb` is the program under test.
  func shell(_ line: String, seconds: Double = 60) throws -> Finished {
    let script = "plumb() { '\(Built.program)' \"$@\"; }; \(line)"
    return try Running(["/bin/bash", "-o", "pipefail", "-c", script], in: folder)
      .wait(seconds: seconds)
  }
}

/// A program that has ended.
struct Finished {
  let code: Int32
  let output: String
  let errors: String

  var lines: [String] {
    output.split(separator: "\n").map(String.init)
  }

  /// The last line of a run without its time and its report.
  var summary: String {
    let last = lines.last ?? ""
    return last.range(of: " in ").map { String(last[..<$0.lowerBound]) } ?? last
  }

  /// Instances that ended this way, of a piped run.
  func instances(_ word: String) -> [String] {
    lines.compactMap { line in
      let words = line.split(separator: " ", omittingEmptySubsequences: true)
      return words.count >= 3 && words[1] == word ? String(words[2]) : nil
    }
  }

  /// Lines of `--json`.
  var events: [JSONValue] { lines.compactMap { try? JSONValue(parsing: $0) } }
}

/// A program that runs in a process group of its own.
final class Running {
  let pid: pid_t
  private let base: String

  init(_ words: [String], in folder: String, environment: [String: String] = [:]) throws {
    base = folder + "/.out-\(UUID().uuidString.prefix(8))"
    var variables = ProcessInfo.processInfo.environment
    for name in ["NO_COLOR", "PLUMB_STORE", "PLUMB_THREADS"] { variables[name] = nil }
    // A crash of the program must be a signal, not minutes of symbols.
    variables["SWIFT_BACKTRACE"] = "enable=no"
    for (name, value) in environment { variables[name] = value }
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, base + ".1", O_WRONLY | O_CREAT, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, base + ".2", O_WRONLY | O_CREAT, 0o644)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETPGROUP))
    posix_spawnattr_setpgroup(&attributes, 0)
    // `env` changes the folder and then becomes the program.
    let words = ["/usr/bin/env", "-C", folder] + words
    var arguments = words.map { strdup($0) } + [nil]
    var settings = variables.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { for text in arguments + settings { free(text) } }
    var pid: pid_t = 0
    let error = posix_spawn(&pid, words[0], &actions, &attributes, &arguments, &settings)
    guard error == 0 else { throw POSIXError(POSIXErrorCode(rawValue: error) ?? .EIO) }
    self.pid = pid
  }

  /// What it has written so far.
  var output: String { text(".1") }

  private func text(_ suffix: String) -> String {
    String(decoding: FileManager.default.contents(atPath: base + suffix) ?? Data(), as: UTF8.self)
  }

  /// Waits until the output so far fulfils a condition; false when time is up or it has ended.
  func waits(seconds: Double = 20, until condition: (String) -> Bool) -> Bool {
    let end = Date().addingTimeInterval(seconds)
    while Date() < end {
      if condition(output) { return true }
      usleep(5000)
    }
    return false
  }

  func signal(_ number: Int32) { kill(pid, number) }

  /// Waits for the end, and ends it by force when time is up (code −1).
  func wait(seconds: Double = 60) throws -> Finished {
    let end = Date().addingTimeInterval(seconds)
    var status: Int32 = 0
    var pause: UInt32 = 1000
    while true {
      let result = waitpid(pid, &status, WNOHANG)
      if result == pid { break }
      if Date() > end {
        kill(-pid, SIGKILL)
        waitpid(pid, &status, 0)
        return Finished(code: -1, output: text(".1"), errors: text(".2") + "(time is up)")
      }
      usleep(pause)
      pause = min(pause * 2, 20_000)
    }
    let signal = status & 0x7F
    return Finished(
      code: signal == 0 ? status >> 8 & 0xFF : 128 + signal, output: text(".1"),
      errors: text(".2"))
  }
}
