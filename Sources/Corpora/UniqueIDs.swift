// Ids that stay unique when documents come together: the later of two equal ones becomes `id~2`.

/// Hands out ids, each once.
struct UniqueIDs {
  private var taken: Set<[UInt8]> = []
  private var next: [[UInt8]: Int] = [:]

  /// The id itself, or with `~2`, `~3` … the first that is free.
  mutating func claim(_ id: String) -> String {
    let key = Array(id.utf8)
    if taken.insert(key).inserted { return id }
    var number = next[key] ?? 2
    while !taken.insert(key + "~\(number)".utf8).inserted { number += 1 }
    next[key] = number + 1
    return "\(id)~\(number)"
  }
}
