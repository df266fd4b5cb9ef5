// The command line. Each command is one file in Commands/; what they share is in Session.swift
// (manifest, stage kinds, store), Ending.swift (exit codes) and Running/ (a run on the screen).

import ArgumentParser
import Console
import Diagnostics
import Glibc

@main
struct PlumbCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plumb",
    abstract: "Runs experiments that are described in YAML, and explains every result.",
    discussion: """
      Where a command takes a manifest, it is the first word and may be left out: plumb.yaml in \
      the working folder, or the only manifest in pipelines/, is used then.

      Exit codes: 0 done or nothing to do, 1 a stage failed (diff: something differs), 2 usage or manifest refused, \
      3 stale (status --check), 4 a metric outside its gate, 6 store damaged, 75 lock busy, 130 and 143 interrupted.
      """,
    version: "plumb \(PlumbVersion.current)",
    groupedSubcommands: [
      CommandGroup(
        name: "Run",
        subcommands: [
          RunCommand.self, AttachCommand.self, PlanCommand.self, CheckCommand.self,
          StatusCommand.self,
          WhyCommand.self, GraphCommand.self,
        ]),
      CommandGroup(
        name: "Look at results",
        subcommands: [
          MetricsCommand.self, DiffCommand.self, HistoryCommand.self, ShowCommand.self,
          GetCommand.self, LogCommand.self, TraceCommand.self,
        ]),
      CommandGroup(
        name: "Look things up",
        subcommands: [
          ModelCommand.self, StagesCommand.self, ExplainCommand.self, SchemaCommand.self,
        ]),
      CommandGroup(
        name: "Set up and look after",
        subcommands: [
          InitCommand.self, DoctorCommand.self, StoreCommand.self, UnlockCommand.self,
          ExecStageCommand.self,
        ]),
      CommandGroup(
        name: "Share results",
        subcommands: [
          PushCommand.self, PullCommand.self, BundleCommand.self, UnbundleCommand.self,
        ]),
    ])

  static func main() {
    // A reader that goes away (`plumb metrics | head`) ends us quietly, whatever our parent set.
    signal(SIGPIPE, SIG_DFL)
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      Glibc.exit(Ending.code(for: error))
    }
    Glibc.exit(0)
  }
}

enum PlumbVersion {
  static let current = "0.1.0"
}
