import Diagnostics
import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

/// Texts of these lengths for tiny encoders.
func texts(_ lengths: [Int], seed: UInt64 = 9) -> [[Int32]] {
  lengths.enumerated().map { row, length in
    tokens(length, seed: seed + UInt64(row), below: 50).map { $0 + 3 }
  }
}

private func id(of body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch { return (error as? Diagnostic)?.id }
}

@Suite(.serialized) struct EncoderTests {
  /// A text's vector has the same bits alone, among others, in any order and batch, on any number
  /// of threads.
  @Test(arguments: [EncoderConfiguration.Kind.bert, .roberta])
  func aTextsBitsDependOnNothingElse(kind: EncoderConfiguration.Kind) throws {
    let model = try formulaEncoder(kind: kind, pooling: .first)
    let texts = texts([3, 24, 1, 17, 9, 9, 22, 5, 12, 2])
    let encoder = try Encoder(model)
    let all = try encoder.embed(texts)
    for (number, text) in texts.enumerated() {
      let alone = try encoder.embed([text])
      #expect(alone[0].elementsEqual(all[number]), "text \(number)")
    }
    for (threads, budget) in [(1, 4096), (2, 4096), (2, 1), (1, 30)] {
      let other = try withThreads(threads) {
        try Encoder(model, batchTokens: budget).embed(texts.reversed())
      }
      for number in texts.indices {
        #expect(other[texts.count - 1 - number].elementsEqual(all[number]))
      }
    }
    let logits = try EncoderClassifier(model).logits(of: texts)
    let single = try EncoderClassifier(model, batchTokens: 1).logits(of: texts)
    #expect(logits == single)
  }

  /// Every token sees every other: the last token moves the first one's vector.
  @Test func readsATextAsAWhole() throws {
    let encoder = try Encoder(formulaEncoder(kind: .bert, pooling: .first))
    var text = texts([12])[0]
    let before = try encoder.embed([text], pooling: .first)
    text[11] = text[11] == 7 ? 8 : 7
    let after = try encoder.embed([text], pooling: .first)
    #expect(before != after)
  }

  @Test func vectorsHaveLengthOneIfAskedFor() throws {
    let encoder = try Encoder(formulaEncoder(kind: .roberta, pooling: .mean))
    let vectors = try encoder.embed(texts([4, 9, 20]))
    for number in 0..<3 {
      let length = vectors[number].reduce(0.0) { $0 + Double($1) * Double($1) }
      #expect(abs(length - 1) < 1e-6)
    }
    let plain = try encoder.embed(texts([4]), isNormalised: false)
    #expect(abs(plain[0].reduce(0.0) { $0 + Double($1) * Double($1) } - 1) > 1e-3)
    #expect(try encoder.embed([]).count == 0)
  }

  @Test func refusesWhatItCannotRead() throws {
    let model = try tinyEncoder()
    let encoder = try Encoder(model)
    #expect(id { _ = try encoder.embed([[]]) } == "encoder-sequence")
    #expect(id { _ = try encoder.embed([tokens(25, below: 50)]) } == "encoder-sequence")
    #expect(id { _ = try encoder.embed([[53]]) } == "token-outside-vocabulary")
    #expect(id { _ = try encoder.embed([[-1]]) } == "token-outside-vocabulary")
    #expect(id { _ = try Encoder(tinyModel()) } == "encoder-needed")
    #expect(id { _ = try EncoderClassifier(model) } == "classifier-missing")
    #expect(
      id { _ = try model.withClassifier(labels: ["a"], pooling: .mean, seed: 1) }
        == "classifier-class-count")
    // RoBERTa's positions begin behind its padding token.
    let roberta = try Encoder(tinyEncoder(kind: .roberta))
    #expect(try roberta.embed([tokens(24, below: 50)]).count == 1)
    #expect(id { _ = try roberta.embed([tokens(25, below: 50)]) } == "encoder-sequence")
  }

  /// A new head: the encoder's weights are kept, the head's come from streams of its own.
  @Test func aClassifierIsPutOnAnEncoder() throws {
    let pooled = try tinyEncoder(head: .pooler)
    let labels = ["x", "y", "z"]
    let first = try pooled.withClassifier(labels: labels, pooling: .first, seed: 5)
    #expect(first.specification.classifier?.labels == labels)
    #expect(first.tensor(.poolerWeight).values == pooled.tensor(.poolerWeight).values)
    #expect(first.tensor(.tokenEmbedding).values == pooled.tensor(.tokenEmbedding).values)
    let head = first.tensor(.classifierWeight).values
    let deviation = (head.reduce(0) { $0 + $1 * $1 } / Float(head.count)).squareRoot()
    #expect(deviation > 0.01 && deviation < 0.03)
    #expect(first.tensor(.classifierBias).values == [0, 0, 0])

    let again = try first.withClassifier(labels: labels, pooling: .first, seed: 6)
    #expect(again.tensor(.classifierWeight).values != head)
    #expect(again.tensor(.poolerWeight).values == pooled.tensor(.poolerWeight).values)
    let mean = try pooled.withClassifier(labels: labels, pooling: .mean, seed: 5)
    #expect(!mean.table.contains(.poolerWeight))
    let roberta = try tinyEncoder(kind: .roberta)
      .withClassifier(labels: labels, pooling: .first, seed: 5)
    #expect(roberta.table.contains(.classifierDenseWeight))
    #expect(!roberta.table.contains(.poolerWeight))
  }

  /// Through a folder in the Hugging Face layout and back: labels, pooling and logits stay.
  @Test(
    arguments: [EncoderConfiguration.Kind.bert, .roberta],
    [EncoderConfiguration.Pooling.first, .mean])
  func aClassifierIsWrittenAndRead(
    kind: EncoderConfiguration.Kind, pooling: EncoderConfiguration.Pooling
  ) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let model = try formulaEncoder(kind: kind, pooling: pooling)
    try model.write(to: folder, tokenizerJSON: nil)
    let read = try LanguageModel(folder: folder)
    let classifier = try #require(read.specification.classifier)
    #expect(classifier.labels == ["calm", "loud", "odd"])
    #expect(classifier.pooling == (pooling == .mean ? .mean : .first))
    let texts = texts([3, 20])
    let (ours, theirs) = (try EncoderClassifier(model), try EncoderClassifier(read))
    #expect(try ours.logits(of: texts) == theirs.logits(of: texts))
  }
}

@Suite struct ClassificationLossTests {
  private static func tensor(_ values: [Float], _ body: (Tensor) throws -> Void) rethrows {
    var values = values
    try values.withUnsafeMutableBufferPointer {
      try body(Tensor($0.baseAddress!, rows: $0.count / 3, columns: 3))
    }
  }

  @Test func isPyTorchsWeightedMean() {
    // torch: cross_entropy([[1,2,3],[0,0,0]], [0, 2], weight=[0.5, 1, 2]) · 2.5 = 3.4010
    Self.tensor([1, 2, 3, 0, 0, 0]) { logits in
      let loss = ClassificationLoss(weights: [0.5, 1, 2])
      let sum = loss.forward(logits, labels: [0, 2])
      #expect(abs(sum - (0.5 * 2.4076059644443806 + 2 * log(3))) < 1e-9)
      #expect(loss.totalWeight(of: [0, 2]) == 2.5)
    }
  }

  @Test func gradientIsTheDifferenceQuotient() {
    let values: [Float] = [0.3, -1.2, 2, 5, 4.5, -3]
    let labels = [1, 0]
    let loss = ClassificationLoss(weights: [0.7, 1.9, 1])
    let weight = loss.totalWeight(of: labels)
    var gradient: [Float] = []
    Self.tensor(values) {
      _ = loss.forwardBackward($0, labels: labels, totalWeight: weight)
      gradient = $0.values
    }
    for index in values.indices {
      var ends: [Double] = []
      for step in [Float(0.01), -0.01] {
        var moved = values
        moved[index] += step
        Self.tensor(moved) { ends.append(loss.forward($0, labels: labels) / weight) }
      }
      #expect(abs((ends[0] - ends[1]) / 0.02 - Double(gradient[index])) < 1e-4)
    }
  }

  /// A text of weight 2 pulls as two such texts under the same divisor, one of weight 0 not at all.
  @Test func aTextsWeightMultipliesItsLossAndNotTheDivisor() {
    let loss = ClassificationLoss(weights: [0.7, 1.9, 1])
    var single: [Float] = []
    var alone = 0.0
    Self.tensor([0.3, -1.2, 2]) {
      alone = loss.forwardBackward($0, labels: [1], totalWeight: 5)
      single = $0.values
    }
    Self.tensor([0.3, -1.2, 2, 5, 4.5, -3]) { logits in
      let sum = loss.forwardBackward(
        logits, labels: [1, 0], textWeights: [2, 0], totalWeight: 5)
      #expect(abs(sum - 2 * alone) < 1e-12)
      for index in 0..<3 {
        #expect(abs(logits.values[index] - 2 * single[index]) < 1e-6)
        #expect(logits.values[3 + index] == 0)
      }
    }
  }

  @Test func staysFiniteAtTheEndsAndSaysNotANumber() {
    let loss = ClassificationLoss(weights: [1, 1, 1])
    Self.tensor([3e38, -3e38, 0]) {
      #expect(loss.forward($0, labels: [0]) == 0)
      #expect(loss.forward($0, labels: [2]).isFinite)
    }
    Self.tensor([0, .nan, 0]) { #expect(!loss.forward($0, labels: [0]).isFinite) }
    Self.tensor([.infinity, 0, 0]) { #expect(!loss.forward($0, labels: [0]).isFinite) }
  }

  @Test func balancedClassesCountTheSame() {
    let labels = [0, 0, 0, 0, 0, 0, 1, 1, 3]
    let weights = ClassificationLoss.balanced(labels: labels, classCount: 4)
    let expected: [Double] = [0.375, 1.125, 0, 2.25]
    #expect(weights == expected)
  }
}
