// `plumb-bench model`: one workload in a process of its own, so that its peak memory is its own, and
// one JSON line about it. The peers' scripts print the same members (peers/measure.py).

import ArgumentParser
import CanonicalJSON
import Foundation
import Tensors

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model",
    abstract: "Run one workload and print a JSON line about it.",
    discussion: "Workloads:\n"
      + Workloads.all.map { "  \($0.name)  \($0.summary)" }.joined(separator: "\n"))

  @Argument(help: "The workload; none for a list.") var workload: String?
  @OptionGroup var threads: ThreadOptions
  @OptionGroup var files: WorkloadFiles
  @Option(help: "Least seconds to measure.") var seconds = 10.0
  @Option(help: "Least repetitions.") var repetitions = 3
  @Flag(help: "Measure the largest product first, for the share of the peak.") var peak = false

  func run() throws {
    threads.apply()
    guard let name = workload else {
      for workload in Workloads.all { print(workload.name + "  " + workload.summary) }
      return
    }
    guard let workload = Workloads.named(name) else {
      throw ValidationError("there is no workload '\(name)'; `plumb-bench model` lists them")
    }
    if let need = workload.missing(files).first {
      throw ValidationError("\(name) needs --\(need.rawValue)")
    }
    let gigaflops = peak ? BLASPeak.measure(runs: 7).gigaflops : nil
    print(try line(workload, peak: gigaflops).canonicalText)
  }

  private func line(_ workload: Workload, peak: Double?) throws -> JSONValue {
    let work = try workload.prepare(files)
    for _ in 0..<work.warmUps { try work.body() }
    var times: [Double] = []
    var processor: [Double] = []
    let start = MachineLoad.now()
    let begin = ContinuousClock.now
    while times.count < repetitions || begin.duration(to: .now) < .seconds(seconds) {
      let watch = Watch()
      try work.body()
      let read = work.counted?() ?? watch.read()
      times.append(read.wall)
      processor.append(read.processor)
    }
    let load = MachineLoad.now().since(start)
    let middle = median(times)
    var members: [(String, JSONValue)] = [
      ("workload", .string(workload.name)), ("side", "plumb"),
      ("threads", .integer(Parallelism.threads)), ("tokens", .integer(work.tokens)),
      ("tokens_per_second", .number(Double(work.tokens) / middle)), ("seconds", .number(middle)),
      ("repetitions", .integer(times.count)),
      ("cpu_seconds", .number(median(processor))),
    ]
    members += load.members
    members.append(("peak_bytes", .integer(MachineLoad.peakBytes)))
    if work.operations > 0 {
      let reached = work.operations / middle * 1e-9
      members.append(("gflops", .number(reached)))
      if let peak { members.append(("share_of_peak", .number(reached / peak))) }
    }
    members += work.more()
    members.append(("versions", .object(["openblas": .string(BLASInfo.coreName)])))
    return .object(JSONObject(members))
  }
}

/// Seconds since it was made: of the wall and of this process' processors.
struct Watch {
  private let wall = ContinuousClock.now
  private let processor = MachineLoad.ownSeconds

  func read() -> (wall: Double, processor: Double) {
    (wall.duration(to: .now) / .seconds(1), MachineLoad.ownSeconds - processor)
  }
}

/// The middle value, or the mean of the two in the middle.
func median(_ values: [Double]) -> Double {
  precondition(!values.isEmpty, "no values have no median")
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count.isMultiple(of: 2)
    ? (sorted[middle - 1] + sorted[middle]) / 2 : sorted[middle]
}
