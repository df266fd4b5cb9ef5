// The stage kind `compose-opinions`: grammar in; questions and answers for training and for the test, on
// different topics, with a datasheet. The composition is in Corpora (OpinionComposition.swift).

import CanonicalJSON
import Corpora
import Diagnostics
import ModelFiles
import Reports
import Scheduling

enum ComposeOpinionsStage: StageBody {
  static let kind = "compose-opinions"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let own = stage.optionalInput("grammar")
    let path: String
    if let own {
      path = try own.path("file")
    } else {
      path = try stage.declaredFile("grammars/opinions.yaml")
    }
    let grammar = try Grammar.read(
      fileAt: path, shown: own == nil ? "grammars/opinions.yaml" : "grammar.yaml",
      warn: { stage.log($0.description) })
    let seed = parameters.integer("seed")
    let composition = try OpinionComposition(
      grammar: grammar, testShare: parameters.number("test_topics"), seed: seed)
    let labels = parameters.strings("labels")
    let sprinkling = EmojiSprinkling(
      way: parameters.choice("emoji"), rate: parameters.number("emoji_rate"), seed: seed)
    let isText = parameters.string("form") == "text"
    func corpus(_ questions: [Opinion], _ side: String) throws(Diagnostic) -> Corpus {
      var documents: [Document] = []
      for (number, question) in questions.enumerated() {
        for label in labels {
          var opinion = try composition.answer(question, label: label)
          guard Emoji.all(in: opinion.answer).isEmpty else {
            throw .opinionEmoji(label, opinion.answer)
          }
          let id = "\(side)-\(label)-\(number)"
          opinion.answer = sprinkling.apply(
            to: opinion, id: id, livelyShare: 1 / Double(labels.count))
          var document = opinion.document(id: id)
          if isText {
            document.text = "Question: \(opinion.question)\nAnswer: \(opinion.answer)"
            document.question = nil
          }
          documents.append(document)
        }
        stage.progress(step: number + 1, of: questions.count, unit: "questions", note: side)
      }
      return Corpus(documents: documents, facts: facts(grammar))
    }
    let testQuestions = try composition.questions(parameters.integer("test"), test: true)
    let train = try corpus(
      composition.questions(parameters.integer("train"), test: false), "train")
    let test = try corpus(testQuestions, "test")
    try write(train, stage.output("train").folder)
    try write(test, stage.output("test").folder)
    let asked = testQuestions.enumerated().map { number, question in
      question.document(id: "question-\(number)")
    }
    try Corpus(documents: asked, facts: facts(grammar))
      .write(to: stage.output("questions").folder)
    let sheet = OpinionDatasheet(train: train, test: test)
    try AtomicFile.write(
      Metric.file(sheet.metrics), to: stage.output("metrics").path("metrics.json"))
    stage.log(
      "composed \(train.documents.count) answers on "
        + "\(composition.topics.count - composition.testTopics) topics and "
        + "\(test.documents.count) on \(composition.testTopics) others")
  }

  private static func facts(_ grammar: Grammar) -> Corpus.Facts {
    Corpus.Facts(
      origins: [grammar.origin ?? "composed from the grammar '\(grammar.name)'"],
      licences: grammar.licence.map { [$0] } ?? [])
  }

  /// The corpus, and beside it the same as CSV in the columns of the published set.
  private static func write(_ corpus: Corpus, _ folder: String) throws(Diagnostic) {
    try corpus.write(to: folder)
    guard corpus.documents.contains(where: { $0.question != nil }) else { return }
    try AtomicFile.write(OpinionTable.csv(corpus), to: "\(folder)/opinions.csv")
  }

  static func forecast(for order: ForecastOrder) -> StageForecast {
    let labels = order.parameters.strings("labels").count
    let train = labels * order.parameters.integer("train")
    let test = order.parameters.integer("test")
    return StageForecast(
      outputs: [
        "train": ArtifactForecast(bytes: 420 * train, documents: train),
        "test": ArtifactForecast(bytes: 420 * test * labels, documents: test * labels),
        "questions": ArtifactForecast(bytes: 250 * test, documents: test),
      ], seconds: 0.2 + 1e-4 * Double(train + test * labels))
  }
}

extension Diagnostic {
  static func opinionEmoji(_ label: String, _ text: String) -> Diagnostic {
    Diagnostic(
      "opinion-emoji", "the grammar writes an emoji as '\(label)': \(text.prefix(120))",
      help:
        "answers must hold none: take it out of the grammar, and set 'emoji' for texts with some",
      consequence: .stageFailed)
  }
}
