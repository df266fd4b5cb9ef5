// Forms of a chat against transformers: fixtures/sentencepiece.py rendered Llama's and Mistral's templates
// and encoded them with the library, fixtures/chat.py SmolLM2's.

import CanonicalJSON
import Diagnostics
import Testing

@testable import Tokenizers

@Suite struct ChatFormTests {
  struct Conversation {
    let system: String?
    let turns: [ChatForm.Turn]
    let question: String
    let answer: String

    /// Messages that end with an answer.
    init(_ messages: [JSONValue]) {
      var messages = messages.map { ($0.array?[0].string ?? "", $0.array?[1].string ?? "") }
      system = messages.first?.0 == "system" ? messages.removeFirst().1 : nil
      turns = stride(from: 0, to: messages.count - 2, by: 2).map {
        ChatForm.Turn(question: messages[$0].1, answer: messages[$0 + 1].1)
      }
      question = messages[messages.count - 2].1
      answer = messages[messages.count - 1].1
    }
  }

  private static func configuration(_ template: String) -> [UInt8] {
    JSONValue.object(["chat_template": .string(template)]).canonicalBytes
  }

  @Test func llamasAndMistralsFormsAreThoseOfTransformers() throws {
    let file = try FamilyTests.fixture("sentencepiece.json")
    let rows = try #require(file["chats"]?.array)
    #expect(rows.count == 24)
    var compared = 0
    for row in rows {
      let row = try #require(row.array)
      let name = try #require(row[1].string)
      let tokenizer = try SentencePieceTests.tokenizer(#require(row[0].string))
      let template = try #require(file["templates"]?[name]?.string)
      let form = try ChatForm.choose(
        "auto", tokenizer, configurationJSON: Self.configuration(template))
      #expect(form.kind == (name == "llama-2" ? .llama2 : .mistral))
      let chat = Conversation(try #require(row[2].array))
      // 2023's closing space belongs to a turn that has not begun yet.
      let closing = name == "mistral-2023" ? " " : ""
      let text = form.text(
        system: chat.system, turns: chat.turns, question: chat.question, answer: chat.answer)
      #expect(text + closing == row[3].string)
      #expect(
        form.text(system: chat.system, turns: chat.turns, question: chat.question)
          == row[4].string)
      let exchange = form.exchange(
        system: chat.system, turns: chat.turns, question: chat.question, answer: chat.answer)
      let prompt = form.prompt(
        system: chat.system, turns: chat.turns, question: chat.question)
      #expect(Array(exchange.tokens.prefix(exchange.answerStart)) == prompt)
      guard row[5] != .null else { continue }
      compared += 1
      #expect(prompt == FamilyTests.numbers(row[6]), "\(name) \(chat.question)")
      if name != "mistral-2023" {
        #expect(exchange.tokens == FamilyTests.numbers(row[5]), "\(name) \(chat.question)")
      }
      #expect(exchange.tokens.last == tokenizer.endOfText)
    }
    #expect(compared == 16)
  }

  @Test func chatMLIsThatOfSmolLM2() throws {
    let tokenizer = try FamilyTests.tokenizer("smollm")
    let form = try ChatForm.choose(
      "auto", tokenizer, configurationJSON: Self.configuration(ChatTemplate.smolLM2.jinja))
    #expect(form.kind == .chatML)
    let system = try #require(ChatTemplate.smolLM2.defaultSystem)
    let prompt =
      "<|im_start|>system\n\(system)<|im_end|>\n<|im_start|>user\nHi there<|im_end|>\n"
      + "<|im_start|>assistant\n"
    #expect(form.text(question: "Hi there") == prompt)
    let exchange = form.exchange(question: "Hi there", answer: "Hello 🙂")
    #expect(
      exchange.tokens == tokenizer.encode(trusted: Array((prompt + "Hello 🙂<|im_end|>").utf8)))
    #expect(exchange.answerStart == tokenizer.encode(trusted: Array(prompt.utf8)).count)
    // Against the template that renders SmolLM2's conversations in other tests.
    let turns = [ChatForm.Turn(question: "a", answer: "b")]
    #expect(
      form.prompt(system: "S", turns: turns, question: "c")
        == (try ChatTemplate.smolLM2.encode(
          [
            .init(role: "system", content: "S"), .init(role: "user", content: "a"),
            .init(role: "assistant", content: "b"), .init(role: "user", content: "c"),
          ], with: tokenizer)))
    #expect(form.stopTokens == [tokenizer.id(ofAdded: "<|im_end|>")!, tokenizer.endOfText!])
  }

  @Test func plainTextIsThatOfTheStudy() throws {
    let tokenizer = try Fixtures.tokenizer()
    let form = try ChatForm.choose("auto", tokenizer, configurationJSON: nil)
    #expect(form.kind == .plain && form.stopTexts == ["\nQuestion:"])
    #expect(form.text(question: "Why?") == "Question: Why?\nAnswer:")
    let exchange = form.exchange(question: "Why?", answer: "So.")
    // As a whole document of pre-training is cut, with the end of text behind it.
    #expect(
      exchange.tokens == tokenizer.encode("Question: Why?\nAnswer: So.") + [tokenizer.endOfText!])
    #expect(exchange.answerStart == form.prompt(question: "Why?").count)
    #expect(form.prompt(message: "x\n\nAnswer:") == tokenizer.encode("x\n\nAnswer:"))
  }

  @Test func theChoiceFollowsTemplateThenVocabulary() throws {
    let smollm = try FamilyTests.tokenizer("smollm")
    let llama = try SentencePieceTests.tokenizer("llama")
    #expect(try ChatForm.choose("auto", smollm, configurationJSON: nil).kind == .chatML)
    #expect(try ChatForm.choose("auto", llama, configurationJSON: nil).kind == .plain)
    #expect(try ChatForm.choose("plain", smollm, configurationJSON: nil).kind == .plain)
    // What is asked for takes the model's own variant where it is the same form.
    let own = try ChatForm.choose(
      "chatml", smollm, configurationJSON: Self.configuration(ChatTemplate.smolLM2.jinja))
    #expect(own.text(question: "a").contains("SmolLM"))
    let list = JSONValue.object([
      "chat_template": [
        .object(["name": "tool_use", "template": "{{ tools }}"]),
        .object(["name": "default", "template": .string(ChatTemplate().jinja)]),
      ]
    ])
    #expect(
      try ChatForm.choose("auto", smollm, configurationJSON: list.canonicalBytes).kind == .chatML)
  }

  @Test(arguments: [
    "{{ messages }}", "{% for m in messages %}[INST] {{ m['content'] }} [/INST]{% endfor %}",
    "{{ bos_token }}{{ '[INST] ' + system_message + '[/INST]' }}{{ eos_token }}",
    ChatTemplate().jinja + "{{ bos_token }}",
  ])
  func otherTemplatesAreRefusedUnlessTheFormIsSaid(_ jinja: String) throws {
    let tokenizer = try FamilyTests.tokenizer("smollm")
    let error = #expect(throws: Diagnostic.self) {
      try ChatForm.choose("auto", tokenizer, configurationJSON: Self.configuration(jinja))
    }
    #expect(error?.id == "chat-template-unsupported")
    #expect(
      try ChatForm.choose("plain", tokenizer, configurationJSON: Self.configuration(jinja)).kind
        == .plain)
  }

  @Test func aVocabularyWithoutTheTokensIsNamed() throws {
    let tokenizer = try FamilyTests.tokenizer("roberta")
    for kind in [ChatForm.Kind.chatML] {
      let error = #expect(throws: Diagnostic.self) { try ChatForm(kind, tokenizer) }
      #expect(error?.id == "chat-tokens-missing")
    }
    let plain = try Fixtures.tokenizer()
    for kind in [ChatForm.Kind.llama2, .mistral] {
      let error = #expect(throws: Diagnostic.self) { try ChatForm(kind, plain) }
      #expect(error?.id == "chat-tokens-missing")
    }
  }

  @Test func namesOfSpecialTokensInMessagesStayText() throws {
    let tokenizer = try SentencePieceTests.tokenizer("llama")
    let form = try ChatForm(.llama2, tokenizer)
    let tokens = form.exchange(question: "x</s><s>[INST]", answer: "y</s>z").tokens
    #expect(tokens.count { $0 == tokenizer.endOfText } == 1 && tokens.count { $0 == 1 } == 1)
  }
}
