// Strict access to the members of a JSON object from outside: every member is asked for exactly once by
// name, an unknown one is a mistake, and each complaint says where.

import CanonicalJSON
import Diagnostics

struct JSONFields {
  let object: JSONObject
  /// "blocks[3].figure"
  let place: String
  let path: String

  init(_ value: JSONValue, _ place: String, path: String, members: [String])
    throws(Diagnostic)
  {
    self.place = place
    self.path = path
    guard let object = value.object else {
      throw .sectionMalformed(path, "\(place.isEmpty ? "it" : place) is not an object")
    }
    self.object = object
    for key in object.keys where !members.contains(where: { bytesEqual($0, key) }) {
      throw fault("has the unknown member '\(key)'")
    }
  }

  func fault(_ words: String) -> Diagnostic {
    .sectionMalformed(path, "\(place.isEmpty ? "it" : place) \(words)")
  }

  func inside(_ key: String) -> String { place.isEmpty ? key : "\(place).\(key)" }

  func value(_ key: String) throws(Diagnostic) -> JSONValue {
    guard let value = object[key] else { throw fault("has no member '\(key)'") }
    return value
  }

  func text(_ key: String, most: Int = 20_000) throws(Diagnostic) -> String {
    guard let text = try value(key).string else { throw fault("has a '\(key)' that is not text") }
    guard text.utf8.count <= most else {
      throw fault("has a '\(key)' of \(text.utf8.count) bytes; at most \(most) are shown")
    }
    return text
  }

  func integer(_ key: String, in range: ClosedRange<Int>) throws(Diagnostic) -> Int {
    guard let integer = try value(key).integer, range.contains(integer) else {
      throw fault(
        "has a '\(key)' that is no whole number from \(range.lowerBound) to "
          + "\(range.upperBound)")
    }
    return integer
  }

  func number(_ key: String) throws(Diagnostic) -> Double {
    guard let number = try value(key).double else {
      throw fault("has a '\(key)' that is not a number")
    }
    return number
  }

  func optionalNumber(_ key: String) throws(Diagnostic) -> Double? {
    object[key] == nil ? nil : try number(key)
  }

  func flag(_ key: String, default standard: Bool) throws(Diagnostic) -> Bool {
    guard let value = object[key] else { return standard }
    guard let flag = value.boolean else { throw fault("has a '\(key)' that is not true or false") }
    return flag
  }

  /// One of the raw values of an enumeration.
  func choice<Choice: RawRepresentable & CaseIterable>(
    _ key: String, default standard: Choice? = nil
  ) throws(Diagnostic) -> Choice where Choice.RawValue == String {
    if object[key] == nil, let standard { return standard }
    let text = try text(key, most: 100)
    guard let choice = Choice(rawValue: text) else {
      let known = Choice.allCases.map(\.rawValue).joined(separator: ", ")
      throw fault("has the \(key) '\(text)', not one of \(known)")
    }
    return choice
  }

  func list(_ key: String, most: Int, optional: Bool = false) throws(Diagnostic) -> [JSONValue] {
    if optional, object[key] == nil { return [] }
    guard let list = try value(key).array else { throw fault("has a '\(key)' that is not a list") }
    guard list.count <= most else {
      throw fault("has \(list.count) \(key); at most \(most) are shown")
    }
    return list
  }

  func texts(_ key: String, most: Int, optional: Bool = false) throws(Diagnostic) -> [String] {
    var texts: [String] = []
    for item in try list(key, most: most, optional: optional) {
      guard let text = item.string, text.utf8.count <= 20_000 else {
        throw fault("has '\(key)' that are not all texts of at most 20000 bytes")
      }
      texts.append(text)
    }
    return texts
  }
}
