// The tree that YAML text becomes. Every node knows its bytes, so that a mistake found much later
// still points at the line. YAMLParser.swift builds it; YAMLAccess.swift takes typed values out.

import Diagnostics

/// A scalar, a list or a mapping, with its place.
public struct YAMLNode: Sendable {
  public enum Content: Sendable {
    case scalar(YAMLScalar)
    case sequence([YAMLNode])
    case mapping(YAMLMapping)
  }

  public let content: Content
  /// The bytes of the value: without anchor or tag, with quotes and brackets.
  public let span: SourceSpan

  public init(_ content: Content, at span: SourceSpan) {
    self.content = content
    self.span = span
  }

  public var scalar: YAMLScalar? { if case .scalar(let value) = content { value } else { nil } }
  public var sequence: [YAMLNode]? { if case .sequence(let value) = content { value } else { nil } }
  public var mapping: YAMLMapping? { if case .mapping(let value) = content { value } else { nil } }
}

/// A scalar with its text and with what the YAML 1.2 core schema makes of it.
public struct YAMLScalar: Sendable {
  public enum Style: Sendable { case plain, singleQuoted, doubleQuoted, literal, folded }

  /// What a plain scalar stands for: `no` is text, `0x1F` is an integer.
  public enum Value: Sendable, Equatable {
    case null
    case boolean(Bool)
    case integer(Int)
    case number(Double)
    case text(String)
  }

  public let text: String
  public let style: Style
  public let value: Value

  init(text: String, style: Style, value: Value) {
    self.text = text
    self.style = style
    self.value = value
  }

  /// Text that was not in a file, such as a command-line argument.
  public init(plain text: String) {
    self.init(text: text, style: .plain, value: Value(plain: text))
  }
}

/// Keys are text; each stands once. The order is that of the file.
public struct YAMLMapping: Sendable {
  public struct Member: Sendable {
    public let key: Located<String>
    public let value: YAMLNode

    public init(key: Located<String>, value: YAMLNode) {
      self.key = key
      self.value = value
    }
  }

  public let members: [Member]
  private let index: [String: Int]

  public init(_ members: [Member]) {
    self.members = members
    index = Dictionary(
      members.enumerated().map { ($1.key.value, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public subscript(key: String) -> YAMLNode? { index[key].map { members[$0].value } }
  public func member(_ key: String) -> Member? { index[key].map { members[$0] } }
  public var keys: [String] { members.map(\.key.value) }
}
