// What a digest stands for: plain bytes, or a folder (Tree.swift).

/// A typed reference to an object: `blob:sha256:5e1f…` or `tree:sha256:91ab…`.
///
/// The type is part of the reference, because a file could hold the very bytes of a tree object.
public enum ObjectReference: Sendable, Hashable {
  case blob(Digest)
  case tree(Digest)

  public var digest: Digest {
    switch self {
    case .blob(let digest), .tree(let digest): digest
    }
  }

  /// Reads the text that `description` writes; anything else is nil.
  public init?(_ text: String) {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[1] == "sha256", let digest = Digest(hex: String(parts[2])) else {
      return nil
    }
    switch parts[0] {
    case "blob": self = .blob(digest)
    case "tree": self = .tree(digest)
    default: return nil
    }
  }
}

extension ObjectReference: CustomStringConvertible {
  public var description: String {
    switch self {
    case .blob(let digest): "blob:sha256:\(digest.hex)"
    case .tree(let digest): "tree:sha256:\(digest.hex)"
    }
  }

  /// The first 12 digits, for messages to people.
  public var short: String {
    switch self {
    case .blob(let digest): "blob:sha256:\(digest.hex.prefix(12))…"
    case .tree(let digest): "tree:sha256:\(digest.hex.prefix(12))…"
    }
  }
}
