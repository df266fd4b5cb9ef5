// A second making of the same action against the first: exactly, then by each metric's tolerance.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Pipelines

enum ResultComparison {
  /// Against every other result that was ever made of the same action.
  static func worst(
    _ first: ActionResult, _ others: [ActionResult], definition: StageDefinition, store: Store
  ) -> RunRow.Comparison {
    let all = others.map { compare(first, $0, definition: definition, store: store) }
    if all.isEmpty || all.contains(.differs) { return .differs }
    return all.contains(.withinTolerance) ? .withinTolerance : .identical
  }

  static func compare(
    _ first: ActionResult, _ second: ActionResult, definition: StageDefinition, store: Store
  ) -> RunRow.Comparison {
    var isExact = true
    for port in definition.outputs {
      guard let a = first[port.name], let b = second[port.name] else { return .differs }
      if a == b { continue }
      isExact = false
      guard port.type.name == "metrics", let left = metrics(a, store),
        let right = metrics(b, store),
        agree(left, right)
      else { return .differs }
    }
    return isExact ? .identical : .withinTolerance
  }

  private static func metrics(_ reference: ObjectReference, _ store: Store) -> [JSONValue]? {
    guard let bytes = try? store.bytes(of: reference.digest) else { return nil }
    let value = try? JSONValue(parsing: SourceText(path: "metrics.json", bytes: bytes))
    return value?.array
  }

  /// Same names at the same places, each pair no further apart than the first one's `tolerance`.
  static func agree(_ first: [JSONValue], _ second: [JSONValue]) -> Bool {
    guard first.count == second.count else { return false }
    return zip(first, second).allSatisfy { a, b in
      guard a["name"] == b["name"], a["at"] == b["at"], a["unit"] == b["unit"], a["n"] == b["n"]
      else { return false }
      let tolerance = a["tolerance"]?.double ?? 0
      return ["value", "low", "high"].allSatisfy { name in
        if a[name] == b[name] { return true }
        guard let left = a[name]?.double, let right = b[name]?.double else { return false }
        return abs(left - right) <= tolerance
      }
    }
  }
}
