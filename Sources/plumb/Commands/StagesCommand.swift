// plumb stages: the kinds that `uses:` may name, or everything about one of them.

import ArgumentParser
import CanonicalJSON
import Console
import Diagnostics
import Pipelines

struct StagesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "stages", abstract: "List the stage kinds, or one kind's ports and parameters.")

  @Argument(help: "A stage kind.") var kind: String?
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let catalog = try Session.catalog(Project.withoutManifest(), places)
    var output = Output()
    if let kind {
      guard let definition = catalog[kind] else {
        throw Diagnostic.kindUnknown(kind, known: catalog.definitions.map(\.kind))
      }
      if json {
        output.raw(definition.json.indentedText)
      } else {
        describe(definition, in: &output)
      }
    } else if json {
      output.raw(JSONValue.array(catalog.definitions.map(\.json)).indentedText)
    } else {
      var table = Table([.init("kind"), .init("makes"), .init("what it does", mayShrink: true)])
      for definition in catalog.definitions {
        table.add([
          definition.kind, definition.outputs.map(\.type.name).joined(separator: ", "),
          definition.summary,
        ])
      }
      output.table(table)
    }
    output.write()
  }

  private func describe(_ definition: StageDefinition, in output: inout Output) {
    output.line("\(output.style(.bold, definition.kind)) (revision \(definition.revision))")
    output.line(definition.summary)
    ports("inputs", definition.inputs, in: &output)
    ports("outputs", definition.outputs, in: &output)
    guard !definition.parameters.isEmpty else { return }
    output.line()
    var table = Table([
      .init("parameter"), .init("type"), .init("default"), .init("range"), .init("unit"),
      .init("what it means", mayShrink: true),
    ])
    for parameter in definition.parameters {
      table.add([
        parameter.name, parameter.type.name, parameter.shownDefault, parameter.shownRange,
        parameter.unit ?? "", parameter.summary,
      ])
    }
    output.table(table)
    if !definition.files.isEmpty {
      output.line()
      output.line("part of the key: " + definition.files.joined(separator: ", "))
    }
    output.line()
    output.line("more: \(Project.shown(definition.folder))/README.md")
  }

  private func ports(_ title: String, _ ports: [PortDefinition], in output: inout Output) {
    guard !ports.isEmpty else { return }
    output.line()
    var table = Table([
      .init(title), .init("type"), .init(""), .init("what it is", mayShrink: true),
    ])
    for port in ports {
      let notes = [port.isList ? "list" : nil, port.isOptional ? "optional" : nil]
      table.add([
        port.name, port.type.name, notes.compactMap { $0 }.joined(separator: ", "),
        port.summary.isEmpty ? port.type.summary : port.summary,
      ])
    }
    output.table(table)
  }
}

extension ParameterDefinition {
  fileprivate var shownDefault: String {
    if let value = `default` { return value.description }
    if isRequired { return "to be given" }
    guard !requiredWhen.isEmpty else { return "none" }
    let conditions = requiredWhen.map { condition in
      "\(condition.parameter) is "
        + condition.values.map(\.description).joined(separator: " or ")
    }
    return "to be given when " + conditions.joined(separator: " and ")
  }

  fileprivate var shownRange: String {
    let parts = [
      atLeast.map { "≥ \(Figures.value($0))" }, above.map { "> \(Figures.value($0))" },
      atMost.map { "≤ \(Figures.value($0))" }, below.map { "< \(Figures.value($0))" },
    ]
    return parts.compactMap { $0 }.joined(separator: ", ")
  }

  fileprivate var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("name", .string(name)), ("type", .string(type.name)), ("summary", .string(summary)),
      ("required", .boolean(isRequired)),
    ]
    if let value = `default` { members.append(("default", value.json)) }
    if let unit { members.append(("unit", .string(unit))) }
    if let choices { members.append(("choices", .array(choices.map { .string($0) }))) }
    let bounds = [
      ("at_least", atLeast), ("above", above), ("at_most", atMost), ("below", below),
    ]
    for (name, bound) in bounds {
      if let bound { members.append((name, .number(bound))) }
    }
    return .object(JSONObject(members))
  }
}

extension PortDefinition {
  fileprivate var json: JSONValue {
    .object([
      "name": .string(name), "type": .string(type.name), "list": .boolean(isList),
      "optional": .boolean(isOptional), "summary": .string(summary),
    ])
  }
}

extension StageDefinition {
  fileprivate var json: JSONValue {
    .object([
      "kind": .string(kind), "revision": .integer(revision), "summary": .string(summary),
      "inputs": .array(inputs.map(\.json)), "outputs": .array(outputs.map(\.json)),
      "parameters": .array(parameters.map(\.json)),
    ])
  }
}
