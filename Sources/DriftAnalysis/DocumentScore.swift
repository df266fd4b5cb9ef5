// Reads scores.jsonl of score-bias and score-quality: one row for each document. It comes from outside,
// so every line is checked before it is believed.

import CanonicalJSON
import Diagnostics

/// What was said about one document.
public struct DocumentScore: Sendable, Equatable {
  public let id: String
  /// The most probable class; of score-bias.
  public let label: String?
  /// Numbers by their names, `gibberish` or `repetition_4`; of score-quality.
  public let values: [String: Double]

  public init(id: String, label: String? = nil, values: [String: Double] = [:]) {
    self.id = id
    self.label = label
    self.values = values
  }

  /// **Throws**: `document-scores` with the line.
  public static func read(_ bytes: [UInt8], shown path: String) throws(Diagnostic) -> [Self] {
    var scores: [Self] = []
    var ids: Set<String> = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      let value: JSONValue
      do {
        value = try Array(line).withUnsafeBufferPointer { bytes throws(JSONFault) in
          try JSONValue(parsing: bytes)
        }
      } catch {
        throw .documentScores(path, line: index + 1, "is not valid JSON: \(error.reason)")
      }
      guard let object = value.object else {
        throw .documentScores(path, line: index + 1, "is not an object")
      }
      guard let id = object["id"]?.string, !id.isEmpty else {
        throw .documentScores(path, line: index + 1, "has no id")
      }
      guard ids.insert(id).inserted else {
        throw .documentScores(path, line: index + 1, "has the id '\(id)' of an earlier line")
      }
      if let label = object["label"], label.string == nil || label.string == "" {
        throw .documentScores(path, line: index + 1, "has a label that is no text")
      }
      var values: [String: Double] = [:]
      for (key, member) in object.members { if let number = member.double { values[key] = number } }
      scores.append(Self(id: id, label: object["label"]?.string, values: values))
    }
    return scores
  }
}
