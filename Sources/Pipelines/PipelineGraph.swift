// The pipeline as a picture: stages or instances and what flows between them.

/// Draws pipelines as Graphviz, Mermaid or plain text.
public enum PipelineGraph {
  public enum Format: String, Sendable, CaseIterable { case dot, mermaid, text }

  /// - Parameter instances: one node for each instance instead of one for each stage.
  public static func text(_ pipeline: Pipeline, format: Format, instances: Bool = false) -> String {
    let graph = instances ? instanceGraph(pipeline) : stageGraph(pipeline)
    switch format {
    case .dot: return dot(graph, name: pipeline.name)
    case .mermaid: return mermaid(graph)
    case .text: return plain(graph)
    }
  }

  private struct Graph {
    var nodes: [(label: String, detail: String)]
    /// From a producer's port to a consumer's port, each once, in order of the consumers.
    var edges: [(from: Int, port: String, to: Int, input: String)]
    /// Outside files by name, and who reads them.
    var files: [(shown: String, to: Int, input: String)]
  }

  private static func instanceGraph(_ pipeline: Pipeline) -> Graph {
    var graph = Graph(nodes: [], edges: [], files: [])
    for instance in pipeline.instances {
      graph.nodes.append((instance.id.description, instance.definition.kind))
      connect(instance, to: instance.index, in: &graph) { $0 }
    }
    return graph
  }

  private static func stageGraph(_ pipeline: Pipeline) -> Graph {
    var graph = Graph(nodes: [], edges: [], files: [])
    var stageOf = Array(repeating: 0, count: pipeline.instances.count)
    for (index, stage) in pipeline.stages.enumerated() {
      let members = pipeline.instances(of: stage)
      for member in members { stageOf[member] = index }
      let kind = members.first.map { pipeline.instances[$0].definition.kind } ?? ""
      graph.nodes.append((stage, members.count > 1 ? "\(kind) × \(members.count)" : kind))
    }
    for (index, stage) in pipeline.stages.enumerated() {
      for member in pipeline.instances(of: stage) {
        connect(pipeline.instances[member], to: index, in: &graph) { stageOf[$0] }
      }
    }
    var seenEdges: Set<String> = []
    graph.edges.removeAll {
      !seenEdges.insert("\($0.from) \($0.port) \($0.to) \($0.input)").inserted
    }
    var seenFiles: Set<String> = []
    graph.files.removeAll { !seenFiles.insert("\($0.to) \($0.input) \($0.shown)").inserted }
    return graph
  }

  private static func connect(
    _ instance: Instance, to node: Int, in graph: inout Graph, nodeOf: (Int) -> Int
  ) {
    for binding in instance.inputs {
      for item in binding.items {
        switch item.source {
        case .output(let producer, let port):
          graph.edges.append((nodeOf(producer), port, node, binding.port.name))
        case .file(_, let shown, _):
          graph.files.append((shown, node, binding.port.name))
        }
      }
    }
  }

  /// `model`, or `corpus → real` where the two ports are called differently.
  private static func label(_ port: String, _ input: String) -> String {
    port == input ? port : "\(port) → \(input)"
  }

  private static func dot(_ graph: Graph, name: String) -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"") + "\""
    }
    var out =
      "digraph \(quoted(name)) {\n  rankdir=LR;\n  node [shape=box, fontname=\"sans-serif\"];\n"
    for (index, node) in graph.nodes.enumerated() {
      // `\n` is Graphviz's line break inside a label.
      let text = quoted(node.label).dropLast() + "\\n" + quoted(node.detail).dropFirst()
      out += "  n\(index) [label=\(text)];\n"
    }
    for (index, file) in graph.files.enumerated() {
      out += "  f\(index) [shape=note, label=\(quoted(file.shown))];\n"
      out += "  f\(index) -> n\(file.to) [label=\(quoted(file.input))];\n"
    }
    for edge in graph.edges {
      out += "  n\(edge.from) -> n\(edge.to) [label=\(quoted(label(edge.port, edge.input)))];\n"
    }
    return out + "}\n"
  }

  private static func mermaid(_ graph: Graph) -> String {
    func quoted(_ text: String) -> String {
      "\"" + text.replacing("\"", with: "#quot;").replacing("<", with: "#lt;") + "\""
    }
    var out = "flowchart LR\n"
    for (index, node) in graph.nodes.enumerated() {
      out += "  n\(index)[\(quoted("\(node.label) · \(node.detail)"))]\n"
    }
    for (index, file) in graph.files.enumerated() {
      out += "  f\(index)[/\(quoted(file.shown))/] -->|\(quoted(file.input))| n\(file.to)\n"
    }
    for edge in graph.edges {
      out += "  n\(edge.from) -->|\(quoted(label(edge.port, edge.input)))| n\(edge.to)\n"
    }
    return out
  }

  /// One paragraph for each node: what it is, then where its inputs come from.
  private static func plain(_ graph: Graph) -> String {
    var incoming = graph.nodes.map { _ in [String]() }
    for file in graph.files { incoming[file.to].append("\(file.input) ← file \(file.shown)") }
    for edge in graph.edges {
      incoming[edge.to].append("\(edge.input) ← \(graph.nodes[edge.from].label).\(edge.port)")
    }
    var out = ""
    for (index, node) in graph.nodes.enumerated() {
      out += "\(node.label) (\(node.detail))\n"
      for line in incoming[index] { out += "  \(line)\n" }
    }
    return out
  }
}
