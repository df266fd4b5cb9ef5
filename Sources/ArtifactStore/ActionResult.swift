// What an action made: its outputs by port, the record it was made from, and provenance. Written once
// as actions/ab/<key>; StoreResults.swift looks it up and publishes it.

import CanonicalJSON
import Diagnostics

/// The outputs of a finished action.
public struct ActionResult: Sendable {
  public let key: Digest
  /// Sorted by the bytes of the port.
  public let outputs: [(port: String, reference: ObjectReference)]
  /// The object that holds the action's record.
  public let record: Digest
  /// Where, when, by whom and how fast; never part of a key, an object.
  public let provenance: JSONValue

  public init(
    key: Digest, outputs: [(port: String, reference: ObjectReference)], record: Digest,
    provenance: JSONValue
  ) {
    self.key = key
    self.outputs = outputs.sorted { bytesPrecede($0.port, $1.port) }
    self.record = record
    self.provenance = provenance
    for (a, b) in zip(self.outputs, self.outputs.dropFirst()) {
      precondition(
        !bytesEqual(a.port, b.port),
        "the result has two outputs '\(a.port)': \(a.reference), \(b.reference)")
    }
  }

  public subscript(port: String) -> ObjectReference? {
    outputs.first { bytesEqual($0.port, port) }?.reference
  }

  /// Whether two results of one key say the same; provenance differs every time.
  public func hasSameOutputs(as other: ActionResult) -> Bool {
    record == other.record && outputs.count == other.outputs.count
      && zip(outputs, other.outputs).allSatisfy {
        bytesEqual($0.port, $1.port) && $0.reference == $1.reference
      }
  }

  /// Names what was made, without when and where.
  var outputsDigest: Digest {
    let lines = outputs.map {
      JSONValue.array([.string($0.port), .string($0.reference.description)])
    }
    return .of(JSONValue.array([.string(record.hex)] + lines).canonicalBytes)
  }
}

/// A result as it lies in its file: with the size of every object it names.
struct StoredResult: Sendable {
  let result: ActionResult
  /// Of the outputs, in their order: bytes of the object itself (of a tree: of its listing).
  let sizes: [Int]
  let recordSize: Int

  var text: String {
    let outputs = zip(result.outputs, sizes).map { output, size in
      (
        output.port,
        JSONValue.object([
          "reference": .string(output.reference.description), "size": .integer(size),
        ])
      )
    }
    let value: JSONValue = .object([
      "result": 1,
      "key": .string(result.key.hex),
      "outputs": .object(JSONObject(outputs)),
      "record": .object(["digest": .string(result.record.hex), "size": .integer(recordSize)]),
      "provenance": result.provenance,
    ])
    return value.indentedText
  }

  /// nil for anything that is not a whole result of this key.
  init?(parsing bytes: [UInt8], key: Digest) {
    let value = bytes.withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
    guard let value, value["result"]?.integer == 1, value["key"]?.string == key.hex,
      let members = value["outputs"]?.object?.sorted, let provenance = value["provenance"],
      let record = value["record"]?["digest"]?.string.flatMap({ Digest(hex: $0) }),
      let recordSize = value["record"]?["size"]?.integer
    else { return nil }
    var outputs: [(port: String, reference: ObjectReference)] = []
    var sizes: [Int] = []
    for (port, output) in members {
      guard let reference = output["reference"]?.string.flatMap({ ObjectReference($0) }),
        let size = output["size"]?.integer
      else { return nil }
      outputs.append((port, reference))
      sizes.append(size)
    }
    self.init(
      ActionResult(key: key, outputs: outputs, record: record, provenance: provenance),
      sizes: sizes, recordSize: recordSize)
  }

  init(_ result: ActionResult, sizes: [Int], recordSize: Int) {
    self.result = result
    self.sizes = sizes
    self.recordSize = recordSize
  }
}
