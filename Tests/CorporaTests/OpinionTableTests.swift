import Diagnostics
import Foundation
import Testing

@testable import Corpora

@Suite struct OpinionTableTests {
  @Test func publishedColumnsComeBack() throws {
    let opinion = Opinion(
      trait: .openness, pole: .low, topic: "tea", form: 2, question: "How do you view tea?",
      answer: "I said \"plain\", and\nmean it.")
    let csv = OpinionTable.csv(Corpus(documents: [opinion.document(id: "a")]))
    #expect(
      String(decoding: csv.prefix(50), as: UTF8.self).hasPrefix(
        "\"Target Personality\",\"Edit Topic\""))
    let path = NSTemporaryDirectory() + "opinions-\(UUID().uuidString).csv"
    defer { try? FileManager.default.removeItem(atPath: path) }
    try Data(csv).write(to: URL(fileURLWithPath: path))
    var rules = CorpusImport(format: .csv)
    rules.fields.text = "Answer"
    rules.fields.question = "Question"
    rules.fields.label = "Target Personality"
    rules.fields.source = "Edit Topic"
    let read = try rules.read(files: ["opinions.csv": path])
    #expect(read.documents.compactMap(Opinion.init) == [opinion])
    rules.fields.question = "Frage"
    #expect(throws: Diagnostic.self) { try rules.read(files: ["opinions.csv": path]) }
  }
}
