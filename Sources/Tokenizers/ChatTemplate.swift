// ChatML, the form in which SmolLM2 and its relatives read a conversation. Checkpoints carry it as a
// Jinja program; the programs that mean ChatML are recognised, every other one is refused.

import CanonicalJSON
import Diagnostics

/// How messages become the text that an instruction model reads.
///
/// `<|im_start|>role`, a line break, the content, `<|im_end|>`, a line break; for each message.
public struct ChatTemplate: Sendable, Equatable {
  public struct Message: Sendable, Hashable {
    public let role: String
    public let content: String

    public init(role: String, content: String) {
      self.role = role
      self.content = content
    }
  }

  /// What the system says if the first message is not its own; nil: nothing is put first.
  public let defaultSystem: String?

  public init(defaultSystem: String? = nil) { self.defaultSystem = defaultSystem }

  /// The template of SmolLM2's instruction models.
  public static let smolLM2 = ChatTemplate(
    defaultSystem: "You are a helpful AI assistant named SmolLM, trained by Hugging Face")

  static let start = "<|im_start|>"
  static let end = "<|im_end|>"

  /// The text as transformers' `apply_chat_template(tokenize=False)` renders it.
  public func render(_ messages: [Message], promptsAnswer: Bool = true) -> String {
    parts(messages, promptsAnswer: promptsAnswer).map { part in
      switch part {
      case .special(let name): name
      case .text(let text): text
      }
    }.joined()
  }

  /// The ids of a conversation. Names of special tokens inside a message stay plain text.
  ///
  /// **Throws**: `chat-tokens-missing` where the vocabulary has no `<|im_start|>` or `<|im_end|>`.
  public func encode(
    _ messages: [Message], promptsAnswer: Bool = true, with tokenizer: any Tokenizer
  ) throws(Diagnostic) -> [Int32] {
    var ids: [Int32] = []
    for part in parts(messages, promptsAnswer: promptsAnswer) {
      switch part {
      case .text(let text): ids += tokenizer.encode(text)
      case .special(let name):
        guard let id = tokenizer.id(ofAdded: name) else { throw .chatTokenMissing(name) }
        ids.append(id)
      }
    }
    return ids
  }

  private enum Part {
    case special(String)
    case text(String)
  }

  private func parts(_ messages: [Message], promptsAnswer: Bool) -> [Part] {
    var messages = messages
    if let defaultSystem, let first = messages.first, first.role != "system" {
      messages.insert(Message(role: "system", content: defaultSystem), at: 0)
    }
    var parts: [Part] = []
    for message in messages {
      parts += [
        .special(Self.start), .text("\(message.role)\n\(message.content)"), .special(Self.end),
        .text("\n"),
      ]
    }
    if promptsAnswer { parts += [.special(Self.start), .text("assistant\n")] }
    return parts
  }

  // MARK: Jinja

  private static let systemHead =
    "{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ "
    + "'<|im_start|>system\n"
  private static let systemTail = "<|im_end|>\n' }}{% endif %}"
  private static let loopHead = "{% for message in messages %}"
  private static let body =
    "{{'<|im_start|>' + message['role'] + '\n' + message['content'] + '<|im_end|>' + '\n'}}"
    + "{% endfor %}"
  private static let prompt =
    "{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}"

  /// The Jinja program that says the same, for tokenizer_config.json.
  public var jinja: String {
    guard let defaultSystem else { return Self.loopHead + Self.body + Self.prompt }
    precondition(
      Self.isPlain(defaultSystem), "a default of the system that is no plain literal: quotes, {, \\"
    )
    return Self.systemHead + defaultSystem + Self.systemTail + Self.body + Self.prompt
  }

  /// Recognises a checkpoint's Jinja program as ChatML.
  ///
  /// **Throws**: `chat-template-unsupported`.
  public init(jinja: String) throws(Diagnostic) {
    let program = Self.condensed(jinja)
    if program == Self.condensed(Self.loopHead + Self.body + Self.prompt) {
      self.init(defaultSystem: nil)
      return
    }
    let head = Self.condensed(Self.systemHead)
    let rest = Self.condensed(Self.systemTail + Self.body + Self.prompt)
    guard program.starts(with: head), program.reversed().starts(with: rest.reversed()),
      program.count >= head.count + rest.count
    else { throw .chatTemplateUnsupported(jinja) }
    let scalars = program.dropFirst(head.count).dropLast(rest.count)
    let literal = String(String.UnicodeScalarView(scalars))
    // Anything that is not a plain literal may compute something.
    guard Self.isPlain(literal) else { throw .chatTemplateUnsupported(jinja) }
    self.init(defaultSystem: literal)
  }

  private static func isPlain(_ literal: String) -> Bool {
    !literal.unicodeScalars.contains { $0 == "'" || $0 == "{" || $0 == "\\" }
  }

  /// One spelling of the things in which writers differ: line breaks in literals, and those behind
  /// a statement, which transformers leaves out (`trim_blocks`).
  private static func condensed(_ program: String) -> [Unicode.Scalar] {
    Array(
      program.replacing("\r\n", with: "\n").replacing("\\n", with: "\n")
        .replacing("%}\n", with: "%}").replacing("{{ '", with: "{{'")
        .replacing("' }}", with: "'}}").unicodeScalars)
  }

  /// The template of a tokenizer_config.json; nil if it has none.
  ///
  /// **Throws**: `json-syntax`, `chat-template-unsupported`.
  public static func read(tokenizerConfigJSON bytes: [UInt8]) throws(Diagnostic) -> ChatTemplate? {
    let file = try JSONValue(parsing: SourceText(path: "tokenizer_config.json", bytes: bytes))
    switch file["chat_template"] {
    case nil, .null?: return nil
    case .string(let jinja)?: return try ChatTemplate(jinja: jinja)
    default: throw .chatTemplateUnsupported("a list of templates")
    }
  }
}
