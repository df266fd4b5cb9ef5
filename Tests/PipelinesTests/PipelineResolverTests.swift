import CanonicalJSON
import Diagnostics
import Testing

@testable import Pipelines

@Suite struct ExampleOfTheDocumentation {
  @Test func resolvesToTheRightInstances() throws {
    let pipeline = try Fixtures.pipeline(try Fixtures.text("fixtures/bias.yaml"))
    #expect(pipeline.name == "bias-amplification")
    #expect(pipeline.instances.count == 4 * 44 + 4)
    #expect(pipeline.unset.isEmpty)
    #expect(pipeline.parameters.map { "\($0.name)=\($0.value)" } == ["seed=42", "generations=10"])
    #expect(
      pipeline.stages == ["base", "real", "train", "write", "mix", "judge", "score", "report"])
    #expect(
      pipeline.instances(of: "train").prefix(2).map { pipeline.instances[$0].id.description } == [
        "train[strategy=none,generation=0]", "train[strategy=none,generation=1]",
      ])
  }

  @Test func bindsEachInput() throws {
    let pipeline = try Fixtures.pipeline(try Fixtures.text("fixtures/bias.yaml"))
    #expect(try pipeline.sources(of: "base", "files") == ["file /study/inputs/gpt2"])
    #expect(
      try pipeline.sources(of: "train[strategy=preserve,generation=0]", "model") == ["base.model"])
    #expect(
      try pipeline.sources(of: "train[strategy=preserve,generation=3]", "model") == [
        "train[strategy=preserve,generation=2].model"
      ])
    #expect(
      try pipeline.sources(of: "train[strategy=overfit,generation=10]", "recipe") == [
        "mix[strategy=overfit,generation=10].recipe"
      ])
    #expect(
      try pipeline.sources(of: "write[strategy=none,generation=1]", "prompts") == ["real.corpus"])
    #expect(try pipeline.sources(of: "mix[strategy=none,generation=0]", "synthetic") == [])
    #expect(
      try pipeline.sources(of: "mix[strategy=accumulate,generation=3]", "synthetic") == [
        "write[strategy=accumulate,generation=0].corpus",
        "write[strategy=accumulate,generation=1].corpus",
        "write[strategy=accumulate,generation=2].corpus",
      ])
    #expect(
      try pipeline.sources(of: "score[strategy=none,generation=0]", "reference") == [])
    let bias = try pipeline.sources(of: "report", "bias")
    #expect(bias.count == 44)
    #expect(bias[0] == "score[strategy=none,generation=0].metrics")
    #expect(bias[43] == "score[strategy=accumulate,generation=10].metrics")
    let item = try pipeline.instance("report").inputs[0].items[12]
    #expect(item.coordinates.description == "strategy=overfit,generation=1")
    #expect(item.coordinates.json.canonicalText == #"{"generation":1,"strategy":"overfit"}"#)
  }

  @Test func fillsParameters() throws {
    let pipeline = try Fixtures.pipeline(try Fixtures.text("fixtures/bias.yaml"))
    #expect(
      try pipeline.parameters(of: "mix[strategy=preserve,generation=7]") == [
        "preserve_fraction=0.1", "round=7", "seed=42", "strategy=preserve",
      ])
    #expect(
      try pipeline.parameters(of: "train[strategy=none,generation=0]") == [
        "batch_tokens=2048", "epochs=5", "learning_rate=5e-05", "seed=42",
      ])
    #expect(
      try pipeline.instance("real").parameters.first { $0.name == "seed" }?.value == .integer(42))
  }

  @Test func everyInstanceComesAfterWhatItReads() throws {
    let pipeline = try Fixtures.pipeline(try Fixtures.text("fixtures/bias.yaml"))
    for instance in pipeline.instances {
      #expect(pipeline.dependencies(of: instance.index).allSatisfy { $0 < instance.index })
    }
    let again = try Fixtures.pipeline(try Fixtures.text("fixtures/bias.yaml"))
    #expect(pipeline.instances.map(\.id) == again.instances.map(\.id))
  }

  @Test func placesPointIntoTheManifest() throws {
    let pipeline = try Fixtures.pipeline(try Fixtures.text("fixtures/bias.yaml"))
    let mix = try pipeline.instance("mix[strategy=none,generation=0]")
    #expect(mix.place(ofInput: "synthetic")?.shown == "41:18")
    #expect(mix.place(ofParameter: "round")?.shown == "42:49")
    #expect(mix.span?.shown == "36:3")
  }
}

@Suite struct References {
  private func sources(
    _ expression: String, matrix: String = "", port: String = "bias", of id: String = "page"
  ) throws -> [String] {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        judge: {uses: train-classifier, inputs: {corpus: real.corpus}, with: {seed: 1}}
        train:
          uses: fine-tune
          matrix: {rate: [0.1, 0.2], round: 0..2}
          inputs: {model: base.model, corpus: real.corpus}
          with: {learning_rate: $(matrix.rate), seed: 1}
        write:
          uses: generate-corpus
          matrix: {rate: train.rate, round: train.round}
          inputs: {model: train.model, prompts: real.corpus}
        score:
          uses: score-bias
          matrix: {rate: train.rate, round: train.round}
          inputs: {corpus: write.corpus, classifier: judge.classifier}
        page:
          uses: report
          \(matrix.isEmpty ? "" : "matrix: \(matrix)")
          inputs: {bias: "\(port == "bias" ? expression : "judge.metrics")", samples: "\(port == "samples" ? expression : "none")"}
        """, params: "at: 2\nfirst: 0.1"))
    return try pipeline.sources(of: id, port)
  }

  @Test(arguments: [
    ("score[rate=0.2,round=1].metrics", ["score[rate=0.2,round=1].metrics"]),
    ("score[ round = 1 , rate = 0.2 ].metrics", ["score[rate=0.2,round=1].metrics"]),
    ("score[rate=$(params.first),round=$(params.at)].metrics", ["score[rate=0.1,round=2].metrics"]),
    (
      "score[rate=0.1,round=$(params.at) - 1].metrics", ["score[rate=0.1,round=1].metrics"]
    ),
    (
      "score[rate=0.1,round=*].metrics",
      [
        "score[rate=0.1,round=0].metrics", "score[rate=0.1,round=1].metrics",
        "score[rate=0.1,round=2].metrics",
      ]
    ),
    (
      "score[*,round=2].metrics",
      ["score[rate=0.1,round=2].metrics", "score[rate=0.2,round=2].metrics"]
    ),
    (
      "score[rate=0.2,round=1..2].metrics",
      ["score[rate=0.2,round=1].metrics", "score[rate=0.2,round=2].metrics"]
    ),
    ("score[rate=0.2,round=1..<2].metrics", ["score[rate=0.2,round=1].metrics"]),
    ("score[rate=0.2,round=5..9].metrics", []),
    ("score[rate=0.2,round=9].metrics ?? judge.metrics", ["judge.metrics"]),
    ("score[rate=0.2,round=9].metrics ?? score[rate=0.1,round=8].metrics ?? none", []),
  ])
  func formsWithoutSharedAxes(expression: String, expected: [String]) throws {
    #expect(try sources(expression) == expected)
  }

  @Test func starCoversSharedAxesToo() throws {
    #expect(
      try sources("score[*].metrics", matrix: "{rate: train.rate}", of: "page[rate=0.1]").count == 6
    )
    #expect(
      try sources("score[round=*].metrics", matrix: "{rate: train.rate}", of: "page[rate=0.2]")
        == (0...2).map { "score[rate=0.2,round=\($0)].metrics" })
  }

  @Test func rangesFollowTheConsumer() throws {
    let matrix = "{rate: train.rate, round: train.round}"
    #expect(
      try sources(
        "score[round=round - 1..round].metrics", matrix: matrix, of: "page[rate=0.1,round=0]")
        == ["score[rate=0.1,round=0].metrics"])
    #expect(
      try sources(
        "score[round=$(matrix.round)].metrics", matrix: matrix, of: "page[rate=0.1,round=1]")
        == ["score[rate=0.1,round=1].metrics"])
    #expect(
      try sources("score[round+1].metrics ?? none", matrix: matrix, of: "page[rate=0.1,round=2]")
        == [])
    #expect(
      try sources("score[round=round].metrics", matrix: matrix, of: "page[rate=0.1,round=2]")
        == ["score[rate=0.1,round=2].metrics"])
  }

  @Test func severalExpressionsFillAList() throws {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        judge: {uses: train-classifier, matrix: {seed: [1, 2]}, inputs: {corpus: real.corpus}, with: {seed: $(matrix.seed)}}
        page: {uses: report, inputs: {bias: ["judge[seed=2].metrics", "judge[*].metrics"]}}
        """))
    #expect(
      try pipeline.sources(of: "page", "bias") == [
        "judge[seed=2].metrics", "judge[seed=1].metrics", "judge[seed=2].metrics",
      ])
  }

  @Test func axesMayBeNamedInAnyOrder() throws {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        a: {uses: compose-corpus, matrix: {x: [1, 2], y: [p, q]}, with: {seed: $(matrix.x)}}
        b: {uses: train-classifier, matrix: {y: a.y, x: a.x}, inputs: {corpus: a.corpus}, with: {seed: 1}}
        """))
    #expect(try pipeline.sources(of: "b[y=q,x=2]", "corpus") == ["a[x=2,y=q].corpus"])
    #expect(
      pipeline.instances(of: "b").map { pipeline.instances[$0].id.description } == [
        "b[y=p,x=1]", "b[y=q,x=1]", "b[y=p,x=2]", "b[y=q,x=2]",
      ])
  }
}

@Suite struct Matrices {
  private func ids(_ matrix: String, params: String = "", set: [String] = []) throws -> [String] {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        "a:\n  uses: compose-corpus\n  matrix: \(matrix)\n  with: {seed: 1}", params: params),
      set: set)
    return pipeline.instances(of: "a").map { pipeline.instances[$0].id.description }
  }

  @Test func listsAndRanges() throws {
    #expect(try ids("{x: [a, b]}") == ["a[x=a]", "a[x=b]"])
    #expect(try ids("{x: 0..2}") == ["a[x=0]", "a[x=1]", "a[x=2]"])
    #expect(try ids("{x: -1..<1}") == ["a[x=-1]", "a[x=0]"])
    #expect(try ids("{x: [1, 2.5]}") == ["a[x=1.0]", "a[x=2.5]"])
    #expect(try ids("{x: [no, 'true']}") == ["a[x=no]", "a[x=true]"])
    #expect(try ids("{x: [true, false]}") == ["a[x=true]", "a[x=false]"])
    #expect(try ids("{x: $(params.l)}", params: "l: [3, 1]") == ["a[x=3]", "a[x=1]"])
    #expect(
      try ids("{x: $(params.l)}", params: "l: [3, 1]", set: ["l=7,8"]) == ["a[x=7]", "a[x=8]"])
    #expect(try ids("{x: ['$(params.n)', 9]}", params: "n: 4") == ["a[x=4]", "a[x=9]"])
  }

  @Test func pointsAndExclusions() throws {
    #expect(
      try ids("{points: [{s: a, d: greedy}, {d: top-p, s: b}], g: 0..1}") == [
        "a[s=a,d=greedy,g=0]", "a[s=a,d=greedy,g=1]", "a[s=b,d=top-p,g=0]", "a[s=b,d=top-p,g=1]",
      ])
    #expect(
      try ids("{s: [a, b], g: 0..1, exclude: [{s: a, g: 1}, {s: b, g: 5}]}") == [
        "a[s=a,g=0]", "a[s=b,g=0]", "a[s=b,g=1]",
      ])
    #expect(try ids("{s: [a, b], g: 0..1, exclude: [{s: a}]}") == ["a[s=b,g=0]", "a[s=b,g=1]"])
  }

  @Test func axesFromOneStageComeTogether() throws {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        c: {uses: train-classifier, matrix: {s: b.s, g: b.g}, inputs: {corpus: a.corpus}, with: {seed: 1}}
        b: {uses: train-classifier, matrix: {g: a.g, s: a.s}, inputs: {corpus: a.corpus}, with: {seed: 1}}
        a: {uses: compose-corpus, matrix: {s: [x, y], g: 0..2, exclude: [{s: y, g: 2}]}, with: {seed: 1}}
        d: {uses: train-classifier, matrix: {s: a.s}, inputs: {corpus: "a[g=0].corpus"}, with: {seed: 1}}
        """))
    #expect(pipeline.instances(of: "b").count == 5)
    #expect(pipeline.instances(of: "c").count == 5)
    #expect(
      pipeline.instances(of: "d").map { pipeline.instances[$0].id.description } == [
        "d[s=x]", "d[s=y]",
      ])
  }
}

@Suite struct ParamsOfManifests {
  private let text = Fixtures.manifest(
    "mine: {uses: import-corpus, inputs: {files: {file: $(params.articles)}}, with: {limit: $(params.limit)}}",
    params: """
      articles: {type: path, required: true, summary: JSONL of articles}
      limit: {type: integer, default: 10, at_least: 1, at_most: 99}
      """)

  @Test func whatIsNotGivenIsTold() throws {
    let pipeline = try Fixtures.pipeline(text)
    #expect(pipeline.unset.map(\.id) == ["param-not-given"])
    #expect(pipeline.unset[0].help == "add --set articles=PATH")
    #expect(pipeline.missingFiles().map(\.span?.start.line) == [7])
  }

  @Test func pathsOfTheCommandLineStartAtTheWorkingFolder() throws {
    let pipeline = try Fixtures.pipeline(text, set: ["articles=data/../a.jsonl", "limit=3"])
    #expect(pipeline.unset.isEmpty)
    #expect(try pipeline.sources(of: "mine", "files") == ["file /elsewhere/a.jsonl"])
    #expect(
      try pipeline.parameters(of: "mine") == ["fields=[id, text]", "format=jsonl", "limit=3"])
    #expect(
      pipeline.parameters.map { "\($0.name)=\($0.value)" } == [
        "articles=data/../a.jsonl", "limit=3",
      ])
  }

  @Test func filesOfParametersStartAtThemselves() throws {
    let pipeline = try Fixtures.pipeline(
      text, set: ["limit=4"], params: ["fixtures/params.yaml"], workingFolder: Fixtures.folder)
    #expect(
      try pipeline.sources(of: "mine", "files") == ["file \(Fixtures.folder)/fixtures/b.jsonl"])
    #expect(try pipeline.parameters(of: "mine").last == "limit=4")
  }

  @Test(arguments: [
    (["limit=0"], "parameter-range", 1, 7), (["limit=many"], "parameter-type", 1, 7),
    (["limits=3"], "unknown-param", 1, 1), (["limit"], "bad-assignment", 1, 1),
    (["=3"], "bad-assignment", 1, 1), (["limit="], "parameter-type", 1, 7),
    (["limit=3.5"], "parameter-type", 1, 7), (["limit=1e30"], "parameter-type", 1, 7),
  ])
  func badAssignmentsPointAtTheirText(set: [String], id: String, line: Int, column: Int) {
    let (pipeline, problems) = Fixtures.resolve(text, set: set)
    #expect(pipeline == nil)
    #expect(problems.map(\.id) == [id])
    #expect(problems.first?.span?.source.path == "--set")
    #expect(problems.first?.span?.shown == "\(line):\(column)")
  }

  @Test func missingFileOfParametersIsTold() {
    let (_, problems) = Fixtures.resolve(text, params: ["nowhere.yaml"])
    #expect(problems.map(\.id) == ["unreadable-file"])
  }

  @Test func substitutionKeepsTypesAndEscapes() throws {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        a: {uses: compose-corpus, with: {seed: 1, title: "$(params.n) of $$(params.n): $(params.t)", weights: $(params.w)}}
        b: {uses: compose-corpus, with: {seed: $(params.n), balanced: $(params.f), weights: [1, '$(params.n)']}}
        """,
        params: "n: 3\nt: '$(params.n)'\nw: [0.5, 1]\nf: false".replacing(
          "'$(params.n)'", with: "x")))
    #expect(
      try pipeline.parameters(of: "a") == [
        "balanced=true", "documents=100", "grammar=news", "seed=1",
        "title=3 of $(params.n): x", "weights=[0.5, 1.0]",
      ])
    #expect(
      try pipeline.parameters(of: "b") == [
        "balanced=false", "documents=100", "grammar=news", "seed=3", "title=",
        "weights=[1.0, 3.0]",
      ])
  }
}

@Suite struct StageSettings {
  @Test func resourcesAndRetentionAreCarried() throws {
    let pipeline = try Fixtures.pipeline(
      Fixtures.manifest(
        """
        a:
          uses: compose-corpus
          with: {seed: 1}
          resources: {threads: $(params.t), memory: 1.5GiB, time: 1h30m}
          keep: 30d
        b: {uses: compose-corpus, with: {seed: 1}, keep: forever, resources: {memory: 1000}}
        """, params: "t: 4"))
    let a = try pipeline.instance("a")
    #expect(a.resources == Resources(threads: 4, memory: 1_610_612_736, time: 5400))
    #expect(a.retention == .seconds(2_592_000))
    let b = try pipeline.instance("b")
    #expect(b.resources == Resources(memory: 1000))
    #expect(b.retention == .forever)
  }

  @Test func requiredWhenFollowsTheMatrix() {
    let text = Fixtures.manifest(
      """
      write:
        uses: generate-corpus
        matrix: {decoding: [greedy, top-p, top-k]}
        inputs: {model: base.model, prompts: real.corpus}
        with: {decoding: $(matrix.decoding)}
      """)
    let (pipeline, problems) = Fixtures.resolve(text)
    #expect(pipeline == nil)
    #expect(problems.map(\.id) == ["missing-parameter"])
    #expect(problems.first?.message.contains("when decoding is top-p") == true)
    #expect(problems.first?.notes.map(\.message) == ["the same holds for 1 more instance"])
  }

  @Test func largeStudiesResolveQuickly() throws {
    let text = try Fixtures.text("fixtures/bias.yaml")
    let clock = ContinuousClock()
    var pipeline: Pipeline?
    let time = clock.measure {
      pipeline = Fixtures.resolve(text, set: ["generations=311"]).0
    }
    #expect(pipeline?.instances.count == 4 * 4 * 312 + 4)
    // Far above what it takes, so that a busy machine does not fail; a quadratic step would.
    #expect(time < .seconds(20), "\(time)")
    print("resolving \(pipeline?.instances.count ?? 0) instances took \(time)")
  }
}
