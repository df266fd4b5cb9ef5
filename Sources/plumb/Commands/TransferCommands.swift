// plumb push, pull, bundle, unbundle: results from one store to another, through a folder, an rclone
// remote, or one file.

import ArgumentParser
import ArtifactStore
import Console
import Diagnostics
import Foundation
import Synchronization

struct PushCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "push", abstract: "Send results to another store, with all that they name.",
    discussion: """
      DEST is a folder (made into a store if it is empty) or rclone:REMOTE:PATH. Objects go first, \
      results last, everything is verified, nothing is overwritten: stop and repeat as you like. \
      Without a manifest all results of the store are sent.
      """)

  @Argument(help: "A folder, or rclone:remote:path.") var destination: String
  @OptionGroup var manifest: ManifestOptions
  @Flag(help: "Without the names of hosts and users.") var anonymous = false

  func run() throws {
    let choice = try ResultChoice(manifest, everything: true)
    let keys = try choice.store.keysWithParts(choice.keys)
    let report: TransferReport
    if let remote = Remotes.remote(destination) {
      report = try remote.push(
        keys, from: choice.store, anonymous: anonymous, isVisible: Terminal.errors().isTerminal)
    } else {
      let meter = TransferMeter()
      report = try choice.store.copy(
        keys, to: try Store(at: Project.absolute(destination)), anonymous: anonymous,
        progress: meter.show)
      meter.end()
    }
    try Remotes.say(report, "sent")
  }
}

struct PullCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pull", abstract: "Fetch results from another store, with all that they name.",
    discussion: """
      SOURCE is a store's folder or rclone:REMOTE:PATH. Everything is hashed on arrival. Without \
      digits of keys all of its results are fetched.
      """)

  @Argument(help: "A store's folder, or rclone:remote:path.") var source: String
  @Argument(help: "The first digits of keys.") var keys: [String] = []
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let store = try Store(at: Project.withoutManifest().storePath(given: places.store))
    let report: TransferReport
    if let remote = Remotes.remote(source) {
      let wanted = keys.compactMap { Digest(hex: $0.lowercased()) }
      guard wanted.count == keys.count else {
        throw Diagnostic.artifactUnknown(keys.first { Digest(hex: $0.lowercased()) == nil }!)
      }
      report = try remote.pull(
        keys.isEmpty ? nil : wanted, to: store, isVisible: Terminal.errors().isTerminal)
    } else {
      let other = try Store(readOnlyAt: Project.absolute(source))
      var wanted: [Digest] = keys.isEmpty ? try other.allKeys() : []
      for digits in keys {
        let found = try other.find(digits.lowercased()).keys
        guard digits.count >= 4, !found.isEmpty else { throw Diagnostic.artifactUnknown(digits) }
        wanted += found
      }
      let meter = TransferMeter()
      report = try other.copy(try other.keysWithParts(wanted), to: store, progress: meter.show)
      meter.end()
    }
    try Remotes.say(report, "fetched")
  }
}

struct BundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "bundle", abstract: "Write results and all that they name into one file.",
    discussion: """
      The file is a plain tar archive. Without a manifest all results of the store go in. \
      plumb unbundle checks all of it before anything lands.
      """)

  @Argument(help: "The file; must not be there.") var file: String
  @OptionGroup var manifest: ManifestOptions
  @Flag(help: "Without the names of hosts and users.") var anonymous = false

  func run() throws {
    let choice = try ResultChoice(manifest, everything: true)
    let meter = TransferMeter()
    let report = try choice.store.bundle(
      try choice.store.keysWithParts(choice.keys), to: Project.absolute(file),
      anonymous: anonymous
    ) { done, total in meter.show(done, done, total) }
    meter.end()
    try Remotes.say(report, "written")
  }
}

struct UnbundleCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unbundle", abstract: "Take a bundle into the store: all of it or nothing.")

  @Argument(help: "The file.") var file: String
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let store = try Store(at: Project.withoutManifest().storePath(given: places.store))
    let meter = TransferMeter()
    let report = try store.unbundle(Project.absolute(file)) { done, total in
      meter.show(done, done, total)
    }
    meter.end()
    try Remotes.say(report, "taken in")
  }
}

enum Remotes {
  static func remote(_ text: String) -> RemoteStore? {
    text.hasPrefix("rclone:") ? RemoteStore(address: String(text.dropFirst(7))) : nil
  }

  static func say(_ report: TransferReport, _ done: String) throws {
    var output = Output()
    output.line(
      "\(report.results) results and \(report.objects) objects (\(Figures.bytes(report.bytes))) \(done), "
        + "\(report.known) results were there")
    for key in report.differing {
      output.line("differs: \(key.hex): the other store has other bytes for it, which stay there")
    }
    for key in report.damaged {
      output.line("left out: \(key.hex): it is not whole; plumb store verify says more")
    }
    output.write()
    if !report.damaged.isEmpty { throw Diagnostic.storeIsDamaged(report.damaged.count) }
  }
}

/// One line on a terminal that says how far it is.
final class TransferMeter: Sendable {
  private let terminal = Terminal.errors()
  private let last = Mutex<ContinuousClock.Instant?>(nil)

  @Sendable func show(_ bytes: Int, _ done: Int, _ of: Int) {
    guard terminal.isTerminal else { return }
    let isDue = last.withLock { last in
      if let last, last.duration(to: .now) < .milliseconds(100) { return false }
      last = .now
      return true
    }
    let share = of > 0 ? done * 100 / of : 100
    if isDue { terminal.write("\r  \(share) %, \(Figures.bytes(bytes))\u{1B}[K") }
  }

  func end() { if terminal.isTerminal { terminal.write("\r\u{1B}[K") } }
}
