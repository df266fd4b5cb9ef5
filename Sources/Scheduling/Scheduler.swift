import ArtifactStore
import Diagnostics
import Pipelines

public final class Scheduler {
  public init(
    pipeline: Pipeline, store: Store, bodies: [any StageBody.Type], options: RunOptions,
    observers: [any RunObserver] = []
  ) {}

  /// Blocks until the run has ended.
  public func run() throws(Diagnostic) -> RunReport { fatalError("to come") }
}
