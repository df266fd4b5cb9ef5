// What made two runs differ, figures side by side, figures over runs, traces: through the program.

import CanonicalJSON
import Foundation
import Testing

@Suite struct ExplainingTests {
  private static let manifest = """
    version: 1
    name: drift
    params: {articles: articles.jsonl, bootstrap: 200}
    stages:
      articles:
        uses: import-corpus
        inputs: {files: {file: $(params.articles)}}
        with: {format: jsonl}
      lessons: {uses: compose-corpus, with: {documents: 60, seed: 1}}
      judge: {uses: train-classifier, inputs: {corpus: lessons.corpus}, with: {seed: 1}}
      score:
        uses: score-bias
        inputs: {corpus: articles.corpus, classifier: judge.classifier}
        with: {seed: 1, bootstrap: $(params.bootstrap)}
    """

  private func articles(_ work: Workspace, twelfth: String = "fell") throws {
    let lines = (1...20).map { number in
      "{\"id\": \"a\(number)\", \"text\": \"Report \(number): taxes "
        + "\(number == 12 ? twelfth : "fell") for everyone.\"}"
    }
    try work.write(lines.joined(separator: "\n") + "\n", to: "articles.jsonl")
  }

  private func twoRuns() throws -> Workspace {
    let work = try Workspace(Self.manifest)
    try articles(work)
    #expect(try work.plumb("run").code == 0)
    try articles(work, twelfth: "rose")
    #expect(try work.plumb("run", "--set", "bootstrap=400").code == 0)
    return work
  }

  // MARK: why

  @Test func whyNamesTheLineAndTheParameterOnce() throws {
    let work = try twoRuns()
    let all = try work.plumb("why", "--between", "latest~1", "latest")
    #expect(all.code == 0, "\(all.errors)")
    #expect(all.output.contains("4 instances: 2 the same, 2 changed"), "\(all.output)")
    #expect(all.output.contains("articles: input files: articles.jsonl changed"), "\(all.output)")
    #expect(all.output.contains("line 12 of articles.jsonl differs in 'text'"), "\(all.output)")
    #expect(all.output.contains("score: parameter bootstrap: 200 → 400"), "\(all.output)")
    #expect(!all.output.contains("\u{1B}"))
    let one = try work.plumb("why", "plumb.yaml", "score", "--between", "latest~1")
    #expect(one.output.contains("input corpus changed: articles.corpus"), "\(one.output)")
    #expect(one.output.contains("which goes back to\n    articles: input files"), "\(one.output)")
    #expect(try work.plumb("why", "--between", "latest~1", "latest", "score").output == one.output)
    let now = try work.plumb("why", "score", "--between", "latest", "now")
    #expect(now.output.contains("parameter bootstrap: 400 → 200"), "\(now.output)")
    let json = try JSONValue(
      parsing: try work.plumb("why", "--between", "latest~1", "latest", "--json").output)
    #expect(json["instances"]?.integer == 4 && json["causes"]?.array?.count == 2)
    #expect(
      json["differing"]?.array?.last?["follows"]?.array == ["articles"], "\(json.canonicalText)")
  }

  @Test func whyReadsAColleaguesStoreAndTouchesNothing() throws {
    let work = try twoRuns()
    try FileManager.default.moveItem(atPath: work.path("artifacts"), toPath: work.path("lab"))
    #expect(try work.plumb("run", "--set", "bootstrap=300").code == 0)
    let before = work.files("lab")
    let why = try work.plumb("why", "score", "--against", "lab")
    #expect(why.code == 0, "\(why.errors)")
    #expect(why.output.contains("parameter bootstrap: 400 → 300"), "\(why.output)")
    let older = try work.plumb("why", "--against", "lab:latest~1")
    #expect(older.output.contains("line 12 of articles.jsonl"), "their objects are read too")
    let planned = try work.plumb("why", "score", "--between", "now", "--against", "lab")
    #expect(planned.output.contains("parameter bootstrap: 400 → 200"), "\(planned.output)")
    #expect(work.files("lab") == before)
    #expect(try work.plumb("diff", "lab:latest", "latest").code == 1)
  }

  @Test func whatCannotBeComparedIsRefused() throws {
    let work = try twoRuns()
    try work.write("{\"store\": 9, \"digest\": \"md5\"}\n", to: "odd/format")
    try work.write("\u{0}", to: "bad/format")
    let refusals: [([String], String)] = [
      (["--between", "latest~9"], "run-unknown"), (["--between", "x y"], "malformed-option"),
      (["--between", "latest~x"], "run-name-malformed"),
      (["--between", "2019-01-01"], "run-unknown"),
      (["--between", "latest~1", "latest", "nosuch"], "run-instance-unknown"),
      (["--against", "nowhere"], "store-not-a-store"),
      (["--against", "odd"], "store-format-unknown"),
      (["--against", "bad"], "store-format-damaged"), (["--against", "plumb.yaml"], "store"),
      (["--against", "artifacts:latest~7"], "run-unknown"),
    ]
    for (words, id) in refusals {
      let why = try work.plumb(["why"] + words, seconds: 30)
      #expect([2, 6].contains(why.code), "\(words): \(why.output)")
      #expect(why.errors.contains("error[\(id)"), "\(words): \(why.errors)")
    }
  }

  @Test func damageIsSaidAndNothingBreaks() throws {
    let work = try twoRuns()
    let runs = try FileManager.default.contentsOfDirectory(atPath: work.path("artifacts/runs"))
      .sorted()
    try work.write("{\"id\": 3", to: "artifacts/runs/20991231T000000.000Z-drift-ffffff/run.json")
    let named = try work.plumb("diff", "ffffff", "latest")
    #expect(named.code == 2 && named.errors.contains("run-record-unreadable"))
    #expect(try work.plumb("why", "--between", "latest~1").code == 0, "damage is passed over")
    let history = try work.plumb("history", "share")
    #expect(history.code == 0 && history.errors.contains("cannot be read"), "\(history.errors)")
    // Every object goes; records of actions too.
    try FileManager.default.removeItem(atPath: work.path("artifacts/objects"))
    let why = try work.plumb("why", "--between", String(runs[0].suffix(6)))
    #expect(why.code == 0, "\(why.errors)")
    #expect(why.output.contains("in no store that can be reached"), "\(why.output)")
    let diff = try work.plumb("diff")
    #expect(diff.code == 1 && diff.output.contains("in no store"), "\(diff.output)")
    let gone = try work.plumb("history", "share")
    #expect(gone.output.contains("its object is gone"), "\(gone.output)\(gone.errors)")
  }

  // MARK: diff

  @Test func diffShowsWhatDiffersAndEndsWithOne() throws {
    let work = try twoRuns()
    let diff = try work.plumb("diff")
    #expect(diff.code == 1, "\(diff.errors)")
    #expect(diff.output.contains("bootstrap  200    400"), "\(diff.output)")
    #expect(diff.output.contains("%"), "relative differences")
    #expect(try work.plumb("diff", "latest", "latest").code == 0)
    #expect(try work.plumb("diff", "latest~1", "latest", "judge").code == 1, "parameters differ")
    let json = try JSONValue(parsing: try work.plumb("diff", "--json").output)
    #expect(json["same"] == false)
    #expect(json["parameters"]?["bootstrap"]?["to"]?.integer == 400)
    let metrics = try #require(json["metrics"]?.array)
    #expect(!metrics.isEmpty && metrics.allSatisfy { $0["difference"] != nil })
    let everything = try work.plumb("diff", "latest", "latest", "--all")
    #expect(everything.code == 0 && everything.output.contains("share"), "\(everything.output)")
    let numbers = try work.plumb("diff", "--numeric", "--tolerance", "1e9")
    #expect(numbers.output.contains("artifacts are equal"), "\(numbers.output)")
    #expect(try work.plumb("diff", "--numeric", "latest", "latest").code == 0)
  }

  // MARK: history

  @Test func historyFollowsAFigureThroughRuns() throws {
    let work = try twoRuns()
    #expect(try work.plumb("run", "--set", "bootstrap=400").code == 0)
    let history = try work.plumb("history", "share", "score", "--where", "class=right")
    #expect(history.code == 0, "\(history.errors)")
    let rows = history.lines.filter { $0.hasPrefix("20") }
    #expect(rows.count == 3, "\(history.output)")
    #expect(rows[1].contains("articles: input files") && rows[1].contains("and 1 more"))
    #expect(!history.output.contains("⠀"), "no plot into a pipe")
    let plot = try work.plumb("history", "share", "--where", "class=right", "--plot")
    #expect(plot.lines.contains { $0.contains("┤") || $0.contains("|") }, "\(plot.output)")
    let csv = try work.plumb("history", "share", "--csv")
    #expect(csv.lines.first?.hasPrefix("time,run,instance,class,metric,value") == true)
    #expect(csv.lines.count == 1 + 3 * 3, "three classes, three runs")
    let json = try JSONValue(parsing: try work.plumb("history", "share", "--json").output)
    #expect(json.array?.first?["points"]?.array?.count == 3)
    #expect(
      try work.plumb("history", "share", "--last", "2", "--json").output.contains("articles.jsonl"))
    let unknown = try work.plumb("history", "shaer")
    #expect(unknown.code == 2 && unknown.errors.contains("did you mean 'share'?"))
    #expect(try work.plumb("history").code == 2)
    #expect(
      try work.plumb("history", "share", "--where", "clas=right").errors.contains("axis-unknown"))
    #expect(try work.plumb("history", "share", "--since", "1s").code == 0)
  }

  // MARK: trace

  private func events(_ text: String) throws -> [JSONValue] {
    try #require(try JSONValue(parsing: text)["traceEvents"]?.array)
  }

  @Test func aRunIsTraced() throws {
    let work = try Workspace(Self.manifest)
    try articles(work)
    #expect(try work.plumb("run", "--trace", "trace.json").code == 0)
    let all = try events(work.read("trace.json"))
    let complete = all.filter { $0["ph"]?.string == "X" }
    #expect(
      Set(complete.compactMap { $0["name"]?.string })
        == ["articles", "lessons", "judge", "score"])
    #expect(complete.allSatisfy { $0["args"]?["key"]?.string?.count == 64 })
    let again = try work.plumb("trace")
    #expect(again.output == work.read("trace.json"), "one code for both")
    #expect(try work.plumb("trace", "latest", "old.json").code == 0)
    #expect(work.read("old.json") == again.output)
    let nowhere = try work.plumb("run", "--trace", "no/such/folder.json")
    #expect(nowhere.code == 2 && nowhere.errors.contains("cannot-write"))
  }

  @Test func aStoppedRunGivesAWholeTrace() throws {
    let work = try Workspace(
      "version: 1\nname: slow\nstages:\n  wait: {uses: wait}\n")
    try work.write(
      """
      kind: wait
      revision: 1
      summary: Waits.
      command: [sleep, "600"]
      outputs: {metrics: {type: metrics, summary: None}}
      """, to: "stages/wait/stage.yaml")
    let run = try work.start("run", "--trace", "trace.json")
    #expect(run.waits { $0.contains("running") })
    run.signal(2)
    #expect(try run.wait().code == 130)
    let complete = try events(work.read("trace.json")).filter { $0["ph"]?.string == "X" }
    #expect(complete.map { $0["args"]?["outcome"]?.string } == ["interrupted"])
  }

  @Test func resultsAndLogsOfNamedRuns() throws {
    let work = try twoRuns()
    for (run, word) in [("latest~1", "fell"), ("latest", "rose")] {
      let got = try work.plumb("get", "articles.corpus", "--run", run, "--to", word)
      #expect(got.code == 0, "\(got.errors)")
      let text = work.read("\(word)/articles.corpus/documents.jsonl")
      #expect(text.split(separator: "\n")[11].contains("taxes \(word)"))
    }
    let then = try work.plumb("show", "score", "--run", "latest~1")
    #expect(then.output.contains("[\"parameter\",\"bootstrap\",200]"), "\(then.output)")
    let last = try work.plumb("metrics", "score", "--run", "latest", "--csv")
    #expect(last.code == 0 && last.lines.count > 3, "\(last.errors)")
    #expect(try work.plumb("get", "judge", "--run", "latest~5").errors.contains("run-unknown"))
    let first = try work.plumb("log", "score", "--path", "--run", "latest~1")
    let second = try work.plumb("log", "score", "--path")
    #expect(first.code == 0 && second.code == 0 && first.output != second.output)
    #expect(try work.plumb("log", "judge", "--run", "latest").errors.contains("no-log"))
  }
}

/// Pages of the documentation that are read as a session: each manifest is written down where it
/// stands, each shell block is run.
@Suite struct PageTests {
  private static let folder = Built.project + "/Sources/plumb/Documentation.docc/"

  /// Blocks of YAML and of shell, in order.
  private static func blocks(_ page: String) throws -> [(language: String, text: String)] {
    let text = try String(contentsOfFile: folder + page, encoding: .utf8)
    var blocks: [(language: String, text: String)] = []
    var open: (language: String, lines: [Substring])?
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```"), let block = open {
        blocks.append((block.language, block.lines.joined(separator: "\n") + "\n"))
        open = nil
      } else if line.hasPrefix("```") {
        open = (String(line.dropFirst(3)), [])
      } else {
        open?.lines.append(line)
      }
    }
    return blocks
  }

  @Test(arguments: ["FirstPipeline.md", "HandOver.md", "WhyDidItChange.md"])
  func aPageRunsAsItStands(page: String) throws {
    let work = try Workspace()
    var scripts = 0
    for (language, text) in try Self.blocks(page) {
      if language == "yaml" { try work.write(text, to: "plumb.yaml") }
      guard language == "sh" else { continue }
      scripts += 1
      let end = try work.shell("set -e; " + text, seconds: 120)
      #expect(end.code == 0, "\(text)\n\(end.output)\(end.errors)")
    }
    #expect(scripts >= 3)
  }
}
