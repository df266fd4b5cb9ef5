// Separable filters, gradients, the Laplacian. Borders are mirrored (`reflected`). One thread: callers
// split frames or tiles between threads, so bits cannot depend on their number.

extension GrayImage {
  /// Filtered along rows, then along columns.
  public func filtered(rows: FilterKernel, columns: FilterKernel) -> GrayImage {
    filteredAlongRows(rows).filteredAlongColumns(columns)
  }

  /// Convolved with a Gaussian; σ 0 leaves it as it is.
  ///
  /// - Parameter shift: moves the picture by so many pixels to the right and down.
  public func blurred(sigma: Double, shift: (x: Double, y: Double) = (0, 0)) -> GrayImage {
    if sigma == 0 && shift.x == 0 && shift.y == 0 { return self }
    return filtered(
      rows: .gaussian(sigma: sigma, shift: shift.x),
      columns: .gaussian(sigma: sigma, shift: shift.y))
  }

  /// The sum of second differences: 0 1 0 / 1 −4 1 / 0 1 0.
  public func laplacian() -> GrayImage {
    combined { above, row, below, out in
      let width = row.count - 2
      for x in 0..<width {
        out[x] = above[x &+ 1] + below[x &+ 1] + row[x] + row[x &+ 2] - 4 * row[x &+ 1]
      }
    }
  }

  /// Sobel's 3×3 derivatives, not divided by 8 (as OpenCV's): x = (1 2 1)ᵀ(−1 0 1), y its transpose.
  public func sobel() -> (x: GrayImage, y: GrayImage) {
    let x = combined { above, row, below, out in
      let width = row.count - 2
      for x in 0..<width {
        out[x] =
          above[x &+ 2] - above[x] + 2 * (row[x &+ 2] - row[x]) + below[x &+ 2] - below[x]
      }
    }
    let y = combined { above, row, below, out in
      let width = row.count - 2
      for x in 0..<width {
        out[x] =
          below[x] - above[x] + 2 * (below[x &+ 1] - above[x &+ 1]) + below[x &+ 2]
          - above[x &+ 2]
      }
    }
    return (x, y)
  }

  /// Central differences (value(x + 1) − value(x − 1)) / 2, in grey levels per pixel.
  public func gradients() -> (x: GrayImage, y: GrayImage) {
    let x = combined { _, row, _, out in
      for x in 0..<row.count - 2 { out[x] = (row[x &+ 2] - row[x]) / 2 }
    }
    let y = combined { above, row, below, out in
      for x in 0..<row.count - 2 { out[x] = (below[x &+ 1] - above[x &+ 1]) / 2 }
    }
    return (x, y)
  }

  /// Standard deviation of white noise, estimated from the median of |(1 −2 1)ᵀ(1 −2 1) ∗ I|, which
  /// structure moves little.
  ///
  /// **Source**: J. Immerkær 1996, "Fast Noise Variance Estimation", eq. 1, with the median instead
  /// of the mean: median / (6 · 0.6745).
  public func noiseLevel() -> Double {
    let second = FilterKernel(taps: [1, -2, 1], origin: 1)
    let response = filtered(rows: second, columns: second)
    return Double(medianOfMagnitudes(response.values)) / (6 * 0.6745)
  }

  // MARK: Loops

  private func filteredAlongRows(_ kernel: FilterKernel) -> GrayImage {
    if kernel == .identity { return self }
    let before = kernel.origin
    let length = width + kernel.taps.count - 1
    var padded = [Float](repeating: 0, count: length)
    let out = [Float](unsafeUninitializedCapacity: values.count) { out, count in
      values.withUnsafeBufferPointer { values in
        padded.withUnsafeMutableBufferPointer { padded in
          for y in 0..<height {
            let row = values.baseAddress! + y * width
            for i in 0..<before { padded[i] = row[reflected(i - before, width)] }
            (padded.baseAddress! + before).update(from: row, count: width)
            for i in before + width..<length { padded[i] = row[reflected(i - before, width)] }
            let target = out.baseAddress! + y * width
            for (index, tap) in kernel.taps.enumerated() {
              accumulate(tap, padded.baseAddress! + index, target, width, isFirst: index == 0)
            }
          }
        }
      }
      count = values.count
    }
    return GrayImage(width: width, height: height, values: out)
  }

  private func filteredAlongColumns(_ kernel: FilterKernel) -> GrayImage {
    if kernel == .identity { return self }
    let out = [Float](unsafeUninitializedCapacity: values.count) { out, count in
      values.withUnsafeBufferPointer { values in
        for y in 0..<height {
          let target = out.baseAddress! + y * width
          for (index, tap) in kernel.taps.enumerated() {
            let row = reflected(y + index - kernel.origin, height)
            accumulate(
              tap, values.baseAddress! + row * width, target, width, isFirst: index == 0)
          }
        }
      }
      count = values.count
    }
    return GrayImage(width: width, height: height, values: out)
  }

  /// Each output row from three rows that are one pixel longer on each side.
  private func combined(
    _ body: (
      _ above: UnsafeBufferPointer<Float>, _ row: UnsafeBufferPointer<Float>,
      _ below: UnsafeBufferPointer<Float>, _ out: UnsafeMutablePointer<Float>
    ) -> Void
  ) -> GrayImage {
    let padded = width + 2
    var rows = [Float](repeating: 0, count: 3 * padded)
    let out = [Float](unsafeUninitializedCapacity: values.count) { out, count in
      values.withUnsafeBufferPointer { values in
        rows.withUnsafeMutableBufferPointer { rows in
          for y in 0..<height {
            for step in 0..<3 {
              let source = values.baseAddress! + reflected(y + step - 1, height) * width
              let target = rows.baseAddress! + step * padded
              target[0] = source[reflected(-1, width)]
              (target + 1).update(from: source, count: width)
              target[width + 1] = source[reflected(width, width)]
            }
            let all = UnsafeBufferPointer(rows)
            body(
              UnsafeBufferPointer(rebasing: all[0..<padded]),
              UnsafeBufferPointer(rebasing: all[padded..<2 * padded]),
              UnsafeBufferPointer(rebasing: all[2 * padded..<3 * padded]),
              out.baseAddress! + y * width)
          }
        }
      }
      count = values.count
    }
    return GrayImage(width: width, height: height, values: out)
  }
}

@inline(__always)
private func accumulate(
  _ tap: Float, _ source: UnsafePointer<Float>, _ target: UnsafeMutablePointer<Float>,
  _ count: Int, isFirst: Bool
) {
  if isFirst {
    for x in 0..<count { target[x] = tap * source[x] }
  } else {
    for x in 0..<count { target[x] += tap * source[x] }
  }
}
