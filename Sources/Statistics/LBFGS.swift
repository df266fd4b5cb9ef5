// Minimises a smooth function without randomness: the same bits every time, and it says whether it
// converged. Used for logistic regression (LogisticRegression.swift).

/// How a minimisation ended.
public struct Convergence: Sendable, Equatable {
  public let iterations: Int
  public let evaluations: Int
  /// The objective at the end.
  public let value: Double
  /// Largest absolute partial derivative at the end.
  public let gradient: Double
  /// Is `gradient` within the tolerance?
  public let converged: Bool
}

/// Limited-memory BFGS with a weak Wolfe line search.
///
/// **Source**: Nocedal & Wright 2006, algorithm 7.4 (two-loop recursion); the line search is the
/// bisection of Lewis & Overton 2013, algorithm 2.6, which always ends for a smooth function that is
/// bounded below.
public struct LBFGS: Sendable {
  public var memory = 10
  public var maximumIterations = 500
  /// On the largest absolute partial derivative.
  public var tolerance = 1e-6

  public init(maximumIterations: Int = 500, tolerance: Double = 1e-6) {
    self.maximumIterations = maximumIterations
    self.tolerance = tolerance
  }

  /// - Parameters:
  ///   - x: the start; holds the minimum afterwards.
  ///   - objective: gives the value at a point and overwrites the gradient.
  ///   - progress: called before every iteration; what it throws ends the minimisation.
  public func minimise<Stop: Error>(
    _ x: inout [Double], _ objective: (_ x: [Double], _ gradient: inout [Double]) -> Double,
    progress: (_ iteration: Int, _ value: Double) throws(Stop) -> Void
  ) throws(Stop) -> Convergence {
    let n = x.count
    var gradient = [Double](repeating: 0, count: n)
    var value = objective(x, &gradient)
    var evaluations = 1
    var steps: [[Double]] = []
    var changes: [[Double]] = []
    var trial = x
    var trialGradient = gradient
    for iteration in 0..<maximumIterations {
      let size = gradient.reduce(0) { max($0, abs($1)) }
      try progress(iteration, value)
      if size <= tolerance {
        return Convergence(
          iterations: iteration, evaluations: evaluations, value: value, gradient: size,
          converged: true)
      }
      var direction = self.direction(gradient, steps, changes)
      var slope = dot(gradient, direction)
      if slope >= 0 {  // rounding has spoilt the memory: begin anew
        steps.removeAll()
        changes.removeAll()
        direction = gradient.map { -$0 }
        slope = -dot(gradient, gradient)
      }
      var low = 0.0
      var high = Double.infinity
      var length = steps.isEmpty ? min(1, 1 / size) : 1
      var trialValue = value
      var accepted = false
      for _ in 0..<60 {
        for index in 0..<n { trial[index] = x[index] + length * direction[index] }
        trialValue = objective(trial, &trialGradient)
        evaluations += 1
        if !(trialValue <= value + 1e-4 * length * slope) {
          high = length
        } else if dot(trialGradient, direction) < 0.9 * slope {
          low = length
        } else {
          accepted = true
          break
        }
        length = high.isFinite ? (low + high) / 2 : 2 * length
      }
      // No step gains anything any more: as low as rounding allows.
      guard accepted || trialValue < value else {
        return Convergence(
          iterations: iteration, evaluations: evaluations, value: value, gradient: size,
          converged: false)
      }
      let step = (0..<n).map { trial[$0] - x[$0] }
      let change = (0..<n).map { trialGradient[$0] - gradient[$0] }
      if dot(step, change) > 1e-12 * dot(change, change) {
        if steps.count == memory {
          steps.removeFirst()
          changes.removeFirst()
        }
        steps.append(step)
        changes.append(change)
      }
      swap(&x, &trial)
      swap(&gradient, &trialGradient)
      value = trialValue
    }
    let size = gradient.reduce(0) { max($0, abs($1)) }
    return Convergence(
      iterations: maximumIterations, evaluations: evaluations, value: value, gradient: size,
      converged: size <= tolerance)
  }

  /// Without anybody to tell.
  public func minimise(
    _ x: inout [Double], _ objective: (_ x: [Double], _ gradient: inout [Double]) -> Double
  ) -> Convergence {
    minimise(&x, objective) { (_: Int, _: Double) in }
  }

  private func direction(
    _ gradient: [Double], _ steps: [[Double]], _ changes: [[Double]]
  ) -> [Double] {
    var q = gradient.map { -$0 }
    var alphas = [Double](repeating: 0, count: steps.count)
    for index in steps.indices.reversed() {
      let alpha = dot(steps[index], q) / dot(steps[index], changes[index])
      alphas[index] = alpha
      add(-alpha, changes[index], to: &q)
    }
    if let step = steps.last, let change = changes.last {
      let scale = dot(step, change) / dot(change, change)
      for index in q.indices { q[index] *= scale }
    }
    for index in steps.indices {
      let beta = dot(changes[index], q) / dot(steps[index], changes[index])
      add(alphas[index] - beta, steps[index], to: &q)
    }
    return q
  }

  private func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  private func add(_ factor: Double, _ a: [Double], to b: inout [Double]) {
    for index in a.indices { b[index] += factor * a[index] }
  }
}
