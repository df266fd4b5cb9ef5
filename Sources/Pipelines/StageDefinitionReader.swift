// Reads one `stage.yaml`; every key is checked, defaults are checked against their own type and
// range. The keys themselves are listed in KeyTable.swift.

import Diagnostics
import YAMLSyntax

enum StageDefinitionReader {
  /// The definition, unless it cannot be used; problems go to `problems` in any case.
  static func read(
    _ source: SourceText, folder: String, folderName: String, problems: Problems
  ) -> StageDefinition? {
    let before = problems.count
    let (root, syntax) = YAMLNode.read(source)
    problems.add(syntax)
    guard let root,
      let fields = Fields(root, .definition, named: "a stage definition", problems: problems)
    else { return nil }
    let kind = ParameterReader.text(fields, "kind", problems: problems)
    if let kind, let node = fields["kind"] {
      if !NameRule.kind.accepts(kind) {
        problems.add(.badName(kind, .kind, at: node.span))
      } else if kind != folderName {
        problems.add(.kindIsNotFolder(kind, folder: folderName, at: node.span))
      }
    }
    let revision = fields["revision"].flatMap { node in
      problems.attempt { () throws(Diagnostic) in
        let value = try node.integer("the key 'revision'")
        guard value >= 1 else {
          throw .valueKind(
            "the key 'revision'", expected: "an integer from 1 on",
            found: "the integer \(value)", at: node.span)
        }
        return value
      }
    }
    if let run = ParameterReader.text(fields, "run", problems: problems), run != "native",
      let node = fields["run"]
    {
      problems.add(
        .valueKind(
          "the key 'run'", expected: "'native'", found: "the text '\(run)'",
          at: node.span))
    }
    let inputs = ports(fields, "inputs", .input, problems: problems)
    let outputs = ports(fields, "outputs", .output, problems: problems)
    let parameters = parameters(fields, problems: problems)
    let reader = CommandReader(
      fields: fields, inputs: inputs, outputs: outputs, parameters: parameters,
      problems: problems)
    let definition = StageDefinition(
      kind: kind ?? folderName, revision: revision ?? 1,
      summary: ParameterReader.text(fields, "summary", problems: problems) ?? "",
      inputs: inputs, outputs: outputs, parameters: parameters, files: reader.globs("files"),
      command: reader.read(), folder: folder, source: source)
    return problems.count == before ? definition : nil
  }

  private static func ports(
    _ fields: Fields, _ key: String, _ table: KeyTable, problems: Problems
  ) -> [PortDefinition] {
    named(fields, key, .port, table, problems: problems) { name, fields in
      guard let node = fields["type"],
        let typeName = ParameterReader.text(fields, "type", problems: problems)
      else { return nil }
      guard let type = ArtifactType.named(typeName) else {
        problems.add(
          .unknownArtifactType(typeName, known: ArtifactType.all.map(\.name), at: node.span))
        return nil
      }
      let isInput = table.key("list") != nil
      return PortDefinition(
        name: name.value, type: type,
        isOptional: isInput && ParameterReader.boolean(fields, "optional", problems: problems),
        isList: isInput && ParameterReader.boolean(fields, "list", problems: problems),
        summary: ParameterReader.text(fields, "summary", problems: problems) ?? "")
    }
  }

  private static func parameters(_ fields: Fields, problems: Problems) -> [ParameterDefinition] {
    var conditions: [(index: Int, node: YAMLNode)] = []
    var definitions: [ParameterDefinition] = []
    _ = named(fields, "parameters", .param, .parameter, problems: problems) {
      name, fields -> Bool? in
      guard let read = ParameterReader.read(fields, name: name, problems: problems) else {
        return nil
      }
      if case .path = read.type, let node = fields["type"] {
        problems.add(.pathInDefinition(at: node.span))
      }
      let isOptional = ParameterReader.boolean(fields, "optional", problems: problems)
      let condition = fields["required_when"]
      if read.default != nil,
        let key = isOptional ? "optional" : condition.map({ _ in "required_when" })
      {
        problems.add(.defaultAnd(key, at: fields.keySpan(key)))
      }
      if let condition { conditions.append((definitions.count, condition)) }
      definitions.append(
        read.with(isRequired: read.default == nil && !isOptional && condition == nil))
      return true
    }
    for (index, node) in conditions {
      let requirements = problems.attempt { () throws(Diagnostic) in
        try Self.requirements(node, of: definitions[index].name, among: definitions)
      }
      definitions[index] = definitions[index].with(requiredWhen: requirements ?? [])
    }
    return definitions
  }

  private static func requirements(
    _ node: YAMLNode, of name: String, among definitions: [ParameterDefinition]
  ) throws(Diagnostic) -> [(parameter: String, values: [ParameterValue])] {
    var result: [(parameter: String, values: [ParameterValue])] = []
    for member in try node.members("the key 'required_when'").members {
      let others = definitions.filter { $0.name != name }
      guard let other = others.first(where: { $0.name == member.key.value }) else {
        throw .unknownParameterInCondition(
          member.key.value, among: others.map(\.name), at: member.key.span)
      }
      var values: [ParameterValue] = []
      for item in member.value.sequence ?? [member.value] {
        let value = try ParameterReader.literal(item, named: "a value of 'required_when'")
        values.append(try other.check(value, at: item.span))
      }
      result.append((other.name, values))
    }
    return result
  }

  /// The members of a mapping from names to tables.
  private static func named<Value>(
    _ fields: Fields, _ key: String, _ rule: NameRule, _ table: KeyTable, problems: Problems,
    read: (Located<String>, Fields) -> Value?
  ) -> [Value] {
    guard let node = fields[key],
      let mapping = problems.attempt({ () throws(Diagnostic) in
        try node.members("the key '\(key)'")
      })
    else { return [] }
    return mapping.members.compactMap { member in
      if !rule.accepts(member.key.value) {
        problems.add(.badName(member.key.value, rule, at: member.key.span))
      }
      guard
        let fields = Fields(
          member.value, table, named: "'\(member.key.value)'", owner: member.key.span,
          problems: problems)
      else { return nil }
      return read(member.key, fields)
    }
  }
}

extension ParameterDefinition {
  func with(
    isRequired: Bool? = nil,
    requiredWhen: [(parameter: String, values: [ParameterValue])]? = nil
  ) -> ParameterDefinition {
    ParameterDefinition(
      name: name, type: type, default: self.default, isRequired: isRequired ?? self.isRequired,
      atLeast: atLeast, above: above, atMost: atMost, below: below, unit: unit,
      requiredWhen: requiredWhen ?? self.requiredWhen, summary: summary)
  }
}
