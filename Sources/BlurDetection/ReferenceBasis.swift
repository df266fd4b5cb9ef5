// A few images that together show the static object under every light: the left singular vectors of
// the registered reference frames. A still object before a changing sky spans about two dimensions
// (light × texture, sky × what the object covers), whose signs differ from frame to frame, so that a
// mean or a median of frames would wash thin objects out.

import Imaging

enum ReferenceBasis {
  static let count = 3

  /// - Parameters:
  ///   - frames: windows of one size, registered to each other.
  ///   - weight: which pixels decide on the directions (the edge cells).
  /// - Returns: at most `count` windows of mean 0; the first has root mean square 1 over the
  ///   weighted pixels, the others have what they carry beside it.
  static func of(_ frames: [GrayImage], at places: [Int]) -> [GrayImage] {
    // Only what is finer than 8 px counts: sky and veils are not the object.
    let details = frames.map { $0.minus($0.blurred(8)) }
    let n = frames.count
    var gram = [[Double]](repeating: [Double](repeating: 0, count: n), count: n)
    for i in 0..<n {
      for j in i..<n {
        var sum = 0.0
        for place in places {
          sum += Double(details[i].values[place]) * Double(details[j].values[place])
        }
        gram[i][j] = sum
        gram[j][i] = sum
      }
    }
    let (values, vectors) = symmetricEigen(gram)
    let order = values.indices.sorted {
      values[$0] != values[$1] ? values[$0] > values[$1] : $0 < $1
    }
    let means = frames.map(\.mean)
    var basis: [GrayImage] = []
    for index in order.prefix(Self.count) {
      guard values[index] > 1e-9 * max(values[order[0]], 1e-9) else { break }
      // The sign of an eigenvector is free: its largest component is made positive.
      let vector = vectors[index]
      var largest = 0
      for i in vector.indices where abs(vector[i]) > abs(vector[largest]) { largest = i }
      let sign = vector[largest] < 0 ? -1.0 : 1.0
      // √(λ/λ₁): how much of what is seen each one carries.
      let scale = sign * (Double(places.count) / values[order[0]]).squareRoot()
      var sum = [Float](repeating: 0, count: frames[0].values.count)
      for (i, frame) in frames.enumerated() {
        let factor = Float(scale * vector[i])
        let mean = Float(means[i])
        for place in sum.indices { sum[place] += factor * (frame.values[place] - mean) }
      }
      basis.append(
        GrayImage(width: frames[0].width, height: frames[0].height, values: sum))
    }
    return basis
  }
}

/// Eigenvalues and eigenvectors of a small symmetric matrix by Jacobi's rotations, in no order.
///
/// **Source**: Golub & Van Loan 2013, algorithm 8.5.2 (cyclic Jacobi).
func symmetricEigen(_ matrix: [[Double]]) -> (values: [Double], vectors: [[Double]]) {
  let n = matrix.count
  var a = matrix
  var v = (0..<n).map { row in (0..<n).map { $0 == row ? 1.0 : 0.0 } }
  for _ in 0..<60 {
    var off = 0.0
    for i in 0..<n { for j in 0..<n where i != j { off += a[i][j] * a[i][j] } }
    let scale = (0..<n).reduce(0.0) { $0 + a[$1][$1] * a[$1][$1] }
    if off <= 1e-26 * scale || off == 0 { break }
    for p in 0..<n {
      for q in (p + 1)..<max(n, p + 1) where abs(a[p][q]) > 0 {
        let theta = (a[q][q] - a[p][p]) / (2 * a[p][q])
        let sign = theta >= 0 ? 1.0 : -1.0
        let t = sign / (abs(theta) + (theta * theta + 1).squareRoot())
        let c = 1 / (t * t + 1).squareRoot()
        let s = t * c
        for k in 0..<n {
          let kp = a[k][p]
          let kq = a[k][q]
          a[k][p] = c * kp - s * kq
          a[k][q] = s * kp + c * kq
        }
        for k in 0..<n {
          let pk = a[p][k]
          let qk = a[q][k]
          a[p][k] = c * pk - s * qk
          a[q][k] = s * pk + c * qk
        }
        for k in 0..<n {
          let vp = v[p][k]
          let vq = v[q][k]
          v[p][k] = c * vp - s * vq
          v[q][k] = s * vp + c * vq
        }
      }
    }
  }
  return ((0..<n).map { a[$0][$0] }, v)
}
