// One text with what is known about it: the line of a corpus. Corpus.swift holds many of them;
// Article.swift reads title and body out of a text.

import CanonicalJSON

/// A document: the unit that is learnt from, continued, scored and counted.
public struct Document: Sendable, Hashable {
  /// Unique inside its corpus.
  public var id: String
  public var text: String
  /// The class that is known to be true, such as `left`.
  public var label: String?
  /// Who published it; classifiers are split by source.
  public var source: String?
  /// As written, usually ISO 8601 (`2018-05-31`).
  public var date: String?
  /// The turn of the train → write → train loop that wrote it; absent for real documents.
  public var generation: Int?
  /// What the document is grouped by in tables, as `name=value` joined by `;`, such as
  /// `topic=health;class=title;seen=yes`.
  public var group: String?
  /// What the text answers; nil where it answers nothing (Opinion.swift).
  public var question: String?

  public init(
    id: String, text: String, label: String? = nil, source: String? = nil, date: String? = nil,
    generation: Int? = nil, group: String? = nil, question: String? = nil
  ) {
    self.id = id
    self.text = text
    self.label = label
    self.source = source
    self.date = date
    self.generation = generation
    self.group = group
    self.question = question
  }

  /// The members that are there; the order of a written line is canonical.
  public var json: JSONValue {
    var members: [(String, JSONValue)] = [("id", .string(id)), ("text", .string(text))]
    if let label { members.append(("label", .string(label))) }
    if let source { members.append(("source", .string(source))) }
    if let date { members.append(("date", .string(date))) }
    if let generation { members.append(("generation", .integer(generation))) }
    if let group { members.append(("group", .string(group))) }
    if let question { members.append(("question", .string(question))) }
    return .object(JSONObject(members))
  }

  /// What is wrong with a line, in words that follow "the document".
  struct Fault: Error {
    let reason: String
  }

  init(json: JSONValue) throws(Fault) {
    guard let object = json.object else { throw Fault(reason: "is not a JSON object") }
    let known = ["id", "text", "label", "source", "date", "generation", "group", "question"]
    for key in object.keys where !known.contains(key) {
      throw Fault(reason: "has the unknown member '\(key)'")
    }
    func string(_ key: String) throws(Fault) -> String? {
      guard let value = object[key], value != .null else { return nil }
      guard let string = value.string else { throw Fault(reason: "has a '\(key)' that is no text") }
      return string
    }
    guard let id = try string("id"), !id.isEmpty else { throw Fault(reason: "has no id") }
    guard let text = try string("text") else { throw Fault(reason: "has no text") }
    self.init(
      id: id, text: text, label: try string("label"), source: try string("source"),
      date: try string("date"), group: try string("group"), question: try string("question"))
    if let value = object["generation"], value != .null {
      guard let generation = value.integer, generation >= 0 else {
        throw Fault(reason: "has a 'generation' that is no integer from 0")
      }
      self.generation = generation
    }
  }
}

extension Document {
  /// What `group` says under a name: `groupValue("class")` of `topic=health;class=title` is `title`.
  public func groupValue(_ name: String) -> String? {
    guard let group else { return nil }
    for part in group.utf8.split(separator: UInt8(ascii: ";")) {
      guard let sign = part.firstIndex(of: UInt8(ascii: "=")) else { continue }
      if part[..<sign].elementsEqual(name.utf8) {
        return String(part[part.index(after: sign)...])
      }
    }
    return nil
  }
}
