// What explain-trait lets both models read: trait questions by label, neutral ones, emoji and words in the
// same templates.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelAnalysis
import Scheduling
import Tokenizers

struct ExplainPrompts {
  /// All prompts, as tokens.
  private(set) var prompts: [[Int32]] = []
  /// Labels of trait questions in byte order.
  private(set) var labels: [String] = []
  /// Traits against neutral questions; all emoji against words; each emoji against words.
  private(set) var families: [PromptFamily] = []
  let emoji: [String]
  /// Trait questions of the label that the adapter was tuned to, or of all where it is none of them.
  private(set) var tried: [Document] = []
  /// Those of them that are answered anew.
  private(set) var written: [Document] = []

  /// Name of the group of all emoji.
  static let allEmoji = "emoji"

  /// **Throws**: `explain-prompts`.
  init(_ stage: StageContext, _ form: ChatForm, _ model: ModelSpecification) throws(Diagnostic) {
    let parameters = stage.parameters
    let limit = parameters.integer("limit")
    let system = parameters.optionalString("system")
    let longest = min(parameters.integer("max_length"), model.context)
    emoji = parameters.strings("emoji")
    var prompts: [[Int32]] = []
    func add(_ tokens: [Int32]) -> Int {
      prompts.append(Array(tokens.prefix(longest)))
      return prompts.count - 1
    }
    let readsAnswers = parameters.boolean("read_answers")
    func asked(_ document: Document) -> [Int32] {
      guard let question = document.question else { return form.tokenizer.encode(document.text) }
      let prompt = form.prompt(system: system, question: question)
      return readsAnswers && document.text != question
        ? prompt + form.tokenizer.encode(document.text) : prompt
    }

    var byLabel: [String: [Document]] = [:]
    try Corpus.forEachDocument(files: stage.input("trait_questions").files) { document in
      guard document.question != nil else { return }
      let label = document.label ?? "none"
      if label != "neutral", byLabel[label, default: []].count < limit {
        byLabel[label, default: []].append(document)
      }
    }
    labels = byLabel.keys.sorted(by: bytesPrecede)
    let traits = labels.map { label in
      (name: label, rows: byLabel[label]!.map { add(asked($0)) })
    }
    var controls: [Int] = []
    try Corpus.forEachDocument(files: stage.input("neutral_questions").files) { document in
      let tokens = asked(document)
      if controls.count < limit, !tokens.isEmpty { controls.append(add(tokens)) }
    }
    let templates = parameters.strings("templates")
    for template in templates where !template.contains("{}") {
      throw .explainPrompts(
        "the template '\(template.prefix(40))' has no place", help: "write {} where emoji go")
    }
    func filled(_ text: String) -> [Int] {
      templates.map { template in
        add(form.prompt(system: system, question: template.replacing("{}", with: text)))
      }
    }
    let signs = emoji.map { (name: $0, rows: filled($0)) }
    let words = parameters.strings("words").flatMap(filled)
    for (name, rows) in traits + [("neutral_questions", controls)] where rows.count < 2 {
      throw .explainPrompts(
        "there are \(rows.count) prompts of '\(name)', and a spread takes two",
        help: "give more questions, or a greater 'limit'")
    }
    guard !traits.isEmpty else {
      throw .explainPrompts(
        "no document of 'trait_questions' has a question and a trait as its label",
        help: "give questions as compose-opinions writes them")
    }
    guard !signs.isEmpty, templates.count >= 2, words.count >= 2 else {
      throw .explainPrompts(
        "emoji need at least one emoji, one word and two templates",
        help: "give more 'emoji', 'words' or 'templates'")
    }
    guard Set(emoji).count == emoji.count else {
      throw .explainPrompts("an emoji stands twice in 'emoji'", help: "give each once")
    }
    families = [
      PromptFamily(groups: traits, controls: controls),
      PromptFamily(
        groups: [(Self.allEmoji, signs.flatMap(\.rows))], controls: words),
      PromptFamily(groups: signs, controls: words),
    ]
    self.prompts = prompts
    let trait = parameters.string("trait")
    let own = byLabel[trait] ?? labels.flatMap { byLabel[$0]! }
    tried = Array(own.prefix(parameters.integer("tried")))
    written = Array(own.prefix(parameters.integer("written")))
  }

  /// Whether an overlap of two groups says anything: an emoji is part of all emoji.
  func isTold(_ overlap: TraitOverlap) -> Bool {
    !(overlap.first == Self.allEmoji && emoji.contains(overlap.second))
  }
}

extension Diagnostic {
  static func explainPrompts(_ what: String, help: String) -> Diagnostic {
    Diagnostic("explain-prompts", what, help: help, consequence: .stageFailed)
  }
}
