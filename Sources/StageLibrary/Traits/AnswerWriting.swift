// A model's answers while they are written: bytes to texts, what was no UTF-8, and what a stopped run had
// finished.

import CanonicalJSON
import Corpora
import ModelFiles
import Diagnostics
import Tokenizers

/// Answers by place: question by question, within one its draws.
struct AnswerWriting {
  struct Answer: Equatable {
    var text: String
    /// Whether the bytes held something that is no UTF-8; shown as U+FFFD.
    var isMalformed: Bool
    /// Whether the model ended it itself.
    var isWhole: Bool
  }

  private let questions: Corpus
  private let tokenizer: any Tokenizer
  private let marks: AnswerMarks
  private let draws: Int
  private let keepsFirstLine: Bool
  private(set) var answers: [Answer?]

  init(
    _ questions: Corpus, _ tokenizer: any Tokenizer, _ marks: AnswerMarks, draws: Int,
    keepsFirstLine: Bool
  ) {
    self.questions = questions
    self.tokenizer = tokenizer
    self.marks = marks
    self.draws = draws
    self.keepsFirstLine = keepsFirstLine
    answers = Array(repeating: nil, count: questions.documents.count * draws)
  }

  var count: Int { answers.count }
  var finishedCount: Int { answers.count { $0 != nil } }
  var unwritten: [Int] { answers.indices.filter { answers[$0] == nil } }

  /// - Returns: the document, and which of its draws it is.
  func question(_ place: Int) -> (document: Document, draw: Int) {
    (questions.documents[place / draws], place % draws)
  }

  /// - Parameters:
  ///   - end: where the text ends in the bytes of the tokens, if a stop text ended it.
  ///   - isWhole: whether a stop ended it.
  mutating func take(_ place: Int, _ tokens: [Int32], endingAt end: Int?, isWhole: Bool) {
    var bytes = tokenizer.decode(tokens)
    if let end { bytes.removeLast(bytes.count - min(end, bytes.count)) }
    answers[place] = Self.answer(bytes, isWhole: isWhole, keepsFirstLine: keepsFirstLine)
  }

  /// Ends trimmed, emoji kept. Half a character at an end that the length set is left out: the next token
  /// would have completed it, so it is not malformed.
  static func answer(_ bytes: [UInt8], isWhole: Bool, keepsFirstLine: Bool) -> Answer {
    var bytes = bytes
    if !isWhole { bytes.removeLast(DecodingStream.openTail(of: bytes)) }
    let isMalformed = String(validating: bytes, as: UTF8.self) == nil
    var text = trimmed(String(decoding: bytes, as: UTF8.self))
    if keepsFirstLine {
      text = trimmed(String(text.prefix { !$0.isNewline }))
    }
    return Answer(text: text, isMalformed: isMalformed, isWhole: isWhole)
  }

  private static func trimmed(_ text: String) -> String {
    let start = text.drop { $0.isWhitespace }
    guard let last = start.lastIndex(where: { !$0.isWhitespace }) else { return "" }
    return String(start[...last])
  }

  /// Ids, topics and questions as they came, the answer as text. With several draws the ids say which.
  var corpus: Corpus {
    var facts = Corpus.Facts()
    facts.origins = questions.facts.origins
    facts.licences = questions.facts.licences
    let documents = answers.enumerated().map { place, answer in
      let (question, draw) = self.question(place)
      guard let answer else { preconditionFailure("'\(question.id)' is not answered yet") }
      return marks.answer(
        answer.text, to: question, id: draws == 1 ? question.id : "\(question.id)/\(draw)",
        draw: draws == 1 ? nil : draw, isMalformed: answer.isMalformed)
    }
    return Corpus(documents: documents, facts: facts)
  }

  var summary: String {
    let written = answers.compactMap { $0 }
    let malformed = written.count { $0.isMalformed }
    return "\(written.count) answers to \(questions.documents.count) questions; "
      + "\(written.count { !$0.isWhole }) ended at the greatest length, "
      + "\(written.count { $0.text.isEmpty }) are empty, \(malformed) hold bytes that are no UTF-8"
  }

  // MARK: Resuming

  private static let file = "answers.json"

  func save(to folder: String) throws(Diagnostic) {
    let list = answers.map { answer -> JSONValue in
      guard let answer else { return .null }
      return .array([
        .string(answer.text), .boolean(answer.isMalformed), .boolean(answer.isWhole),
      ])
    }
    try AtomicFile.write(JSONValue.array(list).canonicalBytes, to: folder + "/" + Self.file)
  }

  /// Takes up the finished answers of a folder; a file that does not fit is left aside.
  mutating func resume(from folder: String, log: (String) -> Void) {
    guard let file = try? MappedFile(at: folder + "/" + Self.file) else { return }
    let bytes = file.copy()
    guard
      let items = bytes.withUnsafeBufferPointer({ try? JSONValue(parsing: $0) })?.array,
      items.count == answers.count
    else {
      log("'\(Self.file)' in the resume folder is not of this stage: answering starts anew")
      return
    }
    for (place, item) in items.enumerated() {
      guard let parts = item.array, parts.count == 3, let text = parts[0].string,
        let isMalformed = parts[1].boolean, let isWhole = parts[2].boolean
      else { continue }
      answers[place] = Answer(text: text, isMalformed: isMalformed, isWhole: isWhole)
    }
    log("resumed with \(finishedCount) of \(count) answers written")
  }
}
