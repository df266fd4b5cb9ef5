// A temporary folder with a store in it; KEEP_WORKSPACE=1 keeps it.

import CanonicalJSON
import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

/// A store of one's own for one test.
final class Workspace: Sendable {
  let path: String
  let store: Store

  init(link: @escaping LinkCall = systemLink) throws {
    var template = Array("/tmp/plumb-store-test-XXXXXX\0".utf8CString)
    try #require(mkdtemp(&template) != nil)
    path = String(cString: Array(template.prefix { $0 != 0 }) + [0])
    store = try Store(at: path + "/store", cacheFolder: path + "/cache", link: link)
  }

  deinit {
    if getenv("KEEP_WORKSPACE") == nil { FileAccess.remove(path) } else { print("kept: \(path)") }
  }

  /// The same store as another process would open it.
  func reopened() throws -> Store { try Store(at: path + "/store", cacheFolder: path + "/cache") }

  /// Writes a file outside the store (or anywhere below the workspace).
  @discardableResult
  func write(_ name: String, _ text: String, mode: mode_t = 0o644) throws -> String {
    let file = path + "/" + name
    try FileAccess.makeFolder(FileAccess.folder(of: file))
    chmod(file, 0o644)
    let descriptor = open(file, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    let bytes = Array(text.utf8)
    #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
    chmod(file, mode)
    return file
  }

  func read(_ file: String) throws -> String {
    String(decoding: try #require(try FileAccess.read(file)), as: UTF8.self)
  }

  /// Moves a file's times into the past, so that the stat cache trusts them.
  func age(_ file: String, seconds: Int) {
    let time = timespec(tv_sec: time(nil) - seconds, tv_nsec: 123_456_789)
    utimensat(AT_FDCWD, file, [time, time], 0)
  }

  /// Puts outputs and their record, and publishes.
  @discardableResult
  func publish(
    _ name: String, outputs: [(port: String, reference: ObjectReference)]
  ) throws -> (key: Digest, outcome: PublishOutcome) {
    let record = try record(name)
    let result = ActionResult(
      key: record.key, outputs: outputs, record: try store.put(record),
      provenance: .object(["host": "test"]))
    return (record.key, try store.publish(result))
  }

  func record(_ name: String) throws -> ActionRecord {
    try ActionRecord(
      kind: "test", revision: 1, engine: 1, parameters: [("name", .string(name))], inputs: [],
      files: [])
  }

  /// A result whose outputs are a file and a folder of two files.
  @discardableResult
  func publishExample(_ name: String) throws -> Digest {
    try write("made/\(name)/one.txt", "one of \(name)")
    try write("made/\(name)/deep/two.txt", "two of \(name)")
    return try publish(
      name,
      outputs: [
        ("text", try store.put(Array("text of \(name)".utf8))),
        ("folder", try store.put(folderAt: "\(path)/made/\(name)")),
      ]
    ).key
  }

  /// Names of all files under a folder of the store.
  func files(_ area: String) throws -> [String] {
    let folder = "\(store.path)/\(area)"
    guard FileStatus(of: folder) != nil else { return [] }
    return try FolderListing(of: folder).files.map(\.path)
  }
}

extension LookUp {
  var isHit: Bool { if case .hit = self { true } else { false } }
  var isMiss: Bool { if case .miss = self { true } else { false } }
  var isDamaged: Bool { if case .damaged = self { true } else { false } }
}

/// The id of the diagnostic that a call throws; nil if it throws none.
func id(of call: () throws -> Void) -> String? {
  do {
    try call()
    return nil
  } catch let problem as Diagnostic {
    #expect(artifactStoreExplanations.contains { $0.id == problem.id }, "\(problem.id)")
    #expect(problem.help != nil, "\(problem.id) shows no way out")
    return problem.id
  } catch {
    Issue.record("\(error)")
    return nil
  }
}

/// A shell that runs beside the test.
struct Shell {
  let pid: pid_t

  init(_ script: String) throws {
    var pid = pid_t()
    let words = ["sh", "-c", script]
    var arguments = words.map { (word: String) -> UnsafeMutablePointer<CChar>? in strdup(word) }
    arguments.append(nil)
    defer { for argument in arguments { free(argument) } }
    try #require(posix_spawn(&pid, "/bin/sh", nil, nil, arguments, nil) == 0)
    self.pid = pid
  }

  @discardableResult
  func wait() -> Int32 {
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    return status
  }
}
