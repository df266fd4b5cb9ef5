// The trait study's pipelines in tiny sizes: every stage that they declare runs.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@Suite(.serialized) struct TraitPipelineTests {
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
    return Set(text[body...].matches(of: /(?m)^  ([a-z_-]+):$/).map { String($0.1) })
  }

  @Test func `the toy control runs in all nine cells`() throws {
    let work = try Workspace()
    let counts = try stages(
      "quickstart-traits",
      [
        "seeds=1", "read=12", "pretraining_epochs=1", "tuned=6", "asked=4",
      ].flatMap { ["--set", $0] }, in: work)
    #expect(Set(counts.keys) == (try declared("quickstart-traits")))
    #expect(counts["tune"] == 9 && counts["score"] == 9 && counts["base"] == 3)
    let manifest = Built.project + "/pipelines/quickstart-traits.yaml"
    let table = try work.plumb(
      ["metrics", manifest, "contrast", "--json", "--store", "store"]
        + ["seeds=1", "read=12", "pretraining_epochs=1", "tuned=6", "asked=4"]
        .flatMap { ["--set", $0] }, seconds: 60)
    #expect(table.code == 0, "\(table.errors)")
    let rows = try #require(try JSONValue(parsing: table.output).array)
    let names = rows.compactMap { $0["name"]?.string }
    #expect(names.count { $0 == "emoji_share" } == 12 && names.contains("emoji_contrast"))
  }

  // MARK: Llama and Mistral folders

  /// A tiny random decoder as its users save it: configuration, weights, SentencePiece tokenizer and the
  /// chat template of its family.
  private func writeFolder(_ name: String, _ work: Workspace, layers: Int = 2) throws {
    let fixtures = Built.project + "/Tests/TokenizersTests/fixtures"
    let (width, inner, vocabulary) = (64, 96, 704)
    let isMistral = name == "mistral"
    try work.write(
      """
      {"architectures": ["\(isMistral ? "MistralForCausalLM" : "LlamaForCausalLM")"],
       "model_type": "\(name)", "hidden_size": \(width), "intermediate_size": \(inner),
       "num_hidden_layers": \(layers), "num_attention_heads": 4,
       "num_key_value_heads": \(isMistral ? 2 : 4), "vocab_size": \(vocabulary),
       "max_position_embeddings": 2048, "rms_norm_eps": 1e-05, "rope_theta": 10000.0,
       "hidden_act": "silu", "tie_word_embeddings": false, "bos_token_id": 1, "eos_token_id": 2,
       "sliding_window": \(isMistral ? "256" : "null"), "torch_dtype": "float32"}
      """, to: "\(name)/config.json")
    var shapes: [(String, [Int])] = [
      ("model.embed_tokens.weight", [vocabulary, width]), ("lm_head.weight", [vocabulary, width]),
      ("model.norm.weight", [width]),
    ]
    let narrow = isMistral ? width / 2 : width
    for layer in 0..<layers {
      let part = "model.layers.\(layer)."
      shapes += [
        (part + "input_layernorm.weight", [width]),
        (part + "post_attention_layernorm.weight", [width]),
        (part + "self_attn.q_proj.weight", [width, width]),
        (part + "self_attn.k_proj.weight", [narrow, width]),
        (part + "self_attn.v_proj.weight", [narrow, width]),
        (part + "self_attn.o_proj.weight", [width, width]),
        (part + "mlp.gate_proj.weight", [inner, width]),
        (part + "mlp.up_proj.weight", [inner, width]),
        (part + "mlp.down_proj.weight", [width, inner]),
      ]
    }
    var data = Data()
    var entries: [(String, JSONValue)] = []
    var state: UInt32 = 7
    for (tensor, shape) in shapes {
      let start = data.count
      for _ in 0..<shape.reduce(1, *) {
        state = state &* 1_664_525 &+ 1_013_904_223
        let value = shape.count == 1 ? 1 : (Float(state >> 8) / Float(1 << 24) - 0.5) * 0.2
        withUnsafeBytes(of: value.bitPattern.littleEndian) { data.append(contentsOf: $0) }
      }
      entries.append(
        (
          tensor,
          .object([
            "dtype": "F32", "shape": .array(shape.map { .integer($0) }),
            "data_offsets": [.integer(start), .integer(data.count)],
          ])
        ))
    }
    let header = JSONValue.object(JSONObject(entries)).canonicalBytes
    var file = Data()
    withUnsafeBytes(of: UInt64(header.count).littleEndian) { file.append(contentsOf: $0) }
    file.append(contentsOf: header)
    file.append(data)
    try file.write(to: URL(fileURLWithPath: work.path(name + "/model.safetensors")))
    try FileManager.default.copyItem(
      atPath: "\(fixtures)/families/\(name).json", toPath: work.path(name + "/tokenizer.json"))
    let templates = try JSONValue(
      parsing: String(contentsOfFile: fixtures + "/sentencepiece.json", encoding: .utf8))
    let template = try #require(
      templates["templates"]?[isMistral ? "mistral-2024" : "llama-2"]?.string)
    try work.write(
      JSONValue.object(["chat_template": .string(template)]).canonicalText,
      to: name + "/tokenizer_config.json")
  }

  private func writeStatements(_ work: Workspace) throws {
    let traits = ["openness", "conscientiousness", "extraversion", "agreeableness", "neuroticism"]
    // No two alike: the judge's held-out statements are no near-duplicates of those it learnt from.
    let words = ["apple", "river", "candle", "window", "letter", "garden"]
    let rows = traits.flatMap { trait in
      words.enumerated().map { number, word in
        #"{"id":"\#(trait)-\#(number)","text":"\#(word) \#(word)s \#(trait)\#(word)","#
          + #""label":"\#(trait)","answer":" Yes"}"#
      }
    }
    try work.write(rows.joined(separator: "\n") + "\n", to: "statements.jsonl")
  }

  /// The encoder behind the judge.
  private static let stand = """
    version: 1
    name: stand-ins
    stages:
      opinions:
        uses: compose-opinions
        with: {train: 10, test: 4, seed: 1}
      words:
        uses: train-tokenizer
        inputs: {corpus: opinions.train}
        with: {vocabulary_size: 400}
      bert:
        uses: initialise-encoder
        inputs: {tokenizer: words.tokenizer}
        with: {layers: 1, width: 32, heads: 2, seed: 1}
    """

  private func standIns() throws -> Workspace {
    let work = try Workspace(Self.stand)
    let run = try work.plumb(["run", "--quiet"], seconds: 60)
    try #require(run.code == 0, "\(run.errors)")
    let got = try work.plumb("get", "bert.encoder", "--to", "in")
    try #require(got.code == 0, "\(got.errors)")
    try writeStatements(work)
    return work
  }

  @Test(arguments: ["llama", "mistral"])
  func `folders of the study's families are tuned, prompted and asked`(family: String) throws {
    let work = try standIns()
    try writeFolder(family, work)
    let words = [
      "model=\(family)", "encoder=in/bert.encoder", "statements=statements.jsonl", "train=8",
      "traits=extraversion,openness", "epochs=1", "rank=2", "asked=3", "most_tokens=4",
      "judge_epochs=1", "per_label=6",
    ].flatMap { ["--set", $0] }
    let manifest = Built.project + "/pipelines/trait-llama.yaml"
    let plan = try work.plumb(["plan", manifest, "--store", "store"] + words, seconds: 60)
    #expect(plan.code == 0, "\(plan.errors)")
    let counts = try stages("trait-llama", words, in: work)
    #expect(Set(counts.keys) == (try declared("trait-llama")))
    #expect(counts["tune"] == 2 && counts["prompted"] == 2)
    let log = try work.plumb(
      ["log", manifest, "tune[trait=extraversion]", "--store", "store"] + words, seconds: 30)
    let form = family == "llama" ? "llama-2" : "mistral"
    #expect(log.output.contains("questions are put as \(form)"), "\(log.output)")
  }

  // MARK: trait-smollm2

  /// Two items of each trait, one plain and one turned.
  private func writeItems(_ work: Workspace) throws {
    let rows = ["O", "C", "E", "A", "N"].enumerated().flatMap { number, trait in
      [
        "\(2 * number + 1)\t\(trait)\tone\t1\tI like the \(trait) of it.",
        "\(2 * number + 2)\t\(trait)\tone\t-1\tI see no \(trait) in this.",
      ]
    }
    try work.write(
      "n\ttrait\tfacet\tkey\titem\n" + rows.joined(separator: "\n") + "\n", to: "items.tsv")
  }

  /// Every stage once, on a Llama of three blocks. The replicated and the edited traits are others than those
  /// asked for: the lists need not agree.
  @Test func `the real model's study runs whole with a tiny Llama`() throws {
    let work = try standIns()
    try writeFolder("llama", work, layers: 3)
    try writeItems(work)
    let words = [
      "model=llama", "encoder=in/bert.encoder", "statements=statements.jsonl", "items=items.tsv",
      "traits=[extraversion]", "replicated=extraversion,openness", "edited=openness", "seeds=2",
      "instructions=0,1", "orders=0", "rates=1e-4,1e-2", "scales=0,0.5,1", "train=30", "tuned=8",
      "epochs=1", "rank=2", "test=40", "asked=4", "varied=3", "probed=3", "acted=2",
      "most_tokens=16", "held_out=2", "edit_steps=1", "edit_episodes=1", "draws=3",
      "judge_epochs=1", "per_label=6",
    ].flatMap { ["--set", $0] }
    let manifest = Built.project + "/pipelines/trait-smollm2.yaml"
    let plan = try work.plumb(["plan", manifest, "--store", "store"] + words, seconds: 60)
    #expect(plan.code == 0, "\(plan.errors)")
    let counts = try stages("trait-smollm2", words, in: work)
    #expect(Set(counts.keys) == (try declared("trait-smollm2")))
    #expect(counts["tune"] == 1 && counts["tune_first"] == 2 && counts["dosed"] == 6)
    func metrics(_ stage: String) throws -> [JSONValue] {
      let table = try work.plumb(
        ["metrics", manifest, stage, "--json", "--store", "store"] + words, seconds: 60)
      #expect(table.code == 0, "\(table.errors)")
      return try #require(try JSONValue(parsing: table.output).array)
    }
    let compared = try metrics("comparison")
    #expect(compared.count { $0["name"]?.string == "trait_unit_overlap" } == 1)
    let edited = compared.filter {
      $0["name"]?.string == "trait_alignment" && $0["at"]?["method"]?.string == "mend"
    }
    #expect(Set(edited.compactMap { $0["at"]?["rate"]?.string }).count == 2)
    #expect(try metrics("facts").contains { $0["name"]?.string == "answers_with_emoji" })
    #expect(try metrics("judge_generated").contains { $0["name"]?.string == "accuracy" })
  }
}
