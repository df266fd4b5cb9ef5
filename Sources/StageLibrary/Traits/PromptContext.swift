// What stands before a question so that a model answers in a trait: an instruction and worked examples.
// No weight of the model changes. EditInContext.swift makes it, answer-questions reads it.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

/// An in-context edit (IKE; Zheng et al. 2023, for personality Mao et al. 2024, arXiv 2310.02168).
struct PromptContext: Sendable, Equatable {
  /// How instruction, examples and question reach a chat model.
  enum Layout: String, Sendable, CaseIterable {
    /// One message of the user, as the released code writes it; the only way for `plain`.
    case message
    /// The instruction as system, each example as a turn.
    case turns
  }

  struct Example: Sendable, Equatable {
    let label: String
    let topic: String
    let question: String
    let answer: String
  }

  /// What the answers are moved towards, as ``Opinion/label``; nil for the unmoved model's own context.
  var label: String?
  var method: String
  var instruction: String
  /// Which of the instructions, and which order of the examples: marks of what is answered with it.
  var instructionNumber: Int
  var order: Int
  var examples: [Example]
  var layout: Layout

  static let file = "context.json"

  // MARK: Prompts

  /// What a model reads before it answers.
  ///
  /// - Parameters:
  ///   - question: a document with a question; its topic stands in `group` or `source`.
  ///   - system: a persona beside the context.
  func prompt(_ question: Document, _ form: ChatForm, system: String? = nil) -> [Int32] {
    let asked = self.asked(question)
    switch layout {
    case .message: return form.prompt(system: system, message: message(asked))
    case .turns:
      return form.prompt(system: speech(system), turns: turns, question: fields(asked))
    }
  }

  /// A question with an answer behind the context, the answer learnt and the rest masked.
  func sequence(
    _ question: Document, answer: String, _ form: ChatForm, system: String? = nil
  ) -> TokenSequence {
    let asked = self.asked(question)
    switch layout {
    case .message:
      return form.exchange(system: system, message: message(asked), answer: answer).sequence
    case .turns:
      return form.sequence(
        system: speech(system), turns: turns, question: fields(asked), answer: answer)
    }
  }

  private func asked(_ document: Document) -> Example {
    Example(
      label: label ?? "", topic: document.groupValue("topic") ?? document.source ?? "",
      question: document.question ?? document.text, answer: "")
  }

  private func message(_ asked: Example) -> String {
    let blocks = examples.map { "\(fields($0))\nAnswer: \($0.answer)" }
    return ([instruction] + blocks + ["\(fields(asked))\nAnswer:"]).joined(separator: "\n\n")
  }

  private var turns: [ChatForm.Turn] {
    examples.map { ChatForm.Turn(question: fields($0), answer: $0.answer) }
  }

  private func speech(_ system: String?) -> String {
    [system, instruction].compactMap { $0 }.joined(separator: "\n\n")
  }

  /// The published fields; without a target the trait is not spoken of.
  private func fields(_ example: Example) -> String {
    let question = "Question: \(example.question)"
    guard label != nil else { return question }
    return "Target Personality: \(Self.spoken(example.label))\nEdit Topic: \(example.topic)\n"
      + question
  }

  /// `extraversion-low` in words.
  private static func spoken(_ label: String) -> String {
    label.hasSuffix("-low") ? "low " + label.dropLast(4) : label
  }

  // MARK: File

  /// **Throws**: `prompt-context`, `json-syntax`.
  init(_ artifact: InputArtifact) throws(Diagnostic) {
    let bytes = try artifact.bytes(Self.file)
    let json = try JSONValue(parsing: SourceText(path: Self.file, bytes: bytes))
    func text(_ name: String) throws(Diagnostic) -> String {
      guard let text = json[name]?.string else {
        throw .promptContext("has no text '\(name)'")
      }
      return text
    }
    func number(_ name: String) throws(Diagnostic) -> Int {
      guard let number = json[name]?.integer else {
        throw .promptContext("has no number '\(name)'")
      }
      return number
    }
    label = json["label"]?.string
    if let label, Opinion.target(label) == nil {
      throw .promptContext("has the label '\(label)', which is no trait")
    }
    method = try text("method")
    instruction = try text("instruction")
    instructionNumber = try number("instruction_number")
    order = try number("order")
    guard let layout = Layout(rawValue: try text("layout")) else {
      throw .promptContext("has the layout \(try text("layout"))")
    }
    self.layout = layout
    guard let list = json["examples"]?.array else { throw .promptContext("has no examples") }
    var examples: [Example] = []
    for item in list {
      guard let label = item["label"]?.string, let topic = item["topic"]?.string,
        let question = item["question"]?.string, let answer = item["answer"]?.string
      else { throw .promptContext("has an example without label, topic, question or answer") }
      examples.append(Example(label: label, topic: topic, question: question, answer: answer))
    }
    self.examples = examples
  }

  init(
    label: String?, method: String, instruction: String, instructionNumber: Int, order: Int,
    examples: [Example], layout: Layout
  ) {
    self.label = label
    self.method = method
    self.instruction = instruction
    self.instructionNumber = instructionNumber
    self.order = order
    self.examples = examples
    self.layout = layout
  }

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("weights_change", false), ("method", .string(method)),
      ("instruction", .string(instruction)), ("instruction_number", .integer(instructionNumber)),
      ("order", .integer(order)), ("layout", .string(layout.rawValue)),
      (
        "examples",
        .array(
          examples.map {
            .object([
              "label": .string($0.label), "topic": .string($0.topic),
              "question": .string($0.question), "answer": .string($0.answer),
            ])
          })
      ),
    ]
    if let label { members.append(("label", .string(label))) }
    return .object(JSONObject(members))
  }

  func write(to output: OutputArtifact) throws(Diagnostic) {
    try AtomicFile.write(Array(json.indentedText.utf8), to: output.path(Self.file))
  }
}

extension Diagnostic {
  static func promptContext(_ what: String) -> Diagnostic {
    Diagnostic(
      "prompt-context", "the context \(what)", help: "make it with edit-in-context",
      consequence: .stageFailed)
  }
}
