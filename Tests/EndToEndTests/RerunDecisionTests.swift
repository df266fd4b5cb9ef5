// What runs again after an edit, in random graphs: by the rule, by Plumb, by make, dvc and snakemake. The suite
// tries a few graphs against make; `make decisions` tries 200 with all of them: PLUMB_PEERS names a Python with
// dvc and snakemake.

import Foundation
import Testing

@Suite(.serialized) struct RerunDecisionTests {
  private static let settings = ProcessInfo.processInfo.environment

  @Test func plumbRunsWhatMustRunAndPeersDifferAsExpected() throws {
    let graphs = Self.settings["PLUMB_GRAPHS"].flatMap(Int.init) ?? 3
    var tally = Tally()
    let peers = try Self.settings["PLUMB_PEERS"].map { try PeerDriver(python: $0) }
    let hasMake = FileManager.default.isExecutableFile(atPath: "/usr/bin/make")
    for seed in 1...graphs {
      try Self.compare(seed: seed, peers: peers, hasMake: hasMake, into: &tally)
    }
    #expect(tally.edits > 0)
    if graphs > 3 { print(tally.text) }
    #expect(tally.surprises == [])
  }

  private static func compare(
    seed: Int, peers: PeerDriver?, hasMake: Bool, into tally: inout Tally
  ) throws {
    var graph = RandomGraph(seed: seed)
    let work = try Workspace()
    let tools = (hasMake ? ["make"] : []) + (peers == nil ? [] : ["dvc", "snakemake"])
    for tool in tools {
      try FileManager.default.createDirectory(
        atPath: work.path(tool), withIntermediateDirectories: true)
    }
    if let peers { try peers.run("dvc-init", in: work.path("dvc")) }
    var met: Set<String> = []
    var steps: [(RandomGraph.Edit?, Int?)] = [(nil, nil), (.touch, nil)]
    for step in 0..<4 {
      if step >= 2 {
        let (edit, touched) = graph.edit()
        steps.append((edit, touched))
      }
      let (edit, touched) = steps[step]
      // Clocks of file systems tick in milliseconds; make and snakemake live by them.
      usleep(20_000)
      try write(graph, into: work, tools: tools, touched: touched)
      let expected = graph.mustRun(&met)
      let label = "graph \(seed), step \(step) (\(edit?.rawValue ?? "first"))"

      let finished = try work.plumb(["run", "graph.yaml"], seconds: 120)
      #expect(finished.code == 0, "\(label): \(finished.errors)")
      let ran = Set(finished.instances("produced"))
      #expect(ran == expected, "\(label): plumb ran \(ran.sorted()), not \(expected.sorted())")

      for tool in tools {
        let folder = work.path(tool)
        try? FileManager.default.removeItem(atPath: folder + "/ran.log")
        if tool == "make" {
          let made = try work.shell("make -C make -s", seconds: 60)
          #expect(made.code == 0, "\(label): \(made.errors)")
        } else {
          let code = try peers!.run(tool, in: folder)
          #expect(
            code == 0,
            "\(label): \(tool) ended with \(code): \(work.read(tool + "/peer.log").suffix(800))")
        }
        let log = work.read(tool + "/ran.log").split(separator: "\n").map(String.init)
        // A node without a twin runs once at most; a step that only touches nothing is a run without an edit.
        let what = step == 1 ? "nothing" : edit?.rawValue ?? "first run"
        tally.add(tool, what, ran: Set(log), expected: expected)
        if step == 1 { #expect(log.isEmpty, "\(label): \(tool) ran \(log)") }
      }
      if step > 1 { tally.edits += 1 }
    }
  }

  private static func write(
    _ graph: RandomGraph, into work: Workspace, tools: [String], touched: Int?
  ) throws {
    // What has not changed keeps its time.
    func put(_ text: String, _ name: String) throws {
      if work.read(name) != text || name.hasSuffix("/s\(touched ?? -1).txt") {
        try work.write(text, to: name)
      }
    }
    for folder in ["."] + tools {
      for (index, lines) in graph.sources.enumerated() {
        try put(lines.map { $0 + "\n" }.joined(), "\(folder)/s\(index).txt")
      }
    }
    try put(RandomGraph.definition, "stages/step/stage.yaml")
    try put(graph.scriptText, "stages/step/step.sh")
    try put(graph.manifest, "graph.yaml")
    for tool in tools { try put(graph.scriptText, tool + "/step.sh") }
    try put(graph.makefile, "make/Makefile")
    if tools.contains("dvc") { try put(graph.dvc, "dvc/dvc.yaml") }
    if tools.contains("snakemake") { try put(graph.snakefile, "snakemake/Snakefile") }
  }
}

/// How often a tool ran the same set, more, less, or something else, for each kind of edit.
private struct Tally {
  var edits = 0
  private var rows: [String: [Int]] = [:]

  mutating func add(_ tool: String, _ edit: String, ran: Set<String>, expected: Set<String>) {
    let column =
      ran == expected ? 0 : ran.isSuperset(of: expected) ? 1 : ran.isSubset(of: expected) ? 2 : 3
    rows["\(tool) \(edit)", default: [0, 0, 0, 0]][column] += 1
  }

  /// What a tool may do after an edit other than run the same set; why stands in Scheduling.md.
  private static let expected: [String: Set<Int>] = [
    // By time stamps: what did not change in the end runs all the same, a new command or input that is
    // old does not, what was met before runs again.
    "make append": [1], "make head": [1], "make touch": [1], "make revert": [1],
    "make parameter": [2], "make edge": [1, 2, 3],
    // Sees changed commands and (of small files) contents, but has no early end and no cache.
    "snakemake append": [1], "snakemake head": [1], "snakemake parameter": [1],
    "snakemake edge": [1], "snakemake revert": [1],
  ]

  /// Differences that nobody has explained.
  var surprises: [String] {
    rows.sorted { $0.key < $1.key }.filter { row, counts in
      counts.indices.contains { column in
        column > 0 && counts[column] > 0 && Self.expected[row]?.contains(column) != true
      }
    }.map { "\($0.key): \($0.value)" }
  }

  var text: String {
    "tool and edit: same set as Plumb, more, fewer, other (\(edits) edits)\n"
      + rows.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)\n" }.joined()
  }
}

/// The Python that runs dvc and snakemake.
private final class PeerDriver {
  private let process = Process()
  private let input = Pipe()
  private let output = Pipe()

  init(python: String) throws {
    process.executableURL = URL(fileURLWithPath: python)
    process.arguments = [Built.project + "/Tests/EndToEndTests/peers/peers.py"]
    process.standardInput = input
    process.standardOutput = output
    try process.run()
  }

  deinit { try? input.fileHandleForWriting.close() }

  @discardableResult
  func run(_ tool: String, in folder: String) throws -> Int {
    let request = "{\"tool\": \"\(tool)\", \"folder\": \"\(folder)\"}\n"
    try input.fileHandleForWriting.write(contentsOf: Data(request.utf8))
    var line = ""
    while let byte = try output.fileHandleForReading.read(upToCount: 1), byte != Data([10]) {
      line += String(decoding: byte, as: UTF8.self)
    }
    return Int(line) ?? -1
  }
}
