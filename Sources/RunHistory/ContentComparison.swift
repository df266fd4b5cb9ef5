// What differs between two artifacts, in sentences: lines of texts, members of JSON files, tensors,
// files of folders, bytes of everything else. Objects are opened only here, once a pair.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles

/// Compares contents and remembers what it said.
final class ContentComparison {
  private struct Pair: Hashable {
    let old: ObjectReference
    let new: ObjectReference
  }

  let reader: ObjectReader
  private var known: [Pair: [String]] = [:]
  /// Above this, lines are not counted.
  private let textLimit = 256 << 20
  private let jsonLimit = 8 << 20

  init(_ reader: ObjectReader) { self.reader = reader }

  /// Sentences about what differs, the most telling first; `name` is how the artifact is called.
  func sentences(
    _ old: ObjectReference, _ new: ObjectReference, name: String
  ) -> [String] {
    if old == new { return [] }
    let pair = Pair(old: old, new: new)
    if let said = known[pair] { return said }
    let said: [String]
    switch (old, new) {
    case (.blob(let old), .blob(let new)): said = files(old, new, name: name)
    case (.tree(let old), .tree(let new)): said = folders(old, new, name: name)
    case (.blob, .tree): said = ["\(name) was a file and is a folder now"]
    case (.tree, .blob): said = ["\(name) was a folder and is a file now"]
    }
    known[pair] = said
    return said
  }

  // MARK: Folders

  private func folders(_ old: Digest, _ new: Digest, name: String) -> [String] {
    guard let a = reader.tree(old) else { return [Self.gone(name, "then")] }
    guard let b = reader.tree(new) else { return [Self.gone(name, "now")] }
    var added: [Tree.Entry] = []
    var removed: [Tree.Entry] = []
    var changed: [(old: Tree.Entry, new: Tree.Entry)] = []
    var modes: [String] = []
    var i = 0
    var j = 0
    while i < a.entries.count || j < b.entries.count {
      if j == b.entries.count
        || (i < a.entries.count && bytesPrecede(a.entries[i].path, b.entries[j].path))
      {
        removed.append(a.entries[i])
        i += 1
      } else if i == a.entries.count || bytesPrecede(b.entries[j].path, a.entries[i].path) {
        added.append(b.entries[j])
        j += 1
      } else {
        if a.entries[i].digest != b.entries[j].digest {
          changed.append((a.entries[i], b.entries[j]))
        } else if a.entries[i].isExecutable != b.entries[j].isExecutable {
          modes.append(a.entries[i].path)
        }
        i += 1
        j += 1
      }
    }
    var counts: [String] = []
    func count(_ number: Int, _ word: String) {
      if number > 0 { counts.append("\(number) \(number == 1 ? "file" : "files") \(word)") }
    }
    count(added.count, "added")
    count(removed.count, "removed")
    count(changed.count, "changed")
    count(modes.count, "executable or no longer so")
    var said: [String] = []
    for entry in changed.prefix(3) {
      said += files(entry.old.digest, entry.new.digest, name: name + "/" + entry.new.path)
    }
    if added.count + removed.count + changed.count + modes.count > 1 || changed.isEmpty {
      said.append("\(name): " + counts.joined(separator: ", "))
    }
    for entry in added.prefix(3) { said.append("\(name)/\(entry.path) is new") }
    for entry in removed.prefix(3) { said.append("\(name)/\(entry.path) is gone") }
    for path in modes.prefix(3) { said.append("\(name)/\(path): its mode differs") }
    return said
  }

  // MARK: Files

  private func files(_ old: Digest, _ new: Digest, name: String) -> [String] {
    guard let a = reader.map(old) else { return [Self.gone(name, "then")] }
    guard let b = reader.map(new) else { return [Self.gone(name, "now")] }
    return withExtendedLifetime((a, b)) {
      if let said = tensors(a, b, name: name) { return said }
      let isText = Self.isText(a.bytes) && Self.isText(b.bytes)
      guard isText else { return bytes(a.bytes, b.bytes, name: name) }
      guard max(a.bytes.count, b.bytes.count) <= textLimit else {
        return bytes(a.bytes, b.bytes, name: name)
      }
      if let said = documents(a.bytes, b.bytes, name: name) { return said }
      return lines(a.bytes, b.bytes, name: name)
    }
  }

  static func gone(_ name: String, _ when: String) -> String {
    "what \(name) held \(when) is in no store that can be reached (removed, or used by reference)"
  }

  /// As Git does: no null byte at the beginning.
  private static func isText(_ bytes: UnsafeRawBufferPointer) -> Bool {
    !bytes.prefix(8000).contains(0)
  }

  private func bytes(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, name: String
  ) -> [String] {
    let shared = min(old.count, new.count)
    var at = 0
    while at < shared, old[at] == new[at] { at += 1 }
    let sizes =
      old.count == new.count
      ? "\(old.count) bytes both" : "\(old.count) → \(new.count) bytes"
    return ["\(name) differs from byte \(at) on; \(sizes)"]
  }

  private func lines(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, name: String
  ) -> [String] {
    let difference = LineDifference(old, new)
    if difference.onlyLineEnds {
      let isBreak = difference.hunks.isEmpty
      return [
        isBreak
          ? "\(name): only the line break at its end differs"
          : "\(name): only line ends differ (CRLF against LF)"
      ]
    }
    var said: [String] = []
    for hunk in difference.hunks.prefix(2) {
      if let old = hunk.old.first, let new = hunk.new.first {
        let a = difference.oldLines.line(old)
        let b = difference.newLines.line(new)
        let place = old == new ? "line \(new)" : "line \(old), now \(new),"
        if let member = Self.member(a, b) {
          said.append("\(place) of \(name) differs in \(member)")
        } else {
          let (before, after) = Excerpt.pair(a, b)
          said.append("\(place) of \(name) differs: \(before) → \(after)")
        }
      } else if let new = hunk.new.first {
        said.append(
          "line \(new) of \(name) is new: \(Excerpt.piece(difference.newLines.line(new)))")
      } else if let old = hunk.old.first {
        said.append(
          "line \(old) of \(name) is gone: \(Excerpt.piece(difference.oldLines.line(old)))")
      }
    }
    var counts: [String] = []
    func count(_ number: Int, _ word: String) {
      if number > 0 { counts.append("\(number) \(number == 1 ? "line" : "lines") \(word)") }
    }
    count(difference.changed, "changed")
    count(difference.added, "added")
    count(difference.removed, "removed")
    let about = difference.isExact ? "" : "about "
    if counts.isEmpty { counts = ["the same lines in another order"] }
    said.append("\(name): \(about)\(counts.joined(separator: ", "))")
    return said
  }

  /// Two lines of JSONL by their members: `'label': "left" → "right"`.
  private static func member(_ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer)
    -> String?
  {
    guard old.first == UInt8(ascii: "{"), new.first == UInt8(ascii: "{"),
      max(old.count, new.count) < 1 << 20, let a = json(old), let b = json(new)
    else { return nil }
    let differences = JSONDifference(a, b)
    guard let first = differences.first else { return nil }
    let more = differences.count > 1 ? " and \(differences.count - 1) more" : ""
    return first.sentence + more
  }

  static func json(_ bytes: UnsafeRawBufferPointer) -> JSONValue? {
    try? JSONValue(parsing: bytes.bindMemory(to: UInt8.self))
  }

  /// JSON files by their members; nil for anything else.
  private func documents(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, name: String
  ) -> [String]? {
    guard max(old.count, new.count) <= jsonLimit, let start = Self.firstMark(old),
      start == UInt8(ascii: "{") || start == UInt8(ascii: "["), Self.firstMark(new) == start,
      let a = Self.json(old), let b = Self.json(new)
    else { return nil }
    let differences = JSONDifference(a, b)
    guard differences.count > 0 else {
      return ["\(name) says the same in other bytes (spaces, order of members)"]
    }
    var said = differences.shown.prefix(2).map { "\(name) differs in \($0.sentence)" }
    if differences.count > 2 { said.append("\(name): \(differences.count) values differ") }
    return said
  }

  private static func firstMark(_ bytes: UnsafeRawBufferPointer) -> UInt8? {
    bytes.prefix(64).first { ![0x20, 0x09, 0x0A, 0x0D].contains($0) }
  }

  // MARK: Tensors

  /// safetensors by their tensors; nil for anything else.
  private func tensors(_ old: MappedFile, _ new: MappedFile, name: String) -> [String]? {
    guard Self.mayBeSafetensors(old.bytes), Self.mayBeSafetensors(new.bytes),
      let a = try? Safetensors(old), let b = try? Safetensors(new)
    else { return nil }
    let before = Dictionary(a.entries.map { ($0.name, $0) }, uniquingKeysWith: { x, _ in x })
    let names = Set(b.entries.map(\.name))
    var said: [String] = []
    var changed = 0
    for entry in b.entries {
      guard let other = before[entry.name] else {
        said.append("\(name): tensor \(entry.name) is new")
        continue
      }
      if other.shape != entry.shape || other.type != entry.type {
        said.append(
          "\(name): tensor \(entry.name) was \(other.type.rawValue) \(other.shape) and is "
            + "\(entry.type.rawValue) \(entry.shape)")
        continue
      }
      let x = UnsafeRawBufferPointer(rebasing: old.bytes[other.range])
      let y = UnsafeRawBufferPointer(rebasing: new.bytes[entry.range])
      if x.count == y.count, x.isEmpty || memcmp(x.baseAddress!, y.baseAddress!, x.count) == 0 {
        continue
      }
      changed += 1
      if changed == 1 {
        let (largest, at) = Self.largest(a.floats(other), b.floats(entry))
        said.append(
          "\(name): tensor \(entry.name) differs, by at most \(largest) (element \(at))")
      }
    }
    for entry in a.entries where !names.contains(entry.name) {
      said.append("\(name): tensor \(entry.name) is gone")
    }
    if changed > 1 { said.append("\(name): \(changed) of \(b.entries.count) tensors differ") }
    if said.isEmpty { said = ["\(name): its tensors are equal, its header differs"] }
    return said.count > 5 ? said.prefix(4) + ["and \(said.count - 4) more"] : said
  }

  static func mayBeSafetensors(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard bytes.count > 9 else { return false }
    let header = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    return header > 1 && header <= UInt64(bytes.count - 8) && bytes[8] == UInt8(ascii: "{")
  }

  private static func largest(_ a: [Float], _ b: [Float]) -> (Float, Int) {
    var largest: Float = 0
    var place = 0
    for (index, (x, y)) in zip(a, b).enumerated() {
      let distance = x.isNaN != y.isNaN ? Float.infinity : abs(x - y)
      if distance > largest { (largest, place) = (distance, index) }
    }
    return (largest, place)
  }
}
