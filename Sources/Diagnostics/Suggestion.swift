// "Did you mean": the nearest of the names that would have been right.

/// The candidate nearest to a mistyped name, if one is near enough to be meant.
///
/// **Cost**: names are compared by optimal string alignment distance on bytes, O(n·m) each.
public func nearest(to name: String, among candidates: some Sequence<String>) -> String? {
  let limit = max(1, name.utf8.count / 3)
  var best: (distance: Int, name: String)?
  for candidate in candidates {
    let distance = editDistance(Array(name.lowercased().utf8), Array(candidate.lowercased().utf8))
    guard distance <= limit else { continue }
    if let current = best, (current.distance, current.name) <= (distance, candidate) { continue }
    best = (distance, candidate)
  }
  return best?.name
}

/// A help sentence for a wrong name: the nearest one, else the list of what there is.
public func suggestion(
  for name: String, among candidates: some Collection<String>, called noun: String
) -> String {
  if let near = nearest(to: name, among: candidates) { return "did you mean '\(near)'?" }
  if candidates.isEmpty { return "there is no \(noun) here" }
  let shown = candidates.sorted().prefix(12).joined(separator: ", ")
  return "there is \(noun): \(shown)\(candidates.count > 12 ? ", …" : "")"
}

/// Insertions, deletions, substitutions and swaps of neighbours that turn one name into the other.
func editDistance(_ a: [UInt8], _ b: [UInt8]) -> Int {
  if a.isEmpty || b.isEmpty { return max(a.count, b.count) }
  var older = [Int](repeating: 0, count: b.count + 1)
  var previous = Array(0...b.count)
  var current = previous
  for i in 1...a.count {
    current[0] = i
    for j in 1...b.count {
      let cost = a[i - 1] == b[j - 1] ? 0 : 1
      current[j] = min(previous[j] + 1, current[j - 1] + 1, previous[j - 1] + cost)
      if i > 1, j > 1, a[i - 1] == b[j - 2], a[i - 2] == b[j - 1] {
        current[j] = min(current[j], older[j - 2] + 1)
      }
    }
    (older, previous, current) = (previous, current, older)
  }
  return previous[b.count]
}
