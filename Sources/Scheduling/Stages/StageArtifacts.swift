// Artifacts as a stage body sees them: inputs as files read in place in the store, outputs as an
// empty folder to write into. The worker turns references into these (Worker.swift).

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Synchronization

/// One artifact that came in through a port.
public struct InputArtifact: Sendable {
  /// The item's place on its axes, for list ports; empty for a single port.
  public let coordinates: JSONObject
  public let reference: ObjectReference
  /// Logical path → absolute path of the bytes, to be read in place and never written. A single-file
  /// type stands under its type's file name, a single outside file under `file`.
  public let files: [String: String]
  /// The port, for messages.
  public let port: String

  public init(
    port: String = "input", coordinates: JSONObject = JSONObject([]), reference: ObjectReference,
    files: [String: String]
  ) {
    self.port = port
    self.coordinates = coordinates
    self.reference = reference
    self.files = files
  }

  /// Logical paths, sorted by bytes: the only order that is the same everywhere.
  public var names: [String] { files.keys.sorted(by: bytesPrecede) }

  /// The absolute path of a logical one.
  ///
  /// **Throws**: `input-file-missing`.
  public func path(_ name: String) throws(Diagnostic) -> String {
    guard let path = files[name] else {
      throw .inputFileMissing(name, port: port, existing: names)
    }
    return path
  }

  /// All bytes of a file.
  ///
  /// **Throws**: `input-file-missing`, `input-unreadable`.
  public func bytes(_ name: String) throws(Diagnostic) -> [UInt8] {
    let path = try path(name)
    do {
      return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path), options: .mappedIfSafe))
    } catch {
      throw .inputUnreadable(name, port: port, reason: "\(error.localizedDescription)")
    }
  }
}

/// Where one output goes.
public struct OutputArtifact: Sendable {
  /// An empty folder; what stands in it when the body returns is the artifact, together with what was
  /// linked.
  public let folder: String
  private let linked = LinkedObjects()

  public init(folder: String) { self.folder = folder }

  /// The absolute path for a file of the output; single-file types take exactly the type's name.
  public func path(_ name: String) -> String { folder + "/" + name }

  /// Objects of the store that are files of the output without being copied (`StageContext.link`).
  var linkedEntries: [Tree.Entry] { linked.entries.withLock { $0 } }

  func link(_ entry: Tree.Entry) { linked.entries.withLock { $0.append(entry) } }
}

private final class LinkedObjects: Sendable {
  let entries = Mutex<[Tree.Entry]>([])
}
