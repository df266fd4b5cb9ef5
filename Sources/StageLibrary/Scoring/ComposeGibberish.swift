// The stage kind `compose-gibberish`: sentences in the four classes that a judge of quality learns. How
// each class is made is in Corpora (Degradation.swift).

import Corpora
import Diagnostics
import Scheduling

enum ComposeGibberishStage: StageBody {
  static let kind = "compose-gibberish"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let corpus = try Corpus.read(files: stage.input("corpus").files)
    let leastWords = parameters.integer("least_words")
    let sentences = corpus.gibberish(
      perClass: parameters.integer("per_class"), leastWords: leastWords,
      seed: parameters.integer("seed"))
    let counts = sentences.labelCounts
    guard counts.count == GibberishClass.allCases.count, counts.allSatisfy({ $0.count >= 5 })
    else {
      throw .gibberishTooFew(sentences.documents.count, leastWords: leastWords)
    }
    try sentences.write(to: stage.output("corpus").folder)
    stage.log(
      "\(sentences.documents.count) sentences: "
        + counts.map { "\($0.count) \($0.label)" }.joined(separator: ", "))
  }

  static func memory(for order: StageSizes) -> Int {
    128 << 20 + 12 * order.bytes(of: "corpus")
  }
}

extension Diagnostic {
  static func gibberishTooFew(_ count: Int, leastWords: Int) -> Diagnostic {
    Diagnostic(
      "gibberish-too-few",
      "the corpus has \(count) different sentences of at least \(leastWords) words",
      help: "every one of the four classes needs 5: bring more texts, or lower least_words",
      consequence: .stageFailed)
  }
}
