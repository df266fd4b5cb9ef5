// How measures become a probability of blur: a logistic regression with a handful of weights, which may
// be fitted on other cameras and carried to a new one, since what it weighs is relative to a reference.

import CanonicalJSON
import Diagnostics
import Foundation

/// P(blurred) = 1 / (1 + exp(−(intercept + Σ weight·feature))).
public struct BlurWeights: Sendable, Equatable {
  public let mode: JudgingMethod.Mode
  public let region: JudgingMethod.Region
  public let intercept: Double
  /// Of ln acutance, ln σ̂ and r² for `marker-reference`; of the blurriness for the others.
  public let weights: [Double]
  /// Whose frames they were fitted on.
  public let cameras: [String]
  public let frames: Int

  public init(
    method: JudgingMethod, intercept: Double, weights: [Double], cameras: [String], frames: Int
  ) {
    precondition(
      weights.count == Self.features(method.mode).count,
      "\(weights.count) weights for \(Self.features(method.mode))")
    mode = method.mode
    region = method.region
    self.intercept = intercept
    self.weights = weights
    self.cameras = cameras
    self.frames = frames
  }

  public static func features(_ mode: JudgingMethod.Mode) -> [String] {
    mode == .markerReference ? ["ln_acutance", "ln_sigma", "explained"] : ["blurriness"]
  }

  /// **Source**: research page of this mode: fitted by a prototype on 120 frames of three sites.
  public static let standard = BlurWeights(
    method: JudgingMethod(.markerReference), intercept: -0.66, weights: [-1.49, 4.63, 0.20],
    cameras: [], frames: 120)

  public func logit(_ features: [Double]) -> Double {
    precondition(features.count == weights.count, "\(features.count) features")
    return zip(weights, features).reduce(intercept) { $0 + $1.0 * $1.1 }
  }

  public static func probability(_ logit: Double) -> Double { 1 / (1 + exp(-logit)) }

  // MARK: Fitting

  /// Minimises Σ −ln P(label) + |w|²/(2·c) by Newton's method (iteratively reweighted least squares):
  /// no random number, no step size.
  ///
  /// - Parameters:
  ///   - rows: features, all of one length.
  ///   - c: the strength of the data against the penalty; the intercept has none.
  /// - Returns: nil unless both labels occur.
  public static func fit(
    _ rows: [[Double]], blurred: [Bool], c: Double = 3, method: JudgingMethod, cameras: [String]
  ) -> BlurWeights? {
    precondition(rows.count == blurred.count, "\(rows.count) rows, \(blurred.count) labels")
    guard blurred.contains(true), blurred.contains(false) else { return nil }
    let size = features(method.mode).count + 1
    var w = [Double](repeating: 0, count: size)
    func loss(_ w: [Double]) -> Double {
      var sum = w.dropFirst().reduce(0.0) { $0 + $1 * $1 } / (2 * c)
      for (row, label) in zip(rows, blurred) {
        let z = w[0] + zip(w.dropFirst(), row).reduce(0.0) { $0 + $1.0 * $1.1 }
        let signed = label ? -z : z
        sum += signed > 30 ? signed : log(1 + exp(signed))
      }
      return sum
    }
    var current = loss(w)
    for _ in 0..<100 {
      var gradient = [Double](repeating: 0, count: size)
      var hessian = [[Double]](repeating: [Double](repeating: 0, count: size), count: size)
      for i in 1..<size {
        gradient[i] = w[i] / c
        hessian[i][i] = 1 / c
      }
      hessian[0][0] = 1e-9
      for (row, label) in zip(rows, blurred) {
        let x = [1] + row
        let z = zip(w, x).reduce(0.0) { $0 + $1.0 * $1.1 }
        let p = probability(z)
        for i in 0..<size {
          gradient[i] += (p - (label ? 1 : 0)) * x[i]
          for j in 0..<size { hessian[i][j] += p * (1 - p) * x[i] * x[j] }
        }
      }
      guard let step = solve(hessian, gradient) else { break }
      var scale = 1.0
      var next = zip(w, step).map { $0 - scale * $1 }
      var value = loss(next)
      // Far from the minimum Newton's step may be too long.
      while value > current, scale > 1e-6 {
        scale /= 2
        next = zip(w, step).map { $0 - scale * $1 }
        value = loss(next)
      }
      let gained = current - value
      w = next
      current = value
      if gained < 1e-12 * max(1, abs(current)) { break }
    }
    return BlurWeights(
      method: method, intercept: w[0], weights: Array(w.dropFirst()), cameras: cameras,
      frames: rows.count)
  }

  /// Gaussian elimination with pivoting, for a few unknowns.
  private static func solve(_ matrix: [[Double]], _ right: [Double]) -> [Double]? {
    var a = matrix
    var b = right
    let n = b.count
    for column in 0..<n {
      var pivot = column
      for row in column..<n where abs(a[row][column]) > abs(a[pivot][column]) { pivot = row }
      guard abs(a[pivot][column]) > 1e-14 else { return nil }
      a.swapAt(pivot, column)
      b.swapAt(pivot, column)
      for row in (column + 1)..<max(n, column + 1) {
        let factor = a[row][column] / a[column][column]
        for k in column..<n { a[row][k] -= factor * a[column][k] }
        b[row] -= factor * b[column]
      }
    }
    for row in stride(from: n - 1, through: 0, by: -1) {
      for k in (row + 1)..<max(n, row + 1) { b[row] -= a[row][k] * b[k] }
      b[row] /= a[row][row]
    }
    return b
  }

  // MARK: weights.json

  public var json: JSONValue {
    .object([
      "version": 1, "mode": .string(mode.rawValue), "region": .string(region.rawValue),
      "intercept": .number(intercept),
      "features": .array(Self.features(mode).map(JSONValue.string)),
      "weights": .array(weights.map(JSONValue.number)),
      "cameras": .array(cameras.map(JSONValue.string)), "frames": .integer(frames),
    ])
  }

  /// **Throws**: `json-syntax`, `weights-malformed`.
  public static func read(_ bytes: [UInt8], shown path: String) throws(Diagnostic) -> BlurWeights {
    let value = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
    guard value["version"]?.integer == 1 else {
      throw .weightsMalformed(path, "it is not of version 1")
    }
    guard let mode = value["mode"]?.string.flatMap(JudgingMethod.Mode.init(rawValue:)),
      let region = value["region"]?.string.flatMap(JudgingMethod.Region.init(rawValue:))
    else { throw .weightsMalformed(path, "'mode' or 'region' is none of those that are known") }
    let wanted = features(mode)
    guard value["features"]?.array?.compactMap(\.string) == wanted else {
      throw .weightsMalformed(path, "'features' are not \(wanted.joined(separator: ", "))")
    }
    let numbers = value["weights"]?.array?.compactMap(\.double) ?? []
    guard numbers.count == wanted.count, let intercept = value["intercept"]?.double,
      numbers.allSatisfy(\.isFinite), intercept.isFinite
    else { throw .weightsMalformed(path, "its weights are not \(wanted.count) numbers") }
    guard let frames = value["frames"]?.integer, frames >= 0,
      let cameras = value["cameras"]?.array?.compactMap(\.string)
    else { throw .weightsMalformed(path, "it does not say what it was fitted on") }
    return BlurWeights(
      method: JudgingMethod(mode, region: region), intercept: intercept, weights: numbers,
      cameras: cameras, frames: frames)
  }
}
