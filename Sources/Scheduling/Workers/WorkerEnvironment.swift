// The environment of a worker: what must be set before its libraries are loaded.

import Foundation

enum WorkerEnvironment {
  /// The inherited variables with the worker's own.
  ///
  /// An OPENBLAS_CORETYPE that the user set wins. Locale and time zone are fixed, so that programs a
  /// body starts (gnuplot) write the same bytes everywhere.
  static func variables(
    inherited: [String: String], program: RunOptions.WorkerProgram, threads: Int
  ) -> [String: String] {
    var variables = inherited
    if variables["OPENBLAS_CORETYPE"] == nil, let best = Machine.bestKernels {
      variables["OPENBLAS_CORETYPE"] = best
    }
    variables["OPENBLAS_NUM_THREADS"] = "1"
    variables["OMP_NUM_THREADS"] = "1"
    variables["PLUMB_THREADS"] = String(threads)
    variables["PLUMB_EVENTS_FD"] = String(WorkerProcess.eventsDescriptor)
    variables["PLUMB_LIFELINE_FD"] = String(WorkerProcess.lifelineDescriptor)
    variables["LC_ALL"] = "C.UTF-8"
    variables["TZ"] = "UTC"
    for (name, value) in program.environment { variables[name] = value }
    return variables
  }
}
