// plumb attach: looks on at a run that another process drives, to its end.

import ArgumentParser
import ArtifactStore
import Console
import Diagnostics
import Dispatch
import Foundation
import Glibc
import RunHistory
import Scheduling

struct AttachCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "attach",
    abstract: "Look on at a detached run to its end, and end with its exit code.",
    discussion: """
      Without a run the newest one that goes on is meant, else the newest one. Ctrl-C only stops \
      looking on; --stop stops the run as Ctrl-C would at its own terminal.
      """)

  @Argument(
    help: ArgumentHelp("latest, latest~1, a date, or part of a run's id.", valueName: "run"))
  var name: String?
  @OptionGroup var places: PlaceOptions
  @Flag(help: "Stop the run gently: jobs may save what they have.") var stop = false
  @Flag(name: [.short, .customLong("quiet")], help: "Print nothing but problems.")
  var quiet = false

  func run() throws {
    let store = try Store(at: Project.withoutManifest().storePath(given: places.store))
    let folder = try folder(in: store)
    let controller = RunController(ofRunFolder: folder.path)
    if stop {
      guard let controller, controller.isAlive(in: store) else {
        throw Diagnostic.controllerGone(folder.id)
      }
      guard controller.isHere else {
        throw Diagnostic.controllerElsewhere(folder.id, host: controller.host, pid: controller.pid)
      }
      kill(controller.pid, SIGTERM)
    }
    let interrupts = detachOnInterrupt(folder.id)
    defer { interrupts.cancel() }
    let console = RunConsole(mode: quiet ? .quiet : nil)
    let follower = RunFollower(folder: folder.path)
    var wasAlive = true
    while true {
      for event in follower.events() { console.receive(event) }
      if follower.hasEnded { break }
      if !wasAlive { throw Diagnostic.controllerGone(folder.id) }
      // Its last words may have come between the two looks.
      wasAlive = controller?.isAlive(in: store) ?? false
      usleep(200_000)
    }
    // The page is made after the last event.
    let page = folder.path + "/report.html"
    for _ in 0..<50 {
      guard controller?.isAlive(in: store) == true,
        !FileManager.default.fileExists(atPath: page)
      else { break }
      usleep(100_000)
    }
    let report = try RunReport(readingRunFolder: folder.path)
    console.close(report, page: FileManager.default.fileExists(atPath: page) ? page : nil)
    if report.exitCode != 0 { throw Ending(code: report.exitCode) }
  }

  private func folder(in store: Store) throws -> RunFolder {
    let runs = try store.runs()
    guard let name else {
      let living = runs.lazy.filter {
        RunController(ofRunFolder: $0.path)?.isAlive(in: store) == true
      }.first
      guard let newest = living ?? runs.first else { throw Diagnostic.noRun() }
      return newest
    }
    let id = try RunShelf(store, pipeline: nil).find(URL(fileURLWithPath: name).lastPathComponent)
      .id
    guard let found = runs.first(where: { $0.id == id }) else { throw Diagnostic.noRun() }
    return found
  }

  private func detachOnInterrupt(_ id: String) -> any DispatchSourceSignal {
    signal(SIGINT, SIG_IGN)
    let source = DispatchSource.makeSignalSource(signal: SIGINT, queue: .global())
    source.setEventHandler {
      Messages.remark("\nrun \(id) goes on; look on again with: plumb attach \(id)")
      Glibc.exit(130)
    }
    source.activate()
    return source
  }
}
