// plumb doctor: is this machine fit, is this folder fit for a store? Everything that is claimed is
// tried out. The trials of the folder are in StoreTrials.swift.

import ArgumentParser
import CanonicalJSON
import Console
import Diagnostics
import Foundation
import Glibc
import Scheduling
import Tensors

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Examine libraries, processor, and the store's folder by trying them out.",
    discussion: "Ends with exit code 1 if something will not work.")

  @Argument(help: "A manifest, to find the store of its project.") var manifest: String?
  @Flag(help: "As JSON.") var json = false
  /// Asked by ourselves, of a copy of ourselves that has the environment of a worker.
  @Flag(help: .hidden) var printKernels = false
  /// Asked by ourselves: a second process that wants the key that this one holds.
  @Option(help: .hidden) var claimIn: String?
  @OptionGroup var places: PlaceOptions

  func run() throws {
    if let claimIn { return try StoreTrials.claim(in: claimIn) }
    if printKernels {
      Terminal.output().write(BLASInfo.coreName + "\n")
      return
    }
    let project =
      try manifest.map { try Project.withManifest($0) } ?? Project.withoutManifest()
    let findings =
      machine() + libraries() + [kernels()] + programs() + stages(project)
      + StoreTrials.findings(store: project.storePath(given: places.store))
    var output = Output()
    if json {
      output.raw(JSONValue.array(findings.map(\.json)).indentedText)
    } else {
      for finding in findings { output.line(finding.line(output.style)) }
    }
    output.write()
    if findings.contains(where: { $0.level == .bad }) { throw Ending(code: 1) }
  }

  private func machine() -> [Finding] {
    let memory = Machine.availableMemory
    return [
      Finding(
        .good, "processor",
        "\(Machine.processorName), \(Machine.processors) for this process"),
      Finding(
        memory < 1 << 30 ? .poor : .good, "memory", "\(Figures.bytes(memory)) to be had"),
    ]
  }

  /// Versions, asked of the libraries that are loaded.
  private func libraries() -> [Finding] {
    [("libyaml", "yaml_get_version_string"), ("OpenBLAS", "openblas_get_config")].map {
      name, question in
      typealias Answer = @convention(c) () -> UnsafePointer<CChar>?
      guard let symbol = dlsym(nil, question),
        let answer = unsafeBitCast(symbol, to: Answer.self)()
      else { return Finding(.poor, name, "does not say its version") }
      return Finding(.good, name, String(cString: answer))
    }
  }

  /// The kernels that a worker really gets.
  private func kernels() -> Finding {
    let set = ProcessInfo.processInfo.environment["OPENBLAS_CORETYPE"]
    let best = Machine.bestKernels
    var environment = "OPENBLAS_NUM_THREADS=1 "
    if let kernels = set ?? best { environment += "OPENBLAS_CORETYPE='\(kernels)' " }
    let program = Project.executable.replacing("'", with: "'\\''")
    let used = Shell.firstLine("\(environment)'\(program)' doctor --print-kernels") ?? "unknown"
    let chosen = set.map { "OPENBLAS_CORETYPE=\($0) is set" } ?? "chosen for this processor"
    let own = BLASInfo.coreName == used ? "" : "; without that OpenBLAS takes \(BLASInfo.coreName)"
    guard let best, used.lowercased() != best.lowercased() else {
      return Finding(.good, "BLAS kernels", "\(used), \(chosen)\(own)")
    }
    return Finding(
      .poor, "BLAS kernels", "\(used), but this processor offers \(best) (\(chosen))",
      help: set == nil ? "install a newer libopenblas" : "unset OPENBLAS_CORETYPE")
  }

  private func programs() -> [Finding] {
    guard let version = Shell.firstLine("gnuplot --version 2>/dev/null") else {
      return [
        Finding(
          .bad, "gnuplot", "not on the PATH; the stage kind report draws with it",
          help: "apt-get install gnuplot-nox")
      ]
    }
    return [Finding(.good, "gnuplot", version)]
  }

  private func stages(_ project: Project) -> [Finding] {
    do {
      let folders = try project.stageFolders(given: places.stageFolders)
      let catalog = try Session.catalog(project, places)
      let kinds = "\(catalog.definitions.count) in "
      return [
        Finding(
          .good, "stage kinds",
          kinds
            + (folders.folders + (folders.builtIn.map { [$0] } ?? [])).map(Project.shown)
            .joined(separator: ", "))
      ]
    } catch let problem as Diagnostic {
      return [Finding(.bad, "stage kinds", problem.message, help: problem.help)]
    } catch let problems as Diagnostics {
      return problems.all.map { Finding(.bad, "stage kinds", $0.message, help: $0.help) }
    } catch {
      return [Finding(.bad, "stage kinds", "\(error)")]
    }
  }
}

/// One thing that was examined.
struct Finding {
  enum Level: String { case good, poor, bad }

  let level: Level
  let subject: String
  let text: String
  let help: String?

  init(_ level: Level, _ subject: String, _ text: String, help: String? = nil) {
    self.level = level
    self.subject = subject
    self.text = text
    self.help = help
  }

  func line(_ style: Style) -> String {
    let mark =
      switch level {
      case .good: style(.green, "ok  ")
      case .poor: style(.yellow, "poor")
      case .bad: style(.red, "bad ")
      }
    let end = help.map { "\n                      help: \($0)" } ?? ""
    return "\(mark)  \(subject.padded(to: 14))  \(text.drawable)\(end)"
  }

  var json: JSONValue {
    .object([
      "level": .string(level.rawValue), "subject": .string(subject), "text": .string(text),
      "help": help.map { .string($0) } ?? .null,
    ])
  }
}

/// Asks other programs for one line.
enum Shell {
  /// The first line of a command's output; nil if it fails.
  static func firstLine(_ command: String) -> String? {
    guard let pipe = popen(command, "r") else { return nil }
    var buffer = [CChar](repeating: 0, count: 1024)
    let found = fgets(&buffer, Int32(buffer.count), pipe) != nil
    guard pclose(pipe) == 0, found else { return nil }
    let bytes = buffer.prefix { $0 != 0 && $0 != 10 }
    return String(decoding: bytes.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
