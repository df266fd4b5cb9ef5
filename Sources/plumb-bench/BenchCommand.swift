// plumb-bench: how fast this machine computes what Plumb computes. Operations are in
// OperationBenches.swift, whole models in ModelBenches.swift, the clock in Stopwatch.swift.

import ArgumentParser
import CanonicalJSON
import Foundation
import Glibc
import Tensors

@main
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plumb-bench",
    abstract: "Time the operations, a training step and generation.",
    discussion: """
      Each figure is the median of several runs. The share is of the largest matrix product that \
      OpenBLAS reaches here with the same threads.
      """)

  @Option(help: "Threads (default: all processors).") var threads: Int?
  @Option(help: "Runs of each bench.") var runs = 7
  @Option(help: "Only benches whose name holds this text.") var only = ""
  @Flag(help: "As JSON.") var json = false

  mutating func validate() throws {
    if runs < 1 { throw ValidationError("--runs needs a number from 1") }
    if let threads, threads < 1 { throw ValidationError("--threads needs a number from 1") }
  }

  static func main() {
    chooseKernels()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      exit(withError: error)
    }
  }

  /// OpenBLAS reads the variable while it is loaded, so the program starts itself once more with the
  /// kernels that workers get.
  private static func chooseKernels() {
    guard getenv("OPENBLAS_CORETYPE") == nil, let best = BLASInfo.recommendedCore else { return }
    setenv("OPENBLAS_CORETYPE", best, 1)
    setenv("OPENBLAS_NUM_THREADS", "1", 0)
    var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
  }

  func run() throws {
    if let threads { Parallelism.threads = threads }
    let peak = OperationBenches.peak(runs: runs)
    var results = [peak]
    for bench in OperationBenches.all() + ModelBenches.all() where isWanted(bench.name) {
      results.append(bench.measure(runs: runs))
    }
    if json {
      let object = JSONValue.object([
        "kernels": .string(BLASInfo.coreName), "threads": .integer(Parallelism.threads),
        "results": .array(results.map { $0.json(peak: peak) }),
      ])
      print(object.indentedText, terminator: "")
    } else {
      print("\(BLASInfo.coreName) kernels, \(Parallelism.threads) threads, median of \(runs) runs")
      if let warning = BLASInfo.warning { print("warning: \(warning)") }
      print("")
      print(Measurement.heading)
      for result in results { print(result.line(peak: peak)) }
    }
  }

  private func isWanted(_ name: String) -> Bool { only.isEmpty || name.contains(only) }
}
