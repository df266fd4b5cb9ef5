// The stage kind `attribute-neurons`: versions of a model and their scores in, a table of all units out.
// The statistics are in ModelAnalysis, metrics in NeuronMeasure.swift, the section in
// NeuronSection.swift.

import Corpora
import Diagnostics
import ModelAnalysis
import ModelFiles
import Reports
import Scheduling

enum AttributeNeuronsStage: StageBody {
  static let kind = "attribute-neurons"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let biasMetric = ChosenMetric(
      name: parameters.string("bias_metric"), label: parameters.string("bias_class"))
    let qualityMetric = ChosenMetric(
      name: parameters.string("quality_metric"), label: parameters.string("quality_class"))
    let versions = try NeuronVersions(
      models: stage.inputs("models"), bias: stage.inputs("bias"),
      quality: stage.inputs("quality"), axis: parameters.string("x_axis"), biasMetric: biasMetric,
      qualityMetric: qualityMetric)
    if versions.unused > 0 { stage.log("\(versions.unused) scores belong to no model: not used") }
    let measured = try measure(versions, stage)

    let bias = VersionScore(name: biasMetric.shown, values: versions.versions.map(\.bias))
    let quality = VersionScore(name: qualityMetric.shown, values: versions.versions.map(\.quality))
    let settings = settings(parameters)
    var findings: [NeuronFindings] = []
    for (measure, rows) in measured.measures {
      let series = UnitSeries(
        units: measured.layout.count, chains: versions.chains, rows: rows)
      findings.append(
        try NeuronFindings(
          measure, series, bias: bias, quality: quality, settings: settings,
          draws: parameters.integer("draws"), layout: measured.layout, random: stage.random
        ) { (done: Int, total: Int) throws(Diagnostic) in
          stage.progress(
            step: done, of: total, unit: "draws", note: "null of \(measure.rawValue)s")
          if stage.isStopping { throw .interrupted }
        })
    }

    try AtomicFile.write(
      NeuronTable.file(measured.layout, findings.map { ($0.measure, $0.attribution) }),
      to: stage.output("table").path("neurons.jsonl"))
    try AtomicFile.write(
      Metric.file(findings.flatMap(\.metrics)),
      to: stage.output("metrics").path("metrics.json"))
    let section = NeuronSection(findings, layout: measured.layout, versions: versions)
    try AtomicFile.write(
      section.section.bytes, to: stage.output("section").path("section.json"))
    stage.log(section.claim.evidence)
  }

  private struct Measured {
    let layout: UnitLayout
    /// `[version][unit]` of each measure.
    var measures: [(NeuronTable.Measure, [[Double]])]
  }

  /// One model in memory at a time.
  private static func measure(
    _ versions: NeuronVersions, _ stage: StageContext
  ) throws(Diagnostic) -> Measured {
    let parameters = stage.parameters
    let corpus = stage.optionalInput("corpus")
    let longest = parameters.integer("longest")
    let isPadded =
      parameters.optionalString("activations").map { $0 == "padded" }
      ?? (parameters.string("preset") == "release")
    let settings = UnitMeasurement.Settings(
      units: UnitKind(rawValue: parameters.string("units"))!,
      parameters: UnitParameters(rawValue: parameters.string("weights"))!,
      mean: isPadded ? .zeroPadded(length: longest) : .tokens(longest: longest), corpus: corpus,
      texts: try corpus.map { artifact throws(Diagnostic) in
        try Corpus.read(files: artifact.files).documents.map(\.text)
      } ?? [])
    if corpus != nil, settings.texts.isEmpty { throw .nothingToScore("corpus") }
    var layout: UnitLayout?
    var weights: [[Double]] = []
    var activations: [[Double]] = []
    let total = versions.versions.count
    for (number, version) in versions.versions.enumerated() {
      stage.progress(step: number, of: total, unit: "models", note: "measuring")
      if stage.isStopping { throw .interrupted }
      let measured = try UnitMeasurement.measure(version.model, settings, stage) {
        "model \(number + 1) of \(total): \($0) documents"
      }
      if let layout, layout != measured.layout {
        throw .neuronVersions(
          "the model at \(NeuronVersions.shown(version.model.coordinates)) has "
            + "\(measured.layout), those before it \(layout)",
          help: "compare versions of one model: chains of one configuration")
      }
      layout = measured.layout
      weights.append(measured.weights)
      if let means = measured.activations { activations.append(means) }
    }
    guard let layout else {
      throw .neuronVersions("no model is connected", help: "connect the input 'models'")
    }
    var measures: [(NeuronTable.Measure, [[Double]])] = [(.weight, weights)]
    if corpus != nil { measures.append((.activation, activations)) }
    return Measured(layout: layout, measures: measures)
  }

  /// What the preset says, unless a parameter says otherwise.
  private static func settings(_ parameters: Parameters) -> AttributionSettings {
    let isRelease = parameters.string("preset") == "release"
    return AttributionSettings(
      form: parameters.optionalString("form").map { UnitForm(rawValue: $0)! }
        ?? (isRelease ? .levels : .differences),
      lags: parameters.integer("lags"),
      inference: parameters.optionalString("inference").map { UnitInference(rawValue: $0)! }
        ?? (isRelease ? .normal : .satterthwaite),
      regression: .init(rawValue: parameters.string("regression"))!,
      correction: parameters.optionalString("correction").map { UnitCorrection(rawValue: $0)! }
        ?? (isRelease ? .none : .benjaminiHochberg),
      level: parameters.number("level"))
  }

  static func memory(for order: StageSizes) -> Int {
    let models = order.inputs["models"] ?? []
    // One model at a time, a batch of activations, and the means of all versions as numbers and text.
    return ModelMemory(modelBytes: models.max() ?? 0).writing(sequences: 8, tokens: 256)
      + 24 * order.bytes(of: "corpus") + 64 * models.count * (1 << 14)
  }
}
