// The results that the store has for a pipeline as its manifest is now.

import ArgumentParser
import ArtifactStore
import Diagnostics
import Pipelines
import RunHistory
import Scheduling

/// Instance index → result, for the instances whose results are there.
struct Results {
  private var results: [Int: ActionResult] = [:]

  init(_ pipeline: Pipeline, store: Store, targets: [Int]?) {
    for decision in Planner.plan(pipeline, store: store, targets: targets) {
      results[decision.instance] = decision.existing
    }
  }

  /// What a recorded run had, for instances that the manifest still has.
  init(_ pipeline: Pipeline, store: Store, run: String) throws(Diagnostic) {
    let report = try RunShelf(store, pipeline: pipeline.name).find(run)
    let rows = Dictionary(report.rows.map { ($0.id, $0) }, uniquingKeysWith: { first, _ in first })
    for instance in pipeline.instances {
      guard let row = rows[instance.id.description],
        let key = row.key.flatMap(Digest.init(hex:)), !row.outputs.isEmpty
      else { continue }
      // Where the same action gave other bytes later, those of the run are meant.
      let all = [store.lookUp(key).result].compactMap { $0 } + store.evidence(of: key)
      results[instance.index] = all.first { result in
        row.outputs.allSatisfy { result[$0.port]?.description == $0.reference }
      }
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

extension LookUp {
  /// Also one whose objects are gone.
  fileprivate var result: ActionResult? {
    switch self {
    case .hit(let result): result
    case .damaged(let result, _): result
    case .miss: nil
    }
  }
}

/// Results of a recorded run instead of those of the manifest as it is now.
struct RunOption: ParsableArguments {
  @Option(
    name: .customLong("run"),
    help: ArgumentHelp(
      "What this run had: latest, latest~1, a date, part of an id.", valueName: "run"))
  var name: String?

  func results(_ pipeline: Pipeline, store: Store, targets: [Int]?) throws(Diagnostic) -> Results {
    guard let name else { return Results(pipeline, store: store, targets: targets) }
    return try Results(pipeline, store: store, run: name)
  }
}
