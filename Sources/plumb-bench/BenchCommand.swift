// plumb-bench: how fast this machine computes what Plumb computes, and how fast others do.
// Operations are in OperationsCommand.swift, whole models in ModelCommand.swift, both sides by turns
// in CompareCommand.swift.

import ArgumentParser
import Foundation
import Glibc
import Tensors

@main
struct BenchCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plumb-bench",
    abstract: "Time operations, models and the engine, alone or by turns with others.",
    subcommands: [
      OperationsCommand.self, ModelCommand.self, CompareCommand.self, EngineCommand.self,
      FramesCommand.self,
    ],
    defaultSubcommand: OperationsCommand.self)

  static func main() {
    chooseKernels()
    do {
      var command = try parseAsRoot()
      try command.run()
    } catch {
      exit(withError: error)
    }
  }

  /// OpenBLAS reads the variable while it is loaded, so the program starts itself once more with the
  /// kernels that workers get.
  private static func chooseKernels() {
    guard getenv("OPENBLAS_CORETYPE") == nil, let best = BLASInfo.recommendedCore else { return }
    setenv("OPENBLAS_CORETYPE", best, 1)
    setenv("OPENBLAS_NUM_THREADS", "1", 0)
    var arguments = CommandLine.arguments.map { strdup($0) } + [nil]
    execv("/proc/self/exe", &arguments)
  }
}

/// What every subcommand takes.
struct ThreadOptions: ParsableArguments {
  @Option(help: "Threads (default: all processors).") var threads: Int?

  mutating func validate() throws {
    if let threads, threads < 1 { throw ValidationError("--threads needs a number from 1") }
  }

  func apply() {
    if let threads { Parallelism.threads = threads }
  }
}
