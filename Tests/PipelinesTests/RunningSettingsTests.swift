// `when`, `retries`, `gate`, `include` and kinds that are programs: what is read from them. How they
// work is tested in Scheduling.

import Diagnostics
import Foundation
import Testing

@testable import Pipelines

@Suite struct RunningSettings {
  @Test func slurmSettingsOfAStageGoOverThoseOfThePipeline() throws {
    let text = """
      version: 1
      name: test
      params: {queue: short}
      slurm: {partition: $(params.queue), account: 17, extra: [--nice=5]}
      stages:
        base: {uses: import-model, inputs: {files: {file: gpt2}}}
        real:
          uses: compose-corpus
          with: {seed: 1}
          slurm: {partition: gpu, qos: low, gres: "gpu:1", constraint: a&b, extra: [--exclusive]}
      """
    let pipeline = try Fixtures.pipeline(text)
    #expect(
      try pipeline.instance("base").resources.slurm
        == SlurmSettings(partition: "short", account: "17", extra: ["--nice=5"]))
    #expect(
      try pipeline.instance("real").resources.slurm.options == [
        "--partition=gpu", "--account=17", "--qos=low", "--constraint=a&b", "--gres=gpu:1",
        "--nice=5", "--exclusive",
      ])
    #expect(
      try Fixtures.pipeline(text, set: ["queue=long"]).instance("base").resources.slurm.partition
        == "long")
  }

  @Test func whenLeavesAStageOut() throws {
    let text = """
      version: 1
      name: test
      params: {quick: true}
      stages:
        base: {uses: import-model, inputs: {files: {file: gpt2}}}
        real: {uses: compose-corpus, with: {seed: 1}}
        more: {uses: compose-corpus, when: "not $(params.quick)", with: {seed: 2}}
        train:
          uses: fine-tune
          inputs: {model: base.model, corpus: more.corpus ?? real.corpus}
          with: {seed: 1}
      """
    let quick = try Fixtures.pipeline(text)
    #expect(quick.instances.map(\.id.description).sorted() == ["base", "real", "train"])
    #expect(try quick.sources(of: "train", "corpus") == ["real.corpus"])
    let whole = try Fixtures.pipeline(text, set: ["quick=false"])
    #expect(try whole.sources(of: "train", "corpus") == ["more.corpus"])
    #expect(whole.stages == quick.stages, "a stage that is left out keeps its name")
  }

  @Test func whenChoosesInstances() throws {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        other:
          uses: compose-corpus
          matrix: {points: [{seed: 1, wanted: true}, {seed: 2, wanted: false}, {seed: 3, wanted: true}]}
          when: $(matrix.wanted)
          with: {seed: $(matrix.seed)}
        """))
    #expect(
      pipeline.instances(of: "other").map { pipeline.instances[$0].id.description } == [
        "other[seed=1,wanted=true]", "other[seed=3,wanted=true]",
      ])
  }

  @Test func retriesAreRead() throws {
    func retries(_ text: String) throws -> Retries {
      let pipeline = try Fixtures.pipeline(
        Fixtures.manifest("x: {uses: compose-corpus, \(text), with: {seed: 1}}"))
      return try pipeline.instance("x").retries
    }
    #expect(try retries("keep: 1d") == .none)
    #expect(try retries("retries: 2") == Retries(max: 2, backoff: 5, on: [.crash, .memory]))
    #expect(
      try retries("retries: {max: 3, backoff: 1m30s, on: [time, failure]}")
        == Retries(max: 3, backoff: 90, on: [.time, .failure]))
  }

  @Test func pausesDouble() {
    let retries = Retries(max: 50, backoff: 10)
    #expect((2...5).map { retries.pause(before: $0) } == [10, 20, 40, 80])
    #expect(retries.pause(before: 50) == 3600)
  }

  @Test func gatesAreRead() throws {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        judge: {uses: train-classifier, inputs: {corpus: real.corpus}, with: {seed: 1}}
        score:
          uses: score-bias
          inputs: {corpus: real.corpus, classifier: judge.classifier}
          gate:
            bias: {max: $(params.most), min: -1}
            share: {at: {class: right, generation: 3}, max: 1}
        """, params: "most: 0.12"))
    let gates = try pipeline.instance("score").gates
    #expect(gates.map(\.metric) == ["bias", "share"])
    #expect(gates[0].most == 0.12)
    #expect(gates[0].least == -1)
    #expect(gates[1].at.map { "\($0.name)=\($0.value)" } == ["class=right", "generation=3"])
  }
}

@Suite struct Includes {
  /// Files in a temporary folder; the first one is the manifest.
  static func resolve(
    _ files: [String: String], _ assignments: [String] = []
  ) throws -> (Pipeline?, [Diagnostic], String) {
    let folder = FileManager.default.temporaryDirectory.path + "/plumb-include-" + UUID().uuidString
    defer { try? FileManager.default.removeItem(atPath: folder) }
    for (name, text) in files {
      let path = folder + "/" + name
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try text.write(toFile: path, atomically: true, encoding: .utf8)
    }
    let (pipeline, problems) = PipelineResolver.resolve(
      manifestAt: folder + "/main.yaml", catalog: Fixtures.catalog,
      overrides: ManifestOverrides(assignments: assignments, workingFolder: folder))
    return (pipeline, problems, folder)
  }

  static let main = """
    version: 1
    name: main
    include: [shared/base.yaml]
    stages:
      train: {uses: fine-tune, inputs: {model: base.model, corpus: real.corpus}, with: {seed: 1}}
    """
  static let base = """
    params: {weights: {type: path, default: gpt2}}
    stages:
      base: {uses: import-model, inputs: {files: {file: $(params.weights)}}}
      real: {uses: compose-corpus, with: {seed: 1}}
    """

  @Test func mergesStagesAndParams() throws {
    let (pipeline, problems, folder) = try Self.resolve([
      "main.yaml": Self.main, "shared/base.yaml": Self.base,
    ])
    #expect(problems.isEmpty, "\(DiagnosticPrinter().text(of: problems))")
    let found = try #require(pipeline)
    #expect(found.stages == ["base", "real", "train"])
    #expect(
      try found.sources(of: "base", "files") == ["file \(folder)/shared/gpt2"],
      "paths start from the file that writes them")
    #expect(found.name == "main")
  }

  @Test func aFileThatTwoIncludeIsReadOnce() throws {
    let (pipeline, problems, _) = try Self.resolve([
      "main.yaml": """
      version: 1
      name: main
      include: [a.yaml, b.yaml]
      """,
      "a.yaml": "include: [c.yaml]",
      "b.yaml": "include: [c.yaml]\nstages: {b: {uses: compose-corpus, with: {seed: 2}}}",
      "c.yaml": "stages: {c: {uses: compose-corpus, with: {seed: 1}}}",
    ])
    #expect(problems.isEmpty, "\(DiagnosticPrinter().text(of: problems))")
    #expect(pipeline?.stages == ["c", "b"])
  }

  @Test(
    arguments: [
      ("include: [a.yaml]", ["a.yaml": "include: [a.yaml]"], "include-cycle"),
      ("include: [a.yaml]", ["a.yaml": "include: [main.yaml]"], "include-cycle"),
      ("include: [a.yaml]", ["a.yaml": "name: inner"], "unknown-key"),
      ("include: [a.yaml]", ["a.yaml": "- a list"], "yaml-kind"),
      ("include: [a.yaml]", ["a.yaml": "stages: {x: {uses: compose-corpus"], "yaml-syntax"),
      ("include: [missing.yaml]", [:], "unreadable-file"),
      ("include: [.]", [:], "unreadable-file"),
      ("include: {a: b}", [:], "yaml-kind"),
      ("include: [$(params.x)]", [:], "substitution-not-here"),
      (
        "include: [a.yaml]\nstages: {x: {uses: compose-corpus, with: {seed: 1}}}",
        ["a.yaml": "stages: {x: {uses: compose-corpus, with: {seed: 1}}}"], "name-taken"
      ),
      ("include: [a.yaml]\nparams: {x: 1}", ["a.yaml": "params: {x: 2}"], "name-taken"),
    ] as [(String, [String: String], String)])
  func badOnesAreRefused(text: String, others: [String: String], id: String) throws {
    var files = others
    files["main.yaml"] = "version: 1\nname: main\n" + text
    let (pipeline, problems, _) = try Self.resolve(files)
    #expect(pipeline == nil)
    #expect(problems.contains { $0.id == id }, "\(DiagnosticPrinter().text(of: problems))")
  }
}
