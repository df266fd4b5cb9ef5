// `with:` of one stage → checked parameters of each of its instances. What does not depend on the
// matrix is worked out once and shared.

import CanonicalJSON
import Diagnostics

struct ParameterResolver {
  let stage: StageDeclaration
  let definition: StageDefinition
  let grid: Grid
  let params: [String: TemplateValue]
  let problems: Problems

  typealias Values = [(name: String, value: ParameterValue)]

  /// One list of parameters for each instance; nothing where there is a mistake.
  func resolve() -> [Values]? {
    let before = problems.count
    let axes = grid.axes.map(\.name)
    var fixed: [String: ParameterValue] = [:]
    var moving: [(definition: ParameterDefinition, template: ValueTemplate)] = []
    var given: Set<String> = []
    var isSound = true
    for (name, template) in stage.parameters {
      guard let parameter = definition.parameter(name.value) else {
        problems.add(
          .unknownParameter(
            name.value, definition, isInput: definition.input(name.value) != nil, at: name.span))
        continue
      }
      given.insert(name.value)
      let mistakes = template.references.compactMap {
        $0.problem(params: params.keys, axes: axes)
      }
      if !mistakes.isEmpty {
        problems.add(mistakes)
      } else if template.usesMatrix {
        moving.append((parameter, template))
      } else if let value = value(template, parameter, .none) {
        fixed[name.value] = value
      }
    }
    let unknown = stage.parameters.map(\.name.value).filter { definition.parameter($0) == nil }
    let mistaken = unknown.compactMap { nearest(to: $0, among: definition.parameters.map(\.name)) }
    for parameter in definition.parameters where !given.contains(parameter.name) {
      if let value = parameter.default {
        fixed[parameter.name] = value
      } else if parameter.isRequired, !stage.isWithBroken, !mistaken.contains(parameter.name) {
        problems.add(
          .missingParameter(
            parameter, definition, because: nil, at: stage.withSpan ?? stage.uses?.span))
      }
    }
    if problems.count > before { isSound = false }
    if moving.isEmpty {
      checkConditions(fixed, given: given)
      guard isSound, problems.count == before else { return nil }
      return Array(repeating: sorted(fixed), count: grid.tuples.count)
    }
    var result: [Values] = []
    for tuple in grid.tuples.indices {
      var values = fixed
      let coordinates = grid.coordinates(of: tuple)
      for (parameter, template) in moving {
        values[parameter.name] = value(template, parameter, coordinates)
      }
      checkConditions(values, given: given)
      result.append(sorted(values))
    }
    return isSound && problems.count == before ? result : nil
  }

  private func value(
    _ template: ValueTemplate, _ parameter: ParameterDefinition, _ coordinates: Coordinates
  ) -> ParameterValue? {
    do throws(Diagnostic) {
      let surroundings = Surroundings(
        params: params, axes: grid.axes.map(\.name), coordinates: coordinates)
      switch try template.evaluate(surroundings) {
      case .value(let value): return try parameter.check(value, at: template.span)
      case .null:
        throw .parameterType(
          parameter.name, expected: parameter.type.phrase, found: "empty",
          at: template.span, help: "remove the line to use the default, or give a value")
      case .path: throw .pathAsValue(at: template.span)
      case .unset, .broken: return nil
      }
    } catch {
      problems.addOnce(error)
      return nil
    }
  }

  private func checkConditions(_ values: [String: ParameterValue], given: Set<String>) {
    if stage.isWithBroken { return }
    for parameter in definition.parameters
    where !parameter.requiredWhen.isEmpty && !given.contains(parameter.name) {
      let isNeeded = parameter.requiredWhen.allSatisfy { condition in
        values[condition.parameter].map { condition.values.contains($0) } ?? false
      }
      guard isNeeded else { continue }
      let because = parameter.requiredWhen.map { condition in
        "\(condition.parameter) is \(values[condition.parameter]?.description ?? "")"
      }
      problems.addOnce(
        .missingParameter(
          parameter, definition, because: because.joined(separator: " and "),
          at: stage.withSpan ?? stage.uses?.span))
    }
  }

  private func sorted(_ values: [String: ParameterValue]) -> Values {
    values.map { (name: $0.key, value: $0.value) }.sorted { bytesPrecede($0.name, $1.name) }
  }
}
