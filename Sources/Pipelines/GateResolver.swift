// `gate:` of a stage: bounds for its metrics. Never part of a key.

import Diagnostics

struct GateResolver {
  let params: [String: TemplateValue]
  let problems: Problems

  func resolve(_ stage: StageDeclaration, _ definition: StageDefinition?) -> [Gate] {
    guard !stage.gates.isEmpty else { return [] }
    if let definition, !definition.outputs.contains(where: { $0.type.name == "metrics" }) {
      problems.add(.gateWithoutMetrics(definition, at: stage.gates[0].metric.span))
    }
    return stage.gates.map { gate in
      Gate(
        metric: gate.metric.value, at: gate.at, least: gate.least.flatMap(bound),
        most: gate.most.flatMap(bound), span: gate.metric.span)
    }
  }

  private func bound(_ template: ValueTemplate) -> Double? {
    let mistakes = template.references.compactMap { $0.problem(params: params.keys, axes: nil) }
    problems.add(mistakes)
    guard mistakes.isEmpty else { return nil }
    return problems.attempt { () throws(Diagnostic) -> Double? in
      switch try template.evaluate(Surroundings(params: params, axes: nil)) {
      case .value(.integer(let value)): return Double(value)
      case .value(.number(let value)) where value.isFinite: return value
      case .unset, .broken: return nil
      case let other: throw .badGateBound(other.kind, at: template.span)
      }
    } ?? nil
  }
}
