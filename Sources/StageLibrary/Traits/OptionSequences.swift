// Fixed answers whose probabilities are compared: behind a text, or as whole answers to a message in the form
// of a model's chat.

import Diagnostics
import LanguageModels
import ModelAnalysis
import Scheduling
import Tokenizers

struct OptionSequences {
  private let tokenizer: any Tokenizer
  /// nil: the prompt is a text that goes on.
  private let form: ChatForm?

  /// - Parameter model: the input with the tokenizer.
  init(_ stage: StageContext, model: InputArtifact) throws(Diagnostic) {
    let tokenizer = try ModelTokenizer.read(model.bytes("tokenizer.json"))
    self.tokenizer = tokenizer
    let chat = stage.parameters.string("chat")
    form = chat == "none" ? nil : try ChatForm(chat, of: model, tokenizer)
  }

  /// Log-probabilities of the options after each prompt, in nats; in a chat with the end of the answer.
  ///
  /// - Parameter names: what messages call the prompts.
  ///
  /// **Throws**: `statement-length`, `token-outside-vocabulary`, and what `progress` throws.
  func logProbabilities(
    of options: [String], after prompts: [String], names: [String], _ scorer: OptionScorer,
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [[Double]] {
    let context = scorer.model.specification.context
    var questions: [OptionQuestion] = []
    for (prompt, name) in zip(prompts, names) {
      let question = question(options, after: prompt)
      for (text, option) in zip(options, question.options) {
        let tokens = question.beginning.count + option.count
        guard !option.isEmpty, tokens >= 2, tokens <= context else {
          throw .statementLength(
            "\(name), \(text)", tokens: option.isEmpty ? 0 : tokens, context: context)
        }
      }
      questions.append(question)
    }
    return try scorer.logProbabilities(questions, progress: progress)
  }

  private func question(_ options: [String], after prompt: String) -> OptionQuestion {
    if let form {
      let exchanges = options.map { form.exchange(message: prompt, answer: $0) }
      return OptionQuestion(
        beginning: exchanges.first.map { Array($0.tokens[..<$0.answerStart]) } ?? [],
        options: exchanges.map { Array($0.tokens[$0.answerStart...]) })
    }
    return OptionQuestion(
      beginning: (tokenizer.endOfText.map { [$0] } ?? []) + tokenizer.encode(prompt),
      options: options.map { tokenizer.encode(" " + $0) })
  }
}
