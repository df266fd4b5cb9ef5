// The program that SchedulingTests starts for real: `exec-stage ORDER` carries out orders with the
// bodies of TestBodies.swift, `run MANIFEST STORE CATALOG` is a whole scheduler in its own process.
// Never installed.

import ArtifactStore
import Diagnostics
import Foundation
import Pipelines
import Scheduling

let arguments = CommandLine.arguments

switch arguments.dropFirst().first {
case "exec-stage" where arguments.count == 3:
  exit(Worker.main(orderPath: arguments[2], bodies: testBodies))
case "run" where arguments.count == 5:
  let (catalog, faults) = StageCatalog.load(folders: [arguments[4]])
  let (pipeline, problems) = PipelineResolver.resolve(
    manifestAt: arguments[2], catalog: catalog, overrides: ManifestOverrides(workingFolder: "/"))
  guard let pipeline, faults.isEmpty else {
    print(DiagnosticPrinter().text(of: faults + problems))
    exit(2)
  }
  do {
    var options = RunOptions()
    options.grace = 1
    if ProcessInfo.processInfo.environment["TEST_SLURM"] != nil {
      var slurm = RunOptions.SlurmOptions()
      slurm.shortestPause = 0.2
      slurm.longestPause = 0.4
      slurm.patience = 1
      slurm.settling = 1
      options.executor = .slurm(slurm)
      options.worker.path = Bundle.main.executablePath!
    }
    // A program around each worker, such as one that injects faults.
    if let wrapper = ProcessInfo.processInfo.environment["TEST_WORKER_WRAPPER"] {
      options.worker.path = wrapper
      options.worker.arguments = [Bundle.main.executablePath!, "exec-stage"]
    }
    let report = try Scheduler(
      pipeline: pipeline, store: Store(at: arguments[3]), bodies: testBodies, options: options
    ).run()
    print("produced \(report.produced) reused \(report.reused) failed \(report.failed)")
    exit(report.exitCode)
  } catch {
    print(error)
    exit(1)
  }
default:
  print("usage: scheduling-test-worker exec-stage ORDER | run MANIFEST STORE CATALOG")
  exit(2)
}
