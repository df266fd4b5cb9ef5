// Reads a record back from its text. Whatever is read must write the very same text again, so a
// record that was tampered with, or one in a form of a later version, is refused and never guessed.

import CanonicalJSON
import Diagnostics

extension ActionRecord {
  /// **Throws**: `store-record-damaged` for anything that `text` would not write.
  public init(parsing text: String) throws(Diagnostic) {
    var reader = RecordReader()
    let lines = text.utf8.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    guard lines.count > 1, lines[lines.count - 1].isEmpty else {
      throw .recordDamaged("the last line does not end")
    }
    for (index, line) in lines.dropLast().enumerated() {
      let value = Array(line).withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
      guard let fields = value?.array, reader.read(fields, isFirst: index == 0) else {
        throw .recordDamaged("line \(index + 1) is no fact")
      }
    }
    let record: ActionRecord
    do throws(Diagnostic) {
      record = try reader.record()
    } catch {
      throw .recordDamaged(error.message)
    }
    guard bytesEqual(record.text, text) else { throw .recordDamaged("it is not in canonical form") }
    self = record
  }
}

private struct RecordReader {
  var level = ActionRecord.Level.stage
  var kind = ""
  var revision = 0
  var engine = 0
  var facts: [(String, JSONValue)] = []
  var inputs: [ActionRecord.Input] = []
  var files: [(path: String, digest: Digest)] = []

  mutating func read(_ fields: [JSONValue], isFirst: Bool) -> Bool {
    guard fields.count >= 3, let word = fields[0].string, let name = fields[1].string else {
      return false
    }
    if isFirst { return readKind(fields, word, name) }
    switch word {
    case "parameter" where level == .stage && fields.count == 3,
      "fact" where level == .inner && fields.count == 3:
      facts.append((name, fields[2]))
      return true
    case "input": return readInput(fields, name)
    case "file" where level == .stage && fields.count == 3:
      guard let digest = fields[2].string.flatMap({ Digest(hex: $0) }) else { return false }
      files.append((path: name, digest: digest))
      return true
    default: return false
    }
  }

  private mutating func readKind(_ fields: [JSONValue], _ word: String, _ name: String) -> Bool {
    guard fields.count == 3, let level = ActionRecord.Level(rawValue: word),
      let revision = fields[2]["revision"]?.integer, let engine = fields[2]["engine"]?.integer
    else { return false }
    (self.level, kind, self.revision, self.engine) = (level, name, revision, engine)
    return true
  }

  private mutating func readInput(_ fields: [JSONValue], _ port: String) -> Bool {
    guard let reference = fields.last?.string.flatMap({ ObjectReference($0) }) else { return false }
    if fields.count == 3 {
      inputs.append(.init(port: port, reference: reference))
      return true
    }
    guard fields.count == 5, let index = fields[2].integer, fields[3].object != nil else {
      return false
    }
    inputs.append(.init(port: port, index: index, coordinates: fields[3], reference: reference))
    return true
  }

  func record() throws(Diagnostic) -> ActionRecord {
    switch level {
    case .stage:
      return try ActionRecord(
        kind: kind, revision: revision, engine: engine, parameters: facts, inputs: inputs,
        files: files)
    case .inner:
      return try ActionRecord(
        innerKind: kind, revision: revision, engine: engine, facts: facts,
        inputs: inputs.map(\.reference))
    }
  }
}
