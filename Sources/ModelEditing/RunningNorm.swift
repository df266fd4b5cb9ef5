// Mean and spread of the numbers that a network reads, kept up row by row while it learns (Welford 1962).

import Tensors

/// Normalises vectors by what was seen so far.
public struct RunningNorm: Sendable, Equatable {
  public private(set) var mean: [Double]
  public private(set) var squares: [Double]
  public private(set) var count = 0

  public init(width: Int) {
    mean = Array(repeating: 0, count: width)
    squares = mean
  }

  init(mean: [Double], squares: [Double], count: Int) {
    (self.mean, self.squares, self.count) = (mean, squares, count)
  }

  /// - Parameter values: as many as the width.
  public mutating func add(_ values: UnsafePointer<Float>) {
    count += 1
    for index in mean.indices {
      let value = Double(values[index])
      let before = value - mean[index]
      mean[index] += before / Double(count)
      squares[index] += before * (value - mean[index])
    }
  }

  /// (x − mean)/(deviation + 10⁻⁷); before two vectors were seen, x itself.
  public func apply(_ values: UnsafePointer<Float>, into target: UnsafeMutablePointer<Float>) {
    guard count > 1 else {
      target.update(from: values, count: mean.count)
      return
    }
    for index in mean.indices {
      let deviation = (squares[index] / Double(count - 1)).squareRoot()
      target[index] = Float((Double(values[index]) - mean[index]) / (deviation + 1e-7))
    }
  }
}
