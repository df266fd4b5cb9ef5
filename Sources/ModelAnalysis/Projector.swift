// Walks along a path of weights and takes the gradient of the bias at the nodes of the quadrature: weights
// of any model size stream through, parameter by parameter.

import Diagnostics
import LanguageModels
import Networks
import Tensors

/// Follows a path of weights and projects its steps on the gradient of a bias.
public struct BiasProjector {
  private let model: LanguageModel
  private let bias: StatementBias
  private let rule: LobattoRule
  private let transformer: Transformer

  /// - Parameters:
  ///   - model: working memory of the path's shape, in single precision; its weights are overwritten.
  ///   - nodes: of the quadrature on each stored step, at least 2.
  ///   - batchTokens: computed at a time.
  ///
  /// **Throws**: `model-is-an-encoder`, `token-outside-vocabulary`.
  public init(
    overwriting model: LanguageModel, bias: StatementBias, nodes: Int, batchTokens: Int = 2048
  ) throws(Diagnostic) {
    try model.specification.requireDecoder()
    precondition(model.isExpanded, "the weights of a path are in single precision")
    for sequence in bias.left.sequences + bias.right.sequences {
      try model.requireKnown(sequence.tokens)
    }
    self.model = model
    self.bias = bias
    rule = LobattoRule(nodes)
    transformer = Transformer(model, capacity: max(batchTokens, bias.longest), trains: true)
  }

  /// Gradients that `follow` will compute.
  public func evaluations(_ path: ProjectionPath) -> Int {
    path.points.count + (path.points.count - 1) * (rule.nodes.count - 2)
  }

  /// - Parameter progress: called between batches with the gradients finished so far.
  /// - Returns: one projection per generation.
  ///
  /// **Throws**: `statements-not-finite`, what reading a point throws, and what `progress` throws.
  ///
  /// **Cost**: `evaluations` forward and backward passes over all statements.
  public func follow(
    _ path: ProjectionPath, progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [BiasProjection] {
    var sums = [Sum](repeating: Sum(count: model.table.parameters.count), count: path.ends.count)
    var done = 0
    var generation = 0
    let last = path.points.count - 1
    for (number, point) in path.points.enumerated() {
      if number > 0 {
        // The generation whose step ends here.
        while path.ends[generation] < number { generation += 1 }
      }
      let value = try gradient(at: point, mixedWith: nil, done, progress)
      done += 1
      if number > 0 {
        sums[generation].add(
          try products(from: path.points[number - 1], to: point), times: rule.weights.last!)
        if path.ends[generation] == number { sums[generation].after = value }
      }
      guard number < last else { break }
      let owner = number == path.ends[generation] ? generation + 1 : generation
      let next = path.points[number + 1]
      let ahead = try products(from: point, to: next)
      sums[owner].add(ahead, times: rule.weights[0])
      if number == path.start(of: owner) {
        sums[owner].before = value
        let end = path.ends[owner]
        let whole = end == number + 1 ? ahead : try products(from: point, to: path.points[end])
        sums[owner].firstOrder = whole.total
        sums[owner].stepLength = whole.length
        sums[owner].gradientNorm = gradientNorm
      }
      for node in 1..<max(1, rule.nodes.count - 1) {
        _ = try gradient(at: point, mixedWith: (next, rule.nodes[node]), done, progress)
        done += 1
        sums[owner].add(try products(from: point, to: next), times: rule.weights[node])
      }
    }
    try progress(done)
    return sums.map { $0.projection(of: model.table) }
  }

  /// B at a point, or between two; leaves ∇B in the gradients.
  private func gradient(
    at point: WeightPoint, mixedWith other: (point: WeightPoint, share: Double)?, _ done: Int,
    _ progress: (Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> Double {
    try load(point, mixedWith: other)
    return try bias.gradient(transformer) { () throws(Diagnostic) in try progress(done) }
  }

  /// Sets the weights to (1 − share)·θ + share·θ′.
  private func load(
    _ point: WeightPoint, mixedWith other: (point: WeightPoint, share: Double)?
  ) throws(Diagnostic) {
    let here = try point.open()
    let there = try other?.point.open()
    for (number, parameter) in model.table.parameters.enumerated() {
      let target = UnsafeMutableBufferPointer(
        start: model.weights[parameter.region].data, count: parameter.count)
      try here(parameter, number, target)
      guard let there, let share = other?.share else { continue }
      try withValues(of: parameter) { values throws(Diagnostic) in
        try there(parameter, number, values)
        let near = 1 - share
        parallelFor(parameter.count, by: 1 << 16) { range in
          for index in range {
            target[index] = Float(near * Double(target[index]) + share * Double(values[index]))
          }
        }
      }
    }
  }

  /// ⟨∇B, θ_to − θ_from⟩ of each parameter, in double precision, and ‖θ_to − θ_from‖.
  private func products(
    from: WeightPoint, to: WeightPoint
  ) throws(Diagnostic) -> (products: [Double], total: Double, length: Double) {
    let (first, last) = (try from.open(), try to.open())
    var products: [Double] = []
    var square = 0.0
    for (number, parameter) in model.table.parameters.enumerated() {
      let gradient = gradients[parameter.region].data
      var product = 0.0
      try withValues(of: parameter) { start throws(Diagnostic) in
        try first(parameter, number, start)
        try withValues(of: parameter) { end throws(Diagnostic) in
          try last(parameter, number, end)
          let size = 1 << 16
          let tiles = (parameter.count + size - 1) / size
          var sums = [(product: Double, square: Double)](repeating: (0, 0), count: tiles)
          sums.withUnsafeMutableBufferPointer { sums in
            parallelFor(tiles) { tile in
              var (product, square) = (0.0, 0.0)
              for index in tile * size..<min(parameter.count, (tile + 1) * size) {
                let step = Double(end[index]) - Double(start[index])
                product += step * Double(gradient[index])
                square += step * step
              }
              sums[tile] = (product, square)
            }
          }
          for sum in sums {
            product += sum.product
            square += sum.square
          }
        }
      }
      products.append(product)
    }
    return (products, products.reduce(0, +), square.squareRoot())
  }

  private var gradients: Arena {
    guard let gradients = transformer.gradients else {
      preconditionFailure("a Transformer made with trains: true has gradients")
    }
    return gradients
  }

  private var gradientNorm: Double {
    var square = 0.0
    for parameter in model.table.parameters {
      let values = gradients[parameter.region].data
      for index in 0..<parameter.count { square += Double(values[index]) * Double(values[index]) }
    }
    return square.squareRoot()
  }

  private func withValues(
    of parameter: Parameter,
    _ body: (UnsafeMutableBufferPointer<Float>) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let values = UnsafeMutableBufferPointer<Float>.allocate(capacity: parameter.count)
    defer { values.deallocate() }
    try body(values)
  }
}

/// A generation's projection while its path is followed.
private struct Sum {
  var before = 0.0
  var after = 0.0
  var firstOrder = 0.0
  var gradientNorm = 0.0
  var stepLength = 0.0
  /// Integral over each parameter.
  var integrals: [Double]

  init(count: Int) { integrals = Array(repeating: 0, count: count) }

  mutating func add(
    _ values: (products: [Double], total: Double, length: Double), times weight: Double
  ) {
    for (index, product) in values.products.enumerated() { integrals[index] += weight * product }
  }

  func projection(of table: ParameterTable) -> BiasProjection {
    var parts: [(part: ModelPart, integral: Double)] = []
    for (parameter, integral) in zip(table.parameters, integrals) {
      let part = ModelPart(parameter.role)
      if let place = parts.firstIndex(where: { $0.part == part }) {
        parts[place].integral += integral
      } else {
        parts.append((part, integral))
      }
    }
    return BiasProjection(
      before: before, after: after, integral: integrals.reduce(0, +),
      coefficient: gradientNorm > 0 ? firstOrder / gradientNorm : 0, gradientNorm: gradientNorm,
      stepLength: stepLength, parts: parts)
  }
}
