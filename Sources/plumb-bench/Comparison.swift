// Runs of both sides, their medians and ratios, as a table and as JSON. Pure: nothing runs here.

import CanonicalJSON
import Foundation

/// One run of one side: its JSON line and what the parent saw of its process.
struct ComparedRun {
  let line: JSONValue
  let peakBytes: Int

  /// Part of the machine's processor time that other processes took, or the hypervisor, while the
  /// run measured.
  var lostShare: Double { number("others_share") + number("steal_share") }
  /// Whether the figures are worth little.
  var isDisturbed: Bool { lostShare > MachineLoad.disturbance }

  var disturbance: String {
    String(
      format: "others took %.0f %% of the processors, the hypervisor %.0f %%",
      100 * number("others_share"), 100 * number("steal_share"))
  }

  func number(_ name: String) -> Double { line[name]?.double ?? 0 }

  /// Tokens per second, or GFLOP/s where there are no tokens.
  var speed: Double {
    let tokens = number("tokens_per_second")
    return tokens > 0 ? tokens : number("gflops")
  }

  /// The same per second of processor time: what other processes disturb least.
  var speedPerProcessorSecond: Double {
    let seconds = number("cpu_seconds")
    return seconds > 0 ? speed * number("seconds") / seconds : 0
  }
}

/// One workload on both sides.
struct Comparison {
  let workload: Workload
  /// By turns; as many on one side as on the other.
  var plumb: [ComparedRun] = []
  var peer: [ComparedRun] = []

  var speeds: (plumb: Double, peer: Double) {
    (median(plumb.map(\.speed)), median(peer.map(\.speed)))
  }
  var speedRatio: Double { speeds.plumb / speeds.peer }
  /// Ratios of single rounds, least and greatest.
  var speedRange: ClosedRange<Double> {
    let ratios = zip(plumb, peer).map { $0.speed / $1.speed }
    return ratios.min()!...ratios.max()!
  }
  var processorRatio: Double {
    median(plumb.map(\.speedPerProcessorSecond)) / median(peer.map(\.speedPerProcessorSecond))
  }
  var peaks: (plumb: Double, peer: Double) {
    (median(plumb.map { Double($0.peakBytes) }), median(peer.map { Double($0.peakBytes) }))
  }
  var memoryRatio: Double { peaks.plumb / peaks.peer }
  /// What Plumb reaches, 10⁹ operations per second; nil where they are not counted.
  var gigaflops: Double? {
    let figures = plumb.compactMap { $0.line["gflops"]?.double }
    return figures.isEmpty ? nil : median(figures)
  }
  var disturbedRuns: Int { (plumb + peer).count { $0.isDisturbed } }

  /// What the peer says its products ran on; nil where it does not use MKL.
  var kernels: String? { peer.lazy.compactMap { $0.line["mkl"]?.string }.first }
  /// The peer's variant.
  var variant: String? { peer.lazy.compactMap { $0.line["variant"]?.string }.first }

  /// Whether the bars are reached; nil if there are none.
  var passes: Bool? {
    let speed = workload.speedBar.map { speedRatio >= $0 }
    let memory = workload.memoryBar.map { memoryRatio <= $0 }
    return speed == nil && memory == nil ? nil : speed != false && memory != false
  }

  var json: JSONValue {
    func side(_ runs: [ComparedRun], speed: Double, peak: Double) -> JSONValue {
      .object([
        "speed": .number(speed), "peak_bytes": .number(peak), "runs": .array(runs.map(\.line)),
      ])
    }
    return .object([
      "workload": .string(workload.name),
      "mkl": kernels.map { .string($0) } ?? .null,
      "variant": variant.map { .string($0) } ?? .null,
      "plumb": side(plumb, speed: speeds.plumb, peak: peaks.plumb),
      "peer": side(peer, speed: speeds.peer, peak: peaks.peer),
      "speed_ratio": .number(speedRatio),
      "speed_ratio_range": [.number(speedRange.lowerBound), .number(speedRange.upperBound)],
      "processor_ratio": .number(processorRatio), "memory_ratio": .number(memoryRatio),
      "speed_bar": workload.speedBar.map { .number($0) } ?? .null,
      "memory_bar": workload.memoryBar.map { .number($0) } ?? .null,
      "passes": passes.map { .boolean($0) } ?? .null,
      "disturbed_runs": .integer(disturbedRuns),
    ])
  }

  static let heading = [
    "workload", "plumb", "peer", "ratio", "rounds", "bar", "per CPU s", "plumb GB", "peer GB",
    "ratio", "bar", "",
  ]

  var row: [String] {
    let speeds = speeds
    let peaks = peaks
    func times(_ value: Double) -> String { String(format: "%.2f×", value) }
    let verdict = passes.map { $0 ? "reached" : "MISSED" } ?? ""
    let noise = disturbedRuns > 0 ? "disturbed \(disturbedRuns)/\(plumb.count + peer.count)" : ""
    return [
      workload.name, String(format: "%.1f", speeds.plumb), String(format: "%.1f", speeds.peer),
      times(speedRatio),
      String(format: "%.2f–%.2f", speedRange.lowerBound, speedRange.upperBound),
      workload.speedBar.map { "≥ \(times($0))" } ?? "", times(processorRatio),
      String(format: "%.2f", peaks.plumb * 1e-9), String(format: "%.2f", peaks.peer * 1e-9),
      times(memoryRatio), workload.memoryBar.map { "≤ \(times($0))" } ?? "",
      [verdict, noise].filter { !$0.isEmpty }.joined(separator: ", "),
    ]
  }

  /// Which part of the largest product's speed the counted workloads reach, as sentences; none where
  /// the product was not measured in the same run.
  static func shares(_ comparisons: [Comparison]) -> [String] {
    let product = comparisons.first { $0.workload.name == "sgemm" }
    guard let product, let peak = product.gigaflops else { return [] }
    return comparisons.filter { $0.workload.name != "sgemm" }.compactMap { comparison in
      comparison.gigaflops.map {
        String(
          format: "%@: %.0f GFLOP/s, %.0f %% of the largest product's %.0f",
          comparison.workload.name, $0, 100 * $0 / peak, peak)
      }
    }
  }

  /// How the peers ran, as sentences: PyTorch's kernels, and the variants with their workloads.
  static func manners(_ comparisons: [Comparison]) -> [String] {
    func grouped(_ manner: (Comparison) -> String?) -> [(manner: String, names: [String])] {
      var groups: [(manner: String, names: [String])] = []
      for comparison in comparisons {
        guard let manner = manner(comparison) else { continue }
        if let place = groups.firstIndex(where: { $0.manner == manner }) {
          groups[place].names.append(comparison.workload.name)
        } else {
          groups.append((manner, [comparison.workload.name]))
        }
      }
      return groups
    }
    return grouped(\.kernels).map { "PyTorch's MKL: \($0.manner)" }
      + grouped(\.variant).map { "variant \($0.manner): " + $0.names.joined(separator: ", ") }
  }

  /// What both sides were made of, each fact once.
  static func versions(_ runs: [ComparedRun]) -> String {
    var facts: [String] = []
    for run in runs {
      for (name, value) in run.line["versions"]?.object?.sorted ?? [] {
        let fact = name + " " + (value.string ?? value.canonicalText)
        if !facts.contains(fact) { facts.append(fact) }
      }
    }
    return facts.joined(separator: ", ")
  }
}

/// Lines of cells with columns as wide as their widest cell; all but the first to the right, and the
/// last to the left if it holds remarks.
func aligned(_ rows: [[String]], remarks: Bool = true) -> [String] {
  let columns = rows.map(\.count).max() ?? 0
  let widths = (0..<columns).map { column in
    rows.reduce(0) { max($0, column < $1.count ? $1[column].count : 0) }
  }
  return rows.map { row in
    let cells = row.enumerated().map { column, cell in
      let space = String(repeating: " ", count: widths[column] - cell.count)
      return column == 0 || remarks && column == columns - 1 ? cell + space : space + cell
    }
    return String(cells.joined(separator: "  ").reversed().drop { $0 == " " }.reversed())
  }
}
