// NormalFloat with 4 bits (Dettmers et al. 2023, "QLoRA") and the 8-bit map for its scales.

/// The code book: quantiles of a normal distribution, scaled to −1…1, with an exact zero.
public let normalFloat4: [Float] = [
  -1, -0.6961928009986877, -0.5250730514526367, -0.39491748809814453, -0.28444138169288635,
  -0.18477343022823334, -0.09105003625154495, 0, 0.07958029955625534, 0.16093020141124725,
  0.24611230194568634, 0.33791524171829224, 0.44070982933044434, 0.5626170039176941,
  0.7229568362236023, 1,
]

/// Numbers that share a scale.
public let normalFloat4Block = 64

private let midpoints: [Float] = (0..<15).map { (normalFloat4[$0] + normalFloat4[$0 + 1]) / 2 }

/// The index of the nearest entry of a rising code book: how many mid-points lie below.
@inline(__always)
private func nearest(_ value: Float, _ midpoints: UnsafePointer<Float>, _ count: Int) -> UInt8 {
  var index: UInt8 = 0
  for i in 0..<count where midpoints[i] < value { index &+= 1 }
  return index
}

/// 64 numbers: their greatest magnitude, then the codes.
func quantiseNF4(_ x: UnsafePointer<Float>, into y: UnsafeMutableRawPointer) {
  var magnitude: Float = 1e-38
  for i in 0..<64 { magnitude = max(magnitude, abs(x[i])) }
  y.storeBytes(of: magnitude, as: Float.self)
  midpoints.withUnsafeBufferPointer { middle in
    let middle = middle.baseAddress!
    for i in 0..<32 {
      let first = nearest(x[2 * i] / magnitude, middle, 15)
      let second = nearest(x[2 * i + 1] / magnitude, middle, 15)
      (y + 4 + i).storeBytes(of: first << 4 | second, as: UInt8.self)
    }
  }
}

func expandNF4(_ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, blocks: Int) {
  for block in 0..<blocks {
    let p = source + block * 36
    expandNF4Codes(p + 4, scale: p.loadUnaligned(as: Float.self), into: target + block * 64)
  }
}

/// One block of 64 codes without their scale, as double quantisation keeps them.
@inline(__always)
public func expandNF4Codes(
  _ codes: UnsafeRawPointer, scale: Float, into target: UnsafeMutablePointer<Float>
) {
  codePairs.withUnsafeBufferPointer { pairs in
    let pairs = pairs.baseAddress!
    let target = UnsafeMutableRawPointer(target)
    for i in 0..<32 {
      let pair = pairs[Int((codes + i).load(as: UInt8.self))]
      target.storeBytes(of: pair * scale, toByteOffset: 8 * i, as: SIMD2<Float>.self)
    }
  }
}

/// What each byte of two codes means.
private let codePairs: [SIMD2<Float>] = (0..<256).map {
  SIMD2(normalFloat4[$0 >> 4], normalFloat4[$0 & 15])
}

// MARK: Double quantisation

/// Scales that share a second scale.
public let doubleQuantisationBlock = 256

/// bitsandbytes' signed 8-bit map: in each of seven decades the middles of 2ⁱ equal steps from a tenth to
/// the whole, both signs, and 0 and 1. Rising.
public let dynamicMap: [Float] = {
  var entries: [Float] = [0, 1]
  var decade = 1e-6
  for i in 0..<7 {
    let count = (1 << i) + 1
    // As torch.linspace in single precision: from both ends.
    let step = (Float(1) - Float(0.1)) / Float(count - 1)
    let edges = (0..<count).map { k -> Float in
      // One rounding each, as torch.linspace.
      k < count / 2
        ? Float(0.1).addingProduct(step, Float(k))
        : Float(1).addingProduct(-step, Float(count - 1 - k))
    }
    for k in 0..<count - 1 {
      let middle = (edges[k] + edges[k + 1]) / 2
      entries.append(Float(decade) * middle)
      entries.append(-Float(decade) * middle)
    }
    decade = [1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10][i]
  }
  return entries.sorted()
}()

/// The entry of a rising book nearest to a value, the lower of two at the same distance.
private func nearestEntry(_ value: Float, _ book: UnsafeBufferPointer<Float>) -> Int {
  var low = 0
  var high = book.count - 1
  while low < high {
    let middle = (low + high) / 2
    if book[middle] < value { low = middle + 1 } else { high = middle }
  }
  return low > 0 && value - book[low - 1] <= book[low] - value ? low - 1 : low
}

/// Quantises the scales of NF4 blocks: their mean is taken off, and what is left is stored in 8 bits
/// against the greatest of each 256.
///
/// - Parameters:
///   - scales: `[count]`
///   - codes: `[count]`, overwritten.
///   - magnitudes: one for each 256 scales, overwritten.
/// - Returns: the mean.
public func quantiseScales(
  _ scales: UnsafePointer<Float>, _ count: Int, codes: UnsafeMutablePointer<UInt8>,
  magnitudes: UnsafeMutablePointer<Float>
) -> Float {
  var total = 0.0
  for i in 0..<count { total += Double(scales[i]) }
  let mean = Float(total / Double(max(1, count)))
  dynamicMap.withUnsafeBufferPointer { book in
    var first = 0
    while first < count {
      let end = min(count, first + doubleQuantisationBlock)
      var magnitude: Float = 1e-38
      for i in first..<end { magnitude = max(magnitude, abs(scales[i] - mean)) }
      magnitudes[first / doubleQuantisationBlock] = magnitude
      for i in first..<end {
        codes[i] = UInt8(nearestEntry((scales[i] - mean) / magnitude, book))
      }
      first = end
    }
  }
  return mean
}
