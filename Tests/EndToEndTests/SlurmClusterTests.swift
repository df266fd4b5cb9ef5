// The program on a real Slurm: run where sbatch is there and the controller answers. Where
// PLUMB_SLURM_STATE names the state folder of a cluster that was started for tests, its controller is
// killed and restarted in the middle.

import CanonicalJSON
import Foundation
import Glibc
import Testing

private enum Cluster {
  static let isThere: Bool = {
    guard let work = try? Workspace(),
      let answer = try? work.shell("command -v sbatch && timeout 10 sinfo --noheader", seconds: 20)
    else { return false }
    return answer.code == 0 && answer.lines.count > 1
  }()

  static let state = ProcessInfo.processInfo.environment["PLUMB_SLURM_STATE"]
}

@Suite(.serialized, .enabled(if: Cluster.isThere, "no Slurm answers on this machine"))
struct SlurmClusterTests {
  private static let study = """
    version: 1
    name: far
    stages:
      real: {uses: compose-corpus, with: {documents: 24, seed: 1}}
      judge: {uses: train-classifier, inputs: {corpus: real.corpus}, with: {seed: 1}}
      score:
        uses: score-bias
        matrix: {seed: [1, 2, 3]}
        inputs: {corpus: real.corpus, classifier: judge.classifier}
        with: {seed: $(matrix.seed), bootstrap: 100}
        resources: {threads: 1, time: 5m}
        slurm: {extra: [--nice=10]}
    """

  /// The program where the cluster's nodes see it: beside the store.
  private func work() throws -> Workspace {
    let work = try Workspace(Self.study)
    try FileManager.default.copyItem(atPath: Built.program, toPath: work.path("plumb"))
    return work
  }

  private func far(_ work: Workspace, _ words: String...) -> [String] {
    ["run", "--executor", "slurm", "--program", work.path("plumb"), "--store", work.path("far")]
      + words
  }

  private func outputs(_ work: Workspace, _ store: String) throws -> [String: String] {
    let run = try #require(work.files(store + "/runs").last { $0.hasSuffix("/run.json") })
    let json = try JSONValue(parsing: work.read("\(store)/runs/\(run)"))
    var outputs: [String: String] = [:]
    for row in json["rows"]?.array ?? [] {
      outputs[row["id"]?.string ?? ""] = row["outputs"]?.canonicalText
    }
    return outputs
  }

  @Test func resultsAreThoseOfThisMachine() throws {
    let work = try work()
    let near = try work.plumb(["run", "--store", work.path("near")], seconds: 60)
    #expect(near.code == 0, "\(near.errors)")
    let run = try work.start(far(work))
    if let state = Cluster.state { try restart(state, while: run) }
    let end = try run.wait(seconds: 240)
    #expect(end.code == 0, "\(end.output)\(end.errors)")
    #expect(end.summary == "5 produced, 0 reused, 0 failed")
    #expect(try outputs(work, "far") == outputs(work, "near"))
    #expect(try outputs(work, "far").count == 5)
    #expect(
      try work.plumb(["run", "--store", work.path("far")], seconds: 60).summary.hasPrefix("0 prod"))
  }

  /// kill -9 for slurmctld, and a new one.
  private func restart(_ state: String, while run: Running) throws {
    #expect(run.waits(seconds: 60) { $0.contains("submitted") })
    let pid = try #require(
      Int32(
        String(
          decoding: FileManager.default.contents(atPath: state + "/slurmctld.pid") ?? Data(),
          as: UTF8.self
        )
        .trimmingCharacters(in: .whitespacesAndNewlines)))
    kill(pid, SIGKILL)
    Thread.sleep(forTimeInterval: 3)
    let again = try Running(["/usr/sbin/slurmctld"], in: "/")
    #expect(try again.wait(seconds: 20).code == 0)
  }

  @Test func aKilledRunsJobsAreAdopted() throws {
    let work = try work()
    try work.edit("name: far", "name: far\nslurm: {extra: [--begin=now+12]}")
    let first = try work.start(far(work))
    #expect(first.waits(seconds: 60) { $0.contains("submitted") })
    Thread.sleep(forTimeInterval: 1)
    first.signal(SIGKILL)
    _ = try first.wait()
    // Settings of jobs are no part of a key: the same job is meant.
    try work.edit("slurm: {extra: [--begin=now+12]}", "summary: None")
    let second = try work.plumb(far(work), seconds: 240)
    #expect(second.code == 0, "\(second.output)\(second.errors)")
    #expect(second.instances("adopted") == ["real"])
    #expect(second.summary == "5 produced, 0 reused, 0 failed")
  }
}
