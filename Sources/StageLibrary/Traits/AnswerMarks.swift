// What the group of a model's answer says besides its question: what the model was moved towards, how, and
// what tells runs apart.

import Corpora
import Diagnostics
import Scheduling

struct AnswerMarks: Sendable, Equatable {
  /// nil: whatever the question says.
  let target: (trait: Trait?, pole: TraitPole)?
  /// In writing order, `method` first.
  let marks: [(name: String, value: String)]

  /// Method and marks as the parameters say, else as the inputs tell.
  ///
  /// **Throws**: `answer-marks`.
  init(
    _ parameters: Parameters, _ context: PromptContext?, hasAdapter: Bool
  ) throws(Diagnostic) {
    let label = parameters.optionalString("trait") ?? context?.label
    if let label {
      guard let target = Opinion.target(label) else { throw .answerTrait(label) }
      self.target = target
    } else {
      target = nil
    }
    let method =
      parameters.optionalString("method") ?? context?.method ?? (hasAdapter ? "peft" : "base")
    var marks: [(name: String, value: String)] = [("method", method)]
    func add(_ name: String, _ value: String) throws(Diagnostic) {
      guard !name.isEmpty, !value.isEmpty, !(name + value).contains(where: { ";=".contains($0) }),
        !Self.reserved.contains(name)
      else { throw .answerMark("\(name)=\(value)") }
      marks.removeAll { $0.name == name }
      marks.append((name, value))
    }
    if let context, context.label != nil {
      try add("instruction", String(context.instructionNumber))
    }
    if let context { try add("order", String(context.order)) }
    let scale = parameters.number("adapter_scale")
    if hasAdapter || scale != 1 { try add("scale", Self.plain(scale)) }
    for mark in parameters.strings("marks") {
      guard let sign = mark.firstIndex(of: "=") else { throw .answerMark(mark) }
      try add(String(mark[..<sign]), String(mark[mark.index(after: sign)...]))
    }
    self.marks = marks
  }

  private static let reserved = ["trait", "pole", "topic", "form", "draw", "malformed"]

  /// `1` and not `1.0`.
  private static func plain(_ number: Double) -> String {
    number == number.rounded() && abs(number) < 1e6 ? String(Int(number)) : String(number)
  }

  /// The document of an answer.
  func answer(
    _ text: String, to question: Document, id: String, draw: Int?, isMalformed: Bool
  ) -> Document {
    var opinion =
      Opinion(question)
      ?? Opinion(
        trait: nil, pole: .neutral, topic: question.source ?? "", question: question.text,
        answer: text)
    opinion.answer = text
    if let target { (opinion.trait, opinion.pole) = target }
    opinion.more = opinion.more.filter { old in !marks.contains { $0.name == old.name } } + marks
    if let draw { opinion.more.append(("draw", String(draw))) }
    if isMalformed { opinion.more.append(("malformed", "yes")) }
    return opinion.document(id: id)
  }

  static func == (left: Self, right: Self) -> Bool {
    left.target?.trait == right.target?.trait && left.target?.pole == right.target?.pole
      && left.marks.elementsEqual(right.marks) { $0 == $1 }
  }
}

extension Diagnostic {
  static func answerTrait(_ name: String) -> Diagnostic {
    Diagnostic(
      "answer-marks", "'\(name)' is no trait that answers can be moved towards",
      help: "name a trait, a trait with -low, or neutral", consequence: .stageFailed)
  }

  static func answerMark(_ mark: String) -> Diagnostic {
    Diagnostic(
      "answer-marks", "'\(mark)' is no mark of answers",
      help:
        "write name=value, such as seed=1, without ';'; trait, method and draws have parameters of "
        + "their own", consequence: .stageFailed)
  }
}
