// Names of instances as runs recorded them, and words that choose among them. The manifest is not
// asked: what it has no more can still be looked at.

import CanonicalJSON
import Diagnostics
import Scheduling

/// `train[strategy=none,seed=1]` taken apart.
public struct InstanceName: Sendable, Equatable {
  public let stage: String
  public let axes: [(name: String, value: String)]

  /// nil for a text in another form.
  public init?(_ text: String) {
    guard let open = text.firstIndex(of: "[") else {
      guard !text.isEmpty else { return nil }
      (stage, axes) = (text, [])
      return
    }
    guard text.hasSuffix("]"), open != text.startIndex else { return nil }
    stage = String(text[..<open])
    var axes: [(name: String, value: String)] = []
    let inside = text[text.index(after: open)...].dropLast()
    for part in inside.split(separator: ",", omittingEmptySubsequences: false) {
      if let equals = part.firstIndex(of: "=") {
        axes.append(
          (String(part[..<equals]), String(part[part.index(after: equals)...])))
      } else if axes.isEmpty {
        return nil
      } else {
        // A comma inside a value.
        axes[axes.count - 1].value += "," + part
      }
    }
    self.axes = axes
  }

  public static func == (a: Self, b: Self) -> Bool {
    a.stage == b.stage && a.axes.count == b.axes.count
      && zip(a.axes, b.axes).allSatisfy { $0 == $1 }
  }
}

/// Which of the recorded instances are meant; no words mean all.
public struct RowSelector: Sendable {
  private let words: [(text: String, name: InstanceName)]

  public static let everything = RowSelector(words: [])

  private init(words: [(text: String, name: InstanceName)]) { self.words = words }

  /// **Throws**: `run-instance-unknown`.
  public init(_ texts: [String]) throws(Diagnostic) {
    var words: [(text: String, name: InstanceName)] = []
    for text in texts {
      guard let name = InstanceName(text) else { throw .rowSelectorMalformed(text) }
      words.append((text, name))
    }
    self.init(words: words)
  }

  public var isEverything: Bool { words.isEmpty }

  public func matches(stage: String, id: String) -> Bool {
    words.isEmpty || words.contains { Self.matches($0.text, $0.name, stage: stage, id: id) }
  }

  private static func matches(
    _ text: String, _ wanted: InstanceName, stage: String, id: String
  ) -> Bool {
    if bytesEqual(text, id) { return true }
    guard bytesEqual(wanted.stage, stage) else { return false }
    if wanted.axes.isEmpty { return true }
    guard let name = InstanceName(id) else { return false }
    return wanted.axes.allSatisfy { axis in name.axes.contains { $0 == axis } }
  }

  /// **Throws**: `run-instance-unknown` for a word that names nothing.
  public func check(_ rows: some Collection<(stage: String, id: String)>) throws(Diagnostic) {
    for (text, name) in words {
      let isKnown = rows.contains { Self.matches(text, name, stage: $0.stage, id: $0.id) }
      if !isKnown { throw .rowUnknown(text, stages: Array(Set(rows.map(\.stage)))) }
    }
  }
}
