// Causes of many instances in few lines: what differs in the same way in several instances of a stage is
// one group.

import Diagnostics

extension RunComparison {
  /// One cause and the instances of a stage that have it.
  public struct CauseGroup: Sendable {
    public let stage: String
    public let cause: RunCause
    /// In the order of the second run.
    public internal(set) var ids: [String]
  }

  /// Causes of everything that differs among the chosen instances, in the order of the second run.
  public func groups() -> [CauseGroup] {
    let differing = pairs.filter { $0.state == .changed || $0.state == .evidence }
    var groups: [CauseGroup] = []
    var places: [GroupName: Int] = [:]
    for root in roots(of: differing.map(\.id)) {
      let stage = new.row(root.id)?.stage ?? root.id
      for cause in root.causes {
        let name = GroupName(stage: stage, text: cause.text)
        if let place = places[name] {
          groups[place].ids.append(root.id)
        } else {
          places[name] = groups.count
          groups.append(CauseGroup(stage: stage, cause: cause, ids: [root.id]))
        }
      }
    }
    return groups
  }

  private struct GroupName: Hashable {
    let stage: String
    let text: String
  }

  /// The first cause in a few words, for a line of a table; nil where the instance did not differ.
  public func inShort(_ id: String) -> String? {
    guard let pair = pair(id) else { return nil }
    switch pair.state {
    case .same: return nil
    case .ended: return "the same action"
    case .undecided: return "not decided"
    case .onlyOld: return "gone"
    case .onlyNew: return "new"
    case .changed, .evidence: break
    }
    let roots = roots(of: [id])
    guard let first = roots.first, let cause = first.causes.first else { return "changed" }
    let count = roots.reduce(0) { $0 + $1.causes.count }
    var text = first.id == id ? cause.text : "\(first.id): \(cause.text)"
    if count > 1 { text += "; and \(count - 1) more" }
    return text
  }
}
