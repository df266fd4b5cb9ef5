// A project's life, one step after the other: what is edited, what runs, and why.

import Foundation
import Testing

/// Mixing with strategy `none` hands on the synthetic corpus as it is: changing what only other
/// strategies use runs `mix` again, gives the same bytes, and stops there.
private let manifest = """
  version: 1
  name: history
  summary: Two corpora, mixed, and a vocabulary for the mixture.
  params: {documents: 12, fraction: 0.1}
  stages:
    real:
      uses: compose-corpus
      with: {documents: $(params.documents), seed: 1}
    written:
      uses: compose-corpus
      with: {documents: 10, labels: [right], seed: 2}
    mix:
      uses: mitigate
      matrix: {strategy: [none, accumulate]}
      inputs: {real: real.corpus, synthetic: written.corpus}
      with: {strategy: $(matrix.strategy), round: 1, preserve_fraction: $(params.fraction), seed: 3}
    words:
      uses: train-tokenizer
      matrix: {strategy: mix.strategy}
      inputs: {corpus: mix.corpus}
      with: {vocabulary_size: 300}
  """

@Suite struct HistoryTests {
  @Test func `edits run what depends on them, and why says which number it was`() throws {
    let work = try Workspace(manifest)

    let first = try work.plumb("run")
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.summary == "6 produced, 0 reused, 0 failed")
    let objects = work.files("artifacts/objects")

    let second = try work.plumb("run")
    #expect(second.summary == "0 produced, 6 reused, 0 failed")
    #expect(work.files("artifacts/objects") == objects)
    #expect(try work.plumb("status", "--check").code == 0)

    // A comment: nothing that a stage sees.
    try work.edit("name: history", "name: history  # the first one")
    #expect(try work.plumb("run").summary == "0 produced, 6 reused, 0 failed")

    // One number: what reads from it runs, the rest does not.
    try work.edit("documents: 12", "documents: 13")
    let status = try work.plumb("status", "--check")
    #expect(status.code == 3)
    let why = try work.plumb("why", "real")
    #expect(why.code == 0)
    #expect(why.output.contains("parameter documents: 12 → 13"), "\(why.output)")
    let plan = try work.plumb("plan")
    #expect(plan.lines.last == "1 to run, 4 wait for what they read, 1 reused")
    let third = try work.plumb("run")
    #expect(third.instances("reused").contains("written"))
    #expect(third.instances("produced").contains("real"))
    #expect(third.instances("produced").contains("words[strategy=accumulate]"))
    #expect(third.instances("reused").contains("words[strategy=none]"))

    // Early cut-off: the mixture is made again, gives the same bytes, and nothing follows.
    try work.edit("fraction: 0.1", "fraction: 0.2")
    let fourth = try work.plumb("run")
    #expect(
      fourth.instances("produced").sorted() == ["mix[strategy=accumulate]", "mix[strategy=none]"])
    #expect(fourth.summary == "2 produced, 4 reused, 0 failed")

    // Back to where it began: everything is still there.
    try work.edit("documents: 13", "documents: 12")
    try work.edit("fraction: 0.2", "fraction: 0.1")
    #expect(try work.plumb("run").summary == "0 produced, 6 reused, 0 failed")

    // From the command line as from the file.
    let set = try work.plumb("run", "--set", "documents=13", "--set", "fraction=0.2")
    #expect(set.summary == "0 produced, 6 reused, 0 failed")
    let verified = try work.plumb("store", "verify")
    #expect(verified.code == 0, "\(verified.output)")
  }

  @Test func `only what is chosen runs, with what it needs`() throws {
    let work = try Workspace(manifest)
    let run = try work.plumb("run", "words[strategy=none]")
    #expect(run.code == 0, "\(run.errors)")
    #expect(
      run.instances("produced").sorted()
        == ["mix[strategy=none]", "real", "words[strategy=none]", "written"])
    let dry = try work.plumb("run", "--dry-run")
    #expect(dry.output.contains("run    mix[strategy=accumulate]"), "\(dry.output)")
    #expect(try work.plumb("run").summary == "2 produced, 4 reused, 0 failed")
  }

  @Test func `the same bytes come out in another folder, with one thread or two`() throws {
    let a = try Workspace(manifest)
    let b = try Workspace(manifest.replacing("name: history", with: "name: other"))
    #expect(try a.plumb("run", "--threads", "1").code == 0)
    #expect(try b.plumb("run", "--threads", "2").code == 0)
    // Records of actions are objects too, and the same ones: no names, paths or hosts are in them.
    #expect(a.files("artifacts/objects") == b.files("artifacts/objects"))
    #expect(!a.files("artifacts/objects").isEmpty)
    #expect(a.files("artifacts/actions") == b.files("artifacts/actions"))
  }

  @Test func `a result can be made again and is compared`() throws {
    let work = try Workspace(manifest)
    #expect(try work.plumb("run").code == 0)
    let again = try work.plumb("run", "--again", "real")
    #expect(again.code == 0, "\(again.errors)")
    #expect(again.instances("produced") == ["real"])
    #expect(again.output.contains("identical"), "\(again.output)")
    let checked = try work.plumb("run", "--recheck", "50%")
    #expect(checked.code == 0, "\(checked.errors)")
    #expect(checked.summary == "3 produced, 3 reused, 0 failed")
  }

  @Test func `what someone deletes or damages is made again`() throws {
    let work = try Workspace(manifest)
    #expect(try work.plumb("run").code == 0)
    let objects = work.files("artifacts/objects")
    try FileManager.default.removeItem(atPath: work.path("artifacts/objects"))
    let healed = try work.plumb("run")
    #expect(healed.code == 0, "\(healed.errors)")
    #expect(work.files("artifacts/objects") == objects)
    #expect(try work.plumb("run").summary == "0 produced, 6 reused, 0 failed")
  }
}
