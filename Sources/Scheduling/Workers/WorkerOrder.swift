// What the scheduler hands to a worker: a JSON file in the run folder, runs/<id>/orders/<n>.json. The
// action itself is its record, word for word; the rest says only where things lie. Read by Worker.swift.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation

struct WorkerOrder: Sendable {
  /// An input port of the definition. Items come from the record.
  struct InputPort: Sendable, Equatable {
    var name: String
    /// Under which name a blob stands among the artifact's files.
    var fileName: String
    /// Whether it takes any number of items.
    var isList = false
    /// Absolute paths of the items that are used by reference, by position in the port.
    var outside: [Int: String] = [:]
  }

  struct OutputPort: Sendable, Equatable {
    var name: String
    /// The one file of a single-file type; nil for folders.
    var fileName: String?
  }

  var store: String
  var record: ActionRecord
  var instance: String
  var pipeline: String
  /// Version of the program that planned.
  var version: String
  var inputs: [InputPort]
  var outputs: [OutputPort]
  /// Variables that a command stage gets from Plumb's environment: names, never values.
  var secrets: [String] = []
  /// Make it even if the store has a result (`--again`, `--recheck`).
  var again: Bool
  /// Seconds between a lost scheduler and the worker's own end.
  var grace: Double

  static func path(inRunFolder folder: String, instance: Int) -> String {
    folder + "/orders/\(instance).json"
  }

  var json: JSONValue {
    .object([
      "store": .string(store), "record": .string(record.text), "key": .string(record.key.hex),
      "instance": .string(instance), "pipeline": .string(pipeline), "version": .string(version),
      "inputs": .array(
        inputs.map { port in
          .object([
            "name": .string(port.name), "file": .string(port.fileName),
            "list": .boolean(port.isList),
            "outside": .object(
              JSONObject(
                port.outside.sorted { $0.key < $1.key }.map { (String($0.key), .string($0.value)) })
            ),
          ])
        }),
      "outputs": .array(
        outputs.map { port in
          .object([
            "name": .string(port.name), "file": port.fileName.map { .string($0) } ?? .null,
          ])
        }),
      "secrets": .array(secrets.map { .string($0) }),
      "again": .boolean(again), "grace": .number(grace),
    ])
  }

  /// Reads an order and checks that its record gives its key.
  ///
  /// **Throws**: `order-unreadable`, `order-key-mismatch`.
  init(readingFrom path: String) throws(Diagnostic) {
    let bytes = try readFile(path) { .orderUnreadable(path, reason: $0) }
    let json: JSONValue
    do {
      json = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
    } catch {
      throw .orderUnreadable(path, reason: error.message)
    }
    guard let store = json["store"]?.string, let text = json["record"]?.string,
      let key = json["key"]?.string, let instance = json["instance"]?.string,
      let inputs = json["inputs"]?.array, let outputs = json["outputs"]?.array
    else { throw .orderUnreadable(path, reason: "it is not an order") }
    let record: ActionRecord
    do {
      record = try ActionRecord(parsing: text)
    } catch {
      throw .orderUnreadable(path, reason: error.message)
    }
    guard record.key.hex == key else {
      throw .orderKeyMismatch(path, said: key, computed: record.key.hex)
    }
    self.init(
      store: store, record: record, instance: instance,
      pipeline: json["pipeline"]?.string ?? "", version: json["version"]?.string ?? "",
      inputs: inputs.compactMap(InputPort.init), outputs: outputs.compactMap(OutputPort.init),
      secrets: json["secrets"]?.array?.compactMap(\.string) ?? [],
      again: json["again"]?.boolean ?? false, grace: json["grace"]?.double ?? 10)
    guard self.inputs.count == inputs.count, self.outputs.count == outputs.count else {
      throw .orderUnreadable(path, reason: "a port has no name")
    }
  }

  init(
    store: String, record: ActionRecord, instance: String, pipeline: String, version: String,
    inputs: [InputPort], outputs: [OutputPort], secrets: [String] = [], again: Bool, grace: Double
  ) {
    self.store = store
    self.record = record
    self.instance = instance
    self.pipeline = pipeline
    self.version = version
    self.inputs = inputs
    self.outputs = outputs
    self.secrets = secrets
    self.again = again
    self.grace = grace
  }

  func write(to path: String) throws(Diagnostic) {
    try writeFile(path, Array(json.indentedText.utf8)) { .runFolderUnwritable(path, reason: $0) }
  }
}

extension WorkerOrder.InputPort {
  fileprivate init?(_ json: JSONValue) {
    guard let name = json["name"]?.string, let file = json["file"]?.string else { return nil }
    var outside: [Int: String] = [:]
    for member in json["outside"]?.object?.members ?? [] {
      guard let position = Int(member.key), let path = member.value.string else { return nil }
      outside[position] = path
    }
    self.init(
      name: name, fileName: file, isList: json["list"]?.boolean ?? false, outside: outside)
  }
}

extension WorkerOrder.OutputPort {
  fileprivate init?(_ json: JSONValue) {
    guard let name = json["name"]?.string else { return nil }
    self.init(name: name, fileName: json["file"]?.string)
  }
}
