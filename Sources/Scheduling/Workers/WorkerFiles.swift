// The record of an order as files: inputs read in place, empty folders for outputs, and back into the
// store. Everything a body sees comes from the record's own text.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation

struct WorkerFiles {
  let order: WorkerOrder
  let store: Store
  /// Temporary, on the store's file system.
  let folder: String
  private let facts: RecordFacts

  init(order: WorkerOrder, store: Store, folder: String) {
    self.order = order
    self.store = store
    self.folder = folder
    facts = RecordFacts(order.record)
  }

  var parameters: Parameters { Parameters(JSONObject(parameterFacts)) }

  /// Without what the record says about a program.
  var parameterFacts: [(String, JSONValue)] {
    facts.parameters.filter { !$0.0.hasPrefix("$") }
  }

  var program: ProgramFacts { ProgramFacts(facts.parameters) }

  func inputs() throws(Diagnostic) -> [String: [InputArtifact]] {
    var inputs: [String: [InputArtifact]] = [:]
    for port in order.inputs {
      var items: [InputArtifact] = []
      for (position, fact) in facts.items(of: port.name).enumerated() {
        items.append(
          InputArtifact(
            port: port.name, coordinates: fact.coordinates, reference: fact.reference,
            files: try port.files(position, fact.reference, in: store)))
      }
      inputs[port.name] = items
    }
    return inputs
  }

  func declared() -> [String: String] {
    Dictionary(
      facts.files.map { ($0.path, store.objectPath($0.digest)) }, uniquingKeysWith: { a, _ in a })
  }

  func outputFolders() throws(Diagnostic) -> [String: OutputArtifact] {
    var outputs: [String: OutputArtifact] = [:]
    for port in order.outputs {
      let path = folder + "/" + port.name
      try createFolder(path)
      outputs[port.name] = OutputArtifact(folder: path)
    }
    return outputs
  }

  /// Invariant 5: what was read in place outside the store must still be what was hashed. Copies in the
  /// store cannot change.
  func checkUnchanged() throws(Diagnostic) {
    for port in order.inputs where !port.outside.isEmpty {
      let items = facts.items(of: port.name)
      for (position, path) in port.outside.sorted(by: { $0.key < $1.key }) {
        guard try store.outsideUnchanged(path, items[position].reference) else {
          throw .inputChanged(port.name, path: path)
        }
      }
    }
  }

  /// Every output must be there, a single-file type with exactly its file.
  func put(
    _ artifacts: [String: OutputArtifact]
  ) throws(Diagnostic) -> [(port: String, reference: ObjectReference)] {
    for port in order.outputs {
      let found = filesBelow(folder + "/" + port.name)
      let isWhole = port.fileName.map { found == [$0] } ?? !found.isEmpty
      guard isWhole else { throw .outputMissing(port.name, file: port.fileName, found: found) }
    }
    var outputs: [(port: String, reference: ObjectReference)] = []
    for port in order.outputs {
      let path = folder + "/" + port.name
      let reference =
        if let file = port.fileName {
          try store.put(fileAt: path + "/" + file, consuming: true)
        } else {
          try store.put(
            folderAt: path, consuming: true, with: artifacts[port.name]?.linkedEntries ?? [])
        }
      outputs.append((port: port.name, reference: reference))
    }
    return outputs
  }
}

extension WorkerOrder.InputPort {
  /// Logical name → path of the item at a position.
  func files(
    _ position: Int, _ reference: ObjectReference, in store: Store
  ) throws(Diagnostic) -> [String: String] {
    if let outside = outside[position] {
      return try store.outsideFiles(of: outside, blobName: fileName)
    }
    return try store.files(of: reference, blobName: fileName)
  }
}

/// Bytes of a file; 0 if it is not there.
func fileSize(_ path: String) -> Int {
  var status = stat()
  return stat(path, &status) == 0 ? Int(status.st_size) : 0
}

/// The facts of a record, read back from its text: one JSON array per line.
struct RecordFacts {
  var parameters: [(String, JSONValue)] = []
  var inputs: [(port: String, coordinates: JSONObject, reference: ObjectReference)] = []
  var files: [(path: String, digest: Digest)] = []

  /// The items of an input port, in its order.
  func items(
    of port: String
  ) -> [(port: String, coordinates: JSONObject, reference: ObjectReference)] {
    inputs.filter { bytesEqual($0.port, port) }
  }

  init(_ record: ActionRecord) {
    for line in record.text.split(separator: "\n") {
      guard let fact = (try? JSONValue(parsing: String(line)))?.array,
        let name = fact.first?.string
      else { preconditionFailure("a checked record holds the line \(line)") }
      switch name {
      case "parameter": parameters.append((fact[1].string!, fact[2]))
      case "input":
        let reference = fact.last!.string.flatMap { ObjectReference($0) }!
        let coordinates = fact.compactMap(\.object).first ?? JSONObject([])
        inputs.append((fact[1].string!, coordinates, reference))
      case "file":
        let digest = fact[2].string!
        files.append((fact[1].string!, ObjectReference(digest)?.digest ?? Digest(hex: digest)!))
      default: break
      }
    }
  }
}
