// JSON as a value with one way to write it. Foundation's coder hides duplicate keys, orders keys by
// its own rules and rewrites numbers; records (keys of the store) and safetensors headers need all
// three to be exact. The parser is in JSONParser.swift, the writer in JSONWriter.swift.

/// A JSON value. Integers that fit `Int` stay integers; every other number is a finite `Double`.
public enum JSONValue: Sendable, Equatable {
  case null
  case boolean(Bool)
  case integer(Int)
  case number(Double)
  case string(String)
  case array([JSONValue])
  case object(JSONObject)

  public static func object(_ members: KeyValuePairs<String, JSONValue>) -> JSONValue {
    .object(JSONObject(members.map { ($0.key, $0.value) }))
  }
}

/// Members in the order in which they were written; look-up compares bytes, because two strings
/// that Swift calls equal (canonical equivalence) are different keys in JSON.
public struct JSONObject: Sendable, Equatable {
  public let members: [(key: String, value: JSONValue)]
  /// Positions of `members` sorted by the bytes of their keys.
  private let order: [Int]

  /// Where a key stands twice the first one counts; the parser refuses such text before.
  public init(_ members: [(String, JSONValue)]) {
    self.members = members.map { (key: $0.0, value: $0.1) }
    order = members.indices.sorted { bytesPrecede(members[$0].0, members[$1].0) }
  }

  public var count: Int { members.count }
  public var keys: [String] { members.map(\.key) }
  /// Members sorted by the UTF-8 bytes of their keys: the canonical order.
  public var sorted: [(key: String, value: JSONValue)] { order.map { members[$0] } }

  public subscript(key: String) -> JSONValue? {
    var low = 0
    var high = order.count
    while low < high {
      let middle = (low + high) / 2
      if bytesPrecede(members[order[middle]].key, key) { low = middle + 1 } else { high = middle }
    }
    guard low < order.count, bytesEqual(members[order[low]].key, key) else { return nil }
    return members[order[low]].value
  }

  /// The first key that stands twice, if any.
  var duplicate: String? {
    for (a, b) in zip(order, order.dropFirst()) where bytesEqual(members[a].key, members[b].key) {
      return members[a].key
    }
    return nil
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.count == right.count
      && zip(left.sorted, right.sorted).allSatisfy {
        bytesEqual($0.key, $1.key) && $0.value == $1.value
      }
  }
}

/// Order of UTF-8 bytes: the only order of text that no locale or Unicode version changes.
public func bytesPrecede(_ a: String, _ b: String) -> Bool {
  a.utf8.lexicographicallyPrecedes(b.utf8)
}

public func bytesEqual(_ a: String, _ b: String) -> Bool { a.utf8.elementsEqual(b.utf8) }

extension JSONValue {
  public subscript(key: String) -> JSONValue? { object?[key] }

  public var object: JSONObject? { if case .object(let value) = self { value } else { nil } }
  public var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
  public var string: String? { if case .string(let value) = self { value } else { nil } }
  public var boolean: Bool? { if case .boolean(let value) = self { value } else { nil } }
  public var integer: Int? { if case .integer(let value) = self { value } else { nil } }
  /// The number, whether it was written as an integer or not.
  public var double: Double? {
    switch self {
    case .integer(let value): Double(value)
    case .number(let value): value
    default: nil
    }
  }
}

extension JSONValue: ExpressibleByStringLiteral, ExpressibleByIntegerLiteral,
  ExpressibleByFloatLiteral, ExpressibleByBooleanLiteral, ExpressibleByArrayLiteral
{
  public init(stringLiteral value: String) { self = .string(value) }
  public init(integerLiteral value: Int) { self = .integer(value) }
  public init(floatLiteral value: Double) { self = .number(value) }
  public init(booleanLiteral value: Bool) { self = .boolean(value) }
  public init(arrayLiteral elements: JSONValue...) { self = .array(elements) }
}
