// The stage kind `contrast-emoji`: judged answers of models that were pre-trained with emoji coupled to a
// trait, uncoupled, and without any, in; nine cells and their contrast out (Personality's EmojiContrast).

import Diagnostics
import ModelFiles
import Personality
import Reports
import Scheduling

enum ContrastEmojiStage: StageBody {
  static let kind = "contrast-emoji"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let (labels, answers) = try stage.judgedAnswers()
    let names = EmojiContrast.Names(
      coupled: parameters.string("coupled"), uncoupled: parameters.string("uncoupled"),
      without: parameters.string("without"))
    let contrast = EmojiContrast(
      labels: labels, answers: answers, names: names,
      replicates: parameters.integer("bootstrap"), random: stage.random)
    let trait = parameters.string("trait")
    try AtomicFile.write(
      Metric.file(contrast.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      contrast.section(trait: trait).bytes, to: stage.output("section").path("section.json"))
    for claim in contrast.claims(trait: trait) {
      stage.log("\(claim.id): \(claim.verdict.words). \(claim.evidence)")
    }
  }

  static func memory(for order: StageSizes) -> Int { 64 << 20 + 8 * order.bytes(of: "scores") }
}
