// The results that the store has for a pipeline as its manifest is now.

import ArtifactStore
import Pipelines
import Scheduling

/// Instance index → result, for the instances whose results are there.
struct Results {
  private var results: [Int: ActionResult] = [:]

  init(_ pipeline: Pipeline, store: Store, targets: [Int]?) {
    for decision in Planner.plan(pipeline, store: store, targets: targets) {
      results[decision.instance] = decision.existing
    }
  }

  subscript(instance: Int) -> ActionResult? { results[instance] }
}

enum Selector {
  /// Whether a selector ends in a port: `train.model`, `train[lr=0.1].model`, not `train[lr=0.1]`.
  static func hasPort(_ selector: String) -> Bool {
    let end = selector.lastIndex(of: "]").map { selector.index(after: $0) }
    return selector[(end ?? selector.startIndex)...].contains(".")
  }
}
