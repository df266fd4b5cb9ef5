// The stage kind `explain-trait`: where a tuning shows inside a model. Statistics and patching are
// ModelAnalysis' (TraitUnits.swift, TraitPatch.swift), prompts and words are beside this file.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Reports
import Scheduling
import Tokenizers

enum ExplainTraitStage: StageBody {
  static let kind = "explain-trait"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let form = try stage.chatForm()
    let model = try stage.storedModel()
    guard let adapter = try stage.scaledAdapter(beside: model) else {
      preconditionFailure("stage.yaml allows no adapter_scale of 0")
    }
    let prompts = try ExplainPrompts(stage, form, model.specification)
    let layout = UnitLayout(
      UnitKind(rawValue: parameters.string("units"))!, of: model.specification)
    stage.log(
      "\(prompts.prompts.count) prompts; \(layout); labels \(prompts.labels.joined(separator: ", "))"
    )

    let readings = try readings(prompts.tried, stage, form, model, adapter)
    let longest = prompts.prompts.map(\.count) + readings.map(\.tokens.count)
    let capacity = max(512, longest.max() ?? 0)
    let base = Transformer(model, capacity: capacity, trains: false)
    let tuned = Transformer(model, capacity: capacity, trains: false, adapter: adapter)
    var activations: [TraitActivations] = []
    for transformer in [base, tuned] {
      let before = activations.count * prompts.prompts.count
      activations.append(
        try TraitActivations(of: transformer, layout: layout, over: prompts.prompts) {
          (done: Int) throws(Diagnostic) in
          stage.progress(step: before + done, of: 2 * prompts.prompts.count, unit: "prompts")
          if stage.isStopping { throw .interrupted }
        })
    }
    var findings = search(stage, prompts, layout, base: activations[0], tuned: activations[1])
    guard let own = findings.own else {
      throw .explainPrompts("there is no group of prompts", help: "give trait questions")
    }
    let sets =
      [own]
      + (0..<parameters.integer("random_sets")).map {
        AblationChoice.random(
          matching: own, in: layout, random: stage.random("explain-trait/random-\($0)"))
      }
    let emoji = EmojiTokens(form.tokenizer, vocabulary: model.specification.vocabulary)
    findings.effects = try TraitPatching(
      base: base, tuned: tuned, emoji: emoji, layout: layout, readings: readings
    ).effects(of: sets) { (done: Int) throws(Diagnostic) in
      stage.progress(step: done, of: readings.count, unit: "answers with units set back")
      if stage.isStopping { throw .interrupted }
    }
    let writing = ExplainWriting(
      stage: stage, form: form, model: model, adapter: adapter, layout: layout)
    findings.written = try writing.effects(
      prompts.written, of: Array(sets.prefix(1 + parameters.integer("written_sets"))))
    let asked = Set(ExplainWords.questions(parameters).flatMap(WordCounts.words))
    findings.words = (
      WordCounts(try ExplainWords.answers(stage, form, model, nil), without: asked),
      WordCounts(try ExplainWords.answers(stage, form, model, adapter), without: asked)
    )
    try AtomicFile.write(
      Metric.file(findings.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      findings.section.bytes, to: stage.output("section").path("section.json"))
    try AtomicFile.write(findings.lines, to: stage.output("units").path("scores.jsonl"))
    for claim in findings.claims {
      stage.log("\(claim.id): \(claim.verdict.words). \(claim.evidence)")
    }
  }

  /// t, z and p of all groups, and the sets.
  private static func search(
    _ stage: StageContext, _ prompts: ExplainPrompts, _ layout: UnitLayout,
    base: TraitActivations, tuned: TraitActivations
  ) -> ExplainFindings {
    let parameters = stage.parameters
    let outliers = base.outliers(ratio: parameters.number("outlier_ratio"))
    let layers = max(0, layout.layers - parameters.integer("layers"))..<layout.layers
    let search = TraitUnitSearch(
      base: base, tuned: tuned, families: prompts.families, layers: layers,
      excluded: parameters.boolean("with_outliers")
        ? outliers.map { _ in false } : outliers)
    let draws = parameters.integer("draws")
    let (units, overlaps) = search.search(
      draws: draws, top: parameters.integer("top"),
      random: stage.random("explain-trait/shuffles")
    ) {
      stage.progress(step: $0, of: draws, unit: "shuffles")
      return !stage.isStopping
    }
    return ExplainFindings(
      trait: parameters.string("trait"), layout: layout, layers: layers,
      top: parameters.integer("top"), listed: parameters.integer("listed"), units: units,
      overlaps: overlaps.filter(prompts.isTold), labels: prompts.labels, emoji: prompts.emoji,
      compared: search.compared, outliers: outliers, peaks: base.peaks)
  }

  /// The answers on which units are tried; what is not answered, the tuned model answers greedily.
  private static func readings(
    _ documents: [Document], _ stage: StageContext, _ form: ChatForm, _ model: LanguageModel,
    _ adapter: LowRankAdapter
  ) throws(Diagnostic) -> [AnswerProbe.Reading] {
    let parameters = stage.parameters
    let context = model.specification.context
    let longest = min(context, parameters.integer("max_length"))
    let system = parameters.optionalString("system")
    let prompts = documents.map { form.prompt(system: system, question: $0.question ?? $0.text) }
    for (document, prompt) in zip(documents, prompts) where prompt.count >= longest {
      throw .questionLength(document.id, tokens: prompt.count, context: longest)
    }
    let open = documents.indices.filter { documents[$0].question == documents[$0].text }
    var answers = documents.map { form.tokenizer.encode($0.text) }
    if !open.isEmpty {
      stage.log("the tuned model answers \(open.count) questions")
      let written = try Generator(
        model, adapter: adapter, batch: parameters.integer("batch")
      ).run(
        open.map {
          GenerationRequest(
            prompt: prompts[$0],
            length: min(parameters.integer("max_new_tokens"), longest - prompts[$0].count),
            stream: "explain/\(documents[$0].id)")
        }, .greedy(stopTokens: form.stopTokens.union(model.specification.endsOfText)))
      for (place, answer) in zip(open, written) { answers[place] = answer.tokens }
    }
    let readings = zip(prompts, answers).compactMap { prompt, answer -> AnswerProbe.Reading? in
      let kept = answer.prefix(longest - prompt.count)
      return kept.isEmpty ? nil : .init(tokens: prompt + kept, answerStart: prompt.count)
    }
    guard !readings.isEmpty else {
      throw .explainPrompts(
        "no answer has a token to try units on", help: "give answered questions")
    }
    return readings
  }

  static func memory(for order: StageSizes) -> Int {
    let parameters = order.parameters
    let storage = WeightStorage(stageName: parameters.string("storage"))
    let memory = ModelMemory(order, storage: storage)
    return max(
      2 * memory.evaluating(tokens: max(512, parameters.integer("max_length"))),
      memory.writing(
        sequences: 2 * parameters.integer("batch"), tokens: 160 + parameters.integer("ask_tokens"))
        + memory.writing(sequences: 0, tokens: 1) + order.bytes(of: "judge"))
      + 8 * order.bytes(of: "adapter") + 256 << 20
  }
}
