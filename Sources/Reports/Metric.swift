// One row of a metrics artifact, and its reader. What stands in such a file: metrics.json is a JSON
// list of {name, value, unit, low?, high?, n, at: {…}, tolerance?}.

import CanonicalJSON
import Diagnostics

/// A number with its name, unit, interval and place.
public struct Metric: Sendable, Equatable {
  public var name: String
  public var value: Double
  /// "share", "nats", "tokens" …; empty for plain counts and ratios.
  public var unit: String
  public var low: Double?
  public var high: Double?
  /// How many things (documents, tokens) the value is about.
  public var count: Int
  /// What it is about: class, protocol, …; members in writing order.
  public var at: JSONObject
  /// How far a recomputation on another CPU may differ.
  public var tolerance: Double?

  public init(
    _ name: String, _ value: Double, unit: String = "", low: Double? = nil, high: Double? = nil,
    count: Int, at: KeyValuePairs<String, JSONValue> = [:], tolerance: Double? = nil
  ) {
    self.name = name
    self.value = value
    self.unit = unit
    self.low = low
    self.high = high
    self.count = count
    self.at = JSONObject(at.map { ($0.key, $0.value) })
    self.tolerance = tolerance
  }

  public var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(name)), ("value", .number(value)), ("unit", .string(unit)),
      ("n", .integer(count)), ("at", .object(at)),
    ]
    if let low { members.append(("low", .number(low))) }
    if let high { members.append(("high", .number(high))) }
    if let tolerance { members.append(("tolerance", .number(tolerance))) }
    return .object(JSONObject(members))
  }

  /// The bytes of `metrics.json`: one metric a line, so that a difference is readable.
  public static func file(_ metrics: [Metric]) -> [UInt8] {
    let lines = metrics.map { "  " + $0.json.canonicalText }
    return Array("[\n\(lines.joined(separator: ",\n"))\n]\n".utf8)
  }

  /// **Throws**: `json-syntax`, `metrics-malformed`.
  public static func read(_ bytes: [UInt8], shown path: String) throws(Diagnostic) -> [Metric] {
    let value = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
    guard let list = value.array else {
      throw .metricsMalformed(path, "it is not a JSON list")
    }
    var metrics: [Metric] = []
    for (index, item) in list.enumerated() {
      guard let object = item.object else {
        throw .metricsMalformed(path, "item \(index) is not an object")
      }
      metrics.append(try Metric(object, index: index, path: path))
    }
    return metrics
  }

  private init(_ object: JSONObject, index: Int, path: String) throws(Diagnostic) {
    func number(_ key: String) throws(Diagnostic) -> Double? {
      guard let value = object[key], value != .null else { return nil }
      guard let number = value.double else {
        throw .metricsMalformed(path, "'\(key)' of item \(index) is not a number")
      }
      return number
    }
    guard let name = object["name"]?.string, !name.isEmpty else {
      throw .metricsMalformed(path, "item \(index) has no name")
    }
    guard let value = try number("value") else {
      throw .metricsMalformed(path, "'\(name)' has no value")
    }
    if let unit = object["unit"], unit.string == nil {
      throw .metricsMalformed(path, "the unit of '\(name)' is not text")
    }
    guard let count = object["n"]?.integer, count >= 0 else {
      throw .metricsMalformed(path, "'\(name)' has no count 'n'")
    }
    if let at = object["at"], at.object == nil {
      throw .metricsMalformed(path, "'at' of '\(name)' is not an object")
    }
    self.name = name
    self.value = value
    unit = object["unit"]?.string ?? ""
    low = try number("low")
    high = try number("high")
    if let low, let high, low > high {
      throw .metricsMalformed(path, "the interval of '\(name)' is upside down")
    }
    self.count = count
    at = object["at"]?.object ?? JSONObject([])
    tolerance = try number("tolerance")
  }
}
