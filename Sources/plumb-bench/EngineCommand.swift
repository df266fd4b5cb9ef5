// `plumb-bench engine`: what the engine itself costs, with stages that do nothing: a chain of 300 beside
// dvc and snakemake, and ten thousand instances of a matrix.

import ArgumentParser
import Foundation
import Glibc

struct EngineCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "engine",
    abstract: "Time runs of stages that do nothing, beside dvc and snakemake.",
    discussion: """
      The peers come from a Python environment that has both: python3 -m venv E; \
      E/bin/pip install dvc snakemake; --peers E/bin. Without it only plumb is timed.
      """)

  @Option(help: ArgumentHelp("The program.", valueName: "path")) var plumb = ".build/release/plumb"
  @Option(help: "Stages of the chain.") var chain = 300
  @Option(help: "Instances of the matrix; 0 leaves it out.") var wide = 10_000
  @Option(help: "Rounds of what is alternated.") var rounds = 7
  @Option(help: ArgumentHelp("Folder with dvc and snakemake.", valueName: "folder"))
  var peers: String?

  mutating func validate() throws {
    if rounds < 1 || chain < 2 { throw ValidationError("--rounds from 1, --chain from 2") }
  }

  func run() throws {
    let bench = try EngineBench(plumb: plumb, peers: peers)
    defer { try? FileManager.default.removeItem(atPath: bench.folder) }
    print(MachineLoad.processor)
    let start = MachineLoad.now()
    let version = try (0..<rounds).map { _ in try bench.time(bench.plumb, ["--version"]).seconds }
    print(Self.line("plumb --version", "%.0f ms", 1000 * median(version)))
    try chained(bench)
    if wide > 0 { try spread(bench) }
    print(MachineLoad.now().since(start).sentence)
  }

  private func chained(_ bench: EngineBench) throws {
    try bench.writeChain(chain)
    let made = try (0..<min(3, rounds)).map { round in
      try bench.run("chain", store: "chain\(round)").seconds
    }
    print(
      Self.line(
        "chain of \(chain), each produced", "%.1f ms",
        1000 * median(made) / Double(chain)))
    if bench.peers != nil {
      for tool in EngineBench.Peer.allCases { _ = try bench.run(tool) }
    }
    var own: [Double] = []
    var others: [EngineBench.Peer: [Double]] = [:]
    for _ in 0..<rounds {
      own.append(try bench.run("chain", store: "chain0").seconds)
      guard bench.peers != nil else { continue }
      for tool in EngineBench.Peer.allCases {
        others[tool, default: []].append(try bench.run(tool).seconds)
      }
    }
    print(Self.line("chain of \(chain), nothing to do", "%.0f ms", 1000 * median(own)))
    for tool in EngineBench.Peer.allCases {
      guard let seconds = others[tool] else { continue }
      let ratios = zip(seconds, own).map { $0 / $1 }
      print(
        Self.line("  \(tool.rawValue)", "%.0f ms", 1000 * median(seconds))
          + String(format: "   %.1f × plumb, median of %d rounds", median(ratios), ratios.count))
    }
  }

  private func spread(_ bench: EngineBench) throws {
    try bench.writeMatrix(wide)
    let made = try bench.run("wide", store: "wide")
    print(
      Self.line("matrix of \(wide), each produced", "%.1f ms", 1000 * made.seconds / Double(wide))
        + String(format: "   peak %d MB", made.peakBytes / 1_000_000))
    let again = try (0..<rounds).map { _ in try bench.run("wide", store: "wide") }
    print(
      Self.line("matrix of \(wide), nothing to do", "%.0f ms", 1000 * median(again.map(\.seconds)))
        + String(format: "   peak %d MB", again.map(\.peakBytes).max()! / 1_000_000))
  }

  private static func line(_ name: String, _ format: String, _ value: Double) -> String {
    let text = String(format: format, value)
    return name.padding(toLength: 38, withPad: " ", startingAt: 0)
      + String(repeating: " ", count: max(0, 10 - text.count)) + text
  }
}

/// The same graph for each tool, in a folder of its own.
private struct EngineBench {
  enum Peer: String, CaseIterable { case dvc, snakemake }

  let folder: String
  let plumb: String
  let peers: String?

  init(plumb: String, peers: String?) throws {
    folder = NSTemporaryDirectory() + "/plumb-bench-engine-" + UUID().uuidString
    self.plumb = URL(fileURLWithPath: plumb).path
    self.peers = peers.map { URL(fileURLWithPath: $0).path }
    try write(
      "stages/step/stage.yaml",
      """
      kind: step
      revision: 1
      summary: Passes on a line.
      command: [sh, step.sh, "$(outputs.out)", "$(parameters.n)"]
      code: [step.sh]
      inputs:
        before: {type: files, list: true, optional: true, summary: What comes before}
      outputs:
        out: {type: files, summary: A line}
      parameters:
        n: {type: integer, default: 0}
      """)
    try write("stages/step/step.sh", "echo $2 > \"$1/out.txt\"\n")
  }

  func write(_ name: String, _ text: String) throws {
    let url = URL(fileURLWithPath: folder + "/" + name)
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url)
  }

  func writeChain(_ count: Int) throws {
    try write(
      "chain.yaml",
      """
      version: 1
      name: chain
      stages:
        first: {uses: step, with: {n: 1000}}
        next:
          uses: step
          matrix: {i: 0..\(count - 2)}
          inputs: {before: ["next[i - 1].out ?? first.out"]}
          with: {n: $(matrix.i)}

      """)
    guard peers != nil else { return }
    var dvc = "stages:\n"
    var snakemake = "rule all:\n    input: \"o\(count - 1)\"\n"
    for index in 0..<count {
      let before = index == 0 ? "source" : "o\(index - 1)"
      let command = "echo \(index) > o\(index)"
      dvc += "  s\(index):\n    cmd: \(command)\n    deps: [\(before)]\n    outs: [o\(index)]\n"
      snakemake +=
        "rule s\(index):\n    input: \"\(before)\"\n    output: \"o\(index)\"\n    shell: \"\(command)\"\n"
    }
    try write("dvc/dvc.yaml", dvc)
    try write("dvc/source", "source\n")
    try write("snakemake/Snakefile", snakemake)
    try write("snakemake/source", "source\n")
    _ = try time(peers! + "/dvc", ["--cd", folder + "/dvc", "init", "--no-scm", "--quiet"])
  }

  func writeMatrix(_ count: Int) throws {
    try write(
      "wide.yaml",
      """
      version: 1
      name: wide
      stages:
        first: {uses: step, with: {n: 1000000}}
        next:
          uses: step
          matrix: {i: 0..\(count - 2)}
          inputs: {before: [first.out]}
          with: {n: $(matrix.i)}

      """)
  }

  func run(_ manifest: String, store: String) throws -> (seconds: Double, peakBytes: Int) {
    try time(
      plumb,
      [
        "run", "\(folder)/\(manifest).yaml", "--store", "\(folder)/\(store)", "--stages",
        folder + "/stages", "--quiet",
      ])
  }

  func run(_ tool: Peer) throws -> (seconds: Double, peakBytes: Int) {
    switch tool {
    case .dvc: try time(peers! + "/dvc", ["--cd", folder + "/dvc", "repro", "--quiet"])
    case .snakemake:
      try time(
        peers! + "/snakemake",
        ["--directory", folder + "/snakemake", "--snakefile", folder + "/snakemake/Snakefile"]
          + ["--cores", "2", "--quiet", "all"])
    }
  }

  func time(_ program: String, _ words: [String]) throws -> (seconds: Double, peakBytes: Int) {
    let began = ContinuousClock.now
    let child = try ChildProcess.run(program, words)
    let seconds = began.duration(to: .now) / .seconds(1)
    guard child.exitStatus == 0 else {
      throw ChildFailure.ended(([program] + words).joined(separator: " "), Int32(child.exitStatus))
    }
    return (seconds, child.peakBytes)
  }
}
