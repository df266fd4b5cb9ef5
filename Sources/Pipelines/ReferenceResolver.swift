// `stage[selectors].port` → a plan that is made once for each place in the manifest and asked once
// for each instance of the consumer.

import Diagnostics

/// How one reference finds producers for the coordinates of a consumer.
final class ReferencePlan {
  /// What is wanted on one axis of the producer.
  enum Wanted {
    /// The consumer's own value, shifted on integer axes.
    case same(consumerAxis: Int, shift: Int)
    case literal(CoordinateValue)
    case bound(Bound)
    case range(Bound, Bound, includesUpper: Bool)
    case all
  }

  let stage: Int
  let reference: Reference
  let isList: Bool
  private let wanted: [Wanted]
  private let producer: Grid
  private let consumer: Grid
  private let params: [String: TemplateValue]
  /// For lists: tuples of the producer by their positions on the axes that take one value.
  private lazy var groups: [[Int]: [Int]] = {
    var groups: [[Int]: [Int]] = [:]
    let fixed = wanted.indices.filter { !isFree($0) }
    for (index, tuple) in producer.tuples.enumerated() {
      groups[fixed.map { tuple[$0] }, default: []].append(index)
    }
    return groups
  }()

  init(
    stage: Int, reference: Reference, wanted: [Wanted], producer: Grid, consumer: Grid,
    params: [String: TemplateValue]
  ) {
    self.stage = stage
    self.reference = reference
    self.wanted = wanted
    self.producer = producer
    self.consumer = consumer
    self.params = params
    isList = wanted.contains {
      switch $0 {
      case .all, .range: true
      default: false
      }
    }
  }

  private func isFree(_ axis: Int) -> Bool {
    switch wanted[axis] {
    case .all, .range: true
    default: false
    }
  }

  /// What a consumer gets.
  enum Answer {
    /// Positions in the producer's grid, in axis order; one unless the reference is a list.
    case found([Int])
    /// The name of the instance that does not exist.
    case missing(String)
    /// It depends on something that was reported already.
    case broken
  }

  func answer(for tuple: Int) throws(Diagnostic) -> Answer {
    var key: [Int] = []
    var names: [String] = []
    var isMissing = false
    for axis in wanted.indices where !isFree(axis) {
      guard let value = try value(wanted[axis], tuple: tuple) else { return .broken }
      names.append("\(producer.axes[axis].name)=\(value)")
      if let position = producer.axes[axis].index[value] {
        key.append(position)
      } else {
        isMissing = true
      }
    }
    guard isList else {
      if !isMissing, let found = producer.lookup[key] { return .found([found]) }
      let name = reference.stage.value
      return .missing(names.isEmpty ? name : "\(name)[\(names.joined(separator: ","))]")
    }
    var found = isMissing ? [] : groups[key] ?? []
    for axis in wanted.indices {
      guard case .range(let lower, let upper, let includesUpper) = wanted[axis] else { continue }
      guard let low = try integer(lower, tuple: tuple), let high = try integer(upper, tuple: tuple)
      else { return .broken }
      let values = producer.axes[axis].values
      found = found.filter { candidate in
        guard case .integer(let value) = values[producer.tuples[candidate][axis]] else {
          return false
        }
        return value >= low && (includesUpper ? value <= high : value < high)
      }
    }
    return .found(found)
  }

  private func value(_ wanted: Wanted, tuple: Int) throws(Diagnostic) -> CoordinateValue? {
    switch wanted {
    case .same(let axis, let shift):
      let value = consumer.axes[axis].values[consumer.tuples[tuple][axis]]
      if shift != 0, case .integer(let integer) = value { return .integer(integer + shift) }
      return value
    case .literal(let value): return value
    case .bound(let bound): return try integer(bound, tuple: tuple).map { .integer($0) }
    case .range, .all: preconditionFailure("a free axis has no single value")
    }
  }

  private func integer(_ bound: Bound, tuple: Int) throws(Diagnostic) -> Int? {
    switch bound.base {
    case .integer(let value): return value + bound.offset
    case .axis(let name):
      guard let position = consumer.position(of: name),
        case .integer(let value) = consumer.axes[position].values[consumer.tuples[tuple][position]]
      else { preconditionFailure("axis \(name) was checked when the plan was made") }
      return value + bound.offset
    case .reference(let reference):
      let surroundings = Surroundings(
        params: params, axes: consumer.axes.map(\.name),
        coordinates: consumer.coordinates(of: tuple))
      switch try reference.value(in: surroundings) {
      case .value(.integer(let value)) where abs(value) < 1 << 53: return value + bound.offset
      case .unset(let param): throw .paramShapesMatrix(param, at: bound.span)
      case .broken: return nil
      case let other:
        throw .valueKind(
          "'\(reference)'", expected: "an integer", found: other.kind,
          at: bound.span)
      }
    }
  }
}

/// Makes plans, and finds every mistake that needs no coordinates.
struct ReferenceResolver {
  let stages: [StageDeclaration]
  let stageIndex: [String: Int]
  let definitions: [StageDefinition?]
  let grids: [Grid?]
  let params: [String: TemplateValue]

  /// Nothing where the producer has problems of its own, which were reported.
  func plan(
    _ reference: Reference, port: PortDefinition?, consumer: Int
  ) throws(Diagnostic) -> ReferencePlan? {
    guard let producer = stageIndex[reference.stage.value] else {
      throw .unknownStage(
        reference.stage.value, among: stages.map(\.name.value), at: reference.stage.span)
    }
    if let definition = definitions[producer] {
      guard let output = definition.output(reference.port.value) else {
        throw .unknownOutput(
          reference.port.value, stage: reference.stage.value, definition, at: reference.port.span)
      }
      if let port, port.type != output.type {
        throw .portType(port, receives: output, from: reference, at: reference.span)
      }
    }
    if let port, !port.isList, reference.isList {
      throw .listForSinglePort(port.name, reference.text, at: reference.span)
    }
    guard let grid = grids[producer], let own = grids[consumer] else { return nil }
    return ReferencePlan(
      stage: producer, reference: reference,
      wanted: try wanted(reference, grid: grid, own: own), producer: grid, consumer: own,
      params: params)
  }

  private func wanted(
    _ reference: Reference, grid: Grid, own: Grid
  ) throws(Diagnostic) -> [ReferencePlan.Wanted] {
    let stage = reference.stage.value
    for selector in reference.selectors {
      if let axis = selector.axis, grid.position(of: axis.value) == nil {
        throw .unknownAxis(axis.value, of: stage, among: grid.axes.map(\.name), at: axis.span)
      }
    }
    let hasStar = reference.selectors.contains { $0.axis == nil }
    var wanted: [ReferencePlan.Wanted] = []
    for axis in grid.axes {
      guard let selector = reference.selectors.first(where: { $0.axis?.value == axis.name }) else {
        if hasStar {
          wanted.append(.all)
        } else if let shared = own.position(of: axis.name) {
          wanted.append(.same(consumerAxis: shared, shift: 0))
        } else {
          throw .axisOnlyOfProducer(axis.name, reference: reference, at: reference.span)
        }
        continue
      }
      switch selector.choice {
      case .all: wanted.append(.all)
      case .shift(let shift):
        guard let shared = own.position(of: axis.name) else {
          throw .shiftWithoutAxis(axis.name, at: selector.span)
        }
        guard axis.isInteger, own.axes[shared].isInteger else {
          throw .shiftOfNonInteger(axis.name, values: axis.shownValues, at: selector.span)
        }
        wanted.append(.same(consumerAxis: shared, shift: shift))
      case .value(let literal):
        wanted.append(try self.literal(literal, axis: axis, own: own))
      case .range(let lower, let upper, let includesUpper):
        guard axis.isInteger else {
          throw .rangeOfNonInteger(axis.name, values: axis.shownValues, at: selector.span)
        }
        try check(lower, own: own)
        try check(upper, own: own)
        wanted.append(.range(lower, upper, includesUpper: includesUpper))
      }
    }
    return wanted
  }

  private func literal(
    _ literal: AxisLiteral, axis: Axis, own: Grid
  ) throws(Diagnostic) -> ReferencePlan.Wanted {
    if axis.isInteger {
      guard let bound = literal.bound else {
        throw .valueKind(
          "a value of the integer axis '\(axis.name)'",
          expected: "an integer or 'axis - 1'", found: "'\(literal.text)'", at: literal.span)
      }
      try check(bound, own: own)
      return .bound(bound)
    }
    // A reference stands for its value, whatever the type of the axis.
    if let bound = literal.bound, case .reference(let reference) = bound.base, bound.offset == 0 {
      let axes = own.axes.map(\.name)
      if let problem = reference.problem(params: params.keys, axes: axes) { throw problem }
      if reference.table == .matrix, let position = own.position(of: reference.name) {
        return .same(consumerAxis: position, shift: 0)
      }
      if case .value(let value)? = params[reference.name], let single = CoordinateValue(value) {
        return .literal(single)
      }
      throw .valueKind(
        "'\(reference)'", expected: "a single value",
        found: params[reference.name]?.kind ?? "not known", at: literal.span)
    }
    guard let value = axis.value(written: literal.text, isQuoted: literal.isQuoted) else {
      throw .notOnAxis(
        literal.text, axis: axis.name, shown: axis.shownValues,
        among: axis.values.map(\.description), at: literal.span)
    }
    return .literal(value)
  }

  private func check(_ bound: Bound, own: Grid) throws(Diagnostic) {
    switch bound.base {
    case .integer: return
    case .reference(let reference):
      if let problem = reference.problem(params: params.keys, axes: own.axes.map(\.name)) {
        throw problem
      }
    case .axis(let name):
      guard let position = own.position(of: name) else {
        throw .boundWithoutAxis(name, among: own.axes.map(\.name), at: bound.span)
      }
      guard own.axes[position].isInteger else {
        throw .shiftOfNonInteger(name, values: own.axes[position].shownValues, at: bound.span)
      }
    }
  }
}

extension Axis {
  /// The value that some text names, if it is on the axis.
  func value(written text: String, isQuoted: Bool) -> CoordinateValue? {
    if index[.string(text)] != nil { return .string(text) }
    if isQuoted { return nil }
    return values.first { value in
      switch value {
      case .string: false
      case .boolean(let boolean): text == "\(boolean)"
      case .integer(let integer): Int(text) == integer
      case .number(let number): Double(text) == number
      }
    }
  }
}
