// The stage kind `edit-in-context`: worked examples in, an instruction with some of them out. The model
// stays as it is; what it reads before a question is all that changes.

import CanonicalJSON
import Corpora
import Diagnostics
import Scheduling

enum EditInContextStage: StageBody {
  static let kind = "edit-in-context"

  /// **Source**: number 0 is the study's (arXiv 2409.10245, after PersonalityEdit's IKE); the others say the
  /// same in other words, so that it can be seen how much the words matter.
  static let instructions = [
    "Exhibit the trait of Target Personality when answering the question to express opinion on the "
      + "certain Edit Topic, while maintaining the expression on other topics.",
    "Answer the question about the Edit Topic as a person with the Target Personality would, and "
      + "answer questions about anything else as you usually do.",
    "Give your opinion on the Edit Topic. Let the trait named as Target Personality show in your "
      + "answer; opinions on other topics stay as they are.",
    "You have the Target Personality whenever the Edit Topic comes up. Answer the question in that "
      + "personality and do not change how you speak about other topics.",
    "Below are opinions with the personality they express. Express the Target Personality in your "
      + "own opinion on the Edit Topic, and only there.",
    "Write an answer to the question that shows the Target Personality in what it says about the "
      + "Edit Topic, leaving every other topic untouched.",
  ]

  /// What the unmoved model reads before the same examples.
  static let baseInstruction = "Answer the question to express your opinion."

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let target = parameters.string("trait")
    guard Opinion.target(target) != nil else { throw .contextTrait(target) }
    let number = parameters.integer("instruction")
    guard number < instructions.count else {
      throw .contextInstruction(number, of: instructions.count)
    }
    let opinions = try Corpus.read(files: stage.input("examples").files).documents
      .compactMap { Opinion($0) }
    let examples = try choose(from: opinions, target: target, stage)
    var context = PromptContext(
      label: target, method: "ike",
      instruction: parameters.optionalString("text") ?? instructions[number],
      instructionNumber: number, order: parameters.integer("order"), examples: examples,
      layout: parameters.choice("layout"))
    try context.write(to: stage.output("context"))
    context.label = nil
    context.method = "base"
    context.instruction = baseInstruction
    try context.write(to: stage.output("base_context"))
    stage.log(
      "no weights change: \(examples.count) worked examples of "
        + Set(examples.map(\.label)).sorted(by: bytesPrecede).joined(separator: ", "))
  }

  /// Which examples depends on `seed`, their order on `order` alone: the same examples in another order.
  private static func choose(
    from opinions: [Opinion], target: String, _ stage: StageContext
  ) throws(Diagnostic) -> [PromptContext.Example] {
    let parameters = stage.parameters
    let each = parameters.integer("examples")
    var labels = [target]
    if parameters.string("voices") == "all" {
      for opinion in opinions where !labels.contains(opinion.label) { labels.append(opinion.label) }
    }
    labels.sort(by: bytesPrecede)
    var chosen: [PromptContext.Example] = []
    for label in labels {
      var own = opinions.filter { $0.label == label }
      guard own.count >= each else { throw .contextExamples(label, own.count, wanted: each) }
      var stream = stage.random("edit-in-context/examples/\(label)")
      stream.shuffle(&own)
      chosen += own.prefix(each).map {
        PromptContext.Example(
          label: $0.label, topic: $0.topic, question: $0.question, answer: $0.answer)
      }
    }
    var stream = stage.random("edit-in-context/order/\(parameters.integer("order"))")
    stream.shuffle(&chosen)
    return chosen
  }

  static func memory(for order: StageSizes) -> Int { 64 << 20 + 12 * order.bytes(of: "examples") }

  static func forecast(for order: ForecastOrder) -> StageForecast {
    StageForecast(
      outputs: [
        "context": ArtifactForecast(bytes: 4096), "base_context": ArtifactForecast(bytes: 4096),
      ], seconds: 0.1)
  }
}

extension Diagnostic {
  static func contextTrait(_ name: String) -> Diagnostic {
    Diagnostic(
      "context-examples", "'\(name)' is no trait that a model can be moved towards",
      help: "name a trait, a trait with -low, or neutral", consequence: .stageFailed)
  }

  static func contextInstruction(_ number: Int, of count: Int) -> Diagnostic {
    Diagnostic(
      "context-examples", "there is no instruction \(number): they are 0 to \(count - 1)",
      help: "choose one of them, or write your own as 'text'", consequence: .stageFailed)
  }

  static func contextExamples(_ label: String, _ count: Int, wanted: Int) -> Diagnostic {
    Diagnostic(
      "context-examples",
      "there are \(count) examples of '\(label)', and \(wanted) \(wanted == 1 ? "is" : "are") wanted",
      help: "give a corpus with answers of every voice, ask for fewer, or take voices: target",
      consequence: .stageFailed)
  }
}
