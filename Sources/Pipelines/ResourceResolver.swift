// `resources:` of a stage: what it may use. Never part of a key.

import Diagnostics

struct ResourceResolver {
  let params: [String: TemplateValue]
  let problems: Problems

  /// - Parameter general: what the whole pipeline says under `slurm:`.
  func resolve(_ stage: StageDeclaration, general: SlurmSettings) -> Resources {
    var resources = resolve(stage.resources)
    resources.slurm = resolve(stage.slurm).over(general)
    return resources
  }

  private func resolve(_ declaration: ResourceDeclaration?) -> Resources {
    guard let declaration else { return Resources() }
    return Resources(
      threads: declaration.threads.flatMap { template in
        read(template) { value throws(Diagnostic) in
          if case .integer(let threads) = value, (1...65_536).contains(threads) { return threads }
          throw .badQuantity(
            "the key 'threads'", value.description, examples: "1, 4", at: template.span)
        }
      },
      memory: declaration.memory.flatMap { template in
        read(template) { value throws(Diagnostic) in
          if case .integer(let bytes) = value, bytes > 0 { return bytes }
          if case .string(let text) = value, let bytes = Quantity.bytes(text), bytes > 0 {
            return bytes
          }
          throw .badQuantity(
            "the key 'memory'", value.description, examples: "512MiB, 2GiB", at: template.span)
        }
      },
      time: declaration.time.flatMap { template in
        read(template) { value throws(Diagnostic) in
          if case .string(let text) = value, let seconds = Quantity.seconds(text), seconds > 0 {
            return seconds
          }
          throw .badQuantity(
            "the key 'time'", value.description, examples: "90s, 1h, 1h30m", at: template.span)
        }
      })
  }

  func read<Value>(
    _ template: ValueTemplate, _ convert: (ParameterValue) throws(Diagnostic) -> Value
  ) -> Value? {
    problems.attempt { () throws(Diagnostic) -> Value? in
      switch try template.evaluate(Surroundings(params: params, axes: nil)) {
      case .value(let value): return try convert(value)
      case .unset, .broken: return nil
      case .null, .path:
        throw .valueKind("a resource", expected: "a value", found: "empty", at: template.span)
      }
    } ?? nil
  }
}
