import Diagnostics
import LanguageModels
import ModelFiles
import Randomness
import Tensors
import Testing

@testable import ModelAnalysis

/// Decoders small enough to compute by hand.
enum SmallModel: String, CaseIterable, Sendable {
  case gpt2, llama, mistral

  func make(seed: Int = 1) throws -> LanguageModel {
    let configuration: ModelConfiguration
    switch self {
    case .gpt2:
      var sizes = GPT2Configuration()
      (sizes.vocabularySize, sizes.context, sizes.width) = (40, 16, 12)
      (sizes.layers, sizes.heads, sizes.inner) = (2, 3, 20)
      (sizes.beginOfText, sizes.endOfText) = (39, 39)
      configuration = .gpt2(sizes)
    case .llama, .mistral:
      var sizes = LlamaConfiguration()
      sizes.family = self == .llama ? .llama : .mistral
      (sizes.vocabularySize, sizes.context, sizes.width) = (40, 16, 12)
      (sizes.layers, sizes.heads, sizes.keyValueHeads, sizes.headSize) = (2, 3, 1, 4)
      sizes.inner = 20
      configuration = .llama(sizes)
    }
    let model = try LanguageModel(ModelSpecification(configuration), seed: seed)
    var random = RandomStream(seed: seed, name: "small-model")
    for parameter in model.table.parameters where !parameter.decays {
      let values = model.weights[parameter.region].data
      for index in 0..<parameter.count { values[index] += Float(0.1 * random.normal()) }
    }
    return model
  }

  static let documents: [[Int32]] = [[1, 5, 9, 2, 7], [3], [], [8, 8, 4, 6, 11, 30, 2, 1, 0]]
}

/// Keeps copies of activations.
final class Kept: ActivationObserver {
  var rows: [ActivationSite: [[Float]]] = [:]

  func observe(_ activation: Tensor, at site: ActivationSite, of batch: Batch) {
    for row in 0..<activation.rows {
      rows[site, default: []].append(
        Array(UnsafeBufferPointer(start: activation.row(row), count: activation.columns)))
    }
  }

  static func run(_ model: LanguageModel, _ documents: [[Int32]]) -> Kept {
    let kept = Kept()
    let transformer = Transformer(model, capacity: 64, trains: false)
    transformer.observer = kept
    for tokens in documents where !tokens.isEmpty {
      transformer.forward(Batch([TokenSequence(tokens)]))
    }
    return kept
  }
}

@Suite struct AblationPatchTests {
  private func close(_ a: Double, _ b: Double, _ tolerance: Double = 1e-5) -> Bool {
    abs(a - b) <= tolerance * max(1, abs(b))
  }

  // MARK: Measuring

  @Test func meanWeightsOfGPT2() throws {
    let model = try SmallModel.gpt2.make()
    let up = model.tensor(.block(1, .upWeight)), down = model.tensor(.block(1, .downWeight))
    let bias = model.tensor(.block(1, .downBias)), upBias = model.tensor(.block(1, .upBias))
    let residual = UnitLayout(.residual, of: model.specification)
    var sum = Double(bias.data[3])
    for j in 0..<20 { sum += Double(up[j, 3]) + Double(down[3, j]) }
    let place = residual.index(layer: 1, unit: 3)
    #expect(close(residual.meanWeights(of: model)[place], sum / 41, 1e-12))
    let hidden = UnitLayout(.hidden, of: model.specification)
    sum = Double(upBias.data[17])
    for i in 0..<12 { sum += Double(up[17, i]) + Double(down[i, 17]) }
    let means = hidden.meanWeights(of: model)
    #expect(means.count == 40 && close(means[37], sum / 25, 1e-12))
    sum = Double(bias.data[3])
    for j in 0..<20 { sum += Double(down[3, j]) }
    #expect(close(residual.meanWeights(of: model, parameters: .down)[place], sum / 21, 1e-12))
  }

  @Test func meanWeightsOfLlama() throws {
    let model = try SmallModel.llama.make()
    let matrices = [ParameterRole.InBlock.gateWeight, .upWeight].map {
      model.tensor(.block(0, $0))
    }
    let down = model.tensor(.block(0, .downWeight))
    var sum = 0.0
    for j in 0..<20 {
      sum += Double(matrices[0][j, 5]) + Double(matrices[1][j, 5]) + Double(down[5, j])
    }
    let residual = UnitLayout(.residual, of: model.specification)
    #expect(close(residual.meanWeights(of: model)[5], sum / 60, 1e-12))
  }

  /// Batches and the order of documents change nothing; padding divides by places.
  @Test(arguments: SmallModel.allCases, UnitKind.allCases)
  func meanActivations(_ small: SmallModel, _ kind: UnitKind) throws {
    let model = try small.make()
    let layout = UnitLayout(kind, of: model.specification)
    let kept = Kept.run(model, SmallModel.documents.map { Array($0.prefix(6)) })
    let found = try UnitActivations(
      of: model, layout: layout, over: SmallModel.documents, mean: .tokens(longest: 6),
      batchTokens: 7)
    #expect(found.tokens == 12)
    let padded = try UnitActivations(
      of: model, layout: layout, over: SmallModel.documents, mean: .zeroPadded(length: 6))
    for layer in 0..<2 {
      let site: ActivationSite =
        kind == .residual ? .blockOutput(layer: layer) : .feedForwardInner(layer: layer)
      let rows = try #require(kept.rows[site])
      for unit in 0..<layout.width {
        let sum = rows.reduce(0.0) { $0 + Double($1[unit]) }
        let place = layout.index(layer: layer, unit: unit)
        #expect(close(found.means[place], sum / 12))
        #expect(close(padded.means[place], sum / 24))
      }
    }
  }

  @Test func emptyCorporaAndForeignTokensAreRefused() throws {
    let model = try SmallModel.gpt2.make()
    let layout = UnitLayout(.residual, of: model.specification)
    for (documents, id) in [
      ([[Int32]](), "neuron-corpus-empty"), ([[], []], "neuron-corpus-empty"),
      ([[1, 40]], "token-outside-vocabulary"),
    ] {
      let error = #expect(throws: Diagnostic.self) {
        try UnitActivations(
          of: model, layout: layout, over: documents, mean: .tokens(longest: 5))
      }
      #expect(error?.id == id)
    }
    model.tensor(.block(0, .downBias)).fill(.infinity)
    let error = #expect(throws: Diagnostic.self) {
      try UnitActivations(of: model, layout: layout, over: [[1]], mean: .tokens(longest: 5))
    }
    #expect(error?.id == "neurons-not-finite")
  }

  // MARK: Ablating

  /// A zeroed channel goes through the feed-forward part as it came: block output = stream before it.
  @Test(arguments: SmallModel.allCases)
  func zeroedChannelsAreNotWritten(_ small: SmallModel) throws {
    let model = try small.make()
    let layout = UnitLayout(.residual, of: model.specification)
    let ablated = try model.ablating(
      [layout.index(layer: 0, unit: 2), layout.index(layer: 0, unit: 9)], of: layout,
      method: .zero)
    let before = Kept.run(model, SmallModel.documents)
    let after = Kept.run(ablated, SmallModel.documents)
    let site = ActivationSite.blockOutput(layer: 0)
    let embedding = try #require(after.rows[.embedding])
    let attention = try #require(after.rows[.attentionOutput(layer: 0)])
    for row in embedding.indices {
      for channel in 0..<12 {
        let out = after.rows[site]![row][channel]
        if channel == 2 || channel == 9 {
          #expect(close(Double(out), Double(embedding[row][channel] + attention[row][channel])))
        } else {
          #expect(out == before.rows[site]![row][channel])
        }
      }
    }
    // The given model is as it was.
    #expect(Kept.run(model, SmallModel.documents).rows == before.rows)
  }

  /// Patched by its mean, a part writes on average what it wrote, and writes it at every token.
  @Test(arguments: [SmallModel.gpt2, .llama], UnitKind.allCases)
  func meansStayAndNothingElseDoes(_ small: SmallModel, _ kind: UnitKind) throws {
    let model = try small.make()
    let layout = UnitLayout(kind, of: model.specification)
    let hidden = UnitLayout(.hidden, of: model.specification)
    let inner = try UnitActivations(
      of: model, layout: hidden, over: SmallModel.documents, mean: .tokens(longest: 16)
    ).means
    let units = [layout.index(layer: 1, unit: 4), layout.index(layer: 1, unit: 7)]
    let patched = try model.ablating(units, of: layout, method: .mean(inner: inner))
    // What the last block adds to the stream, by channel.
    func written(_ model: LanguageModel) -> [[Double]] {
      let kept = Kept.run(model, SmallModel.documents)
      return kept.rows[.blockOutput(layer: 1)]!.indices.map { row in
        (0..<12).map {
          Double(kept.rows[.blockOutput(layer: 1)]![row][$0])
            - Double(kept.rows[.blockOutput(layer: 0)]![row][$0])
            - Double(kept.rows[.attentionOutput(layer: 1)]![row][$0])
        }
      }
    }
    let before = written(model), after = written(patched)
    for channel in 0..<12 {
      let mean = before.reduce(0) { $0 + $1[channel] } / Double(before.count)
      #expect(close(after.reduce(0) { $0 + $1[channel] } / Double(after.count), mean))
      if kind == .residual, [4, 7].contains(channel) {
        for row in after { #expect(close(row[channel], mean)) }
      }
    }
    #expect(before != after)
    if small == .llama {
      guard case .llama(let configuration) = patched.specification.family else {
        Issue.record("another family")
        return
      }
      #expect(configuration.hasFeedForwardBias)
    }
  }

  @Test func whatCannotBePatchedIsRefused() throws {
    let mistral = try SmallModel.mistral.make()
    let layout = UnitLayout(.residual, of: mistral.specification)
    let inner = [Double](repeating: 0, count: 40)
    let bias = #expect(throws: Diagnostic.self) {
      try mistral.ablating([1], of: layout, method: .mean(inner: inner))
    }
    #expect(bias?.id == "ablation-bias")
    #expect(try mistral.ablating([], of: layout, method: .mean(inner: inner)).isExpanded)
    let sizes = #expect(throws: Diagnostic.self) {
      try mistral.ablating([1], of: UnitLayout(.residual, layers: 3, width: 12), method: .zero)
    }
    #expect(sizes?.id == "ablation-model")
  }

  /// Whole path: weights are planted in models, measured, and found again.
  @Test func unitsPlantedInModelsAreFound() throws {
    let study = PlantedStudy(
      units: 24, chains: 6, versions: 8, biasOnly: 2..<6, qualityOnly: 12..<15, both: 20..<21,
      strength: 4, seed: 11)
    let base = try SmallModel.gpt2.make()
    let layout = UnitLayout(.residual, of: base.specification)
    var rows: [[Double]] = []
    for point in 0..<study.series.points {
      let model = LanguageModel(base.specification, copying: base, seed: 0)
      for unit in 0..<24 {
        // The mean is over 41 numbers, of which one moves.
        model.tensor(.block(layout.layer(of: unit), .downBias)).data[layout.unit(of: unit)] +=
          Float(41 * study.series.values[point * 24 + unit])
      }
      rows.append(layout.meanWeights(of: model))
    }
    let found = UnitAttribution(
      UnitSeries(units: 24, chains: study.series.chains, rows: rows), bias: study.bias,
      quality: study.quality, settings: AttributionSettings())
    let overlap = found.overlap(.benjaminiHochberg)
    #expect(study.rates(overlap.bias) { $0.followsBias }.recall >= 0.95)
    #expect(study.rates(overlap.quality) { $0.followsQuality }.recall >= 0.95)
  }
}
