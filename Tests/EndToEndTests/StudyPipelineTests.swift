// The study's pipelines in very small: every stage of them runs, on composed articles and on tiny models
// that stand in for real ones.

import CanonicalJSON
import Foundation
import Testing

@Suite(.serialized) struct StudyPipelineTests {
  /// A GPT-2 and a BERT of two layers as Hugging Face folders, articles and statements as JSONL.
  private static let stand = """
    version: 1
    name: stand-ins
    stages:
      articles:
        uses: compose-corpus
        with: {documents: 12, least_sentences: 2, most_sentences: 3, seed: 1}
      leaning:
        uses: compose-corpus
        with: {documents: 60, id_prefix: other, least_sentences: 2, most_sentences: 3, seed: 2}
      more:
        uses: compose-corpus
        with: {documents: 36, id_prefix: more, least_sentences: 2, most_sentences: 3, seed: 3}
      words:
        uses: train-tokenizer
        inputs: {corpus: leaning.corpus}
        with: {vocabulary_size: 400}
      gpt2:
        uses: initialise-model
        inputs: {tokenizer: words.tokenizer}
        with: {layers: 1, width: 32, heads: 2, context: 160, seed: 1}
      bert:
        uses: initialise-encoder
        inputs: {tokenizer: words.tokenizer}
        with: {layers: 1, width: 32, heads: 2, seed: 1}
    """

  private func standIns() throws -> Workspace {
    let work = try Workspace(Self.stand)
    let run = try work.plumb(["run", "--quiet"], seconds: 60)
    try #require(run.code == 0, "\(run.errors)")
    for port in ["articles.corpus", "leaning.corpus", "more.corpus", "gpt2.model", "bert.encoder"] {
      let got = try work.plumb("get", port, "--to", "in")
      try #require(got.code == 0, "\(got.errors)")
    }
    // Other outlets than those of the articles, whose outlets the judges leave out; then the same
    // ones, which can be held back.
    let leaning = "in/leaning.corpus/documents.jsonl"
    try work.edit(#""source":""#, #""source":"Another "#, in: leaning)
    try work.write(
      work.read(leaning) + work.read("in/more.corpus/documents.jsonl"), to: leaning)
    for (side, other) in [("liberal", "taxes"), ("conservative", "borders")] {
      let rows = (0..<8).map { number in
        let answer = number % 2 == 0 ? " Yes" : " No"
        return
          #"{"statement":"We want \#(number) \#(other)","answer_matching_behavior":"\#(answer)"}"#
      }
      try work.write(rows.joined(separator: "\n") + "\n", to: "in/\(side).jsonl")
    }
    return work
  }

  private func settings(_ pairs: [String]) -> [String] { pairs.flatMap { ["--set", $0] } }

  private static let files = [
    "articles=in/articles.corpus/documents.jsonl", "leaning=in/leaning.corpus/documents.jsonl",
    "encoder=in/bert.encoder", "model=in/gpt2.model",
    "liberal=in/liberal.jsonl", "conservative=in/conservative.jsonl",
  ]

  /// Runs a pipeline with settings and says what was produced, by stage.
  private func stages(
    _ name: String, _ words: [String], in work: Workspace
  ) throws -> [String: Int] {
    let manifest = Built.project + "/pipelines/\(name).yaml"
    let run = try work.plumb(
      ["run", manifest, "--json", "--store", "store"] + words, seconds: 240)
    #expect(run.code == 0, "\(run.errors)")
    var counts: [String: Int] = [:]
    for row in run.events.compactMap({ $0["row"] }) {
      let id = row["id"]?.string ?? ""
      counts[String(id.prefix { $0 != "[" }), default: 0] += 1
    }
    return counts
  }

  /// Every stage that the manifest declares.
  private func declared(_ name: String) throws -> Set<String> {
    let text = try String(
      contentsOfFile: Built.project + "/pipelines/\(name).yaml", encoding: .utf8)
    let body = try #require(text.firstRange(of: "\nstages:\n")).upperBound
    return Set(text[body...].matches(of: /(?m)^  ([a-z_]+):$/).map { String($0.1) })
  }

  @Test func `the study in its own sizes runs with a tiny GPT-2`() throws {
    let work = try standIns()
    let words = settings(
      Self.files + [
        "generations=1", "per_label=2", "held_back=4", "benchmark_articles=2", "lessons=30",
        "sentences=6", "judge_epochs=1", "epochs=1", "overfit_epochs=2", "max_length=96",
        "most_words=30", "beams=2", "statements=3", "projected=2", "ablation_draws=2",
        "ablated_units=1",
      ])
    let manifest = Built.project + "/pipelines/bias-amplification.yaml"
    let plan = try work.plumb(["plan", manifest, "--store", "store"] + words, seconds: 60)
    #expect(plan.code == 0, "\(plan.errors)")
    let counts = try stages("bias-amplification", words, in: work)
    let all = try declared("bias-amplification")
    #expect(Set(counts.keys) == all)
    // Six setups; all but overfitting share generation 0.
    #expect(counts["train"] == 12 && counts["answers_score"] == 24)
    #expect(counts["statements"] == 12 && counts["projection"] == 4 && counts["without"] == 6)
  }

  @Test func `the real model's pipeline runs with adapters of a tiny one`() throws {
    let work = try standIns()
    let counts = try stages(
      "bias-smollm2",
      settings(
        Self.files + [
          "generations=1", "per_label=1", "held_back=1", "lessons=30", "sentences=6",
          "judge_epochs=1", "seeds=1", "strategies=none,preserve", "statements=3", "projected=2",
          "most_words=30", "rank=2",
        ]), in: work)
    let all = try declared("bias-smollm2")
    #expect(Set(counts.keys) == all)
    #expect(counts["train"] == 4 && counts["projection"] == 2 && counts["answers"] == 8)
  }

  /// The reports with everything behind them, and one instance of what stands beside them.
  @Test func `the replicates run with two documents a label`() throws {
    let work = try Workspace()
    let small = settings([
      "generations=2", "seeds=1", "documents=6", "library_documents=60", "lessons=60",
      "benchmark_articles=2", "benchmark_seeds=1", "vocabulary=400", "layers=1", "width=32",
      "heads=2", "overfit_epochs=3", "statements=2", "ablation_draws=2", "ablated_units=3",
      "fractions=0.5", "fraction_generations=1",
    ])
    let targets = [
      "report", "equal_report", "second_audit", "fraction_score", "fraction_quality", "base_score",
      "answers_score[strategy=none,asked=greedy]",
      "score[decoding=beam,generation=1]", "score[decoding=top-p,generation=1]",
    ]
    let counts = try stages("bias-replicates", targets + small, in: work)
    let all = try declared("bias-replicates")
    #expect(Set(counts.keys) == all)
  }

  @Test func `the theory runs with one generation after the first`() throws {
    let counts = try stages("bias-theory", settings(["generations=1"]), in: try Workspace())
    let all = try declared("bias-theory")
    #expect(Set(counts.keys) == all)
    #expect(counts["chains"] == 64)
  }

  @Test func `the released tables' pipeline runs on made-up ones`() throws {
    let tables = Built.project + "/stages/reanalyse-tables/example-"
    let counts = try stages(
      "bias-reanalysis",
      settings(["shares=\(tables)scores.csv", "neurons=\(tables)neurons.csv"]),
      in: try Workspace())
    let all = try declared("bias-reanalysis")
    #expect(Set(counts.keys) == all)
  }

  /// What the study would cost: the sums that its sizes give, whatever the machine.
  @Test func `a plan says tokens, time and memory before anything runs`() throws {
    let work = try standIns()
    let manifest = Built.project + "/pipelines/bias-amplification.yaml"
    let words = settings(Self.files + ["per_label=4", "generations=2", "epochs=1"])
    let plan = try work.plumb(["plan", manifest, "--store", "store"] + words, seconds: 60)
    #expect(plan.code == 0, "\(plan.errors)")
    #expect(
      plan.output.contains(
        /about \S+ on \d+ threads \(\S+ of thread time, the longest chain \S+\), up to/)
    )
    // Generation 0 of four strategies without overfitting and of three decodings is one training.
    let json = try work.plumb(
      ["plan", manifest, "--json", "--store", "store"] + words, seconds: 60)
    let decisions = try #require(try JSONValue(parsing: json.output).array)
    func tokens(_ instance: String) -> Int? {
      decisions.first { $0["instance"]?.string == instance }?["forecast"]?["tokens_learnt"]?.integer
    }
    let first = try #require(
      tokens("train[strategy=none,decoding=greedy,seed=42,generation=0]"))
    #expect(first > 12 * 30)
    #expect(tokens("train[strategy=none,decoding=beam,seed=42,generation=0]") == nil)
    #expect(
      tokens("train[strategy=overfit,decoding=greedy,seed=42,generation=0]") == 25 * first)
    let third = try #require(
      tokens("train[strategy=accumulate,decoding=greedy,seed=42,generation=2]"))
    #expect(third > 2 * first)
  }
}
