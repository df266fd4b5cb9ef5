// From token vectors to one vector for each sequence of a packed batch.
//
//   first:  p = h₀                     dh₀ = dp, all others 0
//   mean:   p = Σₜ hₜ / T              dhₜ = dp / T

import Kernels
import Networks
import Tensors

/// How a sequence's token vectors become its own.
public enum SequencePooling: String, Sendable, CaseIterable {
  /// The vector of the first token: `[CLS]` or `<s>`.
  case first
  /// The mean over all tokens, special ones included, as sentence-transformers takes it.
  case mean

  /// - Parameters:
  ///   - hidden: `[N, C]`
  ///   - segments: S sequences of N tokens together.
  ///   - pooled: `[S, C]`, overwritten.
  public func forward(_ hidden: Tensor, segments: Segments, into pooled: Tensor) {
    hidden.require(segments.tokenCount, pooled.columns, "hidden", in: "SequencePooling.forward")
    pooled.require(segments.count, hidden.columns, "pooled", in: "SequencePooling.forward")
    parallelFor(segments.count, by: 16) { range in
      for segment in range {
        let rows = segments[segment]
        let target = pooled.row(segment)
        target.update(from: hidden.row(rows.lowerBound), count: pooled.columns)
        guard self == .mean else { continue }
        for row in rows.dropFirst() { add(hidden.row(row), into: target, pooled.columns) }
        scale(target, by: 1 / Float(rows.count), pooled.columns)
      }
    }
  }

  /// - Parameters:
  ///   - dPooled: `[S, C]`
  ///   - dHidden: `[N, C]`, overwritten.
  public func backward(_ dPooled: Tensor, segments: Segments, into dHidden: Tensor) {
    dHidden.require(segments.tokenCount, dPooled.columns, "dHidden", in: "SequencePooling.backward")
    dPooled.require(segments.count, dHidden.columns, "dPooled", in: "SequencePooling.backward")
    let columns = dHidden.columns
    parallelFor(segments.count, by: 16) { range in
      for segment in range {
        let rows = segments[segment]
        let first = dHidden.row(rows.lowerBound)
        first.update(from: dPooled.row(segment), count: columns)
        if self == .mean { scale(first, by: 1 / Float(rows.count), columns) }
        for row in rows.dropFirst() {
          switch self {
          case .first: dHidden.row(row).update(repeating: 0, count: columns)
          case .mean: dHidden.row(row).update(from: first, count: columns)
          }
        }
      }
    }
  }
}

/// Scales each row to length 1; a row of zeros stays as it is.
///
/// - Parameter vectors: `[S, C]`
func normaliseRows(_ vectors: Tensor) {
  parallelRows(of: vectors) { rows in
    for row in rows {
      let length = sumOfSquares(vectors.row(row), vectors.columns).squareRoot()
      // torch.nn.functional.normalize's smallest divisor.
      scale(vectors.row(row), by: Float(1 / max(length, 1e-12)), vectors.columns)
    }
  }
}
