// `plumb-bench ops`: every operation by itself, as GFLOP/s and share of the measured peak of BLAS, or
// as GB/s where memory is what counts.

import ArgumentParser
import CanonicalJSON
import Tensors

struct OperationsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ops",
    abstract: "Time the operations one by one.",
    discussion: """
      Each figure is the median of several runs. The share is of the largest matrix product that \
      OpenBLAS reaches here with the same threads.
      """)

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var files: OperationFiles
  @Option(help: "Runs of each bench.") var runs = 7
  @Option(help: "Only benches whose name holds this text.") var only = ""
  @Flag(help: "As JSON.") var json = false

  mutating func validate() throws {
    if runs < 1 { throw ValidationError("--runs needs a number from 1") }
  }

  func run() throws {
    threads.apply()
    let before = MachineLoad.now()
    let peak = BLASPeak.measure(runs: runs)
    var results = [peak]
    for group in try OperationBenches.groups(files) {
      for bench in try group() where only.isEmpty || bench.name.contains(only) {
        results.append(bench.measure(runs: runs))
      }
    }
    let load = MachineLoad.now().since(before)
    if json {
      let object = JSONValue.object([
        "processor": .string(MachineLoad.processor), "kernels": .string(BLASInfo.coreName),
        "threads": .integer(Parallelism.threads), "load": load.json,
        "results": .array(results.map { $0.json(peak: peak) }),
      ])
      print(object.indentedText, terminator: "")
      return
    }
    print(MachineLoad.processor)
    print("\(BLASInfo.coreName) kernels, \(Parallelism.threads) threads, median of \(runs) runs")
    if let warning = BLASInfo.warning { print("warning: \(warning)") }
    if load.isDisturbed { print("warning: \(load.sentence)") }
    print("")
    let rows = [Measurement.heading] + results.map { $0.row(peak: peak) }
    for line in aligned(rows, remarks: false) { print(line) }
  }
}
