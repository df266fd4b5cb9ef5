// The artifact `frames` as it is written: `frames/<name>` for each picture and a listing,
// frames.jsonl. JudgedFrameFiles.swift reads it.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles
import Scheduling

/// Writes frames one after the other.
struct FramesFolder {
  private let output: OutputArtifact
  private var rows: [(name: String, line: [UInt8])] = []
  private var folders: Set<String> = []

  init(_ output: OutputArtifact) { self.output = output }

  /// **Throws**: `frames-unwritable`.
  mutating func add(_ bytes: [UInt8], as name: String) throws(Diagnostic) {
    try write(name) { path in
      try Data(bytes).write(to: URL(fileURLWithPath: path))
      return (bytes.count, Digest.of(bytes))
    }
  }

  /// A file that lies elsewhere: linked, if it is an object of the store, else copied once, when the
  /// store takes the folder.
  ///
  /// - Parameter known: size and digest, where a listing has them; else the file is read.
  ///
  /// **Throws**: `frames-unwritable`.
  mutating func add(
    fileAt source: String, as name: String, known: (size: Int, digest: Digest)?,
    _ stage: StageContext
  ) throws(Diagnostic) {
    if let known, stage.link(known, as: "frames/" + name, of: output) {
      list(name, known.size, known.digest)
      return
    }
    try write(name) { path in
      try FileManager.default.createSymbolicLink(atPath: path, withDestinationPath: source)
      let bytes = try Data(contentsOf: URL(fileURLWithPath: source), options: .mappedIfSafe)
      var stream = DigestStream()
      bytes.withUnsafeBytes { stream.update($0) }
      return (bytes.count, stream.finish())
    }
  }

  private mutating func write(
    _ name: String, _ body: (String) throws -> (Int, Digest)
  ) throws(Diagnostic) {
    let path = output.path("frames/" + name)
    do {
      let parent = (path as NSString).deletingLastPathComponent
      if folders.insert(parent).inserted {
        try FileManager.default.createDirectory(
          atPath: parent, withIntermediateDirectories: true)
      }
      let (size, digest) = try body(path)
      list(name, size, digest)
    } catch {
      throw .framesUnwritable(name, because: error.localizedDescription)
    }
  }

  private mutating func list(_ name: String, _ size: Int, _ digest: Digest) {
    let row: JSONValue = .object([
      "name": .string(name), "bytes": .integer(size), "sha256": .string(digest.hex),
    ])
    rows.append((name, row.canonicalBytes + [UInt8(ascii: "\n")]))
  }

  /// Writes the listing, sorted by the bytes of the names.
  ///
  /// **Throws**: `file-unwritable`.
  func finish() throws(Diagnostic) {
    let sorted = rows.sorted { bytesPrecede($0.name, $1.name) }
    try AtomicFile.write(sorted.flatMap(\.line), to: output.path("frames.jsonl"))
  }
}
