// `plumb exec-stage ORDER`: one stage in its own process. Claims the lease, looks once more whether
// there is a result, runs the body, publishes objects and then the result. The scheduler's end is
// WorkerProcess.swift; how inputs and outputs become files is in WorkerFiles.swift.

import ArtifactStore
import CLinux
import CanonicalJSON
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Synchronization

public enum Worker {
  /// Runs one order to its end and returns the exit status: 0 published or found, 1 failed, 2 refused,
  /// 75 the key's lease is held by another, 130 stopped.
  ///
  /// - Parameters:
  ///   - bodies: every native stage kind.
  ///   - describeKernels: the BLAS kernels in use (`openblas_get_corename()`).
  public static func main(
    orderPath: String, bodies: [any StageBody.Type],
    describeKernels: @Sendable () -> String? = { nil }
  ) -> Int32 {
    setKernelsByRestarting()
    signal(SIGPIPE, SIG_IGN)
    plumb_line_buffer_output()
    let environment = ProcessInfo.processInfo.environment
    let events = environment["PLUMB_EVENTS_FD"].flatMap { Int32($0) }
    let lifeline = environment["PLUMB_LIFELINE_FD"].flatMap { Int32($0) }
    // Programs that a body starts have no business with them.
    for descriptor in [events, lifeline] { _ = descriptor.map(plumb_close_on_exec) }
    // On a cluster's node nobody holds the other end of a pipe, and nobody collects the exit status.
    let file = environment["PLUMB_EVENTS_FILE"].map { plumb_open_log($0) } ?? -1
    if events == nil, file >= 0 {
      let reporter = ProgressReporter(descriptor: file, interval: .seconds(1))
      reporter.send(WorkerBeginning(host: Machine.host, pid: getpid()).json)
      let started = ContinuousClock.now
      let status = carryOut(orderPath, bodies, reporter, lifeline, environment, describeKernels)
      reporter.send(lastWord(status, after: started.duration(to: .now)).json)
      return status
    }
    let reporter = ProgressReporter(descriptor: events)
    return carryOut(orderPath, bodies, reporter, lifeline, environment, describeKernels)
  }

  private static func lastWord(_ status: Int32, after spent: Duration) -> WorkerExit {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return WorkerExit(
      status: status,
      seconds: Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18,
      cpuSeconds: Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
        + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6,
      peakMemory: Machine.peakMemory(of: getpid()) ?? 0)
  }

  private static func carryOut(
    _ orderPath: String, _ bodies: [any StageBody.Type], _ reporter: ProgressReporter,
    _ lifeline: Int32?, _ environment: [String: String],
    _ describeKernels: @Sendable () -> String?
  ) -> Int32 {
    let stop = StopFlag()
    do {
      let order = try WorkerOrder(readingFrom: orderPath)
      let watch = StopWatch(stop, lifeline: lifeline, grace: order.grace)
      let work = StageWork(
        order: order, bodies: bodies, kernels: describeKernels(), reporter: reporter, stop: stop,
        threads: environment["PLUMB_THREADS"].flatMap { Int($0) } ?? Machine.processors,
        checkpointSeconds: environment["PLUMB_CHECKPOINT_SECONDS"].flatMap { Double($0) } ?? 60)
      guard let statement = try work.run() else { return WorkerStatus.busy }
      withExtendedLifetime(watch) { reporter.send(statement.json) }
      return 0
    } catch {
      if error.id == Diagnostic.interrupted.id {
        reporter.log("stopped")
        return WorkerStatus.interrupted
      }
      let problem = WorkerProblem(error)
      reporter.log(problem.text(of: error))
      reporter.send(problem.json)
      return error.id.hasPrefix("order-") ? WorkerStatus.refused : WorkerStatus.failed
    }
  }

  /// A worker that was started by hand has no kernels chosen for it; OpenBLAS reads the variable while
  /// it is loaded, so the program starts itself once more.
  private static func setKernelsByRestarting() {
    guard getenv("OPENBLAS_CORETYPE") == nil, getenv("PLUMB_RESTARTED") == nil,
      let best = Machine.bestKernels
    else { return }
    setenv("OPENBLAS_CORETYPE", best, 1)
    setenv("OPENBLAS_NUM_THREADS", "1", 0)
    setenv("PLUMB_RESTARTED", "1", 1)
    withCStrings(CommandLine.arguments) { _ = execv("/proc/self/exe", $0) }
  }
}

/// Turns TERM and a closed lifeline into the stop flag, and ends a body that does not listen.
///
/// A closed lifeline means that the scheduler is gone. The body gets the same grace as on TERM, so that
/// it may save its checkpoint or finish publishing; then the process just ends. That is safe at any
/// point: nothing half is visible before the result is linked.
private final class StopWatch {
  private let term: any DispatchSourceSignal

  init(_ stop: StopFlag, lifeline: Int32?, grace: Double) {
    signal(SIGTERM, SIG_IGN)
    signal(SIGINT, SIG_IGN)
    let queue = DispatchQueue(label: "plumb.worker.stop", qos: .userInitiated)
    term = DispatchSource.makeSignalSource(signal: SIGTERM, queue: queue)
    term.setEventHandler { stop.set() }
    term.activate()
    guard let lifeline else { return }
    // A thread of its own: it must notice even when the body fills every Dispatch thread.
    let thread = Thread {
      var byte: UInt8 = 0
      while true {
        let count = read(lifeline, &byte, 1)
        if count > 0 || (count < 0 && errno == EINTR) { continue }
        break
      }
      stop.set()
      usleep(UInt32(min(grace, 600) * 1_000_000))
      _exit(WorkerStatus.orphaned)
    }
    thread.stackSize = 256 << 10
    thread.start()
  }
}
