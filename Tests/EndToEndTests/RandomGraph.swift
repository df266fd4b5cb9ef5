// A random graph of small programs, written for Plumb, make, dvc and snakemake alike, and what must run
// after an edit by the one rule that matters: a step runs if it was never run on these very bytes.

import Foundation

struct RandomGraph {
  struct Node {
    var name: String
    /// Unlike in all nodes, so that no two are one action.
    var parameter: Int
    /// `join` passes on everything, `first` only the first line: what is behind it often does not change.
    var mode: String
    var sources: [Int]
    var nodes: [Int]
  }

  enum Edit: String, CaseIterable {
    case append, head, touch, parameter, revert, script, edge
  }

  private(set) var nodes: [Node] = []
  private(set) var sources: [[String]]
  private(set) var script = 0
  private var random: SplitMix
  /// Sources before each edit of one, for `revert`.
  private var before: [[[String]]] = []

  struct SplitMix: RandomNumberGenerator {
    var state: UInt64
    mutating func next() -> UInt64 {
      state &+= 0x9E37_79B9_7F4A_7C15
      var z = state
      z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
      z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
      return z ^ (z >> 31)
    }
  }

  init(seed: Int) {
    random = SplitMix(state: UInt64(seed))
    sources = (0..<3).map { ["source \($0)", "line"] }
    let count = Int.random(in: 4...10, using: &random)
    for index in 0..<count {
      let known = Array(0..<index).shuffled(using: &random)
      let nodeInputs = Array(known.prefix(Int.random(in: 0...min(2, index), using: &random)))
        .sorted()
      let wanted = Int.random(in: nodeInputs.isEmpty ? 1...2 : 0...1, using: &random)
      let files = Array((0..<3).shuffled(using: &random).prefix(wanted)).sorted()
      nodes.append(
        Node(
          name: "n\(index)", parameter: 100 * index,
          mode: Bool.random(using: &random) ? "join" : "first", sources: files, nodes: nodeInputs))
    }
  }

  /// Changes something; says what, and which source was only touched.
  mutating func edit() -> (edit: Edit, touched: Int?) {
    var kind = Edit.allCases.randomElement(using: &random)!
    if kind == .revert, before.isEmpty { kind = .append }
    let source = Int.random(in: 0..<3, using: &random)
    let node = Int.random(in: 0..<nodes.count, using: &random)
    switch kind {
    case .append:
      before.append(sources)
      sources[source].append("more \(Int.random(in: 0..<1_000_000, using: &random))")
    case .head:
      before.append(sources)
      sources[source][0] = "head \(Int.random(in: 0..<1_000_000, using: &random))"
    case .touch: return (kind, source)
    case .parameter: nodes[node].parameter += 1
    case .revert: sources = before.removeLast()
    case .script: script += 1
    case .edge:
      guard let missing = (0..<3).first(where: { !nodes[node].sources.contains($0) }) else {
        return (.touch, source)
      }
      nodes[node].sources = (nodes[node].sources + [missing]).sorted()
    }
    return (kind, nil)
  }

  // MARK: What must run

  /// Nodes whose program, words and input bytes were never met before; `met` learns them.
  func mustRun(_ met: inout Set<String>) -> Set<String> {
    var output: [String] = []
    var names: Set<String> = []
    for node in nodes {
      let inputs =
        node.sources.map { sources[$0].map { $0 + "\n" }.joined() } + node.nodes.map { output[$0] }
      let key = "\(script) \(node.mode) \(node.parameter) \(inputs)"
      if met.insert(key).inserted { names.insert(node.name) }
      let all = inputs.joined()
      let passed = node.mode == "join" ? all : String(all.prefix { $0 != "\n" }) + "\n"
      output.append("\(node.parameter)\n" + passed)
    }
    return names
  }

  // MARK: The same graph in four languages

  var scriptText: String {
    """
    # \(script)
    mode=$1; parameter=$2; out=$3; name=$4; shift 4
    test -z "$name" || echo "$name" >> ran.log
    collect() { for p in "$@"; do if [ -d "$p" ]; then cat "$p"/*; else cat "$p"; fi; done; }
    if [ -d "$out" ]; then out=$out/out.txt; fi
    { echo "$parameter"; if [ "$mode" = join ]; then collect "$@"; else collect "$@" | head -n 1; fi; } > "$out"
    """ + "\n"
  }

  static let definition = """
    kind: step
    revision: 1
    summary: A step of a random graph.
    command: [sh, step.sh, "$(parameters.mode)", "$(parameters.parameter)", "$(outputs.out)", "", "$(inputs.parts)"]
    code: [step.sh]
    inputs:
      parts: {type: files, list: true, summary: What is read}
    outputs:
      out: {type: files, summary: What is written}
    parameters:
      mode: {type: string, summary: join or first}
      parameter: {type: integer, summary: A number}
    """ + "\n"

  var manifest: String {
    "version: 1\nname: graph\nstages:\n"
      + nodes.map { node in
        let parts =
          node.sources.map { "{file: s\($0).txt}" } + node.nodes.map { "n\($0).out" }
        return "  \(node.name): {uses: step, inputs: {parts: [\(parts.joined(separator: ", "))]}, "
          + "with: {mode: \(node.mode), parameter: \(node.parameter)}}\n"
      }.joined()
  }

  private func inputs(_ node: Node) -> [String] {
    node.sources.map { "s\($0).txt" } + node.nodes.map { "n\($0).out" }
  }

  private func command(_ node: Node) -> String {
    "sh step.sh \(node.mode) \(node.parameter) \(node.name).out \(node.name) "
      + inputs(node).joined(separator: " ")
  }

  var makefile: String {
    "all: " + nodes.map { "\($0.name).out" }.joined(separator: " ") + "\n"
      + nodes.map { node in
        "\(node.name).out: step.sh \(inputs(node).joined(separator: " "))\n\t\(command(node))\n"
      }.joined()
  }

  var dvc: String {
    "stages:\n"
      + nodes.map { node in
        "  \(node.name):\n    cmd: \(command(node))\n    deps: ["
          + (["step.sh"] + inputs(node)).joined(separator: ", ")
          + "]\n    outs: [\(node.name).out]\n"
      }.joined()
  }

  var snakefile: String {
    "rule all:\n    input: " + nodes.map { "\"\($0.name).out\"" }.joined(separator: ", ") + "\n"
      + nodes.map { node in
        "rule \(node.name):\n    input: "
          + (["step.sh"] + inputs(node)).map { "\"\($0)\"" }.joined(separator: ", ")
          + "\n    output: \"\(node.name).out\"\n    params: p=\(node.parameter)\n"
          + "    shell: \"\(command(node).replacing(" \(node.parameter) ", with: " {params.p} "))\"\n"
      }.joined()
  }
}
