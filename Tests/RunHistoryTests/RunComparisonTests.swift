// What made instances differ between two runs: each cause once, at the place where it began.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Scheduling
import Testing

@testable import RunHistory

@Suite struct RunComparisonTests {
  /// first → second → third, of which the first has a parameter.
  private func chain(_ nights: Nights, value: Int, seed: Int = 1) throws -> [RunRow] {
    let a = try nights.blob("first \(value)\n")
    let b = try nights.blob("second \(value) \(seed)\n")
    let c = try nights.blob("third \(value) \(seed)\n")
    return [
      try nights.made("first", parameters: [("value", .integer(value))], gives: a),
      try nights.made(
        "second", parameters: [("seed", .integer(seed))], inputs: [("from", a)], gives: b),
      try nights.made("third", inputs: [("from", b)], gives: c),
    ]
  }

  @Test func aChangedInputIsFollowedToItsCause() throws {
    let nights = try Nights()
    let old = try nights.record(try chain(nights, value: 1))
    let new = try nights.record(try chain(nights, value: 2))
    let runs = try RunComparison(old, new)
    #expect(runs.pairs.map(\.state) == [.changed, .changed, .changed])
    #expect(runs.causes(of: "third").map(\.subject) == [.follows])
    #expect(runs.causes(of: "third").first?.text == "input from changed: second.out")
    let roots = runs.roots(of: ["third"])
    #expect(roots.map(\.id) == ["first"], "the consequence in between is not told")
    #expect(roots.first?.causes.map(\.text) == ["parameter value: 1 → 2"])
    #expect(runs.groups().count == 1)
    #expect(runs.inShort("third") == "first: parameter value: 1 → 2")
  }

  @Test func twoCausesAreBothTold() throws {
    let nights = try Nights()
    let old = try nights.record(try chain(nights, value: 1))
    let new = try nights.record(try chain(nights, value: 2, seed: 7))
    let runs = try RunComparison(old, new)
    #expect(runs.roots(of: ["third"]).map(\.id) == ["first", "second"])
    #expect(runs.inShort("third") == "first: parameter value: 1 → 2; and 1 more")
    let same = try RunComparison(old, old)
    #expect(same.pairs.allSatisfy { $0.state == .same })
    #expect(same.groups().isEmpty && same.inShort("third") == nil)
  }

  @Test func outsideFilesAreComparedLineByLine() throws {
    let nights = try Nights()
    let before = (1...20).map { "{\"id\": \($0), \"label\": \"left\"}" }
    var after = before
    after[11] = after[11].replacing("left", with: "right")
    after.append("{\"id\": 21}")
    func run(_ lines: [String], _ out: String) throws -> RecordedRun {
      let file = try nights.blob(lines.joined(separator: "\n") + "\n")
      return try nights.record([
        try nights.made("read", inputs: [("files", file)], gives: try nights.blob(out))
      ])
    }
    let runs = try RunComparison(try run(before, "a"), try run(after, "b")) { _, _ in "a.jsonl" }
    let cause = try #require(runs.causes(of: "read").first)
    #expect(cause.text == "input files: a.jsonl changed")
    #expect(
      runs.details(of: cause) == [
        "line 12 of a.jsonl differs in 'label': \"left\" → \"right\"",
        "line 21 of a.jsonl is new: {\"id\": 21}",
        "a.jsonl: 1 line changed, 1 line added",
      ])
  }

  @Test func declaredFilesAndCodeAreOpened() throws {
    let nights = try Nights()
    func run(_ text: String) throws -> RecordedRun {
      let file = try nights.blob(text)
      return try nights.record([
        try nights.made(
          "write", files: [(path: "grammar.yaml", digest: file.digest)],
          gives: try nights.blob(text))
      ])
    }
    let runs = try RunComparison(try run("a\nb\n"), try run("a\nc\n"))
    let cause = try #require(runs.causes(of: "write").first)
    #expect(cause.subject == .file)
    #expect(runs.details(of: cause).first == "line 2 of grammar.yaml differs: b → c")
  }

  @Test func theSameActionWithOtherResultsIsEvidence() throws {
    let here = try Nights()
    let there = try Nights()
    func run(_ nights: Nights, _ value: String, host: String) throws -> RecordedRun {
      let out = try nights.blob("[{\"value\": \(value)}]")
      return try nights.record([
        try nights.made("make", parameters: [("seed", 1)], gives: out, host: host),
        try nights.made("use", inputs: [("from", out)], gives: try nights.blob("use " + value)),
      ])
    }
    let old = try run(there, "0.5", host: "there")
    let new = try run(here, "0.25", host: "here")
    let runs = try RunComparison(old, new)
    #expect(runs.pairs.map(\.state) == [.evidence, .changed])
    let root = try #require(runs.roots(of: ["use"]).first)
    #expect(root.id == "make" && root.causes.map(\.subject) == [.evidence])
    let details = runs.details(of: root.causes[0])
    #expect(details.contains { $0.contains("host there, cpu a processor, kernels Haswell") })
    #expect(details.contains { $0.contains("host here") })
    #expect(details.contains { $0.contains("[0].value': 0.5 → 0.25") }, "\(details)")
  }

  @Test func anInputThatComesFromElsewhereIsSaidSo() throws {
    let nights = try Nights()
    let a = try nights.made("a", parameters: [("n", 1)], gives: try nights.blob("a"))
    let b = try nights.made("b", parameters: [("n", 2)], gives: try nights.blob("b"))
    let old = try nights.record([
      a, b,
      try nights.made("use", inputs: [("from", try nights.blob("a"))], gives: try nights.blob("1")),
    ])
    let new = try nights.record([
      a, b,
      try nights.made("use", inputs: [("from", try nights.blob("b"))], gives: try nights.blob("2")),
    ])
    let runs = try RunComparison(old, new)
    #expect(
      runs.causes(of: "use").map(\.text) == ["input from now comes from b.out, it came from a.out"])
  }

  @Test func whatIsGoneIsSaidToBeGone() throws {
    let nights = try Nights()
    let file = try nights.blob("old file")
    let old = try nights.record([
      try nights.made("read", inputs: [("files", file)], gives: try nights.blob("1"))
    ])
    let new = try nights.record([
      try nights.made(
        "read", inputs: [("files", try nights.blob("new file"))], gives: try nights.blob("2"))
    ])
    try nights.remove(file)
    let runs = try RunComparison(old, new)
    let cause = try #require(runs.causes(of: "read").first)
    #expect(runs.details(of: cause).first?.contains("is in no store that can be reached") == true)
    // The record too.
    let key = try #require(old.row("read")?.key)
    try FileManager.default.removeItem(
      atPath: nights.store.path + "/actions/\(key.prefix(2))/\(key)")
    let blind = try RunComparison(old, new)
    #expect(blind.causes(of: "read").map(\.subject) == [.unknown])
    #expect(blind.causes(of: "read").first?.text.contains("is gone") == true)
  }

  @Test func rowsThatNobodyWroteLikeThisEndNothing() throws {
    let nights = try Nights()
    let a = try nights.blob("a")
    let b = try nights.blob("b")
    // Each claims to have made what the other reads: no run can, but a file can say so.
    func rows(_ x: ObjectReference, _ y: ObjectReference, _ n: Int) throws -> [RunRow] {
      [
        try nights.made("one", parameters: [("n", .integer(n))], inputs: [("from", y)], gives: x),
        try nights.made(
          "two", parameters: [("n", .integer(n + 5))], inputs: [("from", x)], gives: y),
      ]
    }
    let old = try nights.record(try rows(a, b, 1))
    let new = try nights.record(try rows(try nights.blob("c"), try nights.blob("d"), 2))
    let runs = try RunComparison(old, new)
    #expect(Set(runs.roots(of: ["one"]).map(\.id)) == ["one", "two"])
    var strange = nights.row("three", key: nil, outputs: [("out", a)])
    strange.key = "no digest"
    strange.outputs = [(port: "out", reference: "blob:sha256:xyz"), (port: "", reference: "")]
    let odd = try nights.record([strange, strange])
    var other = strange
    other.key = "another"
    let pair = try RunComparison(odd, try nights.record([other]))
    #expect(pair.pairs.map(\.state) == [.changed])
    #expect(pair.causes(of: "three").map(\.subject) == [.unknown])
  }

  @Test func onlyOneOfThemHasIt() throws {
    let nights = try Nights()
    let row = try nights.made("a", gives: try nights.blob("a"))
    let undecided = nights.row("c", key: nil, outcome: .notStarted)
    let failed = nights.row("d", key: Digest.of("d"), outcome: .failed)
    let made = nights.row("d", key: Digest.of("d"), outputs: [("out", try nights.blob("d"))])
    let old = try nights.record([row, failed, nights.row("c", key: Digest.of("c"))])
    let new = try nights.record([made, undecided, nights.row("e", key: nil)])
    let runs = try RunComparison(old, new)
    #expect(runs.pairs.map(\.id) == ["d", "c", "e", "a"])
    #expect(runs.pairs.map(\.state) == [.ended, .undecided, .onlyNew, .onlyOld])
    let chosen = try RunComparison(old, new, selector: try RowSelector(["d"]))
    #expect(chosen.pairs.map(\.id) == ["d"])
    #expect(throws: Diagnostic.self) {
      try RunComparison(old, new, selector: try RowSelector(["x"]))
    }
  }

  /// 10,000 instances that all follow one changed parameter.
  @Test(.timeLimit(.minutes(1))) func manyInstancesStayQuick() throws {
    let nights = try Nights()
    let first = try nights.made("first", parameters: [("v", 1)], gives: try nights.blob("1"))
    let second = try nights.made("first", parameters: [("v", 2)], gives: try nights.blob("2"))
    func rows(_ maker: RunRow, _ input: ObjectReference) throws -> [RunRow] {
      // One record for all is enough: what is measured is the walk.
      let row = try nights.made("use", inputs: [("from", input)], gives: try nights.blob("u"))
      return [maker]
        + (0..<10_000).map { index in
          var copy = row
          copy.id = "use[n=\(index)]"
          return copy
        }
    }
    let old = try nights.record(try rows(first, try nights.blob("1")))
    let new = try nights.record(try rows(second, try nights.blob("2")))
    let begin = ContinuousClock.now
    let runs = try RunComparison(old, new)
    let groups = runs.groups()
    #expect(groups.map(\.cause.text) == ["parameter v: 1 → 2"])
    #expect(begin.duration(to: .now) < .seconds(20))
  }
}
