// Which process, so that another one on the same machine can tell whether it still lives. Process
// numbers are reused, so the start time counts too; other hosts, boots and process namespaces
// cannot be judged and answer nil.

import Glibc

/// A process, told apart from every other one that ever had its number.
struct ProcessIdentity: Sendable, Equatable {
  let host: String
  /// `/proc/sys/kernel/random/boot_id`.
  let boot: String
  /// The inode of the process namespace: containers of one machine count from 1 each.
  let namespace: String
  let pid: Int
  /// Clock ticks from boot to the start of the process.
  let start: Int

  init(host: String, boot: String, namespace: String, pid: Int, start: Int) {
    self.host = host
    self.boot = boot
    self.namespace = namespace
    self.pid = pid
    self.start = start
  }

  static let current = ProcessIdentity(
    host: hostName(), boot: line("/proc/sys/kernel/random/boot_id"),
    namespace: processNamespace(), pid: Int(getpid()), start: startTime(of: Int(getpid())) ?? 0)

  /// A process of this host and namespace; nil if there is none.
  init?(of pid: Int) {
    guard let start = Self.startTime(of: pid), start >= 0 else { return nil }
    let here = Self.current
    self.init(host: here.host, boot: here.boot, namespace: here.namespace, pid: pid, start: start)
  }

  /// Whether the process lives; nil if it cannot be seen from here.
  var isAlive: Bool? {
    let here = Self.current
    guard !boot.isEmpty, host == here.host, boot == here.boot, namespace == here.namespace else {
      return nil
    }
    guard pid > 0, let number = pid_t(exactly: pid) else { return false }
    if kill(number, 0) != 0, errno == ESRCH { return false }
    // The process exists, but /proc may be closed to us (`hidepid`): then only time can tell.
    guard let start = Self.startTime(of: pid) else {
      return kill(number, 0) != 0 && errno == ESRCH ? false : nil
    }
    return start == self.start
  }

  /// nil if it cannot be read; -1 for a dead process that nobody has waited for yet.
  private static func startTime(of pid: Int) -> Int? {
    let text = line("/proc/\(pid)/stat")
    // The command's name stands in brackets and may hold anything, brackets too.
    guard let bracket = text.lastIndex(of: ")") else { return nil }
    let fields = text[text.index(after: bracket)...].split(separator: " ")
    guard fields.count > 19 else { return nil }
    if fields[0] == "Z" || fields[0] == "X" { return -1 }
    return Int(fields[19])
  }

  private static func line(_ path: String) -> String {
    guard let file = fopen(path, "re") else { return "" }
    defer { fclose(file) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = fread(&buffer, 1, buffer.count, file)
    let line = buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }
    return String(decoding: line, as: UTF8.self)
  }

  private static func hostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
    return text(buffer)
  }

  private static func processNamespace() -> String {
    var buffer = [CChar](repeating: 0, count: 64)
    let count = readlink("/proc/self/ns/pid", &buffer, buffer.count - 1)
    // "pid:[4026531836]"
    return count > 0 ? text(buffer).filter(\.isNumber) : ""
  }

  private static func text(_ buffer: [CChar]) -> String {
    String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }
}

extension ProcessIdentity {
  /// As a file name: `<host's digest>-<boot>-<namespace>-<pid>-<start>`.
  var fileName: String {
    let host = Digest.of(host).hex.prefix(8)
    let boot = boot.filter { $0 != "-" }
    return
      "\(host)-\(boot.isEmpty ? "0" : boot)-\(namespace.isEmpty ? "0" : namespace)-\(pid)-\(start)"
  }

  /// Whether the process that a file name (with any suffix) names lives; nil if it cannot be seen.
  static func isAlive(fileName: String) -> Bool? {
    let parts = fileName.split(separator: "-", omittingEmptySubsequences: false)
    let here = current.fileName.split(separator: "-")
    guard parts.count >= 5, parts[..<3] == here[..<3], let pid = Int(parts[3]),
      let start = Int(parts[4])
    else { return nil }
    return ProcessIdentity(
      host: current.host, boot: current.boot, namespace: current.namespace, pid: pid, start: start
    ).isAlive
  }
}
