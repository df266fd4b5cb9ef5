// What an action is, as text a person can read; its hash is the cache key, and `plumb why` compares
// two of them (RecordDifference.swift), so the key and its explanation cannot drift apart.
//
//     ["kind","fine-tune",{"engine":1,"revision":1}]
//     ["parameter","learning_rate",5e-05]
//     ["input","corpus","tree:sha256:5e1f…"]
//     ["input","synthetic",0,{"generation":0,"strategy":"none"},"tree:sha256:91ab…"]
//     ["file","grammars/news.yaml","07c3…"]
//
// One canonical JSON array a line, so no text can forge a fact. Groups stand in this order; facts are
// sorted by the bytes of their names inside a group, list items by their index. An inner action
// begins with "inner" instead of "kind" and has "fact" lines instead of "parameter" lines.

import CanonicalJSON
import Diagnostics

/// The record of an action: everything its outputs may depend on, and nothing else.
public struct ActionRecord: Sendable {
  /// Whether a stage or a part of one (`context.memo`) is recorded; their keys are never equal.
  public enum Level: String, Sendable, Hashable {
    case stage = "kind"
    case inner
  }

  public struct Input: Sendable, Hashable {
    public let port: String
    /// The place in a list port; nil for a single input.
    public let index: Int?
    /// An object, for items of a list port.
    public let coordinates: JSONValue?
    public let reference: ObjectReference

    public init(
      port: String, index: Int? = nil, coordinates: JSONValue? = nil, reference: ObjectReference
    ) {
      self.port = port
      self.index = index
      self.coordinates = index == nil ? nil : coordinates ?? .object([:])
      self.reference = reference
    }

    public static func == (a: Input, b: Input) -> Bool { a.line == b.line }
    public func hash(into hasher: inout Hasher) { hasher.combine(line) }
  }

  public let level: Level
  public let kind: String
  public let revision: Int
  public let engine: Int
  /// Parameters of a stage, facts of an inner action; sorted by the bytes of their names.
  public let facts: [(name: String, value: JSONValue)]
  public let inputs: [Input]
  public let files: [(path: String, digest: Digest)]
  /// The lines, each with its line break.
  public let text: String
  /// SHA-256 of "plumb.action/1\n" and the text.
  public let key: Digest

  /// The record of a stage. Inputs may come in any order; a list port's indices count from 0.
  ///
  /// **Throws**: `store-record-value` for a number that is not finite, a name that stands twice,
  /// indices with gaps: what cannot be written into the record is never left out.
  public init(
    kind: String, revision: Int, engine: Int, parameters: [(String, JSONValue)], inputs: [Input],
    files: [(path: String, digest: Digest)]
  ) throws(Diagnostic) {
    try self.init(
      level: .stage, kind: kind, revision: revision, engine: engine, facts: parameters,
      inputs: inputs, files: files)
  }

  /// The record of a part of a stage that is cached by itself (`context.memo`). The inputs stand in
  /// the given order.
  public init(
    innerKind: String, revision: Int, engine: Int, facts: [(String, JSONValue)],
    inputs: [ObjectReference]
  ) throws(Diagnostic) {
    try self.init(
      level: .inner, kind: innerKind, revision: revision, engine: engine, facts: facts,
      inputs: inputs.enumerated().map { Input(port: "", index: $0.offset, reference: $0.element) },
      files: [])
  }

  private init(
    level: Level, kind: String, revision: Int, engine: Int, facts: [(String, JSONValue)],
    inputs: [Input], files: [(path: String, digest: Digest)]
  ) throws(Diagnostic) {
    self.level = level
    self.kind = kind
    self.revision = revision
    self.engine = engine
    self.facts = facts.sorted { bytesPrecede($0.0, $1.0) }.map { (name: $0.0, value: $0.1) }
    self.inputs = inputs.sorted {
      bytesEqual($0.port, $1.port)
        ? ($0.index ?? -1) < ($1.index ?? -1) : bytesPrecede($0.port, $1.port)
    }
    self.files = files.sorted { bytesPrecede($0.path, $1.path) }
    if let fault = Self.fault(facts: self.facts, inputs: self.inputs, files: self.files) {
      throw .recordValue(fault, kind: kind)
    }
    let first: JSONValue = [
      .string(level.rawValue), .string(kind),
      .object(["engine": .integer(engine), "revision": .integer(revision)]),
    ]
    let word = level == .stage ? "parameter" : "fact"
    var lines = [first.canonicalText]
    lines += self.facts.map { fact in
      let line: JSONValue = [.string(word), .string(fact.name), fact.value]
      return line.canonicalText
    }
    lines += self.inputs.map(\.line)
    lines += self.files.map { file in
      let line: JSONValue = ["file", .string(file.path), .string(file.digest.hex)]
      return line.canonicalText
    }
    text = lines.map { $0 + "\n" }.joined()
    key = Self.key(of: text)
  }

  static func key(of text: String) -> Digest { .of("plumb.action/1\n" + text) }

  private static func fault(
    facts: [(name: String, value: JSONValue)], inputs: [Input],
    files: [(path: String, digest: Digest)]
  ) -> String? {
    for (fact, next) in zip(facts, facts.dropFirst()) where bytesEqual(fact.name, next.name) {
      return "'\(fact.name)' is given twice"
    }
    for fact in facts {
      if let fault = fault(in: fact.value) { return "'\(fact.name)' \(fault)" }
    }
    var previous: Input?
    for input in inputs {
      let follows = previous.map { bytesEqual($0.port, input.port) } ?? false
      if follows, input.index == nil || previous?.index == nil {
        return "the single input '\(input.port)' is given twice"
      }
      if let index = input.index, index != (follows ? (previous?.index ?? -1) + 1 : 0) {
        return "the items of input '\(input.port)' do not count 0, 1, 2, …"
      }
      if let coordinates = input.coordinates {
        guard coordinates.object != nil else {
          return "the coordinates of an item of input '\(input.port)' are no object"
        }
        if let fault = fault(in: coordinates) { return "input '\(input.port)' \(fault)" }
      }
      previous = input
    }
    for (file, next) in zip(files, files.dropFirst()) where bytesEqual(file.path, next.path) {
      return "the file '\(file.path)' is given twice"
    }
    return nil
  }

  private static func fault(in value: JSONValue) -> String? {
    switch value {
    case .number(let number): return number.isFinite ? nil : "is \(number), which has no text"
    case .array(let items):
      for item in items { if let fault = fault(in: item) { return fault } }
    case .object(let object):
      for (member, next) in zip(object.sorted, object.sorted.dropFirst())
      where bytesEqual(member.key, next.key) {
        return "has the key '\(member.key)' twice"
      }
      for member in object.members { if let fault = fault(in: member.value) { return fault } }
    case .null, .boolean, .integer, .string: break
    }
    return nil
  }
}

extension ActionRecord.Input {
  var line: String {
    var fields: [JSONValue] = ["input", .string(port)]
    if let index { fields += [.integer(index), coordinates ?? .object([:])] }
    fields.append(.string(reference.description))
    return JSONValue.array(fields).canonicalText
  }

  /// "corpus", or "synthetic[generation=1,strategy=none]".
  public var label: String {
    guard let index else { return port }
    let members = coordinates?.object?.sorted ?? []
    if members.isEmpty { return port.isEmpty ? "\(index)" : "\(port)[\(index)]" }
    let parts = members.map { "\($0.key)=\($0.value.string ?? $0.value.canonicalText)" }
    return "\(port)[\(parts.joined(separator: ","))]"
  }
}

extension ActionRecord: Equatable {
  public static func == (a: Self, b: Self) -> Bool { a.key == b.key }
}
