// pins/<name>: what somebody wants to keep by hand, with the reason and until when.

import CanonicalJSON
import Diagnostics
import Glibc

/// What is kept by hand.
public struct Pin: Sendable, Equatable {
  public let name: String
  /// Results whose outputs, record and inputs are kept.
  public let keys: [Digest]
  public let references: [ObjectReference]
  public let reason: String
  /// Seconds since 1970; nil: for ever.
  public let expires: Int?
  public let user: String

  public init(
    name: String, keys: [Digest], references: [ObjectReference], reason: String, expires: Int?,
    user: String
  ) {
    self.name = name
    self.keys = keys
    self.references = references
    self.reason = reason
    self.expires = expires
    self.user = user
  }

  func isExpired(at now: Int) -> Bool { expires.map { $0 <= now } ?? false }
}

extension Store {
  /// Keeps something by hand. A pin of the same name is replaced.
  public func pin(_ pin: Pin) throws(Diagnostic) {
    let value: JSONValue = .object([
      "pin": 1, "name": .string(pin.name), "reason": .string(pin.reason),
      "user": .string(pin.user), "keys": .array(pin.keys.map { .string($0.hex) }),
      "references": .array(pin.references.map { .string($0.description) }),
      "expires": pin.expires.map { .integer($0) } ?? .null,
    ])
    try FileAccess.makeFolder(path + "/pins")
    let draft = try temporaryFile(Array(value.indentedText.utf8), mode: 0o644, durable: true)
    try FileAccess.rename(draft, "\(path)/pins/\(Self.fileName(pin.name))")
    try FileAccess.synchroniseFolder(path + "/pins")
  }

  /// Whether there was such a pin.
  public func unpin(_ name: String) throws(Diagnostic) -> Bool {
    let file = "\(path)/pins/\(Self.fileName(name))"
    if unlink(file) == 0 { return true }
    if errno == ENOENT { return false }
    throw .io("remove", file, errno)
  }

  /// Sorted by name; expired ones too.
  ///
  /// **Throws**: `store-root-damaged` if one cannot be read, since what it keeps is then unknown.
  public func pins() throws(Diagnostic) -> [Pin] {
    var pins: [Pin] = []
    for name in try FileAccess.entries(in: path + "/pins") {
      let file = "\(path)/pins/\(name)"
      guard let bytes = try FileAccess.read(file, limit: 1 << 28) else { continue }
      guard let pin = Self.pin(parsing: bytes) else { throw .rootDamaged(file) }
      pins.append(pin)
    }
    return pins
  }

  private static func pin(parsing bytes: [UInt8]) -> Pin? {
    let value = bytes.withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
    guard let value, value["pin"]?.integer == 1, let name = value["name"]?.string,
      let keys = value["keys"]?.array, let references = value["references"]?.array,
      let reason = value["reason"]?.string, let user = value["user"]?.string,
      let expires = value["expires"], expires == .null || expires.integer != nil
    else { return nil }
    let pin = Pin(
      name: name, keys: keys.compactMap { $0.string.flatMap { Digest(hex: $0) } },
      references: references.compactMap { $0.string.flatMap { ObjectReference($0) } },
      reason: reason, expires: expires.integer, user: user)
    let isWhole = pin.keys.count == keys.count && pin.references.count == references.count
    return isWhole ? pin : nil
  }
}
