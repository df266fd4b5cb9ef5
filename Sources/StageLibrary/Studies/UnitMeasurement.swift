// Mean weights and activations of one model version: an inner action of attribute-neurons, so that a
// version that stands in several chains, or in an earlier run, is measured once.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelAnalysis
import ModelFiles
import Scheduling
import Tokenizers

struct UnitMeasurement {
  let layout: UnitLayout
  let weights: [Double]
  let activations: [Double]?

  static let kind = "measure-units"
  static let revision = 1

  /// How versions are measured, the same for all.
  struct Settings {
    let units: UnitKind
    let parameters: UnitParameters
    let mean: ActivationMean
    let corpus: InputArtifact?
    let texts: [String]

    var facts: [(String, JSONValue)] {
      var facts: [(String, JSONValue)] = [
        ("units", .string(units.rawValue)), ("parameters", .string(parameters.rawValue)),
      ]
      guard corpus != nil else { return facts }
      switch mean {
      case .tokens(let longest): facts.append(("tokens", .integer(longest)))
      case .zeroPadded(let length): facts.append(("zero_padded", .integer(length)))
      }
      return facts
    }
  }

  /// Loads the version, unless it was measured before.
  static func measure(
    _ model: InputArtifact, _ settings: Settings, _ stage: StageContext, note: (Int) -> String
  ) throws(Diagnostic) -> UnitMeasurement {
    let references = [model.reference] + (settings.corpus.map { [$0.reference] } ?? [])
    let made = try stage.memo(
      kind: kind, revision: revision, facts: settings.facts, inputs: references
    ) { (folder: String) throws(Diagnostic) in
      let measured = try UnitMeasurement(model, settings, stage, note: note)
      try AtomicFile.write(measured.json.canonicalBytes, to: folder + "/units.json")
    }
    return try UnitMeasurement(made.bytes("units.json"), units: settings.units)
  }

  private init(
    _ artifact: InputArtifact, _ settings: Settings, _ stage: StageContext, note: (Int) -> String
  ) throws(Diagnostic) {
    let model = try LanguageModel(files: artifact.files)
    try model.specification.requireDecoder()
    layout = UnitLayout(settings.units, of: model.specification)
    weights = layout.meanWeights(of: model, parameters: settings.parameters)
    guard weights.allSatisfy(\.isFinite) else { throw .neuronsNotFinite("weights") }
    guard settings.corpus != nil else {
      activations = nil
      return
    }
    let tokenizer = try ModelTokenizer.read(artifact.bytes("tokenizer.json"))
    activations = try UnitActivations(
      of: model, layout: layout, over: settings.texts.map { tokenizer.encode($0) },
      mean: settings.mean
    ) { (done: Int) throws(Diagnostic) in
      stage.log(note(done))
      if stage.isStopping { throw .interrupted }
    }.means
  }

  private var json: JSONValue {
    .object([
      "layers": .integer(layout.layers), "width": .integer(layout.width),
      "weights": .array(weights.map { .number($0) }),
      "activations": activations.map { .array($0.map { .number($0) }) } ?? .null,
    ])
  }

  private init(_ bytes: [UInt8], units: UnitKind) throws(Diagnostic) {
    let json = try JSONValue(parsing: SourceText(path: "units.json", bytes: bytes))
    let layers = json["layers"]?.integer ?? 0
    let width = json["width"]?.integer ?? 0
    let weights = json["weights"]?.array?.compactMap(\.double) ?? []
    let activations = json["activations"]?.array?.compactMap(\.double)
    let count = layers.multipliedReportingOverflow(by: width)
    guard layers > 0, width > 0, !count.overflow, weights.count == count.partialValue,
      activations == nil || activations!.count == weights.count
    else {
      throw .neuronVersions(
        "the measurement of a model in the store is damaged", help: "run plumb store verify")
    }
    layout = UnitLayout(units, layers: layers, width: width)
    self.weights = weights
    self.activations = activations
  }
}
