// Sentence vectors and classification by a BERT encoder, MiniLM's folder for the figures.

import Diagnostics
import Foundation
import LanguageModels
import Networks
import Tensors
import Tokenizers

extension Workloads {
  static var encoders: [Workload] {
    [
      Workload(
        name: "encode-minilm",
        summary: "2,000 news leads to mean-pooled vectors, tokenizing included",
        needs: [.encoder, .news], script: "minilm.py", speedBar: 1.5
      ) { files in
        let texts = try NewsLead.read(files.news!, count: 2000).map { Array($0.text.utf8) }
        let tokenizer = try tokenizer(of: files.encoder!)
        let encoder = try Encoder(LanguageModel(folder: files.encoder!))
        let tokens = encode(texts, tokenizer).reduce(0) { $0 + $1.count }
        return PreparedWork(
          tokens: tokens, body: { _ = try encoder.embed(encode(texts, tokenizer)) },
          more: { [("texts", .integer(texts.count))] })
      },
      Workload(
        name: "finetune-minilm",
        summary: "classification of 256 news leads, all weights, 8 steps of 32",
        needs: [.encoder, .news], script: "minilm.py", speedBar: 1.3
      ) { files in
        let leads = try NewsLead.read(files.news!, count: 256)
        let labels = Set(leads.map(\.label)).sorted()
        let tokenizer = try tokenizer(of: files.encoder!)
        let sequences = encode(leads.map { Array($0.text.utf8) }, tokenizer)
        let examples = zip(sequences, leads).map { tokens, lead in
          LabelledSequence(tokens: tokens, label: labels.firstIndex(of: lead.label)!)
        }
        let model = try LanguageModel(folder: files.encoder!)
          .withClassifier(labels: labels, pooling: .first, seed: 1)
        let settings = EncoderTrainingSettings(
          scope: .everything, epochs: 5000, learningRate: 2e-5, schedule: .constant,
          warmupFraction: 0, weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
          clipNorm: nil, batch: 32, microBatchTokens: 4096, dropout: .none, headDropout: 0,
          classWeights: labels.map { _ in 1 }, patience: nil, seed: 1)
        let trainer = try EncoderTrainer(model, on: examples, settings) { _, _ in 0 }
        var losses: [Double] = []
        return PreparedWork(
          tokens: sequences.reduce(0) { $0 + $1.count },
          body: {
            for _ in 0..<8 { if let step = try trainer.step() { losses.append(step.loss) } }
          },
          more: {
            [
              ("losses", .array([.number(losses.first ?? 0), .number(losses.last ?? 0)])),
              ("texts", .integer(leads.count)),
            ]
          })
      },
    ]
  }

  private static func tokenizer(of folder: String) throws -> any Tokenizer {
    let bytes = try Data(contentsOf: URL(fileURLWithPath: folder + "/tokenizer.json"))
    return try TokenizerFile.read(tokenizerJSON: Array(bytes))
  }

  /// Ids with the special ones, at most 256 of each text, as MiniLM's own settings say.
  private static func encode(_ texts: [[UInt8]], _ tokenizer: any Tokenizer) -> [[Int32]] {
    var all = [[Int32]](repeating: [], count: texts.count)
    all.withUnsafeMutableBufferPointer { all in
      // Each tile writes its own elements.
      nonisolated(unsafe) let all = all
      parallelFor(texts.count, by: 32) { range in
        for number in range {
          let ids = tokenizer.encodeWithTemplate(texts[number])
          all[number] = ids.count <= 256 ? ids : Array(ids.prefix(255)) + ids.suffix(1)
        }
      }
    }
    return all
  }
}
