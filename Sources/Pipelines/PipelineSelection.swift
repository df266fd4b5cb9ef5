// `train`, `'train[strategy=preserve,generation=0..2]'`, `'train[generation=2].model'` as arguments
// of run, plan, why, status, get and log. The syntax is that of references, without shifts.

import Diagnostics
import Foundation

extension Pipeline {
  /// The instances that the selectors name, without what they need, in pipeline order.
  ///
  /// **Throws**: `unknown-stage`, `unknown-axis`, `not-on-axis`, `selects-nothing`, `selector-form`,
  /// `selector-port`, `expression-syntax`.
  public func select(_ selectors: [String]) throws(Diagnostic) -> [Int] {
    var selected: Set<Int> = []
    for text in selectors {
      let selector = try ExpressionParser.selector(text)
      if let port = selector.port { throw .selectorWithPort(text, at: port.span) }
      selected.formUnion(try matches(selector.stage, selector.selectors, text: text))
    }
    return selected.sorted()
  }

  /// The instances and the port that `train[generation=2].model` names, in axis order.
  ///
  /// **Throws**: as `select`, and `unknown-output`.
  public func selectPort(_ selector: String) throws(Diagnostic) -> [(instance: Int, port: String)] {
    let parsed = try ExpressionParser.selector(selector)
    let found = try matches(parsed.stage, parsed.selectors, text: selector)
    let definition = instances[found[0]].definition
    guard let port = parsed.port else {
      // One output needs no name.
      if definition.outputs.count == 1 { return found.map { ($0, definition.outputs[0].name) } }
      throw .selectorWithoutPort(
        selector, among: definition.outputs.map(\.name), at: parsed.stage.span)
    }
    guard definition.output(port.value) != nil else {
      throw .unknownOutput(port.value, stage: parsed.stage.value, definition, at: port.span)
    }
    return found.map { ($0, port.value) }
  }

  private func matches(
    _ stage: Located<String>, _ selectors: [AxisSelector], text: String
  ) throws(Diagnostic) -> [Int] {
    let candidates = instances(of: stage.value)
    guard let first = candidates.first else {
      throw .unknownStage(stage.value, among: stages, at: stage.span)
    }
    let axes = instances[first].id.coordinates.axes.map(\.name)
    var found = candidates
    for selector in selectors {
      guard let axis = selector.axis else { continue }
      guard axes.contains(axis.value) else {
        throw .unknownAxis(axis.value, of: stage.value, among: axes, at: axis.span)
      }
      let values = Axis(
        name: axis.value, values: candidates.map { instances[$0].id.coordinates[axis.value]! })
      switch selector.choice {
      case .all: continue
      case .shift: throw .selectorForm(at: selector.span)
      case .value(let literal):
        guard let value = values.value(written: literal.text, isQuoted: literal.isQuoted) else {
          throw .notOnAxis(
            literal.text, axis: axis.value, shown: values.shownValues,
            among: values.values.map(\.description), at: literal.span)
        }
        found.removeAll { instances[$0].id.coordinates[axis.value] != value }
      case .range(let lower, let upper, let includesUpper):
        guard case .integer(let low) = lower.base, case .integer(let high) = upper.base else {
          throw .selectorForm(at: selector.span)
        }
        guard values.isInteger else {
          throw .rangeOfNonInteger(axis.value, values: values.shownValues, at: selector.span)
        }
        found.removeAll {
          guard case .integer(let value)? = instances[$0].id.coordinates[axis.value] else {
            return true
          }
          return value < low || (includesUpper ? value > high : value >= high)
        }
      }
    }
    if found.isEmpty { throw .selectsNothing(text, at: stage.span) }
    return found
  }

  /// One `missing-file` for each outside file or folder that is not there.
  public func missingFiles() -> [Diagnostic] {
    var seen: Set<String> = []
    var missing: [Diagnostic] = []
    for instance in instances {
      for item in instance.inputs.flatMap(\.items) {
        guard case .file(let path, let shown, _) = item.source, !path.isEmpty,
          seen.insert(path).inserted, !FileManager.default.fileExists(atPath: path)
        else { continue }
        missing.append(.missingFile(shown, path: path, at: item.span))
      }
    }
    return missing
  }
}

extension Axis {
  fileprivate init(name: String, values: [CoordinateValue]) {
    self.init(name: name)
    for value in values { _ = position(adding: value) }
  }
}
