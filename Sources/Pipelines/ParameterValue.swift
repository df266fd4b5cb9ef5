// Values that stages receive and values that name instances. How text becomes one of them is in
// ValueTemplate.swift (substitution) and ParameterChecking.swift (types, ranges, choices).

import CanonicalJSON

/// A checked value of one stage parameter.
public enum ParameterValue: Sendable, Hashable {
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case list([ParameterValue])

  public var json: JSONValue {
    switch self {
    case .boolean(let value): .boolean(value)
    case .integer(let value): .integer(value)
    case .number(let value): .number(value)
    case .string(let value): .string(value)
    case .list(let items): .array(items.map(\.json))
    }
  }
}

extension ParameterValue: CustomStringConvertible {
  /// As a person would write it in a manifest.
  public var description: String {
    switch self {
    case .boolean(let value): value ? "true" : "false"
    case .integer(let value): String(value)
    case .number(let value): value.description
    case .string(let value): value
    case .list(let items): "[" + items.map(\.description).joined(separator: ", ") + "]"
    }
  }
}

/// One position on one axis of a matrix.
public enum CoordinateValue: Sendable, Hashable {
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)

  public var json: JSONValue { parameter.json }

  /// The same value as a parameter: what `$(matrix.x)` stands for.
  public var parameter: ParameterValue {
    switch self {
    case .boolean(let value): .boolean(value)
    case .integer(let value): .integer(value)
    case .number(let value): .number(value)
    case .string(let value): .string(value)
    }
  }

  /// Coordinates are single values: a list has none.
  init?(_ value: ParameterValue) {
    switch value {
    case .boolean(let value): self = .boolean(value)
    case .integer(let value): self = .integer(value)
    case .number(let value): self = .number(value)
    case .string(let value): self = .string(value)
    case .list: return nil
    }
  }
}

extension CoordinateValue: CustomStringConvertible {
  public var description: String { parameter.description }
}
