// The chat form of a model at an input port, and its exchanges as training sequences.

import Diagnostics
import LanguageModels
import Scheduling
import Tokenizers

extension ChatForm {
  /// - Parameter name: the parameter `chat` of a stage: `auto` or a ``ChatForm/Kind``.
  ///
  /// **Throws**: as ``ChatForm/choose(_:_:configurationJSON:)``.
  init(
    _ name: String, of model: InputArtifact, _ tokenizer: any Tokenizer
  ) throws(Diagnostic) {
    let file = "tokenizer_config.json"
    self = try ChatForm.choose(
      name, tokenizer,
      configurationJSON: model.files[file] == nil ? nil : model.bytes(file))
  }

  /// The exchange as a sequence to learn: the prompt masked, the answer and the end of its turn learnt.
  func sequence(
    system: String? = nil, turns: [Turn] = [], question: String, answer: String
  ) -> TokenSequence {
    exchange(system: system, turns: turns, question: question, answer: answer).sequence
  }
}

extension ChatForm.Exchange {
  /// The prompt masked.
  var sequence: TokenSequence {
    TokenSequence(tokens, isLearnt: tokens.indices.map { $0 >= answerStart })
  }
}
