// plumb store pin, unpin, pins: what is kept by hand.

import ArgumentParser
import ArtifactStore
import Console
import Diagnostics
import Foundation
import Pipelines

struct PinCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pin", abstract: "Keep results whatever the pipelines do next.",
    discussion: """
      plumb store pin paper pipelines/quickstart.yaml report --reason 'figures of the paper' keeps \
      the results of the stage report and what they were made from; digits of keys or digests may \
      stand instead of a manifest.
      """)

  @Argument(help: "A name for it.") var name: String
  @OptionGroup var manifest: ManifestOptions
  @Option(help: "Why, for those who find it later.") var reason: String = ""
  @Option(
    name: .customLong("for"),
    help: ArgumentHelp("How long (default: for ever).", valueName: "age"))
  var duration: String?

  func run() throws {
    let choice = try ResultChoice(manifest)
    let seconds = try duration.map { try Quantities.age($0, of: "--for") }
    try choice.store.pin(
      Pin(
        name: name, keys: choice.keys, references: choice.references, reason: reason,
        expires: seconds.map { Int(Date().timeIntervalSince1970) + $0 }, user: NSUserName()))
    var output = Output()
    output.line(
      "\(name): \(choice.keys.count) results"
        + (choice.references.isEmpty ? "" : ", \(choice.references.count) objects") + " kept")
    output.write()
  }
}

struct UnpinCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unpin", abstract: "Keep it no longer.")

  @Argument(help: "The pin's name.") var name: String
  @OptionGroup var place: StoreOptions

  func run() throws {
    let store = try place.open()
    guard try store.unpin(name) else {
      throw Diagnostic.pinUnknown(name, known: try store.pins().map(\.name))
    }
  }
}

struct PinsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "pins", abstract: "List what is kept by hand.")

  @OptionGroup var place: StoreOptions

  func run() throws {
    var table = Table([
      .init("pin"), .init("results", numeric: true), .init("until"), .init("by"),
      .init("reason", mayShrink: true),
    ])
    let pins = try place.open().pins()
    for pin in pins {
      let until = pin.expires.map { Date(timeIntervalSince1970: Double($0)).formatted(.iso8601) }
      table.add([pin.name, "\(pin.keys.count)", until ?? "for ever", pin.user, pin.reason])
    }
    var output = Output()
    if pins.isEmpty { output.line("nothing is pinned") } else { output.table(table) }
    output.write()
  }
}

/// Results that a command line names: those of a manifest as it is now, or digits of keys.
struct ResultChoice {
  let store: Store
  let keys: [Digest]
  let references: [ObjectReference]

  /// - Parameter everything: without words all results of the store are meant.
  init(_ options: ManifestOptions, everything: Bool = false) throws {
    let words = options.selectors
    if options.manifest == nil, everything ? words.isEmpty : false {
      store = try openStore(nil, options.places)
      keys = try store.allKeys()
      references = []
      return
    }
    let isDigits = { (word: String) in
      (8...64).contains(word.utf8.count) && word.allSatisfy(\.isHexDigit)
    }
    if options.manifest == nil, !words.isEmpty, words.allSatisfy(isDigits) {
      let opened = try openStore(nil, options.places)
      store = opened
      var keys: [Digest] = []
      var references: [ObjectReference] = []
      for word in words {
        let found = try store.find(word.lowercased())
        guard found.keys.count + found.objects.count > 0 else {
          throw Diagnostic.artifactUnknown(word)
        }
        keys += found.keys
        references += found.objects.map { digest in
          (try? opened.tree(digest)) == nil ? .blob(digest) : .tree(digest)
        }
      }
      self.keys = keys
      self.references = references
      return
    }
    let session = try Session(options)
    store = try session.openStore()
    let targets = try session.targets()
    let results = Results(session.pipeline, store: store, targets: targets)
    let wanted = targets ?? Array(session.pipeline.instances.indices)
    keys = wanted.compactMap { results[$0]?.key }
    references = []
    guard !keys.isEmpty else {
      throw Diagnostic.notMadeYet("'\(session.selectors.first ?? session.pipeline.name)'")
    }
  }
}
