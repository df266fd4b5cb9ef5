import Diagnostics
import Networks
import Tensors
import Testing

@testable import LanguageModels

@Suite(.serialized) struct OptionScorerTests {
  /// Nine questions, so that two rounds are needed: most begin alike, one with another token, one with
  /// none, one has more options than are read at a time.
  private static func questions(below vocabulary: Int) -> [OptionQuestion] {
    let below = UInt64(vocabulary)
    let greeting = tokens(7, seed: 1, below: below)
    var questions = (0..<9).map { number in
      OptionQuestion(
        beginning: greeting + tokens(number, seed: 20 + UInt64(number), below: below),
        options: (1...5).map { tokens($0, seed: UInt64(100 + 10 * number + $0), below: below) })
    }
    questions[3].beginning[0] = (questions[3].beginning[0] + 1) % Int32(vocabulary)
    questions[5].beginning = []
    questions[5].options[0] = tokens(2, seed: 4, below: below)
    questions[7].options = (0..<40).map { tokens(2 + $0 % 9, seed: UInt64(500 + $0), below: below) }
    questions[8].options = []
    return questions
  }

  /// Each option with its text through the training path.
  private func expected(
    _ model: LanguageModel, _ question: OptionQuestion, adapter: LowRankAdapter? = nil
  ) -> [Double] {
    let transformer = Transformer(model, capacity: 64, trains: false, adapter: adapter)
    return question.options.map { option in
      let marks = question.beginning.map { _ in false } + option.map { _ in true }
      let batch = Batch([TokenSequence(question.beginning + option, isLearnt: marks)])
      return -transformer.evaluate(batch).total.negativeLogLikelihood
    }
  }

  @Test(arguments: TinyFamily.decoders, [false, true])
  func itSaysWhatWholeTextsSay(family: TinyFamily, adapts: Bool) throws {
    let model = try family.model()
    let adapter = adapts ? try spokenAdapter(model) : nil
    let questions = Self.questions(below: family.vocabulary)
    let values = try OptionScorer(model, adapter: adapter).logProbabilities(questions)
    #expect(values.count == questions.count && values[8].isEmpty)
    for (question, values) in zip(questions, values) {
      for (value, whole) in zip(values, expected(model, question, adapter: adapter)) {
        #expect(abs(value - whole) < 1e-4 * max(1, abs(whole)), "\(value) for \(whole)")
      }
    }
  }

  @Test(arguments: TinyFamily.decoders)
  func neighboursOrderPiecesAndThreadsChangeNoBit(family: TinyFamily) throws {
    let model = try family.model()
    let questions = Self.questions(below: family.vocabulary)
    let scorer = try OptionScorer(model)
    let together = try withThreads(2) { try scorer.logProbabilities(questions) }
    // The same scorer, whose memory is full of other texts.
    #expect(try scorer.logProbabilities(questions.reversed()).reversed() == together)
    let alone = try withThreads(1) {
      try questions.map { try OptionScorer(model).logProbabilities([$0])[0] }
    }
    #expect(alone == together)
    for room in [3, 11] {
      #expect(try OptionScorer(model, tokens: room).logProbabilities(questions) == together)
    }
    #expect(try questions.map { try scorer.logProbabilities([$0])[0] } == together)
  }

  @Test func progressIsToldAndMayEndIt() throws {
    let model = try TinyFamily.llama.model()
    let questions = Self.questions(below: 61)
    var told: [Int] = []
    _ = try OptionScorer(model).logProbabilities(questions) { told.append($0) }
    #expect(told == [8, 9])
    #expect(throws: Diagnostic.self) {
      try OptionScorer(model).logProbabilities(questions) { _ throws(Diagnostic) in
        throw .logitsNotFinite
      }
    }
    #expect(throws: Diagnostic.self) {
      try OptionScorer(model).logProbabilities([OptionQuestion(beginning: [1], options: [[61]])])
    }
    #expect(throws: Diagnostic.self) { try OptionScorer(TinyFamily.bert.model()) }
  }
}
