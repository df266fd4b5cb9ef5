// plumb log: what an instance's worker wrote, of the newest run that has it.

import ArgumentParser
import Console
import Diagnostics
import Foundation
import Pipelines
import RunHistory
import Scheduling

struct LogCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "log", abstract: "Print the newest log of an instance.")

  @OptionGroup var manifest: ManifestOptions
  @OptionGroup var ofRun: RunOption
  @Flag(help: "Only say where the log is.") var path = false

  func run() throws {
    let session = try Session(manifest)
    let selector = try session.onlySelector("the instance whose log is to be printed")
    let store = try session.openStore()
    let wanted = try session.pipeline.select([selector]).map {
      session.pipeline.instances[$0].id.description
    }
    var logs: [(id: String, path: String)] = []
    let runs: AnySequence<RunReport>
    if let wantedRun = ofRun.name {
      let shelf = try RunShelf(store, pipeline: session.pipeline.name)
      runs = AnySequence([try shelf.find(wantedRun)])
    } else {
      runs = AnySequence(LastRun.all(of: session.pipeline, in: store))
    }
    for run in runs {
      for row in run.rows
      where wanted.contains(row.id) && !logs.contains(where: { $0.id == row.id }) {
        guard let log = row.log.map({ $0.hasPrefix("/") ? $0 : run.folder + "/" + $0 }),
          FileManager.default.fileExists(atPath: log)
        else { continue }
        logs.append((row.id, log))
      }
      if logs.count == wanted.count { break }
    }
    guard !logs.isEmpty else { throw Diagnostic.noLog("'\(selector)'") }
    guard logs.count == 1 || path else {
      throw Diagnostic.oneInstanceNeeded(selector, matches: logs.map(\.id))
    }
    var output = Output()
    if path {
      output.lines(logs.map { Project.shown($0.path) })
    } else {
      let bytes = FileManager.default.contents(atPath: logs[0].path) ?? Data()
      let text = String(decoding: bytes, as: UTF8.self)
      output.lines(
        text.split(separator: "\n", omittingEmptySubsequences: false)
          .dropLast(text.hasSuffix("\n") ? 1 : 0).map { String($0).drawable })
    }
    output.write()
  }
}
