// Artifacts of two machines by their numbers instead of by their digests: last bits differ between
// processors, and that is no news. JSON, JSONL, CSV and safetensors; anything else only by its bytes.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles
import Pipelines
import Scheduling

/// How far apart the numbers of two files are.
public struct NumericDifference: Sendable {
  /// `train[seed=1].model/model.safetensors`
  public let name: String
  /// Numbers that stand at the same place in both.
  public fileprivate(set) var numbers = 0
  public fileprivate(set) var differing = 0
  /// Those further apart than the tolerance.
  public fileprivate(set) var beyond = 0
  public fileprivate(set) var largestAbsolute = 0.0
  /// Share of the larger of both sizes.
  public fileprivate(set) var largestRelative = 0.0
  /// Where the largest absolute difference is.
  public fileprivate(set) var place = ""
  /// Differences that are no numbers: the first of them and how many there are.
  public fileprivate(set) var others = 0
  public fileprivate(set) var firstOther: String?

  public var isWithinTolerance: Bool { beyond == 0 && others == 0 }

  init(_ name: String) { self.name = name }

  /// Two numbers agree if they are no further apart than `tolerance` × the larger of 1 and their sizes.
  mutating func compare(
    _ a: Double, _ b: Double, tolerance: Double, at place: @autoclosure () -> String
  ) {
    numbers += 1
    if a == b || (a.isNaN && b.isNaN) { return }
    differing += 1
    let distance = a.isNaN || b.isNaN ? Double.infinity : abs(a - b)
    let size = max(abs(a), abs(b))
    let relative = distance.isInfinite ? Double.infinity : distance / size
    if !(distance <= tolerance * max(1, size)) { beyond += 1 }
    largestRelative = max(largestRelative, relative)
    if distance > largestAbsolute || self.place.isEmpty {
      largestAbsolute = max(largestAbsolute, distance)
      self.place = place()
    }
  }

  mutating func equal(_ count: Int) { numbers += count }

  mutating func other(_ sentence: @autoclosure () -> String) {
    others += 1
    if firstOther == nil { firstOther = sentence() }
  }
}

/// All artifacts of chosen instances that differ by their digests.
public struct NumericComparison {
  public private(set) var files: [NumericDifference] = []
  /// Artifacts with equal digests.
  public private(set) var equal = 0
  /// What could not be compared, in sentences.
  public private(set) var unreadable: [String] = []
  private let tolerance: Double
  private let reader: ObjectReader

  /// - Parameters:
  ///   - tolerance: of what has none of its own (metrics may have one).
  ///   - fileName: the name of the one file of an artifact, by kind and port.
  public init(
    _ runs: RunComparison, tolerance: Double,
    fileName: (_ kind: String, _ port: String) -> String?
  ) {
    self.tolerance = tolerance
    reader = runs.reader
    for pair in runs.pairs {
      guard let old = pair.old, let new = pair.new else { continue }
      for output in new.outputs {
        guard let before = old.outputs.first(where: { $0.port == output.port }) else { continue }
        if before.reference == output.reference {
          equal += 1
          continue
        }
        let name = "\(pair.id).\(output.port)"
        guard let a = ObjectReference(before.reference), let b = ObjectReference(output.reference)
        else {
          unreadable.append("\(name): a run names no artifact there")
          continue
        }
        compare(a, b, name: name, file: fileName(new.kind, output.port) ?? "file")
      }
    }
  }

  private mutating func compare(
    _ old: ObjectReference, _ new: ObjectReference, name: String, file: String
  ) {
    switch (old, new) {
    case (.blob(let a), .blob(let b)): files(a, b, name: name, kind: file)
    case (.tree(let a), .tree(let b)):
      guard let before = reader.tree(a), let after = reader.tree(b) else {
        unreadable.append(ContentComparison.gone(name, reader.tree(a) == nil ? "then" : "now"))
        return
      }
      let known = Dictionary(
        before.entries.map { ($0.path, $0.digest) }, uniquingKeysWith: { x, _ in x })
      var shape = NumericDifference(name)
      for entry in after.entries {
        guard let other = known[entry.path] else {
          shape.other("\(entry.path) is new")
          continue
        }
        if other != entry.digest {
          files(other, entry.digest, name: "\(name)/\(entry.path)", kind: entry.path)
        }
      }
      let now = Set(after.entries.map(\.path))
      for entry in before.entries where !now.contains(entry.path) {
        shape.other("\(entry.path) is gone")
      }
      if shape.others > 0 { files.append(shape) }
    default:
      var shape = NumericDifference(name)
      shape.other("one is a file, the other a folder")
      files.append(shape)
    }
  }

  private mutating func files(_ old: Digest, _ new: Digest, name: String, kind: String) {
    guard let a = reader.map(old) else {
      unreadable.append(ContentComparison.gone(name, "then"))
      return
    }
    guard let b = reader.map(new) else {
      unreadable.append(ContentComparison.gone(name, "now"))
      return
    }
    var difference = NumericDifference(name)
    withExtendedLifetime((a, b)) {
      if !tensors(a, b, &difference), !texts(a.bytes, b.bytes, kind: kind, &difference) {
        difference.other(
          a.bytes.count == b.bytes.count
            ? "its bytes differ, and it is no file of numbers"
            : "\(a.bytes.count) → \(b.bytes.count) bytes, and it is no file of numbers")
      }
    }
    files.append(difference)
  }

  // MARK: Formats

  private func tensors(
    _ old: MappedFile, _ new: MappedFile, _ difference: inout NumericDifference
  ) -> Bool {
    guard ContentComparison.mayBeSafetensors(old.bytes),
      ContentComparison.mayBeSafetensors(new.bytes), let a = try? Safetensors(old),
      let b = try? Safetensors(new)
    else { return false }
    let before = Dictionary(a.entries.map { ($0.name, $0) }, uniquingKeysWith: { x, _ in x })
    for entry in b.entries {
      guard let other = before[entry.name] else {
        difference.other("tensor \(entry.name) is new")
        continue
      }
      guard other.shape == entry.shape else {
        difference.other("tensor \(entry.name) was \(other.shape) and is \(entry.shape)")
        continue
      }
      let x = UnsafeRawBufferPointer(rebasing: old.bytes[other.range])
      let y = UnsafeRawBufferPointer(rebasing: new.bytes[entry.range])
      if other.type == entry.type, x.count == y.count,
        x.isEmpty || memcmp(x.baseAddress!, y.baseAddress!, x.count) == 0
      {
        difference.equal(entry.count)
        continue
      }
      for (index, (x, y)) in zip(a.floats(other), b.floats(entry)).enumerated() {
        difference.compare(
          Double(x), Double(y), tolerance: tolerance, at: "\(entry.name)[\(index)]")
      }
    }
    let now = Set(b.entries.map(\.name))
    for entry in a.entries where !now.contains(entry.name) {
      difference.other("tensor \(entry.name) is gone")
    }
    return true
  }

  /// JSON, JSON lines or CSV; false for a text that is none of them.
  private func texts(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer, kind: String,
    _ difference: inout NumericDifference
  ) -> Bool {
    let limit = 512 << 20
    guard old.count <= limit, new.count <= limit else { return false }
    if kind.hasSuffix(".csv") { return tables(old, new, &difference) }
    if !kind.hasSuffix(".jsonl"), let a = ContentComparison.json(old),
      let b = ContentComparison.json(new)
    {
      compare(a, b, path: "", tolerance: tolerance, &difference)
      return true
    }
    return lines(old, new, &difference)
  }

  private func lines(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer,
    _ difference: inout NumericDifference
  ) -> Bool {
    let a = Self.lines(old)
    let b = Self.lines(new)
    for (index, (x, y)) in zip(a, b).enumerated() {
      guard let before = ContentComparison.json(x), let after = ContentComparison.json(y) else {
        return false
      }
      compare(before, after, path: "line \(index + 1): ", tolerance: tolerance, &difference)
    }
    if a.count != b.count { difference.other("\(a.count) → \(b.count) lines") }
    return !a.isEmpty
  }

  private static func lines(_ bytes: UnsafeRawBufferPointer) -> [UnsafeRawBufferPointer] {
    bytes.split(separator: 0x0A).map { UnsafeRawBufferPointer(rebasing: $0) }
  }

  private func tables(
    _ old: UnsafeRawBufferPointer, _ new: UnsafeRawBufferPointer,
    _ difference: inout NumericDifference
  ) -> Bool {
    let a = Self.lines(old)
    let b = Self.lines(new)
    var titles: [String] = []
    for (index, (x, y)) in zip(a, b).enumerated() {
      let before = Self.cells(x)
      let after = Self.cells(y)
      if index == 0 { titles = after }
      guard before.count == after.count else {
        difference.other("line \(index + 1): \(before.count) → \(after.count) cells")
        continue
      }
      for (column, (p, q)) in zip(before, after).enumerated() {
        let title = column < titles.count ? titles[column] : "cell \(column + 1)"
        if let p = Double(p), let q = Double(q) {
          difference.compare(p, q, tolerance: tolerance, at: "line \(index + 1): \(title)")
        } else if p != q {
          difference.other("line \(index + 1): \(title): \(p) → \(q)")
        }
      }
    }
    if a.count != b.count { difference.other("\(a.count) → \(b.count) lines") }
    return true
  }

  /// Cells of a line (RFC 4180 without line breaks inside cells).
  private static func cells(_ line: UnsafeRawBufferPointer) -> [String] {
    var cells: [String] = []
    var cell: [UInt8] = []
    var isQuoted = false
    var index = 0
    while index < line.count {
      let byte = line[index]
      if byte == UInt8(ascii: "\"") {
        if isQuoted, index + 1 < line.count, line[index + 1] == byte {
          cell.append(byte)
          index += 1
        } else {
          isQuoted.toggle()
        }
      } else if byte == UInt8(ascii: ","), !isQuoted {
        cells.append(String(decoding: cell, as: UTF8.self))
        cell = []
      } else if byte != 0x0D || index + 1 < line.count {
        cell.append(byte)
      }
      index += 1
    }
    cells.append(String(decoding: cell, as: UTF8.self))
    return cells
  }

  private func compare(
    _ old: JSONValue, _ new: JSONValue, path: String, tolerance: Double,
    _ difference: inout NumericDifference
  ) {
    if let a = old.double, let b = new.double {
      difference.compare(a, b, tolerance: tolerance, at: path)
      return
    }
    switch (old, new) {
    case (.object(let a), .object(let b)):
      // A metric brings its own tolerance.
      let own = [a["tolerance"]?.double, b["tolerance"]?.double].compactMap { $0 }.max()
      let inner = a["value"] != nil && a["name"] != nil ? max(own ?? tolerance, 0) : tolerance
      for (key, value) in a.members {
        let place = path.isEmpty || path.hasSuffix(" ") ? path + key : path + "." + key
        if let other = b[key] {
          compare(value, other, path: place, tolerance: inner, &difference)
        } else {
          difference.other("\(place) is gone")
        }
      }
      for (key, _) in b.members where a[key] == nil {
        difference.other("\(path.isEmpty ? key : path + "." + key) is new")
      }
    case (.array(let a), .array(let b)):
      for (index, (x, y)) in zip(a, b).enumerated() {
        compare(x, y, path: "\(path)[\(index)]", tolerance: tolerance, &difference)
      }
      if a.count != b.count { difference.other("\(path)[]: \(a.count) → \(b.count) items") }
    default:
      if old != new {
        difference.other(JSONDifference.Place(path: path, old: old, new: new).sentence)
      }
    }
  }
}
