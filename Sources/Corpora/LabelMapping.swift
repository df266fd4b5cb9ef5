// Renames the labels of outside files: `From the Left=left`.

import Diagnostics

/// Which label of a file becomes which label of the corpus; empty: labels stay.
public struct LabelMapping: Sendable, Hashable {
  private let pairs: [(from: String, to: String)]

  public init() { pairs = [] }

  /// - Parameter texts: `"label in the file=label in the corpus"`, split at the last `=`.
  ///
  /// **Throws**: `import-mapping`.
  public init(_ texts: [String]) throws(Diagnostic) {
    var pairs: [(from: String, to: String)] = []
    for text in texts {
      guard let mark = text.lastIndex(of: "="), mark > text.startIndex,
        text.index(after: mark) < text.endIndex
      else { throw .importMapping(text) }
      let from = String(text[..<mark])
      guard !pairs.contains(where: { $0.from == from }) else { throw .importMapping(text) }
      pairs.append((from: from, to: String(text[text.index(after: mark)...])))
    }
    self.pairs = pairs
  }

  /// The label in the corpus; nil if there is a mapping and it lacks this label.
  func callAsFunction(_ label: String) -> String? {
    pairs.isEmpty ? label : pairs.first { $0.from == label }?.to
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.pairs.elementsEqual(right.pairs) { $0 == $1 }
  }

  public func hash(into hasher: inout Hasher) {
    for pair in pairs {
      hasher.combine(pair.from)
      hasher.combine(pair.to)
    }
  }
}
