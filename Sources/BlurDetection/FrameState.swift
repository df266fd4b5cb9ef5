// What may be said about a frame. Closed lists: tables, colours and gates go by these names.

import Imaging

public enum FrameState: Sendable, Equatable, Hashable {
  public enum Doubt: String, Sendable, CaseIterable {
    case dark
    case overexposed
    case notVisible = "marker-not-visible"
    case changed = "marker-changed"
    case moved = "marker-moved"
    case noiseLimited = "noise-limited"
    /// The measure is exactly the published threshold, for which the published program says nothing.
    case atThreshold = "at-threshold"
  }

  public enum Corruption: String, Sendable, CaseIterable {
    case truncated, undecodable, empty, unsupported
    case tooLarge = "too-large"
    case wrongSize = "wrong-size"
    case frozenDuplicate = "frozen-duplicate"

    public init(_ defect: ImageDefect) {
      switch defect {
      case .truncated: self = .truncated
      case .undecodable: self = .undecodable
      case .empty: self = .empty
      case .unsupported: self = .unsupported
      case .tooLarge: self = .tooLarge
      }
    }
  }

  case sharp
  case blurred
  /// Contrast is there, but it is not the marker: a drop, dirt, a bird.
  case obstructed
  case indeterminate(Doubt)
  case corrupt(Corruption)

  public var name: String {
    switch self {
    case .sharp: "sharp"
    case .blurred: "blurred"
    case .obstructed: "blurred:obstructed"
    case .indeterminate(let doubt): "indeterminate:" + doubt.rawValue
    case .corrupt(let corruption): "corrupt:" + corruption.rawValue
    }
  }

  public init?(name: String) {
    switch name {
    case "sharp": self = .sharp
    case "blurred": self = .blurred
    case "blurred:obstructed": self = .obstructed
    default:
      let parts = name.split(separator: ":", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { return nil }
      if parts[0] == "indeterminate", let doubt = Doubt(rawValue: parts[1]) {
        self = .indeterminate(doubt)
      } else if parts[0] == "corrupt", let corruption = Corruption(rawValue: parts[1]) {
        self = .corrupt(corruption)
      } else {
        return nil
      }
    }
  }

  /// For a person: "cannot tell: overexposed", "broken: truncated".
  public var words: String {
    switch self {
    case .sharp, .blurred: name
    case .obstructed: "blurred: obstructed"
    case .indeterminate(let doubt):
      "cannot tell: " + doubt.rawValue.replacing("-", with: " ")
    case .corrupt(let corruption):
      "broken: " + corruption.rawValue.replacing("-", with: " ")
    }
  }

  /// True for blurred, false for sharp, nil where it cannot be told.
  public var isBlurred: Bool? {
    switch self {
    case .sharp: false
    case .blurred, .obstructed: true
    case .indeterminate, .corrupt: nil
    }
  }

  public var isCorrupt: Bool { if case .corrupt = self { true } else { false } }

  /// "Cannot tell", not counting broken files.
  public var isIndeterminate: Bool { if case .indeterminate = self { true } else { false } }
}
