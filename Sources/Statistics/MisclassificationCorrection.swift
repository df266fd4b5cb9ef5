// A judge that errs moves shares towards its own habits. Where its confusion matrix is known, the true
// shares are those that the matrix would have turned into the observed ones.

import Foundation

/// Class shares corrected by a judge's confusion matrix.
///
/// With P[t][j] = P(judged j | true t), observed shares are o = Pᵀ·s; the corrected ones are the
/// projection of (Pᵀ)⁻¹·o onto the simplex (non-negative, sum 1).
///
/// **Source**: Buonaccorsi 2010, *Measurement Error*, § 3.3 (matrix method); Duchi et al. 2008 for the
/// projection. It supposes that the judge errs on these texts as on those it was tested on.
public struct MisclassificationCorrection: Sendable, Equatable {
  /// Ratio of the largest to the smallest singular value of P: by how much an error of the shares may
  /// grow. 1 for a judge that never errs.
  public let conditionNumber: Double
  private let inverse: SmallMatrix

  /// - Parameter counts: `[true][judged]`, square.
  /// - Returns: nil where a class was never tested or the matrix has no inverse: such a judge says
  ///   nothing about shares.
  public init?(confusion counts: [[Double]]) {
    let size = counts.count
    var transposed = SmallMatrix(size)
    for (row, cells) in counts.enumerated() {
      precondition(cells.count == size, "a confusion matrix of \(size) × \(cells.count)")
      let total = cells.reduce(0, +)
      guard total > 0 else { return nil }
      for (column, count) in cells.enumerated() { transposed[column, row] = count / total }
    }
    guard size > 0, let inverse = transposed.inverse() else { return nil }
    self.inverse = inverse
    let values = transposed.singularValues
    guard let low = values.last, low > 0 else { return nil }
    conditionNumber = values[0] / low
  }

  /// - Parameter observed: shares of the judged classes.
  public func shares(_ observed: [Double]) -> [Double] {
    Self.simplex(inverse.times(observed))
  }

  /// The nearest point whose members are not negative and sum to 1.
  static func simplex(_ values: [Double]) -> [Double] {
    let sorted = values.sorted(by: >)
    var sum = 0.0
    var threshold = 0.0
    for (index, value) in sorted.enumerated() {
      sum += value
      let candidate = (sum - 1) / Double(index + 1)
      if value - candidate > 0 { threshold = candidate }
    }
    return values.map { max(0, $0 - threshold) }
  }
}

extension SmallMatrix {
  /// Largest first: square roots of the eigenvalues of AᵀA by Jacobi's rotations.
  var singularValues: [Double] {
    var a = SmallMatrix(size)
    for i in 0..<size {
      for j in 0..<size { a[i, j] = (0..<size).reduce(0) { $0 + self[$1, i] * self[$1, j] } }
    }
    for _ in 0..<60 {
      for p in 0..<size {
        for q in (p + 1)..<max(p + 1, size) where a[p, q] != 0 {
          let theta = (a[q, q] - a[p, p]) / (2 * a[p, q])
          let t = (theta < 0 ? -1 : 1) / (abs(theta) + (theta * theta + 1).squareRoot())
          let cosine = 1 / (t * t + 1).squareRoot()
          let sine = t * cosine
          for k in 0..<size {
            (a[k, p], a[k, q]) = (
              cosine * a[k, p] - sine * a[k, q], sine * a[k, p] + cosine * a[k, q]
            )
          }
          for k in 0..<size {
            (a[p, k], a[q, k]) = (
              cosine * a[p, k] - sine * a[q, k], sine * a[p, k] + cosine * a[q, k]
            )
          }
        }
      }
    }
    return (0..<size).map { max(0, a[$0, $0]).squareRoot() }.sorted(by: >)
  }
}
