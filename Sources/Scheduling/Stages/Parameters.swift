// An instance's parameters as its body reads them. Types and presence were checked against
// `stage.yaml` when the pipeline was resolved, so a wrong name here is our own mistake.

import CanonicalJSON

public struct Parameters: Sendable, Equatable {
  public let values: JSONObject

  public init(_ values: JSONObject) { self.values = values }

  public func boolean(_ name: String) -> Bool { required(name, "boolean", \.boolean) }
  public func integer(_ name: String) -> Int { required(name, "integer", \.integer) }
  /// An integer counts as a number too.
  public func number(_ name: String) -> Double { required(name, "number", \.double) }
  public func string(_ name: String) -> String { required(name, "string", \.string) }
  public func strings(_ name: String) -> [String] { list(name, "strings", \.string) }
  public func numbers(_ name: String) -> [Double] { list(name, "numbers", \.double) }
  public func integers(_ name: String) -> [Int] { list(name, "integers", \.integer) }

  /// nil where the parameter is optional and was left out.
  public func optionalBoolean(_ name: String) -> Bool? { optional(name, "boolean", \.boolean) }
  public func optionalInteger(_ name: String) -> Int? { optional(name, "integer", \.integer) }
  public func optionalNumber(_ name: String) -> Double? { optional(name, "number", \.double) }
  public func optionalString(_ name: String) -> String? { optional(name, "string", \.string) }

  private func optional<Value>(
    _ name: String, _ type: String, _ read: (JSONValue) -> Value?
  ) -> Value? {
    guard let value = values[name] else { return nil }
    guard let result = read(value) else {
      preconditionFailure(
        "parameter '\(name)' was asked for as \(type) but is \(value.canonicalText)")
    }
    return result
  }

  private func required<Value>(
    _ name: String, _ type: String, _ read: (JSONValue) -> Value?
  ) -> Value {
    guard let value = optional(name, type, read) else {
      preconditionFailure(
        "the stage body asks for the parameter '\(name)', its stage.yaml gives "
          + values.keys.joined(separator: ", "))
    }
    return value
  }

  private func list<Value>(
    _ name: String, _ type: String, _ read: (JSONValue) -> Value?
  ) -> [Value] {
    required(name, "list of \(type)") { value -> [Value]? in
      guard let items = value.array else { return nil }
      let read = items.compactMap(read)
      return read.count == items.count ? read : nil
    }
  }
}
