// Trees that this process has read, so that checking a hit parses each of them once.

/// Trees by digest, with a bound on what they hold together.
struct TreeCache: ~Copyable {
  private var trees: [Digest: Tree] = [:]
  private var entries = 0
  /// About 200 MB of paths.
  private static let limit = 1_000_000

  subscript(digest: Digest) -> Tree? { trees[digest] }

  mutating func insert(_ tree: Tree, _ digest: Digest) {
    if entries + tree.entries.count > Self.limit {
      trees = [:]
      entries = 0
    }
    if trees.updateValue(tree, forKey: digest) == nil { entries += tree.entries.count }
  }

  mutating func forget(_ digest: Digest) {
    if let tree = trees.removeValue(forKey: digest) { entries -= tree.entries.count }
  }
}
