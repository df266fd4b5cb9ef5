// A text classifier as one value, and its weights as bytes. The folder around it (classifier.json)
// is read and written where artifacts are known, in the stage library.

import Diagnostics

/// Hashed word n-grams → logistic regression → tempered probabilities.
public struct NgramClassifier: Sendable, Equatable {
  public let features: NgramFeatures
  public let labels: [String]
  public let temperature: Double
  public let regression: LogisticRegression

  public init(
    features: NgramFeatures, labels: [String], temperature: Double,
    regression: LogisticRegression
  ) {
    precondition(
      labels.count == regression.classCount,
      "\(labels.count) labels for \(regression.classCount) classes")
    precondition(temperature > 0, "temperature \(temperature) is not positive")
    self.features = features
    self.labels = labels
    self.temperature = temperature
    self.regression = regression
  }

  /// P(class | text), in the order of `labels`.
  public func probabilities(of text: String) -> [Double] {
    Statistics.probabilities(
      logits: regression.logits(features.vector(of: text)), temperature: temperature)
  }
}

/// Binary layout of `weights.bin`, all little-endian:
///
/// | bytes | what |
/// |---|---|
/// | 8 | `plumbng1` |
/// | 4 | classes C (2…1,024) |
/// | 4 | bits: features are numbered below 2^bits (8…24) |
/// | 4 | features F that have weights |
/// | 4·C | bias, float32 |
/// | 4·F | feature numbers, strictly ascending |
/// | 4·F·C | weights, float32, `[feature, class]` |
public enum NgramWeights {
  static let magic = Array("plumbng1".utf8)

  public static func bytes(of model: LogisticRegression, bits: Int) -> [UInt8] {
    var out = magic
    func put(_ value: UInt32) { withUnsafeBytes(of: value.littleEndian) { out += $0 } }
    put(UInt32(model.classCount))
    put(UInt32(bits))
    put(UInt32(model.features.count))
    for value in model.bias { put(value.bitPattern) }
    for value in model.features { put(value) }
    for value in model.weights { put(value.bitPattern) }
    return out
  }

  /// **Throws**: `classifier-weights` for anything the layout does not allow, before any memory is
  /// taken on the file's word.
  public static func read(
    _ bytes: [UInt8], shown path: String
  ) throws(Diagnostic) -> (model: LogisticRegression, bits: Int) {
    guard bytes.count >= 20, Array(bytes[..<8]) == magic else {
      throw .classifierWeights(path, "it does not begin with 'plumbng1' and three sizes")
    }
    func word(_ offset: Int) -> UInt32 {
      UInt32(bytes[offset]) | UInt32(bytes[offset + 1]) << 8 | UInt32(bytes[offset + 2]) << 16
        | UInt32(bytes[offset + 3]) << 24
    }
    let classes = Int(word(8))
    let bits = Int(word(12))
    let count = Int(word(16))
    guard (2...1024).contains(classes) else {
      throw .classifierWeights(path, "it has \(classes) classes, not 2 to 1,024")
    }
    guard NgramFeatures.bitRange.contains(bits) else {
      throw .classifierWeights(path, "features have \(bits) bits, not 8 to 24")
    }
    guard count <= 1 << bits else {
      throw .classifierWeights(path, "it has \(count) features where 2^\(bits) can exist")
    }
    // At most 2^24 × 1,025 words: far from overflow.
    let expected = 20 + 4 * (classes + count + count * classes)
    guard bytes.count == expected else {
      throw .classifierWeights(path, "it has \(bytes.count) bytes where \(expected) belong")
    }
    var at = 20
    func next() -> UInt32 {
      defer { at += 4 }
      return word(at)
    }
    let bias = (0..<classes).map { _ in Float(bitPattern: next()) }
    let features = (0..<count).map { _ in next() }
    let weights = (0..<count * classes).map { _ in Float(bitPattern: next()) }
    for (a, b) in zip(features, features.dropFirst()) where a >= b {
      throw .classifierWeights(path, "feature \(b) follows feature \(a)")
    }
    if let last = features.last, last >= 1 << UInt32(bits) {
      throw .classifierWeights(path, "feature \(last) does not fit \(bits) bits")
    }
    guard bias.allSatisfy(\.isFinite), weights.allSatisfy(\.isFinite) else {
      throw .classifierWeights(path, "a weight is not a finite number")
    }
    return (
      LogisticRegression(classCount: classes, features: features, weights: weights, bias: bias),
      bits
    )
  }
}
