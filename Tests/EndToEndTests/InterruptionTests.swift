// Processes that die in the middle: nothing finished is lost, nothing half is kept, the next run
// goes on.

import CanonicalJSON
import Foundation
import Glibc
import Testing

/// Some quick stages, and some that take a while.
private let manifest = """
  version: 1
  name: interrupted
  summary: Quick corpora and slow ones.
  params: {slow: 6000}
  stages:
    quick:
      uses: compose-corpus
      matrix: {seed: [1, 2]}
      with: {documents: 6, seed: $(matrix.seed)}
    slow:
      uses: compose-corpus
      matrix: {seed: [3, 4]}
      with: {documents: $(params.slow), seed: $(matrix.seed)}
    words:
      uses: train-tokenizer
      matrix: {seed: [3, 4]}
      inputs: {corpus: slow.corpus}
      with: {vocabulary_size: 600}
  """

@Suite(.serialized) struct InterruptionTests {
  private static func workers(_ running: Running) -> [pid_t] {
    running.output.split(separator: "\n").compactMap { line in
      guard let event = try? JSONValue(parsing: String(line)),
        event["event"]?.string == "launched",
        event["instance"]?.string?.hasPrefix("slow") == true
      else { return nil }
      return event["pid"]?.integer.map { pid_t($0) }
    }
  }

  private static func isAlive(_ pid: pid_t) -> Bool { kill(pid, 0) == 0 }

  /// Whatever happened before: everything is there after one more run, and the store is whole.
  private func recovers(_ work: Workspace, finished: [String]) throws {
    let next = try work.plumb("run")
    #expect(next.code == 0, "\(next.errors)")
    for instance in finished {
      #expect(next.instances("reused").contains(instance), "\(instance) was made twice")
    }
    let verified = try work.plumb("store", "verify")
    #expect(verified.code == 0, "\(verified.output)")
    #expect(try work.plumb("status", "--check").code == 0)
    #expect(work.files("artifacts/work").isEmpty, "resume state outlived its use")
  }

  private func finished(_ output: String) -> [String] {
    output.split(separator: "\n").compactMap { line in
      guard let event = try? JSONValue(parsing: String(line)),
        event["event"]?.string == "finished", event["row"]?["outcome"]?.string == "produced"
      else { return nil }
      return event["row"]?["id"]?.string
    }
  }

  @Test(arguments: [0, 40, 160])
  func `a killed worker fails its stage and nothing else`(milliseconds: Int) throws {
    let work = try Workspace(manifest)
    let run = try work.start("run", "--json", "--keep-going")
    try #require(run.waits { _ in !Self.workers(run).isEmpty }, "\(run.output)")
    usleep(UInt32(milliseconds) * 1000)
    let victim = Self.workers(run)[0]
    let wasAlive = kill(victim, SIGKILL) == 0
    let end = try run.wait()
    let failed = end.events.filter { $0["row"]?["outcome"]?.string == "failed" }
    if wasAlive, !failed.isEmpty {
      #expect(end.code == 1)
      #expect(failed.count == 1)
      #expect(end.errors.contains("SIGKILL") || end.errors.contains("killed"), "\(end.errors)")
      #expect(end.errors.contains("log: "))
    } else {
      #expect(end.code == 0)
    }
    try recovers(work, finished: finished(end.output))
  }

  @Test(arguments: [0, 30, 120])
  func `a killed scheduler leaves no orphan and no half result`(milliseconds: Int) throws {
    let work = try Workspace(manifest)
    let run = try work.start("run", "--json")
    try #require(run.waits { _ in !Self.workers(run).isEmpty }, "\(run.output)")
    usleep(UInt32(milliseconds) * 1000)
    let workers = Self.workers(run)
    run.signal(SIGKILL)
    let end = try run.wait()
    #expect(end.code == 128 + SIGKILL)
    // Workers get the same grace as on TERM, so that they can publish what they have.
    let deadline = Date().addingTimeInterval(15)
    while workers.contains(where: Self.isAlive), Date() < deadline { usleep(10_000) }
    #expect(!workers.contains(where: Self.isAlive), "a worker outlived its scheduler")
    try recovers(work, finished: finished(end.output))
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `a signal stops cleanly`(number: Int32) throws {
    let work = try Workspace(manifest)
    let run = try work.start("run", "--json")
    try #require(run.waits { _ in !Self.workers(run).isEmpty }, "\(run.output)")
    run.signal(number)
    let end = try run.wait(seconds: 30)
    #expect(end.code == 128 + number, "\(end.errors)")
    #expect(end.events.contains { $0["event"]?.string == "stopping" })
    try recovers(work, finished: finished(end.output))
  }

  @Test(arguments: [SIGKILL, SIGINT])
  func `training goes on from its checkpoint, to the same bits`(number: Int32) throws {
    let manifest = """
      version: 1
      name: resumed
      summary: A small model that learns a small corpus by heart.
      stages:
        real:
          uses: compose-corpus
          with: {documents: 12, seed: 1}
        words:
          uses: train-tokenizer
          inputs: {corpus: real.corpus}
          with: {vocabulary_size: 300}
        blank:
          uses: initialise-model
          inputs: {tokenizer: words.tokenizer}
          with: {layers: 2, width: 64, heads: 2, context: 128, seed: 1}
        train:
          uses: fine-tune
          inputs: {model: blank.model, corpus: real.corpus}
          with: {epochs: 60, examples: packed, max_length: 128, batch_documents: 4, seed: 1}
      """
    let straight = try Workspace(manifest)
    let whole = try straight.plumb("run")
    #expect(whole.code == 0, "\(whole.errors)")

    let work = try Workspace(manifest)
    let environment = ["PLUMB_CHECKPOINT_SECONDS": "0.05"]
    let run = try work.start(["run", "--json"], environment: environment)
    var step = 0
    let isUnderWay = run.waits(seconds: 40) { output in
      let last = output.split(separator: "\n").last { $0.contains("\"progress\"") }
      let event = last.flatMap { try? JSONValue(parsing: String($0)) }
      guard event?["instance"]?.string == "train" else { return false }
      step = event?["progress"]?["step"]?.integer ?? 0
      return step >= 30
    }
    try #require(isUnderWay, "\(run.output)")
    run.signal(number)
    let end = try run.wait()
    try #require(end.code == 128 + number, "it ended before the signal came")
    let next = try work.start(["run"], environment: environment).wait()
    #expect(next.code == 0, "\(next.errors)")
    #expect(next.instances("produced") == ["train"])
    let log = try work.plumb("log", "train").output
    let match = try #require(log.firstMatch(of: /resumed after step (\d+)/), "\(log)")
    #expect(Int(match.1)! >= 10)
    #expect(work.files("artifacts/objects") == straight.files("artifacts/objects"))
    #expect(work.files("artifacts/work").isEmpty)
  }

  @Test func `two runs at once make everything once`() throws {
    let work = try Workspace(manifest)
    let first = try work.start("run")
    let second = try work.start("run")
    let ends = [try first.wait(), try second.wait()]
    #expect(ends.map(\.code) == [0, 0], "\(ends[0].errors)\(ends[1].errors)")
    let made = ends.flatMap { $0.instances("produced") }
    #expect(made.count == 6 && Set(made).count == 6, "\(made)")
    #expect(try work.plumb("store", "verify").code == 0)
    #expect(try work.plumb("run").summary == "0 produced, 6 reused, 0 failed")
  }
}
