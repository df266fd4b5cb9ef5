// plumb store init and upstreams: a store for a group, and stores behind the own one.

import ArgumentParser
import ArtifactStore
import Console
import Diagnostics
import Glibc

struct StoreInitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Make an empty store, with --shared for a group.",
    discussion: """
      In a shared store folders are writable for the group and hand the group on (mode 2775), \
      whatever the umask of those who use it. Files stay read-only. Nothing that belongs to \
      somebody else is ever changed.
      """)

  @Flag(help: "Writable for the folder's group.") var shared = false
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let path = Project.withoutManifest().storePath(given: places.store)
    try Store.create(at: path, shared: shared)
    var output = Output()
    output.line("\(Project.shown(path)): an empty store" + (shared ? " that a group shares" : ""))
    output.write()
  }
}

struct UpstreamsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "upstreams",
    abstract: "List, add or remove stores that are looked up behind this one.",
    discussion: "They are only read. Results found there are used in place.")

  @OptionGroup var place: StoreOptions
  @Option(help: ArgumentHelp("Add a store at the end of the list.", valueName: "dir"))
  var add: String?
  @Option(help: ArgumentHelp("Take a store off the list.", valueName: "dir"))
  var remove: String?

  func run() throws {
    let store = try place.open()
    var paths = try store.upstreamPaths()
    if let add {
      let path = Project.absolute(add)
      _ = try Store(readOnlyAt: path)
      paths.removeAll { $0 == path }
      paths.append(path)
    }
    if let remove { paths.removeAll { $0 == Project.absolute(remove) } }
    if add != nil || remove != nil { try store.setUpstreams(paths) }
    var output = Output()
    output.lines(paths.isEmpty ? ["no other store is looked up"] : paths)
    output.write()
  }
}
