// Two to eight runs at once on one store, of the same pipeline and of others that share stages with it,
// with random kills: each action is carried out once, or once more for a kill, and nothing comes out
// wrong. PLUMB_CHAOS_SECONDS makes it long (`make chaos`).

import ArtifactStore
import Foundation
import Glibc
import Testing

@testable import Scheduling

@Suite(.serialized) struct ConcurrentRunsTests {
  private static let seconds =
    ProcessInfo.processInfo.environment["PLUMB_CHAOS_SECONDS"].flatMap { Double($0) } ?? 3

  /// Shared stages, and one of the pipeline's own.
  private static func describe(_ lab: Laboratory, round: Int, variant: Int) throws {
    try lab.write(
      """
      version: 1
      name: chaos-\(variant)
      stages:
        a:
          uses: act
          matrix: {n: 1..6}
          with: {tag: "\(round) a$(matrix.n)", value: $(matrix.n), seconds: 0.02}
        b:
          uses: act
          inputs: {from: "a[*].metrics"}
          with: {tag: "\(round) b", value: 1}
        own:
          uses: act
          inputs: {from: b.metrics}
          with: {tag: "\(round) own \(variant)", value: \(variant), seconds: 0.01}
      """, to: "chaos-\(variant).yaml")
  }

  @Test(.timeLimit(.minutes(60)))
  func manyRunsAtOnceMakeEverythingOnce() async throws {
    let lab = try Laboratory()
    let end = Date().addingTimeInterval(Self.seconds)
    var random = SystemRandomNumberGenerator()
    var (round, kills, runs, twice) = (0, 0, 0, 0)
    while Date() < end || round == 0 {
      round += 1
      let variants = Int.random(in: 1...3, using: &random)
      for variant in 0..<variants { try Self.describe(lab, round: round, variant: variant) }
      var killed = 0
      let children = (0..<Int.random(in: 2...8, using: &random)).map { number in
        Child(
          Laboratory.workerPath,
          [
            "run", "\(lab.folder)/chaos-\(number % variants).yaml", lab.storePath,
            lab.folder + "/stages",
          ], environment: ["TEST_COUNT_FILE": lab.folder + "/count-\(round)"],
          output: lab.folder + "/output-\(round)-\(number)")
      }
      runs += children.count
      var dead: Set<Int32> = []
      for child in children where Bool.random(using: &random) {
        try await Task.sleep(for: .milliseconds(Int.random(in: 1...250, using: &random)))
        if kill(child.pid, SIGKILL) == 0 {
          dead.insert(child.pid)
          killed += 1
        }
      }
      kills += killed
      for (number, child) in children.enumerated() {
        let code = try await child.wait(seconds: 120)
        let isExpected = code == 0 || (dead.contains(child.pid) && code == 128 + SIGKILL)
        let text = try? String(
          contentsOfFile: lab.folder + "/output-\(round)-\(number)", encoding: .utf8)
        #expect(isExpected, "round \(round): \(code) \(text ?? "")")
      }
      // What the dead left is made by one more run, and then all is there.
      for variant in 0..<variants {
        let last = Child(
          Laboratory.workerPath,
          ["run", "\(lab.folder)/chaos-\(variant).yaml", lab.storePath, lab.folder + "/stages"],
          environment: ["TEST_COUNT_FILE": lab.folder + "/count-\(round)"],
          output: lab.folder + "/output")
        #expect(try await last.wait(seconds: 60) == 0, "round \(round): \(lab.output)")
      }
      let text = try String(contentsOfFile: lab.folder + "/count-\(round)", encoding: .utf8)
      var count: [Substring: Int] = [:]
      for tag in text.split(separator: "\n") { count[tag, default: 0] += 1 }
      #expect(count.count == 7 + variants, "round \(round): \(count)")
      for (tag, number) in count {
        #expect(number <= 1 + killed, "\(tag) was made \(number) times with \(killed) kills")
        if number > 1 { twice += number - 1 }
      }
      if round % 10 == 1 || Date() >= end {
        let report = try lab.store().verify()
        #expect(report.isClean && report.evidence == 0, "\(report.problems)")
      }
    }
    // Workers of killed runs end by themselves; then nobody holds anything.
    let store = try lab.store()
    try await eventually("the leases are given back", seconds: 10) {
      store.sweepLeases()
      return try store.leases().isEmpty
    }
    let report = try store.verify()
    #expect(report.isClean && report.evidence == 0)
    print(
      "\(round) rounds, \(runs) runs, \(kills) kills, \(report.results) results, \(twice) made again"
    )
  }
}
