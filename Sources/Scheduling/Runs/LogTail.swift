// The end of an instance's log, for the report of its failure.

import Diagnostics
import Foundation
import Glibc

enum LogTail {
  /// The last lines of a log of any size: only its last 64 KiB are read, long lines are cut.
  static func lines(ofLogAt path: String, count: Int = 20, width: Int = 400) -> [String] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    let end = lseek(descriptor, 0, SEEK_END)
    let start = max(0, end - 64 << 10)
    lseek(descriptor, start, SEEK_SET)
    var buffer = [UInt8](repeating: 0, count: Int(end - start))
    let read = Glibc.read(descriptor, &buffer, buffer.count)
    guard read > 0 else { return [] }
    // An unfinished line is one too; the empty rest after the last line break is none.
    var lines = buffer[..<read].split(
      separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    if start > 0 && lines.count > 1 { lines.removeFirst() }
    return lines.suffix(count).map { line in
      let text = String(decoding: line.prefix(4 * width), as: UTF8.self)
      return text.count > width ? String(text.prefix(width)) + "…" : text
    }
  }
}
