// A folder as an object: its files in one sorted list. The text is
//
//     plumb.tree/1
//     ["documents.jsonl","file",48213,"5e1f…"]
//     ["scripts/run me.sh","executable",120,"91ab…"]
//
// one canonical JSON array a line (so a name may hold spaces, quotes or line breaks), sorted by the
// UTF-8 bytes of the path, a line break after every line. A folder has exactly one such text, and a
// text that is not exactly this is refused. Empty folders are not kept.

import CanonicalJSON
import Diagnostics

/// The files of a folder, by path.
public struct Tree: Sendable, Equatable {
  public struct Entry: Sendable, Hashable {
    /// Relative, with `/` between components, never `.` or `..`.
    public let path: String
    public let isExecutable: Bool
    /// Bytes.
    public let size: Int
    public let digest: Digest

    public init(path: String, isExecutable: Bool = false, size: Int, digest: Digest) {
      self.path = path
      self.isExecutable = isExecutable
      self.size = size
      self.digest = digest
    }
  }

  /// Sorted by the bytes of their paths.
  public let entries: [Entry]

  static let header = "plumb.tree/1"

  /// Sorts the entries; two that cannot stand in one folder are refused (`store-tree-damaged`).
  public init(_ entries: [Entry]) throws(Diagnostic) {
    try self.init(sorted: entries.sorted { bytesPrecede($0.path, $1.path) })
  }

  private init(sorted entries: [Entry]) throws(Diagnostic) {
    if let fault = Self.fault(in: entries) { throw .treeDamaged(fault) }
    self.entries = entries
  }

  /// Reads the bytes of a tree object.
  ///
  /// **Throws**: `store-tree-damaged` for anything that `bytes` would not write.
  public init(parsing bytes: [UInt8]) throws(Diagnostic) {
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .treeDamaged("it is not UTF-8")
    }
    var lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard let first = lines.first, first.elementsEqual(Self.header.utf8) else {
      throw .treeDamaged("it does not begin with '\(Self.header)'")
    }
    guard lines.count > 1, lines.removeLast().isEmpty else {
      throw .treeDamaged("the last line does not end")
    }
    var entries: [Entry] = []
    entries.reserveCapacity(lines.count - 1)
    for (number, line) in lines.enumerated().dropFirst() {
      guard let entry = Self.entry(Array(line)) else {
        throw .treeDamaged("line \(number + 1) is no entry")
      }
      entries.append(entry)
    }
    // One folder, one text: otherwise equal folders could have different digests.
    try self.init(sorted: entries)
    guard self.bytes == bytes else { throw .treeDamaged("it is not in canonical form") }
  }

  private static func entry(_ line: [UInt8]) -> Entry? {
    let value = line.withUnsafeBufferPointer { try? JSONValue(parsing: $0, depth: 1) }
    guard let fields = value?.array, fields.count == 4, let path = fields[0].string,
      let type = fields[1].string, type == "file" || type == "executable",
      let size = fields[2].integer, let hex = fields[3].string, let digest = Digest(hex: hex)
    else { return nil }
    return Entry(path: path, isExecutable: type == "executable", size: size, digest: digest)
  }

  /// The bytes of the tree object.
  public var bytes: [UInt8] {
    var out = Array(Self.header.utf8)
    out.append(UInt8(ascii: "\n"))
    for entry in entries {
      let line: JSONValue = [
        .string(entry.path), .string(entry.isExecutable ? "executable" : "file"),
        .integer(entry.size), .string(entry.digest.hex),
      ]
      out += line.canonicalBytes
      out.append(UInt8(ascii: "\n"))
    }
    return out
  }

  /// The bytes of all files together.
  public var size: Int { entries.reduce(0) { $0 + $1.size } }

  /// Why these entries cannot be one folder, if they cannot.
  private static func fault(in entries: [Entry]) -> String? {
    // Swift compares strings by canonical equivalence, so these sets also find two spellings of one
    // accented name, which would be one file on a Mac and one key in a file map.
    var files: Set<String> = []
    var folders: Set<String> = []
    var previous: String?
    var total = 0
    for entry in entries {
      if let fault = fault(inPath: entry.path) { return fault }
      if let previous, !bytesPrecede(previous, entry.path) {
        return "the paths '\(previous)' and '\(entry.path)' are not in order"
      }
      previous = entry.path
      guard entry.size >= 0, !total.addingReportingOverflow(entry.size).overflow else {
        return "the size of '\(entry.path)' is out of range"
      }
      total += entry.size
      guard files.insert(entry.path).inserted else { return "'\(entry.path)' stands twice" }
      var path = entry.path[...]
      while let slash = path.lastIndex(of: "/") {
        path = path[..<slash]
        if !folders.insert(String(path)).inserted { break }
      }
    }
    if let both = entries.first(where: { folders.contains($0.path) }) {
      return "'\(both.path)' is both a file and a folder"
    }
    return nil
  }

  /// Why a path could leave the folder or cannot be a file, if so.
  static func fault(inPath path: String) -> String? {
    if path.isEmpty { return "a path is empty" }
    if path.utf8.contains(0) { return "a path holds a null byte" }
    if path.utf8.count > 4000 { return "a path is longer than 4000 bytes" }
    for name in path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      if name.isEmpty { return "the path '\(path)' has an empty component" }
      if name.elementsEqual(".".utf8) || name.elementsEqual("..".utf8) {
        return "the path '\(path)' has the component '\(Substring(name))'"
      }
      if name.count > 255 { return "a name in the path '\(path)' is longer than 255 bytes" }
    }
    return nil
  }
}
