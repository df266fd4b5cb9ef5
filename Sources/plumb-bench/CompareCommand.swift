// `plumb-bench compare`: the same work here and in the peers, by turns in fresh processes, so that a
// slower hour of the machine meets both; then medians, ratios and the bars of issue 3.

import ArgumentParser
import CanonicalJSON
import Foundation
import Tensors

/// Which kernels PyTorch's products run on where MKL does not choose its fastest by itself.
enum PeerKernels: String, CaseIterable, ExpressibleByArgument { case plain, unlocked }

struct CompareCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "compare",
    abstract: "Alternate with PyTorch and llama.cpp, and print ratios.",
    discussion: """
      The peers need a Python environment: Sources/plumb-bench/peers/setup.sh makes one, \
      peers/README.md says more. Workloads whose files are not named are left out and listed.
      """)

  @OptionGroup var threads: ThreadOptions
  @OptionGroup var files: WorkloadFiles
  @Option(help: "Only workloads whose name holds one of these texts, separated by commas.")
  var only = ""
  @Option(help: "Runs of each side.") var rounds = 3
  @Option(help: "Least seconds that each run measures.") var seconds = 10.0
  @Option(help: ArgumentHelp("Python with PyTorch and llama-cpp-python.", valueName: "program"))
  var python = ".build/peers/bin/python"
  @Option(help: ArgumentHelp("Where the peers' scripts are.", valueName: "folder"))
  var peers = "Sources/plumb-bench/peers"
  @Option(
    help: ArgumentHelp(
      "PyTorch as installed (plain), or MKL made to use its fast kernels on AMD too (unlocked).",
      discussion: "peers/README.md says what this is. llama.cpp does not use MKL.",
      valueName: "kernels"))
  var mkl = PeerKernels.unlocked
  @Option(help: "A variant of the peers other than their default.") var variant: String?
  @Flag(help: "As JSON, with the line of every run.") var json = false

  mutating func validate() throws {
    if rounds < 1 { throw ValidationError("--rounds needs a number from 1") }
  }

  func run() throws {
    threads.apply()
    let wanted = only.split(separator: ",")
    let chosen = Workloads.all.filter { workload in
      wanted.isEmpty || wanted.contains { workload.name.contains($0) }
    }
    guard !chosen.isEmpty else { throw ValidationError("no workload's name holds '\(only)'") }
    var comparisons: [Comparison] = []
    var failures = 0
    for workload in chosen {
      let missing = workload.missing(files)
      guard missing.isEmpty else {
        say("\(workload.name) is left out: --\(missing[0].rawValue) is not given")
        continue
      }
      do {
        comparisons.append(try compare(workload))
      } catch let failure as ChildFailure {
        // One broken workload does not take the others' figures away.
        say("\(workload.name) is left out: \(failure)")
        failures += 1
      }
    }
    guard !comparisons.isEmpty else { throw ExitCode.failure }
    if json {
      print(document(comparisons).indentedText, terminator: "")
    } else {
      for line in table(comparisons) { print(line) }
    }
    if failures > 0 { throw ExitCode.failure }
  }

  private func compare(_ workload: Workload) throws -> Comparison {
    var comparison = Comparison(workload: workload)
    let common = ["--threads", "\(Parallelism.threads)", "--seconds", "\(seconds)"]
    var own = ["model", workload.name] + common
    var other = ["\(peers)/\(workload.script)", workload.name] + common
    for need in workload.needs {
      let path = need.path(files)!
      own += ["--\(need.rawValue)", path]
      other += [need == .encoder ? "--model" : "--\(need.rawValue)", path]
    }
    other += ["--mkl", mkl.rawValue]
    if let variant { other += ["--variant", variant] }
    let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    for round in 1...rounds {
      comparison.plumb.append(try measure(program, own, "\(workload.name) \(round)/\(rounds)"))
      comparison.peer.append(try measure(python, other, "\(workload.name) \(round)/\(rounds)"))
    }
    return comparison
  }

  private func measure(
    _ program: String, _ arguments: [String], _ title: String
  ) throws -> ComparedRun {
    let child = try ChildProcess.run(program, arguments)
    let command = ([program] + arguments).joined(separator: " ")
    guard child.exitStatus == 0 else { throw ChildFailure.ended(command, child.exitStatus) }
    // Libraries may write lines of their own.
    let lines = child.output.split(separator: "\n").compactMap {
      try? JSONValue(parsing: String($0))
    }
    guard let line = lines.last(where: { $0["workload"] != nil }) else {
      throw ChildFailure.noLine(command)
    }
    let run = ComparedRun(line: line, peakBytes: child.peakBytes)
    say(
      "\(title) \(line["side"]?.string ?? "?"): " + String(format: "%.1f", run.speed)
        + String(format: ", %.2f GB", Double(run.peakBytes) * 1e-9)
        + (run.isDisturbed ? ", disturbed: \(run.disturbance)" : ""))
    return run
  }

  private func table(_ comparisons: [Comparison]) -> [String] {
    var lines = [
      MachineLoad.processor, "\(Parallelism.threads) threads, medians of \(rounds) rounds by turns",
      "plumb: " + Comparison.versions(comparisons.flatMap(\.plumb)),
      "peers: " + Comparison.versions(comparisons.flatMap(\.peer)),
    ]
    lines += Comparison.manners(comparisons) + [""]
    lines += aligned([Comparison.heading] + comparisons.map(\.row))
    lines += ["", "speed in tokens per second, of sgemm in GFLOP/s; memory: largest resident set"]
    lines += Comparison.shares(comparisons)
    return lines
  }

  private func document(_ comparisons: [Comparison]) -> JSONValue {
    .object([
      "processor": .string(MachineLoad.processor), "threads": .integer(Parallelism.threads),
      "rounds": .integer(rounds), "mkl": .string(mkl.rawValue),
      "variant": variant.map { .string($0) } ?? .null,
      "comparisons": .array(comparisons.map(\.json)),
    ])
  }

  private func say(_ line: String) {
    FileHandle.standardError.write(Data((line + "\n").utf8))
  }
}
