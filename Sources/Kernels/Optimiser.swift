// AdamW's inner loop: one pass over parameter, gradient and both moments, in the order of
// torch.optim.AdamW. Formula: Sources/Networks/AdamW.swift.

/// Factors of one step, worked out once in double precision.
public struct AdamWFactors: Sendable {
  /// On the gradient: clipping.
  public var gradientScale: Float
  /// 1 − η·λ
  public var decay: Float
  /// 1 − β₁
  public var firstRate: Float
  public var beta2: Float
  /// 1 − β₂
  public var secondRate: Float
  /// √(1 − β₂ᵗ)
  public var rootCorrection: Float
  public var epsilon: Float
  /// η/(1 − β₁ᵗ)
  public var stepSize: Float

  public init(
    gradientScale: Float, decay: Float, firstRate: Float, beta2: Float, secondRate: Float,
    rootCorrection: Float, epsilon: Float, stepSize: Float
  ) {
    self.gradientScale = gradientScale
    self.decay = decay
    self.firstRate = firstRate
    self.beta2 = beta2
    self.secondRate = secondRate
    self.rootCorrection = rootCorrection
    self.epsilon = epsilon
    self.stepSize = stepSize
  }
}

/// One AdamW update of `count` numbers.
///
/// - Parameter gradient: set to zero on the way, for the sums of the next step.
public func adamW(
  _ p: UnsafeMutablePointer<Float>, clearing gradient: UnsafeMutablePointer<Float>,
  first: UnsafeMutablePointer<Float>, second: UnsafeMutablePointer<Float>,
  _ f: AdamWFactors, _ count: Int
) {
  let inverseCorrection = 1 / f.rootCorrection
  for i in 0..<count {
    let g = gradient[i] * f.gradientScale
    gradient[i] = 0
    let m = first[i].addingProduct(g - first[i], f.firstRate)
    let v = (second[i] * f.beta2).addingProduct(g * f.secondRate, g)
    first[i] = m
    second[i] = v
    let denominator = f.epsilon.addingProduct(v.squareRoot(), inverseCorrection)
    p[i] = (p[i] * f.decay).addingProduct(-f.stepSize, m / denominator)
  }
}
