// Lines of a file with their numbers, read in blocks, so that a large file is never in memory as a
// whole and one endless line cannot take it all. Corpus.swift and JSONLinesImport.swift use it.

import Diagnostics
import Foundation

/// One line without its line break, and where it stood.
struct Line {
  /// From 1.
  let number: Int
  let bytes: [UInt8]

  /// The place of a byte of this line. The text around is empty lines: an excerpt needs only this
  /// line at its number, and the file may be too large to keep.
  func span(in path: String, offset: Int = 0) -> SourceSpan {
    let shown = Array(bytes.prefix(max(4096, offset + 200)))
    let before = [UInt8](repeating: UInt8(ascii: "\n"), count: number - 1)
    let start = number - 1 + min(max(0, offset), shown.count)
    return SourceSpan(
      source: SourceText(path: path, bytes: before + shown),
      range: start..<min(start + 1, number - 1 + shown.count))
  }
}

/// Reads a file line by line; a line break is LF or CRLF, a byte order mark at the start is skipped.
struct LineReader: ~Copyable {
  /// Longer lines are refused: no article has them.
  static let defaultLimit = 64 << 20

  private let shown: String
  private let limit: Int
  private let descriptor: Int32
  private var block: [UInt8]
  private var blockEnd = 0
  private var at = 0
  private var number = 0
  private var isAtEnd = false

  init(path: String, shown: String, limit: Int = defaultLimit, blockSize: Int = 1 << 20)
    throws(Diagnostic)
  {
    self.shown = shown
    self.limit = limit
    block = [UInt8](repeating: 0, count: blockSize)
    descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { throw .fileUnreadable(shown, errno) }
  }

  deinit { if descriptor >= 0 { close(descriptor) } }

  /// The next line, or nothing at the end; the last line need not end in a line break.
  ///
  /// **Throws**: `line-too-long`, `file-unreadable`.
  mutating func next() throws(Diagnostic) -> Line? {
    var line: [UInt8] = []
    while true {
      if at == blockEnd {
        if !isAtEnd { try fill() }
        if isAtEnd {
          if line.isEmpty { return nil }
          return finish(line)
        }
      }
      let rest = block[at..<blockEnd]
      let end = rest.withUnsafeBufferPointer { rest -> Int? in
        guard let found = memchr(rest.baseAddress!, 0x0A, rest.count) else { return nil }
        return UnsafeRawPointer(rest.baseAddress!).distance(to: UnsafeRawPointer(found))
      }
      let taken = end ?? rest.count
      if line.count + taken > limit {
        throw .lineTooLong(shown, line: number + 1, limit: limit)
      }
      line += rest.prefix(taken)
      at += taken
      if end != nil {
        at += 1
        return finish(line)
      }
    }
  }

  private mutating func finish(_ line: [UInt8]) -> Line {
    var line = line
    if number == 0, line.starts(with: [0xEF, 0xBB, 0xBF]) { line.removeFirst(3) }
    if line.last == 0x0D { line.removeLast() }
    number += 1
    return Line(number: number, bytes: line)
  }

  private mutating func fill() throws(Diagnostic) {
    let count = block.withUnsafeMutableBytes { buffer in
      var count: Int
      repeat {
        count = read(descriptor, buffer.baseAddress, buffer.count)
      } while count < 0
        && errno == EINTR
      return count
    }
    guard count >= 0 else { throw .fileUnreadable(shown, errno) }
    at = 0
    blockEnd = count
    isAtEnd = count == 0
  }
}

/// The whole content of a file.
func readFile(_ path: String, shown: String, limit: Int = 4 << 30) throws(Diagnostic) -> [UInt8] {
  let descriptor = open(path, O_RDONLY | O_CLOEXEC)
  guard descriptor >= 0 else { throw .fileUnreadable(shown, errno) }
  defer { close(descriptor) }
  var status = stat()
  guard fstat(descriptor, &status) == 0 else { throw .fileUnreadable(shown, errno) }
  guard status.st_mode & S_IFMT == S_IFREG else { throw .fileUnreadable(shown, EISDIR) }
  let size = Int(status.st_size)
  guard size <= limit else { throw .fileTooLarge(shown, size: size, limit: limit) }
  var failure: Int32 = 0
  let bytes = [UInt8](unsafeUninitializedCapacity: size) { buffer, count in
    while count < size {
      let part = read(descriptor, buffer.baseAddress! + count, size - count)
      if part < 0 && errno == EINTR { continue }
      if part < 0 { failure = errno }
      if part <= 0 { break }
      count += part
    }
  }
  guard failure == 0 else { throw .fileUnreadable(shown, failure) }
  return bytes
}

/// Writes a file that is not there yet, or replaces it.
///
/// **Throws**: `file-unwritable`.
func writeFile(_ bytes: [UInt8], to path: String) throws(Diagnostic) {
  let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
  guard descriptor >= 0 else { throw .fileUnwritable(path, errno) }
  defer { close(descriptor) }
  var written = 0
  while written < bytes.count {
    let part = bytes.withUnsafeBytes {
      write(descriptor, $0.baseAddress! + written, $0.count - written)
    }
    if part < 0 && errno == EINTR { continue }
    guard part > 0 else { throw .fileUnwritable(path, errno) }
    written += part
  }
}
