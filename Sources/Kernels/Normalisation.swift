// One row of layer norm and of RMS norm. Formulas: Sources/Networks/LayerNorm.swift, RMSNorm.swift.

private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ p: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

/// Folds 16 lanes in halves: 8, 4, 2, 1.
@inline(__always)
private func fold(_ v: Vector) -> Float {
  let a = v.lowHalf + v.highHalf
  let b = a.lowHalf + a.highHalf
  let c = b.lowHalf + b.highHalf
  return c[0] + c[1]
}

/// Writes y, returns mean and r = 1/√(var + ε). Two passes: the variance of the centred numbers.
public func layerNormRow(
  _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, bias: UnsafePointer<Float>,
  epsilon: Float, _ y: UnsafeMutablePointer<Float>, _ count: Int
) -> (mean: Float, r: Float) {
  let n = Float(count)
  let mean = sum(x, count) / n
  let r = 1 / (sumOfSquares(x, centre: mean, count) / n + epsilon).squareRoot()
  for i in 0..<count { y[i] = bias[i].addingProduct((x[i] - mean) * r, gain[i]) }
  return (mean, r)
}

/// Adds dy·x̂ to `dGain` and dy to `dBias` (the partial sums of a tile of rows).
public func layerNormGradients(
  _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, mean: Float, r: Float,
  dGain: UnsafeMutablePointer<Float>, dBias: UnsafeMutablePointer<Float>, _ count: Int
) {
  for i in 0..<count {
    dGain[i].addProduct(dy[i], (x[i] - mean) * r)
    dBias[i] += dy[i]
  }
}

/// Writes or adds dx of one row; dx may be dy.
public func layerNormRowBackward(
  _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, mean: Float,
  r: Float, _ dx: UnsafeMutablePointer<Float>, accumulate: Bool, _ count: Int
) {
  var sums = Vector.zero
  var products = Vector.zero
  let centre = Vector(repeating: mean)
  var i = 0
  while i + 16 <= count {
    let d = load(dy + i) * load(gain + i)
    sums += d
    products.addProduct(d, load(x + i) - centre)
    i += 16
  }
  var sum = fold(sums)
  var product = fold(products)
  while i < count {
    let d = dy[i] * gain[i]
    sum += d
    product.addProduct(d, x[i] - mean)
    i += 1
  }
  let n = Float(count)
  let a = sum / n
  let b = product * r * r / n
  if accumulate {
    for i in 0..<count {
      dx[i].addProduct(r, (dy[i] * gain[i] - a).addingProduct(-b, x[i] - mean))
    }
  } else {
    for i in 0..<count {
      dx[i] = r * (dy[i] * gain[i] - a).addingProduct(-b, x[i] - mean)
    }
  }
}

/// Writes y, returns r = 1/√(mean(x²) + ε).
public func rmsNormRow(
  _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, epsilon: Float,
  _ y: UnsafeMutablePointer<Float>, _ count: Int
) -> Float {
  let r = 1 / (dot(x, x, count) / Float(count) + epsilon).squareRoot()
  for i in 0..<count { y[i] = x[i] * r * gain[i] }
  return r
}

/// Adds dy·x̂ to `dGain`.
public func rmsNormGradient(
  _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, r: Float,
  dGain: UnsafeMutablePointer<Float>, _ count: Int
) {
  for i in 0..<count { dGain[i].addProduct(dy[i], x[i] * r) }
}

/// Writes or adds dx of one row; dx may be dy.
public func rmsNormRowBackward(
  _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, gain: UnsafePointer<Float>, r: Float,
  _ dx: UnsafeMutablePointer<Float>, accumulate: Bool, _ count: Int
) {
  var products = Vector.zero
  var i = 0
  while i + 16 <= count {
    products.addProduct(load(dy + i) * load(gain + i), load(x + i))
    i += 16
  }
  var product = fold(products)
  while i < count {
    product.addProduct(dy[i] * gain[i], x[i])
    i += 1
  }
  let b = product * r * r / Float(count)
  if accumulate {
    for i in 0..<count { dx[i].addProduct(r, (dy[i] * gain[i]).addingProduct(-b, x[i])) }
  } else {
    for i in 0..<count { dx[i] = r * (dy[i] * gain[i]).addingProduct(-b, x[i]) }
  }
}
