// Whole pieces of work that both sides can do: what plumb-bench model runs, and what it is compared
// with. The peers' scripts carry the same names.

import ArgumentParser
import CanonicalJSON
import Foundation

/// Files that some workloads need; each side reads them itself.
struct WorkloadFiles: ParsableArguments {
  @Option(help: ArgumentHelp("A GGUF of a Llama.", valueName: "file")) var gguf: String?
  @Option(
    help: ArgumentHelp("A Hugging Face folder of a BERT such as MiniLM.", valueName: "folder"))
  var encoder: String?
  @Option(help: ArgumentHelp("News as JSON lines with text and label.", valueName: "file"))
  var news: String?
}

/// What a workload needs beside the program.
enum WorkloadNeed: String, CaseIterable {
  case gguf, encoder, news

  func path(_ files: WorkloadFiles) -> String? {
    switch self {
    case .gguf: files.gguf
    case .encoder: files.encoder
    case .news: files.news
    }
  }
}

struct Workload {
  let name: String
  let summary: String
  var needs: [WorkloadNeed] = []
  /// The peer's script beside `measure.py`.
  let script: String
  /// Tokens per second over the peer's that issue 3 asks for.
  var speedBar: Double? = nil
  /// Peak memory over the peer's that it allows.
  var memoryBar: Double? = nil
  let prepare: (WorkloadFiles) throws -> PreparedWork

  func missing(_ files: WorkloadFiles) -> [WorkloadNeed] { needs.filter { $0.path(files) == nil } }
}

/// Work that can be done again and again.
struct PreparedWork {
  /// Tokens of one go.
  let tokens: Int
  /// Floating-point operations of one go that are needed, none counted twice; 0 where unknown.
  var operations: Double = 0
  var warmUps = 1
  let body: () throws -> Void
  /// Further members of the JSON line, asked for afterwards.
  var more: () -> [(String, JSONValue)] = { [] }
  /// Seconds of the go just done that count, by the wall and of processors; nil if all do.
  var counted: (() -> (wall: Double, processor: Double))? = nil
}

enum Workloads {
  static var all: [Workload] {
    [sgemm] + training + generation + adapters + encoders + quantisedFiles
  }

  static func named(_ name: String) -> Workload? { all.first { $0.name == name } }

  /// The largest product, here by OpenBLAS: what all else is a share of.
  private static var sgemm: Workload {
    Workload(name: "sgemm", summary: "product 2048×2048×2048", script: "sgemm.py") { _ in
      let bench = BLASPeak.bench()
      return PreparedWork(tokens: 0, operations: bench.operations, warmUps: 3, body: bench.body)
    }
  }
}
