// Where two JSON values differ, by path.

import CanonicalJSON

/// The places at which two values differ; the first few with both texts.
struct JSONDifference {
  struct Place {
    /// `model.layers[3].width`; empty for the value itself.
    let path: String
    let old: JSONValue?
    let new: JSONValue?

    /// `'width': 64 → 128`
    var sentence: String {
      let name = path.isEmpty ? "" : "'\(path)': "
      switch (old, new) {
      case (.string(let a)?, .string(let b)?):
        // Long texts are shown where they differ.
        let (before, after) = Self.excerpts(a, b)
        return "\(name)\(before) → \(after)"
      case (let a?, let b?): return "\(name)\(Self.text(a)) → \(Self.text(b))"
      case (nil, let b?): return "\(name)new, \(Self.text(b))"
      case (let a?, nil): return "\(name)gone, was \(Self.text(a))"
      case (nil, nil): return name
      }
    }

    private static func text(_ value: JSONValue) -> String {
      let text = value.canonicalText
      return text.count > Excerpt.width ? "\(text.prefix(Excerpt.width - 1))…" : text
    }

    private static func excerpts(_ a: String, _ b: String) -> (String, String) {
      let before = Array(JSONValue.string(a).canonicalText.utf8)
      let after = Array(JSONValue.string(b).canonicalText.utf8)
      return before.withUnsafeBytes { a in after.withUnsafeBytes { b in Excerpt.pair(a, b) } }
    }
  }

  private(set) var shown: [Place] = []
  private(set) var count = 0
  var first: Place? { shown.first }

  init(_ old: JSONValue, _ new: JSONValue) { compare(old, new, path: "") }

  private mutating func compare(_ old: JSONValue, _ new: JSONValue, path: String) {
    switch (old, new) {
    case (.object(let a), .object(let b)):
      for (key, value) in a.members {
        let inner = path.isEmpty ? key : path + "." + key
        if let other = b[key] { compare(value, other, path: inner) } else { add(inner, value, nil) }
      }
      for (key, value) in b.members where a[key] == nil {
        add(path.isEmpty ? key : path + "." + key, nil, value)
      }
    case (.array(let a), .array(let b)):
      for index in 0..<min(a.count, b.count) where a[index] != b[index] {
        compare(a[index], b[index], path: "\(path)[\(index)]")
      }
      if a.count != b.count {
        let values = max(a.count, b.count) - min(a.count, b.count)
        add(
          path.isEmpty ? "length" : path + ".length", .integer(a.count), .integer(b.count),
          counting: values)
      }
    default: if old != new { add(path, old, new) }
    }
  }

  private mutating func add(
    _ path: String, _ old: JSONValue?, _ new: JSONValue?, counting: Int = 1
  ) {
    count += counting
    if shown.count < 3 { shown.append(Place(path: path, old: old, new: new)) }
  }
}
