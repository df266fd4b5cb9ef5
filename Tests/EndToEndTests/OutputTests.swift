// What comes out of a pipe: plain lines, JSON lines, tables, nothing.

import CanonicalJSON
import Foundation
import Testing

private let manifest = """
  version: 1
  name: figures
  summary: A judge and what it says.
  stages:
    real:
      uses: compose-corpus
      with: {documents: 60, seed: 1}
    judge:
      uses: train-classifier
      inputs: {corpus: real.corpus}
      with: {feature_bits: 10, bootstrap: 100, seed: 1}
    other:
      uses: compose-corpus
      matrix: {generation: 0..1, seed: [1, 2]}
      with: {documents: 9, seed: $(matrix.seed)}
    score:
      uses: score-bias
      matrix: {generation: other.generation, seed: other.seed}
      inputs: {corpus: other.corpus, classifier: judge.classifier}
      with: {bootstrap: 100, seed: 1}
    page:
      uses: report
      inputs: {bias: "score[*].metrics", classifier: judge.metrics}
      with: {title: Figures, series_axis: ""}
  """

@Suite struct OutputTests {
  @Test func `a run into a pipe is one plain line per event`() throws {
    let work = try Workspace(manifest)
    let run = try work.plumb("run")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.errors == "")
    #expect(!run.output.contains("\u{1B}") && !run.output.contains("\r"))
    for line in run.lines.dropLast() {
      #expect(
        line.wholeMatch(
          of: /\d\d:\d\d:\d\d  (started |running |produced|reused  |waiting )  .+/) != nil,
        "\(line)")
    }
    let last = try #require(run.lines.last)
    let match = try #require(
      last.wholeMatch(of: /7 produced, 4 reused, 0 failed in [\d.]+m?s; report (.+)/), "\(last)")
    let page = work.read(String(match.1))
    #expect(page.contains("Figures") && page.contains("score[generation=1,seed=2]"))
    #expect(!page.contains("<script"), "the page needs no script")
  }

  @Test func `quiet says nothing, JSON says everything`() throws {
    let work = try Workspace(manifest)
    let quiet = try work.plumb("run", "real", "-q")
    #expect(quiet.code == 0)
    #expect(quiet.output == "" && quiet.errors == "")
    let run = try work.plumb("run", "--json")
    #expect(run.code == 0)
    #expect(run.events.count == run.lines.count, "every line is JSON")
    #expect(run.events.first?["event"]?.string == "started")
    #expect(run.events.contains { $0["event"]?.string == "launched" && $0["pid"]?.integer != nil })
    let ended = try #require(run.events.first { $0["event"]?.string == "ended" })
    #expect(ended["failed"]?.integer == 0 && ended["produced"]?.integer == 6)
    let report = try #require(run.events.last?["path"]?.string)
    #expect(FileManager.default.fileExists(atPath: report))
    let plan = try work.plumb("plan", "--json")
    let decisions = try #require(try JSONValue(parsing: plan.output).array)
    #expect(decisions.count == 11 && decisions.allSatisfy { $0["decision"]?.string == "reuse" })
  }

  /// A model tuned to one trait, measured on another.
  @Test func aMetricMaySpeakOfAnotherValueThanItsAxis() throws {
    let work = try Workspace(
      "version: 1\nname: two\nstages:\n  rate: {uses: rate, matrix: {trait: [open, calm]}}\n")
    try work.write(
      """
      kind: rate
      revision: 1
      summary: Rates.
      command: [sh, rate.sh, "$(outputs.metrics)"]
      code: [rate.sh]
      outputs: {metrics: {type: metrics, summary: None}}
      """, to: "stages/rate/stage.yaml")
    let numbers = ["open", "calm"].enumerated().map { number, trait in
      "{\"name\": \"score\", \"value\": \(number), \"n\": 9, \"at\": {\"trait\": \"\(trait)\"}}"
    }.joined(separator: ", ")
    try work.write("echo '[\(numbers)]' > \"$1\"\n", to: "stages/rate/rate.sh")
    let run = try work.plumb("run")
    #expect(run.code == 0, "\(run.errors)")
    let csv = try work.plumb("metrics", "--csv", "rate")
    #expect(
      csv.lines == [
        "stage,trait,at.trait,metric,value,low,high,unit,n", "rate,open,,score,0,,,,9",
        "rate,open,calm,score,1,,,,9", "rate,calm,open,score,0,,,,9", "rate,calm,,score,1,,,,9",
      ], "\(csv.output)")
    let other = try work.plumb("metrics", "--csv", "--where", "at.trait=calm", "rate")
    #expect(other.lines.count == 2, "\(other.output)")
  }

  @Test func `metrics are a table, CSV and JSON, filtered and laid across`() throws {
    let work = try Workspace(manifest)
    #expect(try work.plumb("run").code == 0)
    let across = try work.plumb(
      "metrics", "score", "--name", "share", "--across", "generation", "--mean", "seed")
    #expect(across.code == 0, "\(across.errors)")
    #expect(across.lines.count == 4, "\(across.output)")
    #expect(
      across.lines[0].split(separator: "  ").map { $0.drop { $0 == " " } }
        == ["class", "generation 0", "generation 1"])
    let csv = try work.plumb("metrics", "--csv", "--where", "class=right", "score")
    #expect(csv.lines[0].hasPrefix("stage,generation,seed,"), "\(csv.lines[0])")
    #expect(csv.lines[0].hasSuffix("metric,value,low,high,unit,n"), "\(csv.lines[0])")
    #expect(csv.lines.dropFirst().allSatisfy { $0.hasPrefix("score,") && $0.contains("right") })
    let json = try work.plumb("metrics", "--json", "score", "--name", "share")
    let rows = try #require(try JSONValue(parsing: json.output).array)
    // Nine articles, three voices: every share is a ninth's multiple, and those of one judgement sum to 1.
    var sums: [String: Double] = [:]
    for row in rows where row["at"]?["class"] != nil {
      let place = "\(row["at"]?["generation"]?.integer ?? -1) \(row["at"]?["seed"]?.integer ?? -1)"
      sums[place, default: 0] += try #require(row["value"]?.double)
    }
    #expect(sums.count == 4)
    #expect(sums.values.allSatisfy { abs($0 - 1) < 1e-9 }, "\(sums)")
    let unknown = try work.plumb("metrics", "--across", "generatoin")
    #expect(unknown.code == 2)
    #expect(unknown.errors.contains("did you mean 'generation'?"))
  }

  @Test func `a reader that goes away ends a listing quietly and a run not at all`() throws {
    let work = try Workspace(manifest)
    let run = try work.shell("plumb run | head -n 1 >/dev/null; exit ${PIPESTATUS[0]}")
    #expect(run.code == 0 && run.errors == "", "\(run.errors)")
    #expect(try work.plumb("status", "--check").code == 0)
    let head = try work.shell("plumb metrics | head -n 1")
    #expect(head.errors == "")
    #expect(head.output.hasPrefix("stage"))
  }

  @Test func `artifacts are shown and copied out, and never overwritten`() throws {
    let work = try Workspace(manifest)
    #expect(try work.plumb("run").code == 0)
    let shown = try work.plumb("show", "real")
    #expect(shown.code == 0)
    #expect(shown.output.contains("documents.jsonl"))
    #expect(shown.output.contains("[\"parameter\",\"documents\",60]"))
    let key = try #require(shown.output.firstMatch(of: /key ([0-9a-f]{64})/)).1
    #expect(try work.plumb("show", String(key.prefix(12))).output.contains(key))
    let got = try work.plumb("get", "real.corpus", "--to", "out")
    #expect(got.code == 0, "\(got.errors)")
    #expect(work.files("out") == ["real.corpus/corpus.json", "real.corpus/documents.jsonl"])
    #expect(work.read("out/real.corpus/documents.jsonl").split(separator: "\n").count == 60)
    #expect(access(work.path("out/real.corpus/corpus.json"), W_OK) == 0)
    let again = try work.plumb("get", "real.corpus", "--to", "out")
    #expect(again.code == 2 && again.errors.contains("error[would-overwrite]"))
    let one = try work.plumb("get", "score[generation=0,seed=1].metrics")
    #expect(one.lines == ["score[generation=0,seed=1].metrics.json"], "\(one.errors)")
  }

  @Test func `the rest of the commands say something true`() throws {
    let work = try Workspace(manifest)
    let version = try work.plumb("--version")
    #expect(version.output.wholeMatch(of: /plumb \d+\.\d+\.\d+\n/) != nil)
    let stages = try work.plumb("stages")
    #expect(stages.lines.count > 8 && stages.output.contains("train-tokenizer"))
    #expect(try work.plumb("stages", "score-bias").output.contains("Replicates"))
    #expect(try work.plumb("graph").output.contains("judge"))
    #expect(try work.plumb("graph", "--format", "dot").output.hasPrefix("digraph"))
    #expect(try work.plumb("graph", "--format", "mermaid").output.contains("-->"))
    let schema = try JSONValue(parsing: try work.plumb("schema").output)
    #expect(schema["$schema"]?.string?.hasPrefix("https://json-schema.org/") == true)
    let doctor = try work.plumb("doctor", "--json")
    #expect(doctor.code == 0, "\(doctor.output)")
    let findings = try #require(try JSONValue(parsing: doctor.output).array)
    #expect(findings.contains { $0["subject"]?.string == "hard links" })
    #expect(findings.contains { $0["subject"]?.string == "BLAS kernels" })
    let ids = try work.plumb("explain").lines
    #expect(ids.count > 40)
    for id in ids { #expect(id.wholeMatch(of: /[a-z0-9-]+/) != nil, "\(id)") }
    #expect(try work.plumb("explain", ids[0]).output.count > ids[0].count + 20)
    let completions = try work.plumb("--generate-completion-script", "bash")
    #expect(completions.code == 0 && completions.output.contains("plumb"))
  }

  @Test func `init makes a project that runs`() throws {
    let work = try Workspace()
    #expect(try work.plumb("init").code == 0)
    let run = try work.plumb("run")
    #expect(run.code == 0, "\(run.errors)")
    #expect(run.summary == "8 produced, 0 reused, 0 failed")
    let again = try work.plumb("init")
    #expect(again.code == 2 && again.errors.contains("error[would-overwrite]"))
  }
}
