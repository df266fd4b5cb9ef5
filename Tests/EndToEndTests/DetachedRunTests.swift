// Runs that go on without their terminal, and looking on at them.

import Foundation
import Glibc
import Testing

@Suite struct DetachedRunTests {
  private static let study = """
    version: 1
    name: far
    params: {most: 1.0}
    stages:
      real: {uses: compose-corpus, with: {documents: 24, seed: 1}}
      judge: {uses: train-classifier, inputs: {corpus: real.corpus}, with: {seed: 1}}
      score:
        uses: score-bias
        inputs: {corpus: real.corpus, classifier: judge.classifier}
        with: {seed: 1, bootstrap: 100}
        gate: {share: {max: $(params.most)}}
    """

  private static let patient = """
    version: 1
    name: patient
    stages:
      wait: {uses: wait}
    """

  private static let wait = """
    kind: wait
    revision: 1
    summary: Waits.
    command: [sleep, "600"]
    outputs: {metrics: {type: metrics, summary: None}}
    """

  /// The id in "run ID goes on in process …".
  private func id(_ started: Finished) throws -> String {
    let words = started.errors.split(separator: " ")
    return String(try #require(words.count > 1 ? words[1] : nil, "\(started.errors)"))
  }

  @Test func attachShowsTheRunAndEndsLikeIt() throws {
    let work = try Workspace(Self.study)
    let started = try work.plumb("run", "--detach")
    #expect(started.code == 0, "\(started.errors)")
    #expect(started.output == "")
    let run = try id(started)
    let attached = try work.plumb("attach", run)
    #expect(attached.code == 0, "\(attached.errors)")
    #expect(attached.summary == "3 produced, 0 reused, 0 failed")
    #expect(attached.instances("produced").sorted() == ["judge", "real", "score"])
    // Its own output lies in its folder.
    #expect(work.read("artifacts/runs/\(run)/controller.log").contains("3 produced"))
    // Afterwards as well, by the end of its name and without one.
    #expect(try work.plumb("attach", String(run.suffix(6))).summary == attached.summary)
    let gated = try work.plumb("run", "--detach", "--set", "most=-1")
    #expect(gated.code == 0, "it has only begun")
    let ended = try work.plumb("attach")
    #expect(ended.code == 4)
    #expect(ended.errors.contains("gate-failed"))
  }

  @Test func whatIsWrongAtOnceIsSaidAtTheTerminal() throws {
    let work = try Workspace("version: 1\nname: x\nstages: {a: {uses: nothing}}\n")
    let started = try work.plumb("run", "--detach")
    #expect(started.code == 2)
    #expect(started.errors.contains("unknown-kind"))
    #expect(try work.plumb("attach").code == 2)
    #expect(try work.plumb("run", "--detach", "--json").code == 2)
    #expect(try work.plumb("run", "--jobs", "3").code == 2)
  }

  @Test func interruptingAttachLeavesTheRunAlone() throws {
    let work = try Workspace(Self.patient)
    try work.write(Self.wait, to: "stages/wait/stage.yaml")
    let run = try id(try work.plumb("run", "--detach"))
    let attached = try work.start("attach")
    #expect(attached.waits { $0.contains("running") })
    attached.signal(SIGINT)
    let left = try attached.wait()
    #expect(left.code == 130)
    #expect(left.errors.contains("goes on"))
    let stopped = try work.plumb("attach", "--stop", run)
    #expect(stopped.code == 143, "\(stopped.errors)")
    #expect(stopped.output.contains("stopping"))
    #expect(try work.plumb("attach", "--stop", run).errors.contains("controller-gone"))
    #expect(try work.plumb("attach", "no-such-run").code == 2)
  }

  @Test func aKilledControllerIsNoticed() throws {
    let work = try Workspace(Self.patient)
    try work.write(Self.wait, to: "stages/wait/stage.yaml")
    let started = try work.plumb("run", "--detach")
    let pid = try #require(
      started.errors.firstMatch(of: /process (\d+)/).flatMap { Int32($0.1) })
    let attached = try work.start("attach")
    #expect(attached.waits { $0.contains("running") })
    kill(pid, SIGKILL)
    let end = try attached.wait()
    #expect(end.code == 1)
    #expect(end.errors.contains("controller-gone"))
  }
}
