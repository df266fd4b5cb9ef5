// plumb check: everything that can be wrong in a manifest, without running anything.

import ArgumentParser
import CanonicalJSON
import Console
import Diagnostics

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Check a manifest: names, types, ranges, references, cycles.",
    discussion: """
      Parameters that are still to be given and outside files that are not there are named, but \
      the check passes: only run refuses.
      """)

  @OptionGroup var manifest: ManifestOptions

  func run() throws {
    let session = try Session(manifest)
    let pipeline = session.pipeline
    _ = try session.targets()
    let open = (pipeline.unset + pipeline.missingFiles()).map { problem in
      var remark = problem
      remark.severity = .warning
      return remark
    }
    Messages.print(open)
    var output = Output()
    let stages = "\(pipeline.stages.count) \(pipeline.stages.count == 1 ? "stage" : "stages")"
    let instances =
      "\(pipeline.instances.count) \(pipeline.instances.count == 1 ? "instance" : "instances")"
    let rest =
      open.isEmpty
      ? "no problems" : "no errors, \(open.count) still to be given before it can run"
    output.line("\(session.project.manifest!): \(stages), \(instances), \(rest)")
    output.write()
  }
}
