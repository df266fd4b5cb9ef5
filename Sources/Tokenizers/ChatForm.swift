// Questions and answers in the form that a model has learnt them in: instruction models each have
// their own, models without one read plain text. What stands round the texts is in ChatLayout.swift.

import CanonicalJSON
import Diagnostics

/// Makes prompts and training sequences out of questions and answers.
///
/// Texts of users never become special tokens. A prompt is, token by token, the beginning of the
/// exchange with the same question, so that what is trained is what is asked.
public struct ChatForm: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    /// `<|im_start|>user … <|im_end|>`: SmolLM2 and others.
    case chatML = "chatml"
    /// `[INST] <<SYS>> … <</SYS>> … [/INST]`: Llama 2.
    case llama2 = "llama-2"
    /// `[INST] … [/INST]`: Mistral.
    case mistral
    /// `Question: …`, on the next line `Answer: …`: models that have learnt no conversations.
    case plain
  }

  /// A question with its answer, before the question that is asked.
  public struct Turn: Sendable, Hashable {
    public let question: String
    public let answer: String

    public init(question: String, answer: String) {
      self.question = question
      self.answer = answer
    }
  }

  /// The tokens of a conversation whose last answer is learnt.
  public struct Exchange: Sendable, Equatable {
    public let tokens: [Int32]
    /// Where the last answer begins; from here on all tokens are learnt, the end of the turn too.
    public let answerStart: Int
  }

  public let kind: Kind
  public let tokenizer: any Tokenizer
  /// Tokens that end an answer.
  public let stopTokens: Set<Int32>
  /// Texts that end an answer, beside the tokens.
  public let stopTexts: [String]
  let layout: ChatLayout

  /// - Parameter defaultSystem: what the system says if a conversation does not; ChatML only.
  ///
  /// **Throws**: `chat-tokens-missing` where the vocabulary lacks the tokens of the form.
  public init(_ kind: Kind, _ tokenizer: any Tokenizer, defaultSystem: String? = nil)
    throws(Diagnostic)
  {
    let layout =
      switch kind {
      case .chatML: ChatLayout.chatML(defaultSystem: defaultSystem)
      case .llama2: ChatLayout.llama2
      case .mistral: ChatLayout.mistral()
      case .plain: ChatLayout.plain
      }
    try self.init(kind, tokenizer, layout)
  }

  init(_ kind: Kind, _ tokenizer: any Tokenizer, _ layout: ChatLayout) throws(Diagnostic) {
    self.kind = kind
    self.tokenizer = tokenizer
    self.layout = layout
    try layout.check(tokenizer)
    stopTokens = Set([layout.end, .end].compactMap { layout.id($0, tokenizer) })
    stopTexts = layout.stopTexts
  }

  /// The form of a model.
  ///
  /// - Parameters:
  ///   - name: a ``Kind``, or `auto`: as the chat template says; without one ChatML if the vocabulary
  ///     has its tokens, else plain.
  ///   - configurationJSON: `tokenizer_config.json`, if the model has one.
  ///
  /// **Throws**: `json-syntax`, `chat-template-unsupported`, `chat-tokens-missing`.
  public static func choose(
    _ name: String, _ tokenizer: any Tokenizer, configurationJSON: [UInt8]?
  ) throws(Diagnostic) -> ChatForm {
    let template = try configurationJSON.flatMap { bytes throws(Diagnostic) in
      try ChatLayout.template(inConfiguration: bytes)
    }
    let said = template.flatMap(ChatLayout.recognise)
    guard name == "auto" else {
      guard let kind = Kind(rawValue: name) else {
        preconditionFailure("'\(name)' is no form of a chat")
      }
      // The model's own variant of the form that was asked for.
      if let said, said.kind == kind { return try ChatForm(kind, tokenizer, said.layout) }
      return try ChatForm(kind, tokenizer)
    }
    if let template {
      guard let said else { throw .chatFormUnknown(template) }
      return try ChatForm(said.kind, tokenizer, said.layout)
    }
    let hasTokens = [ChatTemplate.start, ChatTemplate.end].allSatisfy {
      tokenizer.id(ofAdded: $0) != nil
    }
    return try ChatForm(hasTokens ? .chatML : .plain, tokenizer)
  }

  /// What a model reads before it answers.
  public func prompt(
    system: String? = nil, turns: [Turn] = [], question: String
  ) -> [Int32] {
    layout.tokens(parts(system, turns, question, answer: nil), tokenizer).tokens
  }

  /// A question with the answer that is to be learnt and the end of the turn.
  public func exchange(
    system: String? = nil, turns: [Turn] = [], question: String, answer: String
  ) -> Exchange {
    layout.tokens(parts(system, turns, question, answer: answer), tokenizer)
  }

  /// What a model reads before it goes on behind a text of its own form: the one message of the user;
  /// with ``Kind/plain`` the text itself.
  public func prompt(system: String? = nil, message: String) -> [Int32] {
    layout.tokens(layout.parts(system: system, message: message, answer: nil), tokenizer).tokens
  }

  /// The same with the answer that is to be learnt and the end of the turn.
  public func exchange(system: String? = nil, message: String, answer: String) -> Exchange {
    layout.tokens(layout.parts(system: system, message: message, answer: answer), tokenizer)
  }

  /// The same as text, names of special tokens written out: as transformers' `apply_chat_template`
  /// renders it.
  public func text(
    system: String? = nil, turns: [Turn] = [], question: String, answer: String? = nil
  ) -> String {
    parts(system, turns, question, answer: answer).map { part in
      switch part {
      case .special(let special): layout.name(special, tokenizer) ?? ""
      case .text(let text): text
      case .answerStarts: ""
      }
    }.joined()
  }

  private func parts(
    _ system: String?, _ turns: [Turn], _ question: String, answer: String?
  ) -> [ChatLayout.Part] {
    layout.parts(system: system, turns: turns, question: question, answer: answer)
  }
}
