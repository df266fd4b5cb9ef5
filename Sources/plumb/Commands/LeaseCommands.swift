// plumb store ps and plumb unlock: who makes what, and what to do about it.

import ArgumentParser
import ArtifactStore
import Console
import Diagnostics
import Pipelines
import Scheduling

struct LeasesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ps", abstract: "List runs that go on, and who makes what at the moment.")

  @OptionGroup var place: StoreOptions

  func run() throws {
    let store = try place.open()
    var output = Output()
    let runs = try store.liveRuns()
    for run in runs {
      output.line("run \(run.label.drawable), process \(run.pid) on \(run.host.drawable)")
    }
    let leases = try store.leases()
    if !leases.isEmpty {
      var table = Table([
        .init("makes", mayShrink: true), .init("key"), .init("process"), .init("on"),
        .init("sign of life"), .init("", mayShrink: true),
      ])
      for lease in leases {
        table.add([
          lease.holder.label, String(lease.key.hex.prefix(12)), "\(lease.holder.pid)",
          lease.holder.host, "\(Figures.duration(lease.silent, coarse: true)) ago", lease.judgement,
        ])
      }
      output.table(table)
    }
    if runs.isEmpty && leases.isEmpty { output.line("nobody uses the store") }
    output.write()
  }
}

struct UnlockCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unlock", abstract: "Say who holds a key, and take it away if its holder is gone.",
    discussion: """
      Leases of dead processes need no unlocking: the next run takes them over by itself. This is \
      for a holder on another machine that you know to be gone. Breaking the lease of a process \
      that lives does no harm but work done twice: the first result stays.
      """)

  @Argument(help: "The first digits of a key, or part of what is made; plumb store ps lists both.")
  var what: String
  @Flag(help: "Also while its holder may live.") var force = false
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let store = try openStore(nil, places)
    let all = try store.leases()
    let found = all.filter {
      (what.count >= 4 && $0.key.hex.hasPrefix(what.lowercased())) || $0.holder.label.contains(what)
    }
    guard !found.isEmpty else {
      throw Diagnostic.leaseUnknown(what, known: all.map(\.holder.label))
    }
    var output = Output()
    var refused: [Diagnostic] = []
    for lease in found {
      let who = "\(lease.holder.label), process \(lease.holder.pid) on \(lease.holder.host)"
      output.line("\(lease.key.hex.prefix(12))  \(who.drawable)")
      output.line("  \(lease.judgement)")
      // Silence alone is no proof, but after so long nobody beats any more.
      if lease.holder.isAlive == false || force || lease.silent > 10 * lease.ttl {
        output.line(try store.breakLease(lease.key) ? "  taken away" : "  was given back just now")
      } else {
        refused.append(.leaseHeld(who, silent: Figures.duration(lease.silent, coarse: true)))
      }
    }
    output.write()
    if !refused.isEmpty { throw Diagnostics(refused) }
  }
}
