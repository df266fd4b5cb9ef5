// One submission as it is written down before sbatch is called: `<store>/jobs/<name>.json`. The name is
// the job's name, so whoever finds the record can ask Slurm whether the submission happened.

import CanonicalJSON
import Diagnostics
import Glibc

public struct SlurmBatch: Sendable, Equatable {
  public struct Task: Sendable, Equatable {
    /// Hexadecimal key of the action.
    public var key: String
    public var instance: String
    public var order: String
    public var log: String
    /// What its worker says, line by line.
    public var events: String
    /// It was to be made although there is a result.
    public var again: Bool

    public init(
      key: String, instance: String, order: String, log: String, events: String, again: Bool
    ) {
      self.key = key
      self.instance = instance
      self.order = order
      self.log = log
      self.events = events
      self.again = again
    }
  }

  /// `plumb-` and 16 random digits.
  public var name: String
  /// Which run wrote it, as a name in `live/`.
  public var owner: String
  public var host: String
  /// Seconds since 1970.
  public var written: Double
  public var script: String
  /// Known once sbatch has answered.
  public var job: String?
  public var tasks: [Task]

  public init(
    name: String, owner: String, host: String, written: Double, script: String,
    job: String? = nil, tasks: [Task]
  ) {
    self.name = name
    self.owner = owner
    self.host = host
    self.written = written
    self.script = script
    self.job = job
    self.tasks = tasks
  }

  public static func randomName() -> String {
    let alphabet = Array("0123456789abcdef")
    return "plumb-" + String((0..<16).map { _ in alphabet[Int.random(in: 0..<16)] })
  }

  public static func isName(_ text: String) -> Bool {
    text.utf8.count == 22 && text.hasPrefix("plumb-")
      && text.dropFirst(6).utf8.allSatisfy {
        (0x30...0x39).contains($0) || (0x61...0x66).contains($0)
      }
  }

  // MARK: On disk

  public var json: JSONValue {
    .object([
      "name": .string(name), "owner": .string(owner), "host": .string(host),
      "written": .number(written), "script": .string(script),
      "job": job.map { .string($0) } ?? .null,
      "tasks": .array(
        tasks.map { task in
          .object([
            "key": .string(task.key), "instance": .string(task.instance),
            "order": .string(task.order), "log": .string(task.log),
            "events": .string(task.events), "again": .boolean(task.again),
          ])
        }),
    ])
  }

  /// nil for anything else: a record that was cut, or that somebody else wrote.
  public init?(_ json: JSONValue) {
    guard let name = json["name"]?.string, Self.isName(name), let owner = json["owner"]?.string,
      let script = json["script"]?.string, let items = json["tasks"]?.array, !items.isEmpty
    else { return nil }
    var tasks: [Task] = []
    for item in items {
      guard let key = item["key"]?.string, let order = item["order"]?.string,
        let log = item["log"]?.string, let events = item["events"]?.string
      else { return nil }
      tasks.append(
        Task(
          key: key, instance: item["instance"]?.string ?? "", order: order, log: log,
          events: events, again: item["again"]?.boolean ?? false))
    }
    self.init(
      name: name, owner: owner, host: json["host"]?.string ?? "",
      written: json["written"]?.double ?? 0, script: script, job: json["job"]?.string,
      tasks: tasks)
  }

  public static func read(_ path: String) -> SlurmBatch? {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    defer { close(descriptor) }
    var bytes: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    while bytes.count < 64 << 20 {
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      bytes += buffer[..<count]
    }
    return bytes.withUnsafeBufferPointer { try? JSONValue(parsing: $0, depth: 16) }
      .flatMap(SlurmBatch.init)
  }

  /// Durable before it returns: the file, then its name in the folder.
  ///
  /// - Returns: an errno value, 0 if all is well.
  public func write(into folder: String) -> Int32 {
    let path = "\(folder)/\(name).json"
    let temporary = "\(path).\(getpid()).tmp"
    let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { return errno }
    let bytes = Array(json.indentedText.utf8)
    var offset = 0
    while offset < bytes.count {
      let count = bytes.withUnsafeBytes {
        Glibc.write(descriptor, $0.baseAddress! + offset, bytes.count - offset)
      }
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { break }
      offset += count
    }
    let error = offset < bytes.count || fsync(descriptor) != 0 ? max(errno, 1) : 0
    close(descriptor)
    guard error == 0, rename(temporary, path) == 0 else {
      let reason = error == 0 ? errno : error
      unlink(temporary)
      return reason
    }
    let place = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    guard place >= 0 else { return errno }
    defer { close(place) }
    // Some network file systems refuse to synchronise a folder; there it is durable by itself.
    return fsync(place) == 0 || errno == EINVAL ? 0 : errno
  }
}

/// A lock on a batch's script that its sbatch inherits: while it is taken, the submission may still be
/// under way although the controller that began it has died.
public struct SubmissionLock {
  public let descriptor: Int32

  /// nil if another holds it, or the file is not there.
  public init?(script: String) {
    descriptor = open(script, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    if flock(descriptor, LOCK_EX | LOCK_NB) != 0, errno == EWOULDBLOCK {
      close(descriptor)
      return nil
    }
  }

  public func release() { close(descriptor) }

  /// Whether a submission with this script goes on on this host.
  public static func isTaken(script: String) -> Bool {
    guard access(script, F_OK) == 0 else { return false }
    guard let lock = SubmissionLock(script: script) else { return errno == EWOULDBLOCK }
    lock.release()
    return false
  }
}
