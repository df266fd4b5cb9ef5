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

  /// Log-probabilities of the options after a prompt, in nats; in a chat with the end of the answer.
  func logProbabilities(
    of options: [String], after prompt: String, name: String, _ transformer: Transformer
  ) throws(Diagnostic) -> [Double] {
    var beginning = tokenizer.endOfText.map { [$0] } ?? []
    let endings: [[Int32]]
    if let form {
      let exchanges = options.map { form.exchange(message: prompt, answer: $0) }
      beginning = exchanges.first.map { Array($0.tokens[..<$0.answerStart]) } ?? []
      endings = exchanges.map { Array($0.tokens[$0.answerStart...]) }
    } else {
      beginning += tokenizer.encode(prompt)
      endings = options.map { tokenizer.encode(" " + $0) }
    }
    let sequences = try StatementSequences(
      endings, after: beginning, names: options.map { "\(name), \($0)" },
      for: transformer.model.specification)
    return try sequences.logProbabilities(transformer)
  }
}
