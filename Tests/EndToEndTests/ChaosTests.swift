// Kills, damage and strange files in the middle of real work: the next run goes on where the last one
// was torn off, makes exactly what is missing, and ends with the very bytes of an undisturbed run.

import CanonicalJSON
import Foundation
import Glibc
import Testing

/// Training and writing in parallel, long enough to be hit in the middle several times.
private let training = """
  version: 1
  name: chaos
  summary: Two models learn and write.
  stages:
    real:
      uses: compose-corpus
      with: {documents: 40, seed: 42}
    tokenizer:
      uses: train-tokenizer
      inputs: {corpus: real.corpus}
      with: {vocabulary_size: 400}
    untrained:
      uses: initialise-model
      inputs: {tokenizer: tokenizer.tokenizer}
      with: {layers: 1, width: 32, heads: 2, context: 128, seed: 42}
    train:
      uses: fine-tune
      matrix: {seed: [1, 2]}
      inputs: {model: untrained.model, corpus: real.corpus}
      with:
        epochs: 60
        learning_rate: 3.0e-3
        batch_tokens: 512
        examples: article
        max_length: 128
        dropout: 0.1
        seed: $(matrix.seed)
  """

/// Many small stages: most of the time is publishing.
private let small = """
  version: 1
  name: small
  summary: Small corpora.
  stages:
    corpora:
      uses: compose-corpus
      matrix: {seed: 1..6}
      with: {documents: 4, seed: $(matrix.seed)}
    tokenizer:
      uses: train-tokenizer
      inputs: {corpus: "corpora[seed=1].corpus"}
      with: {vocabulary_size: 300}
  """

@Suite(.serialized) struct ChaosTests {
  private static func start(_ work: Workspace) throws -> Running {
    try Running(
      ["/usr/bin/env", "PLUMB_CHECKPOINT_SECONDS=0.1", Built.program, "run", "--json"],
      in: work.folder)
  }

  private static func produced(_ events: [JSONValue]) -> [String] {
    events.filter { $0["row"]?["outcome"]?.string == "produced" }
      .compactMap { $0["row"]?["id"]?.string }
  }

  /// Which objects there are says what their bytes are.
  private static func objects(_ work: Workspace) -> [String] { work.files("artifacts/objects") }

  private static func kill(_ run: Running, _ what: String) {
    let training = run.output.split(separator: "\n").compactMap { try? JSONValue(parsing: "\($0)") }
      .filter {
        $0["event"]?.string == "launched" && $0["instance"]?.string?.hasPrefix("train[") == true
      }
    let workers = training.compactMap { $0["pid"]?.integer }.map { pid_t($0) }
    switch what {
    case "worker": if let worker = workers.first { Glibc.kill(worker, SIGKILL) }
    case "scheduler": run.signal(SIGKILL)
    case "interrupt": run.signal(SIGINT)
    default:  // a power cut
      run.signal(SIGKILL)
      for worker in workers { Glibc.kill(worker, SIGKILL) }
    }
  }

  @Test(.timeLimit(.minutes(3)))
  func `torn off again and again, the work is done once and comes out the same`() throws {
    let undisturbed = try Workspace(training)
    #expect(try Self.start(undisturbed).wait().code == 0)
    let work = try Workspace(training)
    var made: [String] = []
    var hits = 0
    for (turn, what) in ["worker", "scheduler", "interrupt", "power cut"].enumerated() {
      let run = try Self.start(work)
      let begun = run.waits {
        $0.split(separator: "\n").contains {
          $0.contains("\"launched\"") && $0.contains("train[") || $0.contains("\"ended\"")
        }
      }
      try #require(begun, "\(run.output)")
      usleep(UInt32(250_000 + 100_000 * turn))
      Self.kill(run, what)
      let end = try run.wait()
      if end.code != 0 { hits += 1 }
      made += Self.produced(end.events)
    }
    let last = try Self.start(work).wait()
    #expect(last.code == 0, "\(last.errors)")
    made += Self.produced(last.events)
    #expect(Set(made).count == made.count, "made twice: \(made.sorted())")
    #expect(Self.objects(work) == Self.objects(undisturbed))
    #expect(try work.plumb("store", "verify").code == 0)
    #expect(work.files("artifacts/leases") == [])
    #expect(work.files("artifacts/work") == [])
    // On a machine so fast that training was over before it could be hit, nothing had to resume.
    if hits > 1 {
      let logs = work.files("artifacts/runs").filter { $0.contains("/logs/") }
      #expect(logs.contains { work.read("artifacts/runs/" + $0).contains("resumed after step") })
    }
  }

  /// What happens to stores.
  enum Damage: String, CaseIterable {
    case deletedObject, shortObject, flippedByte, deletedResults, emptyResult, strangeResult
    case danglingResult, deletedFolder, strangers, lostModes, oldLease
  }

  @Test(.timeLimit(.minutes(2)), arguments: Damage.allCases)
  func `a damaged store heals`(damage: Damage) throws {
    let work = try Workspace(small)
    try #require(try work.plumb("run").code == 0)
    let before = Self.objects(work)
    // Of the tokenizer, which exactly one result names.
    let object = try #require(
      before.first { work.read("artifacts/objects/" + $0).contains("\"merges\"") })
    let results = work.files("artifacts/actions")
    let result = "artifacts/actions/" + results[0]
    let remake: Int
    switch damage {
    case .deletedObject:
      remove(work.path("artifacts/objects/" + object))
      remake = 1
    case .shortObject:
      chmod(work.path("artifacts/objects/" + object), 0o644)
      truncate(work.path("artifacts/objects/" + object), 7)
      remake = 1
    case .flippedByte:
      // Of the same size, so only a check of the bytes can find it.
      let path = work.path("artifacts/objects/" + object)
      var bytes = try #require(FileManager.default.contents(atPath: path))
      bytes[bytes.count / 2] ^= 1
      chmod(path, 0o644)
      try bytes.write(to: URL(fileURLWithPath: path))
      chmod(path, 0o444)
      #expect(try work.plumb("store", "verify").code == 6)
      #expect(try work.plumb("store", "verify", "--repair").code == 0)
      #expect(work.files("artifacts/quarantine").contains { $0.hasSuffix(object.suffix(64)) })
      remake = 1
    case .deletedResults:
      try FileManager.default.removeItem(atPath: work.path("artifacts/actions"))
      remake = 7
    case .emptyResult:
      chmod(work.path(result), 0o644)
      truncate(work.path(result), 0)
      remake = 1
    case .strangeResult:
      remove(work.path(result))
      try work.write("hello", to: result + "/deep/file")
      remake = 1
    case .danglingResult:
      remove(work.path(result))
      symlink("/nowhere", work.path(result))
      remake = 1
    case .deletedFolder:
      try FileManager.default.removeItem(atPath: work.path("artifacts/objects"))
      remake = 7
    case .strangers:
      for name in [
        "tmp/notes", "leases/notes", "runs/notes", "work/notes", "runs/9-notes/run.json", "notes",
      ] { try work.write("{", to: "artifacts/" + name) }
      remake = 0
    case .lostModes:
      for name in before { chmod(work.path("artifacts/objects/" + name), 0o644) }
      #expect(try work.plumb("store", "verify", "--repair").code == 0)
      remake = 0
    case .oldLease:
      // From before the machine was started anew: no process can be asked whether it lives.
      remove(work.path(result))
      let lease = """
        {"boot":"b","host":"h","label":"old","namespace":"1","nonce":"n","pid":1,"start":1,"ttl":0.3}
        """
      try work.write(lease, to: "artifacts/leases/" + results[0].suffix(64))
      remake = 1
    }
    let next = try work.plumb("run")
    #expect(next.summary == "\(remake) produced, \(7 - remake) reused, 0 failed", "\(next.errors)")
    let verified = try work.plumb("store", "verify")
    #expect(verified.code == 0, "\(verified.output)")
    #expect(Self.objects(work) == before)
  }
}
