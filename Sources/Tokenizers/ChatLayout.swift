// What stands round questions and answers in each form of a chat, and which of a checkpoint's Jinja
// programs mean it.

import CanonicalJSON
import Diagnostics

struct ChatLayout: Sendable {
  /// A special token by its part in the form.
  enum Special: Sendable, Hashable {
    case begin, end
    /// By its content.
    case named(String)
  }

  enum Part: Sendable, Equatable {
    case special(Special)
    case text(String)
    /// Here the last answer begins.
    case answerStarts
  }

  /// What the system says if the conversation does not.
  var defaultSystem: String?
  /// Before the whole conversation; only where the vocabulary has it.
  var begin: Special?
  /// Ends an answer.
  var end: Special
  var stopTexts: [String] = []
  var variant: Variant

  enum Variant: Sendable, Equatable {
    case chatML
    case llama2
    case mistral(Mistral)
    case plain
  }

  /// In what Mistral's templates differ over the years.
  struct Mistral: Sendable, Equatable {
    var beforeQuestion = " [INST] "
    var afterQuestion = " [/INST]"
    var beforeAnswer = " "
    var afterEnd = ""
    /// Whether the system speaks in the last question instead of the first.
    var systemIsLast = false
  }

  static func chatML(defaultSystem: String?) -> ChatLayout {
    ChatLayout(
      defaultSystem: defaultSystem, end: .named(ChatTemplate.end), variant: .chatML)
  }

  static let llama2 = ChatLayout(begin: .begin, end: .end, variant: .llama2)

  static func mistral(_ mistral: Mistral = Mistral()) -> ChatLayout {
    ChatLayout(begin: .begin, end: .end, variant: .mistral(mistral))
  }

  static let plain = ChatLayout(
    begin: .begin, end: .end, stopTexts: ["\nQuestion:"], variant: .plain)

  // MARK: Parts

  func parts(
    system: String?, turns: [ChatForm.Turn], question: String, answer: String?
  ) -> [Part] {
    let system = system ?? defaultSystem
    var parts: [Part] = []
    let all = turns.map { ($0.question, Optional($0.answer)) } + [(question, answer)]
    if let begin, variant != .llama2 { parts.append(.special(begin)) }
    if variant == .chatML, let system { parts += message("system", system) }
    if variant == .plain, let system, !system.isEmpty { parts.append(.text(system + "\n\n")) }
    for (number, (question, answer)) in all.enumerated() {
      let isLast = number == all.count - 1
      switch variant {
      case .chatML:
        parts += message("user", question)
        parts += [.special(.named(ChatTemplate.start)), .text("assistant\n")]
        if isLast { parts.append(.answerStarts) }
        guard let answer else { break }
        parts += [.text(answer), .special(end)]
        if !isLast { parts.append(.text("\n")) }
      case .llama2:
        var content = question
        if number == 0, let system { content = "<<SYS>>\n\(system)\n<</SYS>>\n\n" + content }
        parts += [.special(.begin), .text("[INST] \(stripped(content)) [/INST]")]
        if isLast { parts.append(.answerStarts) }
        guard let answer else { break }
        parts += [.text(" \(stripped(answer)) "), .special(end)]
      case .mistral(let mistral):
        var content = question
        if let system, !system.isEmpty, mistral.systemIsLast ? isLast : number == 0 {
          content = system + "\n\n" + content
        }
        parts.append(.text(mistral.beforeQuestion + content + mistral.afterQuestion))
        if isLast { parts.append(.answerStarts) }
        guard let answer else { break }
        parts += [.text(mistral.beforeAnswer + answer), .special(end)]
        if !isLast, !mistral.afterEnd.isEmpty { parts.append(.text(mistral.afterEnd)) }
      case .plain:
        parts.append(.text("Question: \(question)\nAnswer:"))
        if isLast { parts.append(.answerStarts) }
        guard let answer else { break }
        parts.append(.text(" " + answer))
        parts.append(isLast ? .special(end) : .text("\n\n"))
      }
    }
    return parts
  }

  /// A conversation of one message.
  func parts(system: String?, message: String, answer: String?) -> [Part] {
    guard variant == .plain else {
      return parts(system: system, turns: [], question: message, answer: answer)
    }
    var text = message
    if let system, !system.isEmpty { text = system + "\n\n" + text }
    var parts: [Part] = begin.map { [.special($0)] } ?? []
    parts += [.text(text), .answerStarts]
    if let answer { parts += [.text(" " + answer), .special(end)] }
    return parts
  }

  private func message(_ role: String, _ content: String) -> [Part] {
    [
      .special(.named(ChatTemplate.start)), .text("\(role)\n\(content)"), .special(end),
      .text("\n"),
    ]
  }

  /// As Python's `strip`.
  private func stripped(_ text: String) -> String {
    let scalars = text.unicodeScalars
    guard let first = scalars.firstIndex(where: { !$0.properties.isWhitespace }),
      let last = scalars.lastIndex(where: { !$0.properties.isWhitespace })
    else { return "" }
    return String(scalars[first...last])
  }

  // MARK: Tokens

  /// Joins what stands between two special tokens, so that a vocabulary without marked words cuts it as
  /// it cuts the whole text; only the start of the last answer is always a border.
  func tokens(_ parts: [Part], _ tokenizer: any Tokenizer) -> ChatForm.Exchange {
    var ids: [Int32] = []
    var start: Int?
    var text: [UInt8] = []
    var position = TextPosition.start
    func flush() {
      if !text.isEmpty {
        ids += tokenizer.encode(text, at: position)
        position = .continuing
      }
      text = []
    }
    for part in parts {
      switch part {
      case .text(let more): text += more.utf8
      case .answerStarts:
        flush()
        start = ids.count
      case .special(let special):
        // A form's begin or end that the vocabulary does not have is left out.
        guard let id = id(special, tokenizer) else { continue }
        flush()
        ids.append(id)
        position = .afterSpecial
      }
    }
    flush()
    return ChatForm.Exchange(tokens: ids, answerStart: start ?? ids.count)
  }

  func id(_ special: Special, _ tokenizer: any Tokenizer) -> Int32? {
    switch special {
    case .named(let name): return tokenizer.id(ofAdded: name)
    case .end: return tokenizer.endOfText
    case .begin:
      // What the post-processor puts before a text, else the name that Llama and Mistral use.
      if case .special(let ids, _)? = tokenizer.template.single.first { return ids.first }
      return variant == .plain ? nil : tokenizer.id(ofAdded: "<s>")
    }
  }

  func name(_ special: Special, _ tokenizer: any Tokenizer) -> String? {
    guard let id = id(special, tokenizer) else { return nil }
    return tokenizer.addedTokens.first { $0.id == id }?.content
  }

  /// Whether the vocabulary has the tokens without which the form would be another.
  ///
  /// **Throws**: `chat-tokens-missing`.
  func check(_ tokenizer: any Tokenizer) throws(Diagnostic) {
    switch variant {
    case .chatML:
      for name in [ChatTemplate.start, ChatTemplate.end] where tokenizer.id(ofAdded: name) == nil {
        throw .chatTokenMissing(name)
      }
    case .llama2, .mistral:
      guard id(.begin, tokenizer) != nil else { throw .chatTokenMissing("<s>") }
      guard id(.end, tokenizer) != nil else { throw .chatTokenMissing("</s>") }
    case .plain: break
    }
  }

  // MARK: Jinja

  /// The chat template of a `tokenizer_config.json`, of several the one named `default`.
  ///
  /// **Throws**: `json-syntax`.
  static func template(inConfiguration bytes: [UInt8]) throws(Diagnostic) -> String? {
    let file = try JSONValue(parsing: SourceText(path: "tokenizer_config.json", bytes: bytes))
    switch file["chat_template"] {
    case .string(let jinja)?: return jinja
    case .array(let list)?:
      return list.first { $0["name"]?.string == "default" }?["template"]?.string
    default: return nil
    }
  }

  /// The form that a Jinja program means; nil for one that is not known.
  static func recognise(_ jinja: String) -> (kind: ChatForm.Kind, layout: ChatLayout)? {
    if let template = try? ChatTemplate(jinja: jinja) {
      return (.chatML, .chatML(defaultSystem: template.defaultSystem))
    }
    // One spelling of literals and spaces: writers differ in both.
    let program = jinja.replacing("\"", with: "'").replacing("\\n", with: "\n")
      .replacing("  +", with: " +")
    func says(_ part: String) -> Bool { program.contains(part) }
    if says("[INST]"), says("<<SYS>>\n"), says("\n<</SYS>>\n\n"), says("bos_token + '[INST] '"),
      says("' [/INST]'"), says("' ' + eos_token")
    {
      return (.llama2, .llama2)
    }
    guard !says("<<SYS>>"), says("bos_token"), says("eos_token") else { return nil }
    if says("' [INST] ' + message['content'] + ' [/INST]'"),
      says("' ' + message['content'] + eos_token")
    {
      return (.mistral, .mistral())
    }
    if says("'[INST] ' + message['content'] + ' [/INST]'"), !says("system_message"),
      says("message['content'] + eos_token")
    {
      let isFirst = says("eos_token + ' '")
      return (
        .mistral,
        .mistral(
          Mistral(
            beforeQuestion: "[INST] ", beforeAnswer: "", afterEnd: isFirst ? " " : ""))
      )
    }
    return nil
  }
}
