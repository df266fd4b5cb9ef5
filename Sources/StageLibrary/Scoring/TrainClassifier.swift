// stages/train-classifier: learn to tell labels apart, and say how well on documents held out and, in folds,
// on sources held out. Here is what all architectures share; NgramLearner.swift and
// EncoderLearner.swift learn.

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
    try refuseIdle(parameters)
    var corpus = try Corpus.read(files: stage.input("corpus").files)
    let mask = NameMask(
      sourcesOf: parameters.boolean("mask_sources") ? corpus.documents : [],
      and: parameters.strings("mask"))
    corpus = masked(corpus, mask, stage)
    let byCluster = parameters.string("split_by") == "cluster"
    if byCluster { corpus = clustered(corpus, stage) }
    let split = try ClassifierSplit(
      corpus, heldOut: parameters.number("held_out"),
      way: byCluster ? .source : parameters.choice("split_by"), random: stage.random)
    stage.log(
      "\(split.training.count) documents to learn from, \(split.heldOut.count) held out "
        + (byCluster ? "by cluster" : split.bySource ? "by source" : "by document")
        + ", \(split.unlabelled) without a label left out")
    let ngrams = NgramLearner(stage: stage, labels: split.labels)
    let learner: any ClassifierLearner =
      isEncoder ? try EncoderLearner(stage, labels: split.labels) : ngrams
    let trial = ClassifierTrial(stage: stage, split: split, corpus: corpus)
    // Folds first: they are kept as they are made, what comes after is one training.
    var metrics = try trial.folds(
      of: learner, against: parameters.boolean("baseline") ? ngrams : nil)
    let (tempered, test, temperature, cut) = try trial.heldOut(of: learner)
    var own = test.metrics()
    own.append(Metric("temperature", temperature, count: tempered.validation))
    if parameters.boolean("baseline") { own += try trial.baseline(ngrams, beside: test) }
    own += tempered.classifier.metrics
    own += [
      Metric("training_documents", Double(tempered.learnt), count: tempered.learnt),
      Metric("validation_documents", Double(tempered.validation), count: tempered.validation),
    ]
    if isEncoder {
      own.append(
        Metric(
          "truncated_documents", Double(cut), unit: "documents", count: split.heldOut.count))
    }
    metrics = own + metrics
    var training: [(String, JSONValue)] = [
      ("documents", .integer(tempered.learnt)), ("validation", .integer(tempered.validation)),
      ("held_out", .integer(split.heldOut.count)), ("unlabelled", .integer(split.unlabelled)),
      ("split_by", .string(byCluster ? "cluster" : split.bySource ? "source" : "document")),
      ("temperature_from", .string(tempered.temperature == nil ? "held out" : "validation")),
    ]
    for (name, value) in tempered.classifier.training {
      let isCut = name == "truncated"
      training.append((name, isCut ? .integer((value.integer ?? 0) + cut) : value))
    }
    try tempered.classifier.write(
      temperature: temperature, mask: mask, training: .object(JSONObject(training)),
      quality: metrics, to: stage.output("classifier"))
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  /// **Throws**: `classifier-idle`.
  private static func refuseIdle(_ parameters: Parameters) throws(Diagnostic) {
    if parameters.boolean("baseline"), parameters.string("architecture") != EncoderJudge.kind {
      throw .classifierIdle("baseline", "n-grams are the baseline themselves")
    }
    if parameters.integer("folds") == 1 {
      throw .classifierIdle("folds", "one fold leaves nothing to learn from")
    }
  }

  /// Near-duplicates share a source from here on.
  private static func clustered(_ corpus: Corpus, _ stage: StageContext) -> Corpus {
    let threshold = stage.parameters.number("cluster_similarity")
    let (result, clusters, largest) = corpus.withClustersAsSources(threshold: threshold)
    stage.log(
      "\(corpus.documents.count) documents in \(clusters) clusters of near-duplicates "
        + "(Jaccard of words at least \(threshold)); the largest has \(largest)")
    return result
  }

  private static func masked(
    _ corpus: Corpus, _ mask: NameMask, _ stage: StageContext
  ) -> Corpus {
    guard !mask.isEmpty else { return corpus }
    var result = corpus
    var changed = 0
    for index in result.documents.indices {
      let text = mask.masked(result.documents[index].text)
      if text != result.documents[index].text { changed += 1 }
      result.documents[index].text = text
    }
    stage.log(
      "\(mask.names.count) names masked, in \(changed) of \(corpus.documents.count) documents")
    return result
  }

  static func memory(for order: StageSizes) -> Int {
    let bytes = order.bytes(of: "corpus")
    // L-BFGS keeps about 26 vectors of weights (four classes assumed); rows take 16 bytes a feature.
    let features = min(1 << order.parameters.integer("feature_bits"), bytes / 4)
    let ngrams = 128 << 20 + 26 * 8 * 4 * features + 12 * bytes
    guard order.parameters.string("architecture") == EncoderJudge.kind else { return ngrams }
    // A fifth copy of the weights: those of the best epoch.
    let encoder = order.bytes(of: "encoder")
    let training =
      ModelMemory(modelBytes: encoder).training(
        tokens: max(
          order.parameters.integer("micro_batch_tokens"), order.parameters.integer("max_length")))
      + 2 * encoder + 12 * bytes
    return order.parameters.boolean("baseline") ? max(ngrams, training) : training
  }
}

extension Diagnostic {
  static func classifierIdle(_ parameter: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "classifier-idle", "'\(parameter)' would do nothing: \(reason)", help: "leave it out",
      consequence: .stageFailed)
  }
}
