// Collects what checks find. The same mistake in many instances is told once, with a count.

import Diagnostics

final class Problems {
  private(set) var all: [Diagnostic] = []
  private var positions: [Site: Int] = [:]
  private var repeats: [Int: Int] = [:]

  private struct Site: Hashable {
    let id: String
    let path: String?
    let range: Range<Int>?
  }

  /// Whether anything found forbids a pipeline.
  var hasErrors: Bool { all.contains { $0.severity == .error } }
  var count: Int { all.count }

  func add(_ problem: Diagnostic) { all.append(problem) }

  func add(_ problems: [Diagnostic]) { all += problems }

  /// A problem that other instances may have at the very same place.
  func addOnce(_ problem: Diagnostic) {
    let site = Site(
      id: problem.id, path: problem.span?.source.path, range: problem.span?.range)
    if let position = positions[site] {
      repeats[position, default: 0] += 1
    } else {
      positions[site] = all.count
      all.append(problem)
    }
  }

  /// The result of an action, or nothing after its problem was added.
  func attempt<Value>(_ action: () throws(Diagnostic) -> Value) -> Value? {
    do { return try action() } catch {
      add(error)
      return nil
    }
  }

  /// In the order in which they were found, with the counts of repeats as notes.
  func report() -> [Diagnostic] {
    all.enumerated().map { position, problem in
      guard let count = repeats[position] else { return problem }
      var problem = problem
      problem.notes.append(
        .init("the same holds for \(count) more \(count == 1 ? "instance" : "instances")"))
      return problem
    }
  }
}
