// What this machine offers: processors, memory, BLAS kernels, names. Read from /proc and cgroups.

import CLinux
import Foundation
import Glibc

public enum Machine {
  /// Processors that this process may run on (its affinity mask).
  public static var processors: Int { max(1, ProcessInfo.processInfo.activeProcessorCount) }

  /// Bytes that new processes may take: `MemAvailable`, or what the cgroup has left if that is less.
  public static var availableMemory: Int {
    let machine = field("MemAvailable", in: "/proc/meminfo") ?? 1 << 30
    guard let group = cgroupHeadroom else { return machine }
    return min(machine, group)
  }

  /// A "name: value kB" field of a /proc file, in bytes.
  static func field(_ name: String, in path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    for line in text.split(separator: "\n") where line.hasPrefix(name + ":") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "\t" })
      guard words.count >= 2, let value = Int(words[1]) else { return nil }
      return words.last == "kB" ? value * 1024 : value
    }
    return nil
  }

  private static var cgroupHeadroom: Int? {
    var least: Int?
    for folder in cgroupFolders {
      let pairs = [
        ("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"),
      ]
      for (limit, use) in pairs {
        guard let limit = number(folder + "/" + limit), let use = number(folder + "/" + use) else {
          continue
        }
        least = min(least ?? .max, max(0, limit - use))
      }
    }
    return least
  }

  /// Folders of this process's memory cgroup and its ancestors, in both versions' mounts.
  private static var cgroupFolders: [String] {
    guard let text = try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8) else {
      return []
    }
    var folders: [String] = []
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false)
      guard parts.count == 3 else { continue }
      let isUnified = parts[0] == "0"
      guard isUnified || parts[1].split(separator: ",").contains("memory") else { continue }
      let root = isUnified ? "/sys/fs/cgroup" : "/sys/fs/cgroup/memory"
      var path = String(parts[2])
      while true {
        folders.append(root + (path == "/" ? "" : path))
        guard path.count > 1, let slash = path.lastIndex(of: "/") else { break }
        path = slash == path.startIndex ? "/" : String(path[..<slash])
      }
    }
    return folders
  }

  private static func number(_ path: String) -> Int? {
    guard let text = try? String(contentsOfFile: path, encoding: .utf8) else { return nil }
    return Int(text.trimmingCharacters(in: .whitespacesAndNewlines))
  }

  /// How many processes the kernel has ended for want of memory, on the whole machine.
  static var outOfMemoryKills: Int {
    guard let text = try? String(contentsOfFile: "/proc/vmstat", encoding: .utf8) else { return 0 }
    for line in text.split(separator: "\n") where line.hasPrefix("oom_kill ") {
      return Int(line.dropFirst("oom_kill ".count)) ?? 0
    }
    return 0
  }

  /// The OpenBLAS kernels that this processor deserves, as OPENBLAS_CORETYPE wants them; nil where
  /// OpenBLAS' own choice is the only one.
  ///
  /// Debian's OpenBLAS 0.3.21 does not know recent Intel processors and falls back to SSE3 kernels,
  /// four times slower, unless it is told (`Prescott`).
  public static var bestKernels: String? {
    if plumb_cpu_has_skylakex() { return "SkylakeX" }
    if plumb_cpu_has_haswell() { return "Haswell" }
    return nil
  }

  public static var processorName: String {
    var buffer = [CChar](repeating: 0, count: 64)
    plumb_cpu_name(&buffer, Int32(buffer.count))
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  public static var host: String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "" }
    return String(decoding: buffer.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  public static var user: String {
    guard let entry = getpwuid(getuid()), let name = entry.pointee.pw_name else {
      return String(getuid())
    }
    return String(cString: name)
  }

  /// The largest resident set of a process so far, in bytes.
  static func peakMemory(of pid: Int32) -> Int? { field("VmHWM", in: "/proc/\(pid)/status") }
  static func residentMemory(of pid: Int32) -> Int? { field("VmRSS", in: "/proc/\(pid)/status") }
}
