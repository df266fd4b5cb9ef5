// The stage kind `compose-facts`: plain questions about facts with plain answers, for what tuning and editing
// should leave alone. The facts are in Corpora (FactComposition.swift).

import Corpora
import Diagnostics
import ModelFiles
import Reports
import Scheduling

enum ComposeFactsStage: StageBody {
  static let kind = "compose-facts"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let composition = FactComposition(
      testShare: parameters.number("test_topics"), seed: parameters.integer("seed"))
    let train = corpus(try composition.answers(parameters.integer("train"), test: false), "train")
    let answered = try composition.answers(parameters.integer("test"), test: true)
    let test = corpus(answered, "test")
    var asked = test
    for (place, fact) in answered.enumerated() {
      asked.documents[place].id = "question-\(place)"
      asked.documents[place].text = fact.question
    }
    try train.write(to: stage.output("train").folder)
    try test.write(to: stage.output("test").folder)
    try asked.write(to: stage.output("questions").folder)
    try AtomicFile.write(
      Metric.file(OpinionDatasheet(train: train, test: test).metrics),
      to: stage.output("metrics").path("metrics.json"))
    stage.log(
      "composed \(train.documents.count) answers on "
        + "\(composition.subjects.count - composition.testSubjects) subjects and "
        + "\(test.documents.count) on \(composition.testSubjects) others")
  }

  private static func corpus(_ facts: [Opinion], _ side: String) -> Corpus {
    Corpus(
      documents: facts.enumerated().map { number, fact in
        let document = fact.document(id: "\(side)-fact-\(number)")
        precondition(
          Emoji.all(in: fact.question + fact.answer).isEmpty
            && !OpinionDatasheet.namesTrait(fact.question + " " + fact.answer),
          "the fact '\(fact.question)' holds an emoji or the name of a trait")
        return document
      }, facts: .init(origins: ["composed from the facts of Plumb"], licences: ["MIT"]))
  }

  static func forecast(for order: ForecastOrder) -> StageForecast {
    let train = order.parameters.integer("train")
    let test = order.parameters.integer("test")
    return StageForecast(
      outputs: [
        "train": ArtifactForecast(bytes: 250 * train, documents: train),
        "test": ArtifactForecast(bytes: 250 * test, documents: test),
        "questions": ArtifactForecast(bytes: 250 * test, documents: test),
      ], seconds: 0.2)
  }
}
