// Topological order of instances, and the cycle where there is none.

/// A directed graph of drafts, numbered in the order of the manifest.
struct InstanceOrder {
  /// For each draft the drafts that it reads from, each once.
  let dependencies: [[Int]]

  /// All drafts, each after what it reads from; among those that could come next the first one in
  /// the manifest comes first. Shorter than the number of drafts where there is a cycle.
  func sorted() -> [Int] {
    var waitingFor = dependencies.map(\.count)
    var readers = dependencies.map { _ in [Int]() }
    for (draft, sources) in dependencies.enumerated() {
      for source in sources { readers[source].append(draft) }
    }
    var ready = SmallestFirst(waitingFor.indices.filter { waitingFor[$0] == 0 })
    var order: [Int] = []
    order.reserveCapacity(dependencies.count)
    while let next = ready.pop() {
      order.append(next)
      for reader in readers[next] {
        waitingFor[reader] -= 1
        if waitingFor[reader] == 0 { ready.push(reader) }
      }
    }
    return order
  }

  /// One cycle among the drafts that could not be sorted: each reads from the next, the last from
  /// the first.
  func cycle(outside sorted: [Int]) -> [Int]? {
    var isSorted = Array(repeating: false, count: dependencies.count)
    for draft in sorted { isSorted[draft] = true }
    guard var at = isSorted.firstIndex(of: false) else { return nil }
    // Whoever is not sorted reads from another that is not: walk until a draft comes again.
    var step: [Int: Int] = [:]
    var path: [Int] = []
    while step[at] == nil {
      step[at] = path.count
      path.append(at)
      guard let next = dependencies[at].first(where: { !isSorted[$0] }) else { return nil }
      at = next
    }
    return Array(path[step[at]!...])
  }
}

/// A binary heap of integers.
private struct SmallestFirst {
  private var items: [Int]

  /// Sorted integers are a heap already.
  init(_ sorted: [Int]) { items = sorted }

  mutating func push(_ item: Int) {
    items.append(item)
    var child = items.count - 1
    while child > 0, items[(child - 1) / 2] > items[child] {
      items.swapAt(child, (child - 1) / 2)
      child = (child - 1) / 2
    }
  }

  mutating func pop() -> Int? {
    guard let first = items.first else { return nil }
    let last = items.removeLast()
    if items.isEmpty { return first }
    items[0] = last
    var parent = 0
    while true {
      var smallest = parent
      for child in [2 * parent + 1, 2 * parent + 2] where child < items.count {
        if items[child] < items[smallest] { smallest = child }
      }
      if smallest == parent { return first }
      items.swapAt(parent, smallest)
      parent = smallest
    }
  }
}
