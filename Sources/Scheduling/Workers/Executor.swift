// What carries out orders: processes of this machine (LocalExecutor.swift) or jobs of a cluster
// (SlurmExecutor.swift). The scheduler knows no difference; it decides, and the store says what succeeded.

import ArtifactStore
import Diagnostics
import Pipelines

/// An order that may be carried out now.
struct Assignment {
  var instance: Instance
  var key: Digest
  /// Path of the order's file.
  var order: String
  /// Path of the log, which may exist from an earlier attempt.
  var log: String
  var threads: Int
  /// It is to be made although the store has a result.
  var again: Bool

  var index: Int { instance.index }
}

/// Everything happens on the scheduler's queue; calls return at once.
protocol Executor: AnyObject {
  /// Seconds for which a result that a worker has published may stay unseen on this machine.
  var resultDelay: Double { get }

  /// How it ends is told to the listener, later.
  func start(_ assignment: Assignment) throws(Diagnostic)

  /// Ends it: gently, so that it may save what it has, or at once.
  func stop(_ index: Int, gently: Bool)

  /// Ends it if it has not begun yet; what has begun goes on.
  func recall(_ index: Int)

  /// The run is over: nothing is carried out any more.
  func finish()
}

/// The scheduler's ears.
protocol ExecutorListener: AnyObject {
  /// It waits in somebody's queue. Adopted: an earlier run submitted it.
  func submitted(_ index: Int, job: String, isAdopted: Bool)
  /// A worker runs. Its log may lie in the folder of the run that submitted it.
  func began(_ index: Int, pid: Int32, job: String?, log: String)
  func said(_ index: Int, _ message: WorkerMessage)
  /// The last that is said of it.
  func ended(_ index: Int, _ ending: WorkerEnding)
  func warned(_ problem: Diagnostic)
}
