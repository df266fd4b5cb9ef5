// `matrix:` of every stage → grids. A stage may take axes from another one, which may take them from
// a third; axes that come from the same stage come together, so that its gaps are kept.

import Diagnostics

/// Limits that no honest study reaches.
public enum PipelineLimits {
  public static let instances = 100_000
  /// Artifacts that all inputs of a manifest receive together.
  public static let inputItems = 2_000_000
}

final class MatrixResolver {
  private let stages: [StageDeclaration]
  private let stageIndex: [String: Int]
  private let params: [String: TemplateValue]
  private let problems: Problems
  private enum State {
    case waiting, open
    case done(Grid?)
  }
  private var states: [State]
  /// Stages whose axes are being worked out, outermost first.
  private var path: [(stage: Int, span: SourceSpan?)] = []

  init(
    stages: [StageDeclaration], stageIndex: [String: Int], params: [String: TemplateValue],
    problems: Problems
  ) {
    self.stages = stages
    self.stageIndex = stageIndex
    self.params = params
    self.problems = problems
    states = Array(repeating: .waiting, count: stages.count)
  }

  /// A grid for each stage; none where the matrix has problems.
  func resolve() -> [Grid?] {
    var total = 0
    var isReported = false
    return stages.indices.map { index in
      guard let grid = grid(of: index, span: nil) else { return nil }
      total += grid.tuples.count
      if total > PipelineLimits.instances, !isReported {
        isReported = true
        problems.add(
          .tooManyInstances(
            "the manifest has", limit: PipelineLimits.instances, at: stages[index].matrix?.span))
      }
      return isReported ? nil : grid
    }
  }

  private func grid(of index: Int, span: SourceSpan?) -> Grid? {
    switch states[index] {
    case .done(let grid): return grid
    case .open:
      let start = path.firstIndex { $0.stage == index } ?? 0
      let loop = path[start...].map { stages[$0.stage].name.value } + [stages[index].name.value]
      problems.add(
        .axisCycle(
          loop, at: span,
          notes: path[(start + 1)...].map {
            .init("'\(stages[$0.stage].name.value)' is asked here", at: $0.span)
          }))
      return nil
    case .waiting: break
    }
    // Each level of recursion is a stage that takes its axes from the next.
    guard path.count < 1_000 else {
      problems.add(.axisChainTooLong(at: span))
      return nil
    }
    states[index] = .open
    path.append((index, span))
    let grid = make(index).flatMap { chosen($0, of: stages[index]) }
    path.removeLast()
    states[index] = .done(grid)
    return grid
  }

  /// The instances for which `when:` is true; all axes keep their values.
  private func chosen(_ grid: Grid, of stage: StageDeclaration) -> Grid? {
    guard let condition = stage.condition else { return grid }
    let axes = grid.axes.map(\.name)
    let mistakes = condition.references.compactMap {
      $0.problem(params: params.keys, axes: axes)
    }
    problems.add(mistakes)
    guard mistakes.isEmpty else { return nil }
    let kept = problems.attempt { () throws(Diagnostic) -> [[Int]]? in
      var kept: [[Int]] = []
      for (index, tuple) in grid.tuples.enumerated() {
        let surroundings = Surroundings(
          params: params, axes: axes, coordinates: grid.coordinates(of: index))
        switch try condition.evaluate(surroundings) {
        case .broken: return nil
        case .unset(let param): throw .paramShapesMatrix(param, at: condition.span)
        case let value:
          guard let isTrue = value.truth else { throw .noTruth(value.kind, at: condition.span) }
          if isTrue { kept.append(tuple) }
        }
      }
      return kept
    }
    guard case .some(.some(let kept)) = kept else { return nil }
    return kept.count == grid.tuples.count ? grid : Grid(axes: grid.axes, tuples: kept)
  }

  /// Some axes with the tuples on them.
  private struct Block {
    var axes: [Located<String>]
    var tuples: [[CoordinateValue]]
  }

  private func make(_ index: Int) -> Grid? {
    guard let matrix = stages[index].matrix else { return .single }
    if matrix.isBroken { return nil }
    var blocks: [Block] = []
    var isSound = true
    var taken: [(stage: Int, block: Int, columns: [Int])] = []
    for factor in matrix.factors {
      if case .expression(let axis, .axis(let stage, let source), _) = factor {
        guard let producer = stageIndex[stage.value] else {
          problems.add(.unknownStage(stage.value, among: stages.map(\.name.value), at: stage.span))
          isSound = false
          continue
        }
        guard let grid = grid(of: producer, span: stage.span) else {
          isSound = false
          continue
        }
        guard let column = grid.position(of: source.value) else {
          problems.add(
            .unknownAxis(
              source.value, of: stage.value, among: grid.axes.map(\.name), at: source.span))
          isSound = false
          continue
        }
        if let known = taken.firstIndex(where: { $0.stage == producer }) {
          taken[known].columns.append(column)
          blocks[taken[known].block].axes.append(axis)
        } else {
          taken.append((producer, blocks.count, [column]))
          blocks.append(Block(axes: [axis], tuples: []))
        }
      } else if let block = block(factor) {
        blocks.append(block)
      } else {
        isSound = false
      }
    }
    for (stage, block, columns) in taken {
      guard let grid = grid(of: stage, span: nil) else { return nil }
      var seen: Set<[Int]> = []
      for tuple in grid.tuples where seen.insert(columns.map { tuple[$0] }).inserted {
        blocks[block].tuples.append(columns.map { grid.axes[$0].values[tuple[$0]] })
      }
    }
    guard isSound else { return nil }
    return product(blocks, matrix: matrix)
  }

  private func block(_ factor: MatrixDeclaration.Factor) -> Block? {
    problems.attempt { () throws(Diagnostic) -> Block? in
      switch factor {
      case .values(let axis, let items, let span):
        var values: [CoordinateValue] = []
        for item in items {
          guard let value = try self.value(item, axis: axis.value) else { return nil }
          values.append(value)
        }
        return try list(values, axis: axis, spans: items.map(\.span), at: span)
      case .template(let axis, let template):
        switch try template.evaluate(Surroundings(params: params, axes: nil)) {
        case .value(.list(let items)):
          return try list(
            items.compactMap { CoordinateValue($0) }, axis: axis, spans: [], at: template.span)
        case .broken: return nil
        case .unset(let param): throw .paramShapesMatrix(param, at: template.span)
        case let other:
          throw .valueKind(
            "the axis '\(axis.value)'", expected: "a list", found: other.kind,
            at: template.span)
        }
      case .expression(let axis, .range(let lower, let upper, let includesUpper), let span):
        guard let low = try integer(lower), let high = try integer(upper) else { return nil }
        let end = includesUpper ? high + 1 : high
        if end <= low { throw .emptyRangeAxis(axis.value, low, high, at: span) }
        if end - low > PipelineLimits.instances {
          throw .tooManyInstances("this range has", limit: PipelineLimits.instances, at: span)
        }
        return Block(axes: [axis], tuples: (low..<end).map { [.integer($0)] })
      case .expression(_, .axis, _):
        preconditionFailure("axes of other stages are taken together")
      case .points(let points, let span):
        return try self.points(points, at: span)
      }
    } ?? nil
  }

  private func points(
    _ points: [[(axis: Located<String>, value: ValueTemplate)]], at span: SourceSpan
  ) throws(Diagnostic) -> Block? {
    guard let first = points.first else { return nil }
    var columns = first.map { _ in [CoordinateValue]() }
    for point in points {
      for (column, axis) in first.map(\.axis.value).enumerated() {
        guard let entry = point.first(where: { $0.axis.value == axis }),
          let value = try self.value(entry.value, axis: axis)
        else { return nil }
        columns[column].append(value)
      }
    }
    for (column, (axis, value)) in first.enumerated() {
      columns[column] = try uniform(columns[column], axis: axis.value, at: value.span)
    }
    let tuples = points.indices.map { row in columns.map { $0[row] } }
    var seen: Set<[CoordinateValue]> = []
    for (row, tuple) in tuples.enumerated() where !seen.insert(tuple).inserted {
      throw .duplicatePoint(at: points[row][0].axis.span)
    }
    return Block(axes: first.map(\.axis), tuples: tuples)
  }

  private func list(
    _ values: [CoordinateValue], axis: Located<String>, spans: [SourceSpan], at span: SourceSpan
  ) throws(Diagnostic) -> Block {
    if values.isEmpty { throw .emptyAxis(axis.value, at: span) }
    let values = try uniform(values, axis: axis.value, at: span)
    var seen: Set<CoordinateValue> = []
    for (position, value) in values.enumerated() where !seen.insert(value).inserted {
      throw .duplicateValue(
        value.description, in: "the axis '\(axis.value)'",
        at: position < spans.count ? spans[position] : span)
    }
    return Block(axes: [axis], tuples: values.map { [$0] })
  }

  /// One type on each axis; integers among numbers become numbers.
  private func uniform(
    _ values: [CoordinateValue], axis: String, at span: SourceSpan
  ) throws(Diagnostic) -> [CoordinateValue] {
    var kinds: Set<String> = []
    for value in values {
      switch value {
      case .boolean: kinds.insert("booleans")
      case .integer: kinds.insert("integers")
      case .number(let number):
        kinds.insert("numbers")
        if !number.isFinite {
          throw .valueKind(
            "a value of the axis '\(axis)'", expected: "finite",
            found: "\(number)", at: span)
        }
      case .string: kinds.insert("texts")
      }
    }
    if kinds.count <= 1 { return values }
    guard kinds == ["integers", "numbers"] else {
      throw .mixedAxis(axis, kinds.sorted(), at: span)
    }
    return values.map { if case .integer(let value) = $0 { .number(Double(value)) } else { $0 } }
  }

  private func value(
    _ template: ValueTemplate, axis: String
  ) throws(Diagnostic) -> CoordinateValue? {
    switch try template.evaluate(Surroundings(params: params, axes: nil)) {
    case .value(let value):
      if let coordinate = CoordinateValue(value) { return coordinate }
      throw .valueKind(
        "a value of the axis '\(axis)'", expected: "a single value",
        found: "a list", at: template.span)
    case .null:
      throw .valueKind(
        "a value of the axis '\(axis)'", expected: "a value", found: "empty",
        at: template.span)
    case .path: throw .pathAsValue(at: template.span)
    case .unset(let param): throw .paramShapesMatrix(param, at: template.span)
    case .broken: return nil
    }
  }

  private func integer(_ bound: Bound) throws(Diagnostic) -> Int? {
    switch bound.base {
    case .integer(let value): return value
    case .axis(let name): throw .axisInMatrixRange(name, at: bound.span)
    case .reference(let reference):
      switch try reference.value(in: Surroundings(params: params, axes: nil)) {
      case .value(.integer(let value)) where abs(value) < 1 << 53: return value + bound.offset
      case .unset(let param): throw .paramShapesMatrix(param, at: bound.span)
      case .broken: return nil
      case let other:
        throw .valueKind(
          "'\(reference)' in a range", expected: "an integer", found: other.kind,
          at: bound.span)
      }
    }
  }

  // MARK: Product

  private func product(_ blocks: [Block], matrix: MatrixDeclaration) -> Grid? {
    let names = blocks.flatMap(\.axes)
    var seen: Set<String> = []
    for name in names where !seen.insert(name.value).inserted {
      problems.add(.axisTwice(name.value, at: name.span))
      return nil
    }
    var count = 1
    for block in blocks {
      let (product, overflow) = count.multipliedReportingOverflow(by: block.tuples.count)
      if overflow || product > PipelineLimits.instances {
        problems.add(
          .tooManyInstances(
            "this matrix has", limit: PipelineLimits.instances, at: matrix.span))
        return nil
      }
      count = product
    }
    var axes = names.map { Axis(name: $0.value) }
    // Values keep the order in which they were written, whatever is excluded later.
    var coded: [[[Int]]] = []
    var first = 0
    for block in blocks {
      coded.append(
        block.tuples.map { tuple in
          tuple.indices.map { axes[first + $0].position(adding: tuple[$0]) }
        })
      first += block.axes.count
    }
    guard let exclusions = exclusions(matrix, axes: axes) else { return nil }
    var tuples: [[Int]] = [[]]
    for block in coded {
      tuples = tuples.flatMap { head in block.map { head + $0 } }
    }
    if !exclusions.isEmpty {
      tuples.removeAll { tuple in
        exclusions.contains { $0.allSatisfy { tuple[$0.axis] == $0.value } }
      }
    }
    if tuples.isEmpty {
      problems.add(.everythingExcluded(at: matrix.span))
      return nil
    }
    return Grid(axes: axes, tuples: tuples)
  }

  /// Positions that are left out; a value that is not on its axis excludes nothing.
  private func exclusions(
    _ matrix: MatrixDeclaration, axes: [Axis]
  ) -> [[(axis: Int, value: Int)]]? {
    var result: [[(axis: Int, value: Int)]] = []
    var isSound = true
    for exclusion in matrix.exclusions {
      var positions: [(axis: Int, value: Int)] = []
      var matchesNothing = false
      for (axis, template) in exclusion {
        guard let position = axes.firstIndex(where: { $0.name == axis.value }) else {
          problems.add(
            .unknownAxis(axis.value, of: nil, among: axes.map(\.name), at: axis.span))
          isSound = false
          continue
        }
        let value = problems.attempt { () throws(Diagnostic) in
          try self.value(template, axis: axis.value)
        }
        guard let value, let value else {
          isSound = false
          continue
        }
        if let index = axes[position].index[value] {
          positions.append((position, index))
        } else {
          matchesNothing = true
          if !axes[position].isInteger {
            problems.add(
              .excludesNothing(
                axis.value, value.description, shown: axes[position].shownValues,
                among: axes[position].values.map(\.description), at: template.span))
          }
        }
      }
      if !matchesNothing { result.append(positions) }
    }
    return isSound ? result : nil
  }
}
