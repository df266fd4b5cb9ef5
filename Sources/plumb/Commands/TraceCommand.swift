// plumb trace: a recorded run for Perfetto or chrome://tracing.

import ArgumentParser
import Console
import Diagnostics
import Foundation
import RunHistory
import Scheduling

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "Write when what ran, for Perfetto or chrome://tracing.",
    discussion: """
      plumb trace [MANIFEST] [RUN] [FILE]: without a run the newest one, without a file to the \
      standard output. Each track is a place at which one stage at a time ran.
      """)

  @OptionGroup var manifest: ManifestOptions

  func run() throws {
    var options = manifest
    // A file may have a slash, and so may a run of another store: a run has a record.
    let isYAML = options.words.first.map { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") } ?? false
    let rest = Array(options.words.dropFirst(isYAML ? 1 : 0))
    options.words = isYAML ? [options.words[0]] : []
    let places = try RunPlaces(options)
    let isFile = { (word: String) in
      word.hasSuffix(".json") || word == "-" || !RunPlaces.isRun(word)
    }
    guard rest.count <= 2, rest.count < 2 || !isFile(rest[0]) else {
      throw Diagnostic.malformedOption(
        "trace", rest.joined(separator: " "), expected: "written [RUN] [FILE]")
    }
    let file = rest.count == 2 ? rest[1] : rest.first.flatMap { isFile($0) ? $0 : nil }
    let name = rest.first.flatMap { rest.count == 2 || !isFile($0) ? $0 : nil } ?? "latest"
    let run = try places.find(name)
    let trace = try RunTrace(runFolder: run.report.folder)
    if trace.damagedLines > 0 {
      Messages.remark("warning: \(trace.damagedLines) lines of the run's events could not be read")
    }
    if let file, file != "-" {
      try TraceFile.write(trace.text, to: file)
    } else {
      Terminal.output().write(trace.text)
    }
  }
}

enum TraceFile {
  /// Whether it can be written is asked before a run of hours, not after.
  static func check(_ path: String) throws(Diagnostic) {
    let folder = Project.folder(of: path)
    guard Project.isFolder(folder) else {
      throw .cannotWrite(path, reason: "there is no folder '\(folder)'")
    }
    guard access(folder, W_OK) == 0, !Project.isFolder(path) else {
      throw .cannotWrite(path, reason: Project.isFolder(path) ? "it is a folder" : "no permission")
    }
  }

  /// Appears whole or not at all; an older trace is replaced.
  static func write(_ text: String, to path: String) throws(Diagnostic) {
    do {
      try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .atomic)
    } catch {
      throw .cannotWrite(path, reason: error.localizedDescription)
    }
  }
}
