// Mistakes of the user: exact words, and an exit code that a script can rely on.

import Foundation
import Testing

private let small = """
  version: 1
  name: small
  summary: One corpus.
  stages:
    real:
      uses: compose-corpus
      with: {documents: 6, seed: 1}
  """

@Suite struct RefusalTests {
  @Test func `a manifest's mistake is shown at its place, and nothing runs`() throws {
    let work = try Workspace(small.replacing("documents: 6", with: "document: 6"))
    for command in ["check", "run", "plan"] {
      let refused = try work.plumb(command)
      #expect(refused.code == 2)
      #expect(refused.output == "")
      #expect(refused.errors.hasPrefix("plumb.yaml:7:12: error[unknown-"), "\(refused.errors)")
      #expect(refused.errors.contains("'compose-corpus' has no parameter 'document'"))
      #expect(refused.errors.contains("    7 |     with: {document: 6, seed: 1}\n"))
      #expect(refused.errors.contains("      |            ^^^^^^^^\n"))
      #expect(refused.errors.contains("help: did you mean 'documents'?"))
    }
    #expect(work.files("artifacts").isEmpty)
  }

  @Test(arguments: [
    (["run", "--nope"], "Unknown option '--nope'"),
    (["nope"], "nope"),
    (["run", "nowhere.yaml"], "error[manifest-missing]: there is no file 'nowhere.yaml'"),
    (["run", "rael"], "did you mean 'real'?"),
    (["why"], "error[one-selector-needed]: name the instance"),
    (["run", "--memory", "lots"], "error[malformed-option]: --memory 'lots' is not a size"),
    (["run", "--recheck", "200%"], "error[malformed-option]: --recheck '200%'"),
    (["run", "--threads", "0"], "--threads needs a number from 1"),
    (["metrics", "--json", "--csv"], "choose one of --json and --csv"),
    (["metrics"], "error[no-metrics]"),
    (["explain", "unknown-stagge"], "error[explanation-unknown]"),
    (["stages", "compose-corpse"], "did you mean 'compose-corpus'?"),
    (["show", "real"], "error[not-made-yet]"),
    (["get", "real.corpus"], "error[not-made-yet]"),
    (["log", "real"], "error[no-log]"),
    (["show", "0123456789abcdef", "--store", "new"], "error[store-missing]"),
    (["run", "--store", "."], "error[store-not-a-store]"),
    (["store", "verify", "--store", "none"], "error[store-missing]"),
    (["run", "--set", "x=1"], "x"),
    (["run", "--stages", "nowhere"], "error[stage-folder-missing]"),
  ])
  func `refusals end with 2 and say what to do`(words: [String], text: String) throws {
    let work = try Workspace(small)
    let refused = try work.start(words).wait()
    #expect(refused.code == 2, "\(refused.output)")
    #expect(refused.errors.contains(text), "\(refused.errors)")
    #expect(refused.output == "")
    #expect(!refused.errors.contains("\u{1B}"), "colours in a pipe")
  }

  @Test func `without a manifest the way out is named`() throws {
    let work = try Workspace()
    let refused = try work.plumb("run")
    #expect(refused.code == 2)
    #expect(
      refused.errors == """
        error[manifest-not-given]: no manifest was named, and there is no plumb.yaml here
          help: name one as the first word, or make one with: plumb init

        """)
  }

  @Test func `a parameter that is still to be given lets check pass and run refuse`() throws {
    let work = try Workspace(
      """
      version: 1
      name: open
      summary: Articles from outside.
      params:
        articles: {type: path, required: true, summary: JSONL of articles}
      stages:
        real:
          uses: import-corpus
          inputs: {files: {file: $(params.articles)}}
          with: {format: jsonl}
      """)
    let checked = try work.plumb("check")
    #expect(checked.code == 0, "\(checked.errors)")
    #expect(checked.errors.contains("articles"))
    // Nothing is read in its place: with no path, the working folder would be.
    let planned = try work.plumb("plan")
    #expect(planned.code == 2)
    #expect(
      planned.output.contains("waits for $(params.articles) to be given"), "\(planned.output)")
    #expect(!planned.output.contains("new"), "\(planned.output)")
    let refused = try work.plumb("run")
    #expect(refused.code == 2)
    #expect(refused.errors.contains("articles"), "\(refused.errors)")
    try work.write("{\"id\": \"a\", \"text\": \"one two\"}\n", to: "a.jsonl")
    #expect(try work.plumb("run", "--set", "articles=a.jsonl").code == 0)
  }

  @Test func `a failed stage ends with 1, with cause, log and where it is`() throws {
    let work = try Workspace(
      """
      version: 1
      name: failing
      summary: A file with a bad row, and things that do not need it.
      stages:
        bad:
          uses: import-corpus
          inputs: {files: {file: rows.jsonl}}
          with: {format: jsonl, maximum_bad_rows: 0}
        after:
          uses: train-tokenizer
          inputs: {corpus: bad.corpus}
        free:
          uses: compose-corpus
          matrix: {seed: [1, 2, 3]}
          with: {documents: 6, seed: $(matrix.seed)}
      """)
    try work.write("{\"id\": \"a\", \"text\": \"x\"}\nnot json\n", to: "rows.jsonl")
    let failed = try work.plumb("run", "--keep-going")
    #expect(failed.code == 1)
    #expect(failed.instances("failed") == ["bad"])
    #expect(failed.instances("skipped") == ["after"])
    #expect(
      failed.instances("produced").sorted() == ["free[seed=1]", "free[seed=2]", "free[seed=3]"])
    #expect(failed.summary == "3 produced, 0 reused, 1 failed, 1 not run")
    #expect(failed.errors.hasPrefix("plumb.yaml:"), "\(failed.errors)")
    #expect(failed.errors.contains("  log: artifacts/runs/"))
    let log = try work.plumb("log", "bad")
    #expect(log.code == 0)
    #expect(log.output.contains("error["), "\(log.output)")
    let why = try work.plumb("why", "bad")
    #expect(why.output.contains("it failed last time"), "\(why.output)")
    // Mended outside: only what was missing runs.
    try work.write("{\"id\": \"a\", \"text\": \"x y z\"}\n", to: "rows.jsonl")
    let mended = try work.plumb("run")
    #expect(mended.code == 0, "\(mended.errors)")
    #expect(mended.instances("produced").sorted() == ["after", "bad"])
  }

  @Test func `a damaged object is found, and the exit code is 6`() throws {
    let work = try Workspace(small)
    #expect(try work.plumb("run").code == 0)
    let clean = try work.plumb("store", "verify")
    #expect(clean.code == 0)
    #expect(clean.output.contains("all whole"))
    let object = try #require(work.files("artifacts/objects").first)
    let path = work.path("artifacts/objects/" + object)
    chmod(path, 0o644)
    var bytes = try #require(FileManager.default.contents(atPath: path))
    bytes[0] ^= 1
    try bytes.write(to: URL(fileURLWithPath: path))
    let damaged = try work.plumb("store", "verify")
    #expect(damaged.code == 6)
    #expect(damaged.output.contains(String(object.suffix(64))), "\(damaged.output)")
    #expect(damaged.errors.contains("error[store-damaged]"))
    let repaired = try work.plumb("store", "verify", "--repair")
    #expect(repaired.output.contains("repaired"), "\(repaired.output)\(repaired.errors)")
    #expect(try work.plumb("run").code == 0)
    #expect(try work.plumb("store", "verify").code == 0)
  }
}
