// Any program as a stage: what it sees, what is part of its key, and what becomes of secrets. Shell
// scripts here, since every machine has a shell; a worked example in Python is in the documentation.

import ArtifactStore
import Foundation
import Glibc
import Pipelines
import Testing

@testable import Scheduling

@Suite(.serialized) struct CommandStageTests {
  static let kind = """
    kind: script
    revision: 1
    summary: Runs a script.
    command: [sh, script.sh, "$(outputs.metrics)", "--tag=$(parameters.tag)", [--least, "$(parameters.least)"], "$(inputs.from)"]
    code: [script.sh]
    tools: {shell: [sh, -c, "echo version 1"]}
    environment: {COLOUR: red and blue}
    inputs:
      from: {type: metrics, list: true, optional: true, summary: Numbers}
    outputs:
      metrics: {type: metrics, summary: What came out}
    parameters:
      tag: {type: string, default: "two words; $HOME", summary: A word}
      least: {type: integer, optional: true, summary: A number}
    """

  static func laboratory(
    _ script: String, kind: String = kind, file: String = "script.sh"
  ) throws -> Laboratory {
    let lab = try Laboratory()
    try FileManager.default.createDirectory(
      atPath: lab.folder + "/stages/script", withIntermediateDirectories: true)
    try lab.write(kind, to: "stages/script/stage.yaml")
    try lab.write(script, to: "stages/script/" + file)
    return lab
  }

  static func log(_ report: RunReport, _ id: String = "it") throws -> String {
    try String(contentsOfFile: #require(report.row(id)?.log), encoding: .utf8)
  }

  static let writes = "echo '[{\"name\":\"sum\",\"value\":1}]' > \"$1\"\n"

  @Test func seesWhatIsDeclaredAndNothingElse() throws {
    let lab = try Self.laboratory(
      """
      for word in "$@"; do echo "word $word"; done
      env | sort | sed 's/^/env /'
      ls -R . | sed 's/^/file /'
      cat order.json
      (echo x > inputs/from/0/metrics.json) 2>/dev/null && echo WRITABLE
      (echo x > inputs/from/new) 2>/dev/null && echo WRITABLE
      (echo x > script.sh) 2>/dev/null && echo WRITABLE
      \(Self.writes)
      """)
    try lab.describe(
      """
      a: {uses: act, with: {tag: a}}
      b: {uses: act, with: {tag: b}}
      it: {uses: script, inputs: {from: [a.metrics, b.metrics]}, with: {least: 3}}
      """)
    setenv("PLUMB_TEST_OUTSIDE", "must not be seen", 1)
    let report = try lab.run()
    #expect(report.exitCode == 0, "\(String(describing: report.row("it")?.failure))")
    let log = try Self.log(report)
    let words = log.split(separator: "\n").filter { $0.hasPrefix("word ") }.map { $0.dropFirst(5) }
    #expect(words.count == 6)
    #expect(
      words.dropFirst() == [
        "--tag=two words; $HOME", "--least", "3", "inputs/from/0/metrics.json",
        "inputs/from/1/metrics.json",
      ])
    // The shell itself adds PWD and the like.
    let names = log.split(separator: "\n").filter { $0.hasPrefix("env ") }
      .compactMap { $0.dropFirst(4).split(separator: "=").first.map(String.init) }
    #expect(Set(names).subtracting(["PWD", "SHLVL", "_", "OLDPWD"]) == ["COLOUR"])
    if getuid() != 0 { #expect(!log.contains("WRITABLE")) }
    #expect(log.contains("\"coordinates\""))
    #expect(lab.ran.sorted() == ["a", "b"])
    #expect(try lab.run().row("it")?.outcome == .reused)
  }

  @Test func optionalWordsAreLeftOutTogether() throws {
    let lab = try Self.laboratory("echo \"count $#\"\n" + Self.writes)
    try lab.describe("it: {uses: script}")
    #expect(try Self.log(lab.run()).contains("count 2"))
  }

  @Test func codeToolsWordsAndEnvironmentArePartOfTheKey() throws {
    let lab = try Self.laboratory(Self.writes)
    try lab.describe("it: {uses: script}")
    try lab.step("first", expecting: [.produced("it", because: "new")])
    try lab.step("nothing changed", expecting: [.reused("it")])
    try lab.step(
      "another script",
      edit: { try $0.write(Self.writes + "true\n", to: "stages/script/script.sh") },
      expecting: [.produced("it", because: "declared file script.sh changed")])
    func edit(_ old: String, _ new: String) -> (Laboratory) throws -> Void {
      {
        try $0.write(
          Self.kind.replacingOccurrences(of: old, with: new), to: "stages/script/stage.yaml")
      }
    }
    try lab.step(
      "another version", edit: edit("version 1", "version 2"),
      expecting: [.produced("it", because: "tool shell: \"version 1\" → \"version 2\"")])
    try lab.step(
      "another environment", edit: edit("red and blue", "green"),
      expecting: [
        .produced(
          "it", because: "environment COLOUR: \"red and blue\" → \"green\"")
      ])
    try lab.step("and back", edit: edit("x", "x"), expecting: [.reused("it")])
  }

  @Test func failuresAreTold() throws {
    let lab = try Self.laboratory("echo first; echo 'no such corpus' >&2; exit 7")
    try lab.describe("it: {uses: script}")
    let report = try lab.run()
    let problem = try #require(report.row("it")?.failure?.problem)
    #expect(problem.id == "command-failed")
    #expect(problem.message.contains("status 7"))
    #expect(problem.notes.contains { $0.message.contains("no such corpus") })
    for (script, id) in [
      ("true", "output-missing"), ("kill -SEGV $$", "command-failed"),
      ("echo x > $1; echo y > $(dirname $1)/more", "output-missing"),
    ] {
      try lab.write(script, to: "stages/script/script.sh")
      #expect(try lab.run().row("it")?.failure?.problem.id == id, "\(script)")
    }
    try lab.write(
      Self.kind.replacingOccurrences(of: "command: [sh,", with: "command: [no-such-program,"),
      to: "stages/script/stage.yaml")
    #expect(try lab.run().row("it")?.failure?.problem.id == "program-missing")
    try lab.write(
      Self.kind.replacingOccurrences(
        of: "tools: {shell: [sh, -c, \"echo version 1\"]}", with: "tools: {shell: [\"true\"]}"),
      to: "stages/script/stage.yaml")
    #expect(try lab.run().row("it")?.failure?.problem.id == "tool-without-version")
  }

  @Test func secretsStandNowhere() throws {
    let kind = Self.kind + "\nsecrets: [PLUMB_TEST_SECRET]"
    let lab = try Self.laboratory(
      "echo \"the token is $PLUMB_TEST_SECRET.\"\n" + Self.writes, kind: kind)
    try lab.describe("it: {uses: script}")
    unsetenv("PLUMB_TEST_SECRET")
    #expect(try lab.run().row("it")?.failure?.problem.id == "secret-missing")
    let value = "hunter2-" + UUID().uuidString
    setenv("PLUMB_TEST_SECRET", value, 1)
    defer { unsetenv("PLUMB_TEST_SECRET") }
    let report = try lab.run()
    #expect(report.row("it")?.outcome == .produced)
    #expect(try Self.log(report).contains("the token is ***."))
    for file in filesBelow(lab.folder) {
      let bytes = try #require(FileManager.default.contents(atPath: lab.folder + "/" + file))
      #expect(bytes.range(of: Data(value.utf8)) == nil, "the secret stands in \(file)")
    }
    setenv("PLUMB_TEST_SECRET", value + "-new", 1)
    #expect(try lab.run().row("it")?.outcome == .reused, "a new token makes nothing again")
    try lab.write(
      "echo \"[{\\\"name\\\":\\\"$PLUMB_TEST_SECRET\\\"}]\" > $1", to: "stages/script/script.sh")
    let leaking = try lab.run()
    #expect(leaking.row("it")?.failure?.problem.id == "secret-in-output")
    #expect(leaking.row("it")?.failure?.problem.message.contains(value) == false)
  }

  @Test func secretsInHiddenFilesOfAFolderAreFound() throws {
    let kind =
      Self.kind.replacingOccurrences(
        of: "metrics: {type: metrics, summary: What", with: "run: {type: corpus, summary: What"
      ).replacingOccurrences(of: "$(outputs.metrics)", with: "$(outputs.run)")
      + "\nsecrets: [PLUMB_TEST_HIDDEN]"
    let lab = try Self.laboratory(
      "echo text > $1/a.txt; echo $PLUMB_TEST_HIDDEN > $1/.b", kind: kind)
    try lab.describe("it: {uses: script}")
    setenv("PLUMB_TEST_HIDDEN", "swordfish-" + UUID().uuidString, 1)
    defer { unsetenv("PLUMB_TEST_HIDDEN") }
    #expect(try lab.run().row("it")?.failure?.problem.id == "secret-in-output")
    // The same without the secret: a port may be called `run`.
    try lab.write("echo text > $1/a.txt", to: "stages/script/script.sh")
    let report = try lab.run()
    #expect(report.exitCode == 0, "\(String(describing: report.row("it")?.failure))")
  }

  @Test func aCheckpointSurvivesAKill() throws {
    let kind = (Self.kind + "\ncheckpoint: true").replacingOccurrences(
      of: "--tag=$(parameters.tag)", with: "$(checkpoint)")
    let lab = try Self.laboratory(
      """
      if [ -e "$2/half" ]; then \(Self.writes) exit 0; fi
      echo half > "$2/half"
      kill -KILL $$
      """, kind: kind)
    try lab.describe("it: {uses: script}")
    #expect(try lab.run().row("it")?.outcome == .failed)
    #expect(try lab.run().row("it")?.outcome == .produced)
  }

  /// Bytes of any form go from program to program, and from outside.
  @Test func filesAreHandedOn() throws {
    let lab = try Self.laboratory(
      """
      mkdir -p "$1/sub"
      shift
      out=$(sed -n 's/.*"out": "\\(.*\\)".*/\\1/p' order.json)
      for place in "$@"; do find "$place" -type f | LC_ALL=C sort; done > "$out/sub/list.txt"
      cat $(cat "$out/sub/list.txt") /dev/null > "$out/all.txt"
      """,
      kind: """
        kind: script
        revision: 1
        summary: Joins files.
        command: [sh, script.sh, "$(outputs.out)", "$(inputs.from)"]
        code: [script.sh]
        inputs:
          from: {type: files, list: true, optional: true, summary: Any files}
        outputs:
          out: {type: files, summary: Their names and bytes}
        """)
    try lab.write("outside\n", to: "data.txt")
    try lab.describe(
      """
      a: {uses: script, inputs: {from: [{file: data.txt}]}}
      b: {uses: script, inputs: {from: [a.out, {file: data.txt}]}}
      """)
    let report = try lab.run()
    #expect(report.exitCode == 0, "\(report.rows.compactMap { $0.failure?.problem })")
    let reference = try #require(report.row("b")?.outputs.first?.reference)
    let files = try lab.store().files(
      of: try #require(ObjectReference(reference)), blobName: "file")
    #expect(files.keys.sorted() == ["all.txt", "sub/list.txt"])
    let list = try String(contentsOfFile: #require(files["sub/list.txt"]), encoding: .utf8)
    #expect(
      list.split(separator: "\n").map(String.init).prefix(2) == [
        "inputs/from/0/all.txt", "inputs/from/0/sub/list.txt",
      ])
    #expect(
      try String(contentsOfFile: #require(files["all.txt"]), encoding: .utf8).contains("outside\n"))
    #expect(try lab.run().rows.allSatisfy { $0.outcome == .reused })
  }

  @Test func itEndsWithTheRun() throws {
    let lab = try Self.laboratory(
      "trap 'echo stopped; exit 3' TERM\necho ready\nwhile true; do sleep 0.05; done")
    try lab.describe("it: {uses: script}")
    let log = EventLog()
    let scheduler = try lab.scheduler(log)
    Thread.detachNewThread {
      while true {
        usleep(20_000)
        for event in log.events {
          if case .launched(_, _, _, _, let path) = event,
            (try? String(contentsOfFile: path, encoding: .utf8))?.contains("ready") == true
          {
            scheduler.stop()
            return
          }
        }
      }
    }
    let report = try scheduler.run()
    #expect(report.row("it")?.outcome == .interrupted)
    #expect(try Self.log(report).contains("stopped"))
  }
}
