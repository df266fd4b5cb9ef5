// Low-rank adapters: targets, beginnings, bases in blocks, merging, sums, the base's checksum.

import Diagnostics
import Foundation
import Kernels
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

/// Width 64, so that rows consist of whole NF4 blocks.
private func wideModel(seed: Int = 1) throws -> LanguageModel {
  var tiny = LlamaConfiguration()
  (tiny.vocabularySize, tiny.context, tiny.width, tiny.layers) = (61, 64, 64, 2)
  (tiny.heads, tiny.keyValueHeads, tiny.headSize, tiny.inner) = (4, 2, 16, 128)
  (tiny.beginOfText, tiny.endsOfText) = (0, [60])
  return try LanguageModel(ModelSpecification(tiny), seed: seed)
}

private func moved(_ adapter: LowRankAdapter) -> LowRankAdapter {
  for (number, parameter) in adapter.parameters.enumerated() {
    adapter.weights[parameter.region].values = (0..<parameter.count).map {
      smallNumber(UInt64(number * 7_000_003 + $0))
    }
  }
  return adapter
}

@Suite struct AdapterTests {
  static let decoders = TinyFamily.decoders

  @Test(arguments: TinyFamily.allCases) func targetsAreNamedAsInPeft(family: TinyFamily) throws {
    let table = try family.fresh().table
    let all = try LowRankAdapter(
      .init(rank: 2, alpha: 4, targets: ["all-linear"]), for: table, seed: 1)
    let usual = try LowRankAdapter(.init(rank: 2, alpha: 4), for: table, seed: 1)
    switch family {
    case .gpt2:
      #expect(all.configuration.targets == ["c_attn", "c_fc", "c_proj"])
      #expect(all.modules.count == 8 && usual.modules.count == 2)
      #expect(
        all.parameters[0].name
          == "base_model.model.transformer.h.0.attn.c_attn.lora_A.weight")
    case .llama, .llamaTied, .mistral:
      #expect(
        all.configuration.targets == [
          "down_proj", "gate_proj", "k_proj", "o_proj", "q_proj", "up_proj", "v_proj",
        ])
      #expect(all.modules.count == 14 && usual.modules.count == 4)
      #expect(
        all.parameters[1].name
          == "base_model.model.model.layers.0.self_attn.q_proj.lora_B.weight")
    case .bert, .roberta:
      #expect(usual.configuration.targets == ["query", "value"])
      #expect(all.modules.count == 12 && usual.modules.count == 4)
    }
    for parameter in all.parameters {
      let values = all.weights[parameter.region].values
      if parameter.factor.side == .b {
        #expect(values.allSatisfy { $0 == 0 })
      } else {
        let bound = 1 / Float(parameter.shape.columns).squareRoot()
        #expect(values.allSatisfy { abs($0) <= bound } && values.map(abs).max()! > 0.8 * bound)
      }
    }
  }

  /// A pooler is no layer of the blocks: targets must not name it by accident.
  @Test func targetsOutsideTheBlocksAreRefused() throws {
    var bert = TinyFamily.bert.configuration
    if case .encoder(var encoder) = bert {
      encoder.head = .pooler
      bert = .encoder(encoder)
    }
    let table = ParameterTable(ModelSpecification(bert))
    let all = try LowRankAdapter(
      .init(rank: 1, alpha: 1, targets: ["all-linear"]), for: table, seed: 1)
    #expect(
      all.configuration.targets == [
        "intermediate.dense", "key", "output.dense", "query", "value",
      ])
    for (target, table) in [
      ("dense", table), ("pooler.dense", table), ("q_proj", table),
      ("wte", try TinyFamily.gpt2.fresh().table), ("lm_head", try TinyFamily.llama.fresh().table),
      ("embed_tokens", try TinyFamily.llama.fresh().table),
      ("proj", try TinyFamily.llama.fresh().table), ("", try TinyFamily.llama.fresh().table),
    ] {
      let error = #expect(throws: Diagnostic.self) {
        try LowRankAdapter(.init(rank: 1, alpha: 1, targets: [target]), for: table, seed: 1)
      }
      #expect(error?.id == "adapter-target", "\(target)")
    }
  }

  @Test(arguments: decoders) func zeroBEqualsTheBaseBitwise(family: TinyFamily) throws {
    let model = try family.model()
    let adapter = try LowRankAdapter(
      .init(rank: 4, alpha: 8, targets: ["all-linear"]), for: model.table, seed: 2)
    let batch = adapterBatch(family, 0)
    let base = adapterLogits(Transformer(model, capacity: 64, trains: false), batch)
    let adapted = adapterLogits(
      Transformer(model, capacity: 64, trains: false, adapter: adapter), batch)
    #expect(base.map(\.bitPattern) == adapted.map(\.bitPattern))
  }

  @Test(arguments: decoders) func mergeEqualsAdapterAlsoReloaded(family: TinyFamily) throws {
    let model = try family.model()
    let adapter = moved(
      try LowRankAdapter(
        .init(rank: 4, alpha: 8, targets: ["all-linear"]), for: model.table, seed: 2))
    let batch = adapterBatch(family, 0)
    let adapted = adapterLogits(
      Transformer(model, capacity: 64, trains: false, adapter: adapter), batch)
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let merged = adapter.merged(into: model)
    try merged.write(to: folder, tokenizerJSON: nil)
    let reloaded = try LanguageModel(folder: folder)
    #expect(reloaded.weights.everything.values == merged.weights.everything.values)
    let logits = adapterLogits(Transformer(reloaded, capacity: 64, trains: false), batch)
    let size = adapted.map(abs).max()!
    for (a, b) in zip(logits, adapted) { #expect(abs(a - b) <= 1e-5 * size) }
    let base = adapterLogits(Transformer(model, capacity: 64, trains: false), batch)
    #expect(zip(base, adapted).contains { abs($0 - $1) > 0.01 * size }, "the adapter does nothing")
  }

  @Test func weightedSumIsTheSumOfTheParts() throws {
    let model = try TinyFamily.llama.model()
    let first = moved(
      try LowRankAdapter(
        .init(rank: 3, alpha: 6, targets: ["q_proj", "down_proj"]), for: model.table, seed: 1))
    let second = moved(
      try LowRankAdapter(
        .init(rank: 5, alpha: 5, targets: ["q_proj", "v_proj"]), for: model.table, seed: 2))
    let sum = try LowRankAdapter.weightedSum([(first, 0.5), (second, -2)], for: model.table)
    #expect(sum.modules.count == 6)
    for parameter in model.table.parameters where parameter.isLinearWeight {
      var right = [Double](repeating: 0, count: parameter.count)
      for (adapter, weight) in [(first, 0.5), (second, -2.0)] {
        guard let part = adapter.lowRank(module: parameter.module, gradients: nil) else { continue }
        for o in 0..<part.outputs {
          for i in 0..<part.inputs {
            for r in 0..<part.rank {
              right[o * part.inputs + i] +=
                weight * Double(part.scale) * Double(part.b[o, r]) * Double(part.a[r, i])
            }
          }
        }
      }
      let product = Tensor(
        .allocate(capacity: parameter.count), rows: parameter.shape.rows,
        columns: parameter.shape.columns)
      defer { product.data.deallocate() }
      product.fill(0)
      sum.lowRank(module: parameter.module, gradients: nil)?.addProduct(to: product)
      for (a, b) in zip(product.values, right) { #expect(abs(Double(a) - b) < 1e-5) }
    }
    // A sum of different ranks survives its files.
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try sum.write(to: folder, baseName: nil, base: model)
    let again = try LowRankAdapter(folder: folder, for: model)
    #expect(again.weights.everything.values == sum.weights.everything.values)
    #expect(again.modules.map(\.scale) == sum.modules.map(\.scale))
  }

  @Test func anotherBaseIsRefused() throws {
    let (model, other) = (try TinyFamily.llama.fresh(), try TinyFamily.llama.fresh(seed: 2))
    let adapter = try LowRankAdapter(.init(rank: 2, alpha: 2), for: model.table, seed: 1)
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try adapter.write(to: folder, baseName: "a/b", base: model)
    _ = try LowRankAdapter(folder: folder, for: model)
    let error = #expect(throws: Diagnostic.self) {
      try LowRankAdapter(folder: folder, for: other)
    }
    #expect(error?.id == "adapter-base")
    _ = try LowRankAdapter(folder: folder, for: other, requiresSameBase: false)
    let sized = #expect(throws: Diagnostic.self) {
      try LowRankAdapter(folder: folder, for: try TinyFamily.gpt2.fresh())
    }
    #expect(sized?.id == "adapter-target")
    let wide = #expect(throws: Diagnostic.self) {
      try LowRankAdapter(folder: folder, for: try wideModel())
    }
    #expect(wide?.id == "adapter-tensors")
  }

  /// One changed number anywhere is another base.
  @Test func checksumSeesEveryWeight() throws {
    let model = try TinyFamily.mistral.fresh()
    let checksum = model.baseChecksum
    #expect(try TinyFamily.mistral.fresh().baseChecksum == checksum)
    for parameter in model.table.parameters {
      let tensor = model.weights[parameter.region]
      for place in [0, tensor.count / 2, tensor.count - 1] {
        let value = tensor.data[place]
        tensor.data[place] = value.nextUp
        #expect(model.baseChecksum != checksum, "\(parameter.name) \(place)")
        tensor.data[place] = value
      }
    }
    #expect(model.baseChecksum == checksum)
  }

  /// QLoRA: gradients are those on the expanded base, the checksum too, and the loss falls.
  @Test(arguments: [false, true]) func quantisedBaseTeachesTheSame(doubled: Bool) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try wideModel().write(to: folder, tokenizerJSON: nil)
    let model = try LanguageModel(folder: folder, storage: .nf4(doubleQuantised: doubled))
    let whole = try wideModel()
    #expect(!model.isExpanded && model.table.weightBytes < whole.table.weightBytes)
    let expanded = model.expanded()
    #expect(model.baseChecksum == expanded.baseChecksum)
    #expect(model.baseChecksum != whole.baseChecksum)
    let batch = Batch([TokenSequence(tokens(30, below: 61)), TokenSequence(tokens(50, below: 61))])
    func gradients(_ base: LanguageModel) throws -> [Float] {
      let adapter = moved(
        try LowRankAdapter(
          .init(rank: 4, alpha: 8, targets: ["all-linear"]), for: base.table, seed: 2))
      let transformer = Transformer(base, capacity: 128, trains: true, adapter: adapter)
      _ = transformer.learn(batch, supervisedCount: batch.supervisedCount)
      return transformer.stack.adapterGradients!.everything.values
    }
    let (a, b) = (try gradients(model), try gradients(expanded))
    #expect(a.map(\.bitPattern) == b.map(\.bitPattern))
    #expect(a.contains { $0 != 0 })

    let adapter = try LowRankAdapter(
      .init(rank: 8, alpha: 16, dropout: 0.05, targets: ["all-linear"]), for: model.table, seed: 2)
    let trainer = try Trainer(
      model, on: [TokenSequence(tokens(40, below: 61))],
      settings(epochs: 30, rate: 1e-2, schedule: .constant), adapter: adapter)
    var losses: [Double] = []
    while let step = try trainer.step() { losses.append(step.loss) }
    #expect(losses.last! < 0.8 * losses[0], "\(losses[0]) → \(losses.last!)")
    let merged = adapter.merged(into: model)
    let with = adapterLogits(
      Transformer(model, capacity: 128, trains: false, adapter: adapter), batch)
    let without = adapterLogits(Transformer(merged, capacity: 128, trains: false), batch)
    let size = with.map(abs).max()!
    for (a, b) in zip(with, without) { #expect(abs(a - b) <= 1e-5 * size) }
  }

  /// Cuts into micro-batches draw the same masks; another step draws others.
  @Test func dropoutDependsOnPlaceAndStep() throws {
    let table = try TinyFamily.llama.fresh().table
    let adapter = try LowRankAdapter(
      .init(rank: 2, alpha: 2, dropout: 0.5, targets: ["all-linear"]), for: table, seed: 1)
    let names = adapter.modules.map(\.name)
    let sites = names.compactMap {
      adapter.dropout(module: $0, seed: 1, step: 3, firstRow: 5)?.site
    }
    #expect(Set(sites).count == names.count && sites.min()! > 3 * 1024 + 3)
    #expect(adapter.dropout(module: "embed_tokens", seed: 1, step: 0, firstRow: 0) == nil)
  }
}
