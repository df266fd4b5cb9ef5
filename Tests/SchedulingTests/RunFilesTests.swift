// Records, orders, logs and events that somebody damaged, and the small parts that read them.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import Scheduling

@Suite struct RunFilesTests {
  private let lab: Laboratory

  init() throws { lab = try Laboratory() }

  func temporary(_ text: String) throws -> String {
    let path = lab.folder + "/" + UUID().uuidString
    try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    return path
  }

  static func order() throws -> WorkerOrder {
    WorkerOrder(
      store: "/store",
      record: try ActionRecord(
        kind: "act", revision: 1, engine: 1, parameters: [("value", 1)], inputs: [], files: []),
      instance: "a[n=1]", pipeline: "lab", version: "1",
      inputs: [WorkerOrder.InputPort(name: "from", fileName: "file", outside: [1: "/x", 0: "/y"])],
      outputs: [WorkerOrder.OutputPort(name: "metrics", fileName: "metrics.json")], again: true,
      grace: 3)
  }

  @Test func anOrderReadsBack() throws {
    let path = try temporary("")
    let order = try Self.order()
    try order.write(to: path)
    let read = try WorkerOrder(readingFrom: path)
    #expect(read.json == order.json)
    #expect(read.inputs == order.inputs)
  }

  @Test(arguments: [
    "", "null", "[]", "{}", "{\"store\":1}", "\u{0}", "{\"store\":\"s\"",
    #"{"store":"s","record":"x","key":"k","instance":"i","inputs":[],"outputs":[]}"#,
    #"{"store":"s","record":"","key":"","instance":"i","inputs":[],"outputs":[]}"#,
  ])
  func aBrokenOrderIsRefused(text: String) async throws {
    let path = try temporary(text)
    #expect { try WorkerOrder(readingFrom: path) } throws: {
      ($0 as? Diagnostic)?.id == "order-unreadable"
    }
    let worker = Child(
      Laboratory.workerPath, ["exec-stage", path], environment: [:], output: path + ".log")
    #expect(try await worker.wait() == WorkerStatus.refused)
  }

  @Test func anOrderWhoseRecordWasChangedIsRefused() throws {
    let text = try Self.order().json.indentedText
    let path = try temporary(text.replacingOccurrences(of: "value\\\",1", with: "value\\\",2"))
    #expect { try WorkerOrder(readingFrom: path) } throws: {
      ($0 as? Diagnostic)?.id == "order-key-mismatch"
    }
  }

  @Test(arguments: [
    "", "7", "{}", #"{"id":"x"}"#, #"{"id":1,"rows":[]}"#, #"{"id":"x","rows":{}}"#, "{\"id\":",
  ])
  func aBrokenRunRecordIsRefused(text: String) throws {
    let folder = lab.folder
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/run.json"))
    #expect { try RunReport(readingRunFolder: folder) } throws: {
      ($0 as? Diagnostic)?.id == "run-record-unreadable"
    }
  }

  @Test func rowsOfOtherVersionsAreReadAsFarAsTheyGo() throws {
    let json = try JSONValue(
      parsing: #"{"id":"a","outcome":"levitating","key":7,"failure":{"cause":"magic"},"new":1}"#)
    let row = try #require(RunRow(json))
    #expect(row.outcome == .pending)
    #expect(row.key == nil)
    #expect(row.failure == nil)
  }

  @Test func linesAreSplitWhereverTheBytesBreak() {
    let text = Array("one\ntwo\n\nlong long long\nend\nrest".utf8)
    for size in 1...text.count {
      var splitter = LineSplitter(limit: 8)
      var lines: [String] = []
      for start in stride(from: 0, to: text.count, by: size) {
        lines += splitter.add(text[start..<min(text.count, start + size)]).map {
          String(decoding: $0, as: UTF8.self)
        }
      }
      #expect(lines == ["one", "two", "", "end"], "pieces of \(size)")
    }
  }

  @Test func aLogsTailIsShortWhateverTheLogHolds() throws {
    let cases: [(text: String, tail: [String])] = [
      ("", []), ("\n", [""]), ("one", ["one"]), ("one\n", ["one"]),
      ("one\n\ntwo", ["one", "", "two"]),
      ((1...30).map(String.init).joined(separator: "\n"), (11...30).map(String.init)),
    ]
    for (text, tail) in cases {
      #expect(LogTail.lines(ofLogAt: try temporary(text)) == tail, "\(text)")
    }
    let endless = try temporary(String(repeating: "x", count: 1 << 20))
    #expect(LogTail.lines(ofLogAt: endless).map(\.count) == [401])
    #expect(LogTail.lines(ofLogAt: "/nonexistent") == [])
  }

  @Test(arguments: [
    ("grammars/*.yaml", "grammars/news.yaml", true),
    ("grammars/*.yaml", "grammars/a/b.yaml", false),
    ("grammars/**", "grammars/a/b.yaml", true), ("*.md", "README.md", true),
    ("*.md", "docs/README.md", false), ("a?c", "abc", true), ("a?c", "a/c", false),
    ("[x", "[x", true),
  ])
  func globs(glob: String, path: String, isMatch: Bool) {
    #expect(matches(path, glob: glob) == isMatch)
  }

  @Test func aProblemKeepsItsSubject() throws {
    let source = SourceText(path: "documents.jsonl", text: "{}\n{\n")
    let cases: [(Diagnostic, WorkerProblem.Subject?)] = [
      (Diagnostic("a", "b").about(input: "corpus"), .input("corpus")),
      (Diagnostic("a", "b").about(parameter: "two words"), .parameter("two words")),
      (Diagnostic("a", "b"), nil),
      (Diagnostic("a", "b", at: SourceSpan(source: source, range: 3..<4)), nil),
    ]
    for (problem, subject) in cases {
      let sent = WorkerProblem(problem)
      #expect(sent.subject == subject)
      #expect(WorkerProblem(try JSONValue(parsing: sent.json.canonicalText)) == sent)
    }
    let placed = WorkerProblem(cases[3].0)
    #expect(placed.notes.first?.hasPrefix("documents.jsonl:2:1\n") == true)
  }

  @Test func theUsersKernelsWin() {
    let program = RunOptions.WorkerProgram()
    let own = WorkerEnvironment.variables(
      inherited: ["OPENBLAS_CORETYPE": "Prescott", "TZ": "Mars"], program: program, threads: 3)
    #expect(own["OPENBLAS_CORETYPE"] == "Prescott")
    #expect(own["PLUMB_THREADS"] == "3")
    #expect(own["OPENBLAS_NUM_THREADS"] == "1")
    #expect(own["TZ"] == "UTC")
    let chosen = WorkerEnvironment.variables(inherited: [:], program: program, threads: 1)
    #expect(chosen["OPENBLAS_CORETYPE"] == Machine.bestKernels)
  }

  @Test(arguments: [
    ("[]", "[]", true),
    (#"[{"name":"a","value":1}]"#, #"[{"name":"a","value":1}]"#, true),
    (#"[{"name":"a","value":1}]"#, #"[{"name":"a","value":1.1}]"#, false),
    (#"[{"name":"a","value":1,"tolerance":0.2}]"#, #"[{"name":"a","value":1.1}]"#, true),
    (#"[{"name":"a","value":1,"tolerance":0.2}]"#, #"[{"name":"b","value":1.1}]"#, false),
    (#"[{"name":"a","value":1,"low":0,"tolerance":0.2}]"#, #"[{"name":"a","value":1}]"#, false),
    (#"[{"name":"a","value":1,"tolerance":9}]"#, "[]", false),
  ])
  func metricsAgreeWithinTheirTolerance(first: String, second: String, agree: Bool) throws {
    let a = try JSONValue(parsing: first).array!
    let b = try JSONValue(parsing: second).array!
    #expect(ResultComparison.agree(a, b) == agree)
  }

  /// `plumb explain` knows every id that this room can say.
  @Test func everyDiagnosticIsExplained() throws {
    let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("../../Sources/Scheduling")
    let pages = schedulingExplanations + slurmExplanations
    let explained = Set(pages.map(\.id))
    #expect(explained.count == pages.count)
    let source = try ["SchedulingDiagnostics.swift", "SlurmJobs/SlurmDiagnostics.swift"].map {
      try String(contentsOf: folder.appendingPathComponent($0), encoding: .utf8)
    }.joined()
    let ids = source.matches(of: /"([a-z]+(?:-[a-z]+)+)"/).map { String($0.1) } + ["interrupted"]
    #expect(ids.count > 15)
    for id in ids { #expect(explained.contains(id), "\(id) has no explanation") }
  }

  /// A worker can be started by hand, with the order of an earlier run.
  @Test func anOrderCanBeRunAgainByHand() async throws {
    try lab.describe("one: {uses: act, with: {tag: one}}")
    let report = try lab.run()
    let order = WorkerOrder.path(inRunFolder: report.folder, instance: 0)
    let worker = Child(
      Laboratory.workerPath, ["exec-stage", order], environment: [:], output: lab.folder + "/log")
    #expect(try await worker.wait() == 0, "it finds the result")
    #expect(lab.ran == ["one"])
  }

  @Test func spawnedDescriptorsDoNotOverwriteEachOther() async throws {
    // The worker's events pipe lands on 3 and the lifeline on 4 whatever numbers they have here.
    try lab.describe("one: {uses: act, with: {tag: one, act: progress}}")
    let log = EventLog()
    _ = try lab.run(log)
    #expect(log.events.contains { if case .progress = $0 { true } else { false } })
  }
}
