// The stage kind `score-statements`: how likely a model finds statements of two leanings, without any
// judge. The sequences are in ModelAnalysis (StatementSequences.swift), figures in StatementMeasure.swift.

import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Reports
import Scheduling

enum ScoreStatementsStage: StageBody {
  static let kind = "score-statements"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let corpora = try StatementCorpora(stage)
    let own = try scores("model", adapter: "adapter", corpora, stage)
    let reference =
      stage.optionalInput("reference") == nil
      ? nil : try scores("reference", adapter: nil, corpora, stage)
    let measure = StatementMeasure(
      corpora: corpora, own: own!, reference: reference,
      replicates: stage.parameters.integer("replicates"), random: stage.random)
    try AtomicFile.write(measure.lines, to: stage.output("scores").path("scores.jsonl"))
    try AtomicFile.write(
      Metric.file(measure.metrics), to: stage.output("metrics").path("metrics.json"))
  }

  /// Log-probabilities under the model at a port; nil where the port is empty.
  private static func scores(
    _ port: String, adapter: String?, _ corpora: StatementCorpora, _ stage: StageContext
  ) throws(Diagnostic) -> StatementMeasure.Scores? {
    guard let input = stage.optionalInput(port) else { return nil }
    let model = try LanguageModel(
      files: input.files, storage: WeightStorage(stageName: stage.parameters.string("storage")))
    try model.specification.requireDecoder()
    let beside = try adapter.flatMap { stage.optionalInput($0) }.map {
      artifact throws(Diagnostic) in try LowRankAdapter(files: artifact.files, for: model)
    }
    let tokenizer = try ModelTokenizer.read(input.bytes("tokenizer.json"))
    let (left, right) = try corpora.sequences(tokenizer, model.specification)
    let transformer = Transformer(
      model, capacity: max(1024, left.longest, right.longest), trains: false, adapter: beside)
    var before = 0
    func values(_ statements: StatementSequences) throws(Diagnostic) -> [StatementMeasure.Score] {
      let values = try statements.logProbabilities(transformer) { (done: Int) throws(Diagnostic) in
        stage.progress(
          step: before + done, of: corpora.count, unit: "statements", note: port)
        if stage.isStopping { throw .interrupted }
      }
      before += statements.count
      return zip(values, statements.lengths).map { .init(logProbability: $0, tokens: $1) }
    }
    return StatementMeasure.Scores(left: try values(left), right: try values(right))
  }

  static func memory(for order: StageSizes) -> Int {
    // Blocks of 4 bits become single precision; models are read one after the other.
    let factor = order.parameters.string("storage") == "as-stored" ? 2 : 8
    return 512 << 20 + factor * max(order.bytes(of: "model"), order.bytes(of: "reference"))
      + 8 * order.bytes(of: "adapter") + 24 * (order.bytes(of: "left") + order.bytes(of: "right"))
  }
}
