// stages/train-classifier: learn to tell labels apart, and say how well on documents held out. Here is
// what all architectures share and the n-grams; encoders are in TrainEncoderClassifier.swift.

import CanonicalJSON
import Corpora
import Diagnostics
import ModelFiles
import Reports
import Scheduling
import Statistics

enum TrainClassifierStage: StageBody {
  static let kind = "train-classifier"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let isEncoder = parameters.string("architecture") == EncoderJudge.kind
    if !isEncoder, stage.optionalInput("encoder") != nil { throw .classifierEncoderUnused }
    let corpus = try Corpus.read(files: stage.input("corpus").files)
    let split = try ClassifierSplit(
      corpus, heldOut: parameters.number("held_out"),
      way: ClassifierSplit.Way(rawValue: parameters.string("split_by"))!,
      random: stage.random)
    stage.log(
      "\(split.training.count) documents to learn from, \(split.heldOut.count) held out "
        + (split.bySource ? "by source" : "by document")
        + ", \(split.unlabelled) without a label left out")
    if isEncoder {
      try TrainEncoderClassifier(stage, split).run()
    } else {
      try trainNgrams(stage, split)
    }
  }

  /// The figures of a classifier that has given these logits to the held-out documents.
  static func test(
    _ stage: StageContext, _ split: ClassifierSplit, logits: [[Double]]
  ) -> HeldOutTest {
    HeldOutTest(
      logits: logits, labels: split.heldOut.map { split.labels.firstIndex(of: $0.label!)! },
      names: split.labels, clusters: ClassifierSplit.clusters(split.heldOut),
      bySource: split.bySource,
      bootstrap: Bootstrap(
        replicates: stage.parameters.integer("bootstrap"),
        stream: stage.random("held-out/bootstrap")))
  }

  private static func trainNgrams(
    _ stage: StageContext, _ split: ClassifierSplit
  ) throws(Diagnostic) {
    let parameters = stage.parameters
    let features = NgramFeatures(
      order: parameters.integer("order"), bits: parameters.integer("feature_bits"))
    let (regression, convergence) = LogisticRegression.fit(
      rows: split.training.map { features.vector(of: $0.text) },
      labels: split.training.map { split.labels.firstIndex(of: $0.label!)! },
      classCount: split.labels.count,
      rowWeights: parameters.boolean("equal_sources") ? sourceWeights(split.training) : nil,
      settings: .init(
        l2: parameters.number("l2"), maximumIterations: parameters.integer("iterations"),
        tolerance: parameters.number("tolerance"),
        minimumRows: parameters.integer("minimum_documents"))
    ) { stage.progress(step: $0, of: nil, loss: $1) }
    stage.log(
      "\(regression.features.count) features, \(convergence.iterations) iterations, largest "
        + "derivative \(convergence.gradient): \(convergence.converged ? "" : "not ")converged")

    let test = test(
      stage, split,
      logits: split.heldOut.map { regression.logits(features.vector(of: $0.text)) })
    let metrics =
      test.metrics + [
        Metric("converged", convergence.converged ? 1 : 0, count: convergence.iterations),
        Metric("training_documents", Double(split.training.count), count: split.training.count),
      ]
    let classifier = NgramClassifier(
      features: features, labels: split.labels, temperature: test.temperature,
      regression: regression)
    let folder = stage.output("classifier")
    try ClassifierFolder.write(
      classifier,
      training: .object([
        "documents": .integer(split.training.count), "held_out": .integer(split.heldOut.count),
        "unlabelled": .integer(split.unlabelled),
        "split_by": .string(split.bySource ? "source" : "document"),
        "converged": .boolean(convergence.converged),
        "iterations": .integer(convergence.iterations), "objective": .number(convergence.value),
        "largest_derivative": .number(convergence.gradient),
      ]),
      quality: metrics, to: folder.path)
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  static func memory(for order: StageSizes) -> Int {
    let bytes = order.bytes(of: "corpus")
    if order.parameters.string("architecture") == EncoderJudge.kind {
      // A fifth copy of the weights: those of the best epoch.
      let encoder = order.bytes(of: "encoder")
      return ModelMemory(modelBytes: encoder).training(
        tokens: max(
          order.parameters.integer("micro_batch_tokens"), order.parameters.integer("max_length")))
        + 2 * encoder + 12 * bytes
    }
    // L-BFGS keeps about 26 vectors of weights (four classes assumed); rows take 16 bytes a feature.
    let features = min(1 << order.parameters.integer("feature_bits"), bytes / 4)
    return 128 << 20 + 26 * 8 * 4 * features + 12 * bytes
  }

  /// Every source has the same weight in sum.
  private static func sourceWeights(_ documents: [Document]) -> [Double] {
    let clusters = ClassifierSplit.clusters(documents)
    var sizes = [Double](repeating: 0, count: (clusters.max() ?? -1) + 1)
    for cluster in clusters { sizes[cluster] += 1 }
    return clusters.map { 1 / sizes[$0] }
  }
}
