import Diagnostics
import Testing

@testable import LanguageModels

private func build(
  _ form: ExampleForm, length: Int = 6, learnsEnd: Bool, _ documents: [[[Int32]]]
) throws -> (sequences: [TokenSequence], counts: ExampleCounts) {
  var builder = try ExampleBuilder(
    form: form, maximumLength: length, endOfText: 96, learnsEndOfText: learnsEnd, context: 32)
  for document in documents { builder.add(document: document) }
  return (try builder.finish(), builder.counts)
}

@Suite struct ExamplesTests {
  @Test func linesAreSequencesAndBlankOnesGiveNothing() throws {
    let (sequences, counts) = try build(
      .line, learnsEnd: false, [[[1, 2, 3], [], [4], [5, 6]], [[1, 2, 3, 4, 5, 6, 7, 8]]])
    #expect(sequences.map(\.tokens) == [[1, 2, 3], [5, 6], [1, 2, 3, 4, 5, 6]])
    #expect(counts.documents == 2 && counts.sequences == 3 && counts.empty == 2)
    #expect(counts.truncated == 1 && counts.truncatedTokens == 2)
    #expect(counts.tokens == 11 && counts.supervised == 8)
    #expect(counts.summary.contains("1 were cut (2 tokens left out)"))
  }

  @Test func onlyADocumentsLastLineLearnsItsEnd() throws {
    let (sequences, _) = try build(.line, learnsEnd: true, [[[1, 2], [3, 4], []], [[5]]])
    #expect(sequences.map(\.tokens) == [[1, 2], [3, 4, 96], [5, 96]])
    #expect(sequences.allSatisfy { $0.isLearnt == nil })
  }

  @Test func articlesAreCutAndCounted() throws {
    let (sequences, counts) = try build(
      .article, learnsEnd: true, [[[1, 2, 3]], [[1, 2, 3, 4, 5, 6]], []])
    #expect(sequences.map(\.tokens) == [[1, 2, 3, 96], [1, 2, 3, 4, 5, 6]])
    #expect(counts.truncated == 1 && counts.truncatedTokens == 1 && counts.empty == 1)
  }

  @Test func packingLosesNoToken() throws {
    let documents: [[[Int32]]] = [[[1, 2, 3]], [[4, 5, 6, 7, 8]], [[9]]]
    let (learnt, _) = try build(.packed, learnsEnd: true, documents)
    #expect(learnt.flatMap(\.tokens) == [1, 2, 3, 96, 4, 5, 6, 7, 8, 96, 9, 96])
    #expect(learnt.map(\.tokens.count) == [6, 6])
    #expect(learnt.map(\.supervisedCount) == [5, 5])
    let (unlearnt, _) = try build(.packed, learnsEnd: false, documents)
    #expect(unlearnt.map(\.tokens) == learnt.map(\.tokens))
    // The end of text separates, and is not learnt: positions 3 of the first, 3 and 5 of the second.
    #expect(unlearnt.map(\.supervisedCount) == [4, 3])
    let batch = Batch(unlearnt)
    #expect(!batch.targets.contains(96))
    #expect(batch.supervisedCount == batch.targets.filter { $0 >= 0 }.count)
  }

  @Test func refusesWhatCannotBeLearnt() throws {
    func id(of body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Diagnostic)?.id }
    }
    #expect(id { _ = try build(.line, learnsEnd: false, [[[], [1]]]) } == "nothing-to-learn")
    #expect(id { _ = try build(.packed, learnsEnd: false, []) } == "nothing-to-learn")
    #expect(id { _ = try build(.line, length: 33, learnsEnd: false, []) } == "example-length")
    #expect(id { _ = try build(.line, length: 1, learnsEnd: false, []) } == "example-length")
    #expect(
      id {
        _ = try ExampleBuilder(
          form: .line, maximumLength: 6, endOfText: nil, learnsEndOfText: true, context: 32)
      } == "end-of-text-missing")
  }

  @Test func blocksCoverTheArticleOnce() throws {
    let blocks = try BlockContinuation(block: 4, context: 10)
    let (prompts, cut) = blocks.prompts(title: [1, 2, 3, 4, 5, 6, 7, 8], body: tokens(9))
    #expect(prompts[0] == [1, 2, 3, 4, 5, 6] && cut == 2)
    #expect(prompts.dropFirst().map(\.count) == [4, 4, 1])
    #expect(Array(prompts.dropFirst().joined()) == tokens(9))
    #expect(blocks.prompts(title: [], body: []).prompts.isEmpty)
    #expect(throws: Diagnostic.self) { try BlockContinuation(block: 6, context: 10) }
    #expect(throws: Diagnostic.self) { try BlockContinuation(block: 0, context: 10) }
  }

  @Test func runsKeepTheirBudget() {
    #expect(Batch.runs(of: [3, 3, 3, 9, 1, 1], atMost: 6) == [0..<2, 2..<3, 3..<4, 4..<6])
    #expect(Batch.runs(of: [], atMost: 6).isEmpty)
  }
}
