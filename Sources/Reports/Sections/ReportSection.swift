// A part of a report that a stage of analysis writes and the stage kind `report` shows: the artifact
// type `section`. Its bytes are canonical JSON; SectionJSON.swift writes, SectionReader.swift reads.

import Diagnostics

/// Text, figures, tables, pictures and claims under one heading.
public struct ReportSection: Sendable, Equatable {
  public enum Block: Sendable, Equatable {
    /// A paragraph of plain text.
    case text(String)
    case figure(Figure)
    case table(ReportTable)
    case claims([Claim])
    /// Texts side by side, such as one prompt's continuations.
    case texts(title: String, [Excerpt])
    case images(ImageGrid)
  }

  /// A text with its heading.
  public struct Excerpt: Sendable, Equatable {
    public var title: String
    public var text: String

    public init(title: String, text: String) {
      self.title = title
      self.text = text
    }
  }

  /// Anchor in the page: lower-case letters, digits, hyphens, a letter first.
  public var id: String
  public var title: String
  /// Sections stand in ascending order, equal ones by id.
  public var order: Int
  /// One or two sentences below the heading; may be empty.
  public var summary: String
  public var blocks: [Block]

  /// - Precondition: `id` is an anchor; figures have different ids that are anchors.
  public init(id: String, title: String, order: Int, summary: String = "", blocks: [Block]) {
    precondition(Self.isAnchor(id), "'\(id)' is no anchor of a section")
    self.id = id
    self.title = title
    self.order = order
    self.summary = summary
    self.blocks = blocks
    let names = figures.map(\.id)
    for name in names { precondition(Self.isAnchor(name), "'\(name)' is no id of a figure") }
    precondition(Set(names).count == names.count, "figures of '\(id)' share an id: \(names)")
  }

  public var figures: [Figure] {
    blocks.compactMap { if case .figure(let figure) = $0 { figure } else { nil } }
  }

  public var claims: [Claim] {
    blocks.flatMap { block -> [Claim] in if case .claims(let claims) = block { claims } else { [] }
    }
  }

  static func isAnchor(_ text: String) -> Bool {
    (1...64).contains(text.utf8.count)
      && ("a"..."z").contains(Character(Unicode.Scalar(text.utf8.first!)))
      && text.utf8.allSatisfy {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
          || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "-")
      }
  }
}
