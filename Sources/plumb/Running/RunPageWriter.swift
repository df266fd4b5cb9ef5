// Writes runs/<id>/report.html: the report artifact, wrapped with where it came from. A report alone
// knows no dates and hosts; the page of a run does.

import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Foundation
import Pipelines
import Reports
import Scheduling

enum RunPageWriter {
  /// Writes the page of a run and gives its path; nil (and a warning) where it cannot be written. A
  /// pipeline with several reports gets one page for each, the last one named `report.html`.
  static func write(_ report: RunReport, pipeline: Pipeline, store: Store) -> String? {
    var pages = self.reports(of: report, pipeline: pipeline, store: store)
    let main = pages.popLast()
    let path = report.folder + "/report.html"
    do {
      for page in pages {
        let name = page.id.replacing("/", with: "_")
        try save(
          RunPage.wrap(
            reportHTML: page.html, run: summary(of: report, pipeline: pipeline, store: store)),
          to: report.folder + "/report-\(name).html")
      }
      try save(
        RunPage.wrap(
          reportHTML: main?.html, run: summary(of: report, pipeline: pipeline, store: store)),
        to: path)
      return path
    } catch {
      var warning = Diagnostic.cannotWrite(path, reason: error.localizedDescription)
      warning.severity = .warning
      Messages.print([warning])
      return nil
    }
  }

  private static func save(_ text: String, to path: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
  }

  /// The report artifacts of a run, in the pipeline's order.
  private static func reports(of report: RunReport, pipeline: Pipeline, store: Store)
    -> [(id: String, html: String)]
  {
    var found: [(String, String)] = []
    for row in report.rows {
      let definition = pipeline.instances[row.instance].definition
      for port in definition.outputs where port.type.name == "report" {
        guard let made = row.outputs.first(where: { $0.port == port.name }),
          case .blob(let digest) = ObjectReference(made.reference),
          let bytes = try? store.bytes(of: digest)
        else { continue }
        found.append((row.id, String(decoding: bytes, as: UTF8.self)))
      }
    }
    return found
  }

  // MARK: Facts

  private static func summary(of report: RunReport, pipeline: Pipeline, store: Store)
    -> Reports.RunSummary
  {
    let manifest = FileManager.default.contents(atPath: pipeline.manifestPath) ?? Data()
    return Reports.RunSummary(
      name: pipeline.name, summary: pipeline.summary, id: report.id,
      started: date(report.started), seconds: report.seconds,
      command: CommandLine.arguments.enumerated().map { index, word in
        index == 0 ? "plumb" : quoted(word)
      }.joined(separator: " "),
      environment: environment(of: report, store: store),
      parameters: pipeline.parameters.map {
        Reports.RunSummary.Fact($0.name, $0.value.description)
      },
      manifestPath: Project.shown(pipeline.manifestPath),
      manifestText: String(decoding: manifest, as: UTF8.self),
      stages: report.rows.map { row in
        Reports.RunSummary.Stage(
          id: row.id, kind: row.kind, outcome: outcome(row.outcome),
          reason: row.reasons.isEmpty ? nil : inOneLine(row.reasons), key: row.key,
          start: row.launched, seconds: row.seconds, peakMemory: row.peakMemory,
          threads: row.threads,
          outputs: row.outputs.map {
            Reports.RunSummary.Output(port: $0.port, reference: $0.reference)
          })
      })
  }

  private static func outcome(_ outcome: RunRow.Outcome) -> Reports.RunSummary.Outcome {
    switch outcome {
    case .produced: .produced
    case .reused: .reused
    case .failed: .failed
    case .skipped, .interrupted, .notStarted, .pending: .skipped
    }
  }

  private static func environment(of report: RunReport, store: Store) -> [Reports.RunSummary.Fact] {
    var facts: [Reports.RunSummary.Fact] = [
      .init("plumb", report.version), .init("engine", String(EngineVersion.current)),
      .init("host", report.host), .init("processor", Machine.processorName),
      .init("threads", String(report.threads)),
    ]
    if let kernels = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"]
      ?? Machine.bestKernels
    {
      facts.append(.init("BLAS kernels of workers", kernels))
    }
    facts.append(.init("store", store.path))
    return facts
  }

  private static func date(_ seconds: Double) -> String {
    var time = time_t(seconds)
    var parts = tm()
    gmtime_r(&time, &parts)
    var text = [CChar](repeating: 0, count: 40)
    let count = strftime(&text, text.count, "%Y-%m-%d %H:%M UTC", &parts)
    return String(decoding: text.prefix(count).map(UInt8.init(bitPattern:)), as: UTF8.self)
  }

  /// A word as a shell would read it back.
  private static func quoted(_ word: String) -> String {
    let plain = word.utf8.allSatisfy { byte in
      Character(Unicode.Scalar(byte)).isLetter || Character(Unicode.Scalar(byte)).isNumber
        || "._-/=:,%+@".utf8.contains(byte)
    }
    return plain && !word.isEmpty ? word : "'" + word.replacing("'", with: "'\\''") + "'"
  }
}
