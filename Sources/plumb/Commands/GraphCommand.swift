// plumb graph: who reads from whom, as text or for drawing programs.

import ArgumentParser
import Pipelines

struct GraphCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "graph", abstract: "Print the graph of stages, or of their instances.",
    discussion: "Draw it with: plumb graph --format dot | dot -Tsvg > graph.svg")

  @OptionGroup var manifest: ManifestOptions

  @Option(help: "\(PipelineGraph.Format.allCases.map(\.rawValue).joined(separator: ", ")).")
  var format: PipelineGraph.Format = .text

  @Flag(help: "One node for each instance instead of each stage.")
  var instances = false

  func run() throws {
    let session = try Session(manifest)
    var output = Output()
    let text = PipelineGraph.text(session.pipeline, format: format, instances: instances)
    output.raw(text.hasSuffix("\n") ? text : text + "\n")
    output.write()
  }
}

extension PipelineGraph.Format: ExpressibleByArgument {}
