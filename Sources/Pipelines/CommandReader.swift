// `command:`, `code:`, `tools:`, `environment:`, `secrets:` of a stage definition.

import Diagnostics
import YAMLSyntax

struct CommandReader {
  let fields: Fields
  let inputs: [PortDefinition]
  let outputs: [PortDefinition]
  let parameters: [ParameterDefinition]
  let problems: Problems

  /// Nothing for native kinds.
  func read() -> CommandDefinition? {
    guard let node = fields["command"] else {
      for key in ["code", "tools", "environment", "secrets", "checkpoint"]
      where fields[key] != nil {
        problems.add(.onlyWithCommand(key, at: fields.keySpan(key)))
      }
      return nil
    }
    if let run = fields["run"] { problems.add(.runAndCommand(at: run.span)) }
    let words = words(node)
    if words.isEmpty, problems.count == 0 { problems.add(.emptyCommand(at: node.span)) }
    return CommandDefinition(
      words: words, code: globs("code"), tools: tools(), environment: environment(),
      secrets: secrets(),
      hasCheckpoint: ParameterReader.boolean(
        fields, "checkpoint", problems: problems))
  }

  private func words(_ node: YAMLNode) -> [[CommandDefinition.Word]] {
    problems.attempt { () throws(Diagnostic) in
      var groups: [[CommandDefinition.Word]] = []
      for item in try node.items("the key 'command'") {
        if let group = item.sequence {
          var words: [CommandDefinition.Word] = []
          for item in group { words.append(try word(item)) }
          groups.append(words)
        } else {
          groups.append([try word(item)])
        }
      }
      return groups
    } ?? []
  }

  private func word(_ node: YAMLNode) throws(Diagnostic) -> CommandDefinition.Word {
    guard let scalar = node.scalar else {
      throw .valueKind("a word of 'command'", expected: "a text", found: node.kind, at: node.span)
    }
    let text: String
    switch scalar.value {
    case .text(let value): text = value
    case .integer(let value): text = String(value)
    case .number, .boolean, .null:
      throw .valueKind(
        "a word of 'command'", expected: "a text in quotes", found: node.kind, at: node.span)
    }
    var pieces: CommandDefinition.Word = []
    var rest = text[...]
    var plain = ""
    while !rest.isEmpty {
      if rest.hasPrefix("$$(") {
        plain += "$("
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("$(") {
        guard let end = rest.firstIndex(of: ")") else {
          throw .badCommandReference(String(rest), at: node.span)
        }
        if !plain.isEmpty { pieces.append(.text(plain)) }
        plain = ""
        let name = String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])
        pieces.append(try piece(name, at: node.span))
        rest = rest[rest.index(after: end)...]
      } else {
        plain.append(rest.removeFirst())
      }
    }
    if !plain.isEmpty { pieces.append(.text(plain)) }
    if pieces.count > 1, let list = pieces.first(where: isList) {
      throw .listInsideWord(list.text, at: node.span)
    }
    return pieces
  }

  private func isList(_ piece: CommandDefinition.Piece) -> Bool {
    switch piece {
    case .input(let name): return inputs.contains { $0.name == name && $0.isList }
    case .parameter(let name):
      if case .list? = parameters.first(where: { $0.name == name })?.type { return true }
      return false
    default: return false
    }
  }

  private func piece(
    _ name: String, at span: SourceSpan?
  ) throws(Diagnostic) -> CommandDefinition.Piece {
    switch name {
    case "order": return .order
    case "threads": return .threads
    case "checkpoint":
      guard ParameterReader.boolean(fields, "checkpoint", problems: Problems()) else {
        throw .checkpointNotDeclared(at: span)
      }
      return .checkpoint
    default: break
    }
    let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
    guard parts.count == 2 else { throw .badCommandReference("$(\(name))", at: span) }
    let known: [String]
    switch parts[0] {
    case "inputs": known = inputs.map(\.name)
    case "outputs": known = outputs.map(\.name)
    case "parameters": known = parameters.map(\.name)
    default: throw .badCommandReference("$(\(name))", at: span)
    }
    guard known.contains(parts[1]) else {
      throw .unknownInCommand(name, among: known.map { "\(parts[0]).\($0)" }, at: span)
    }
    switch parts[0] {
    case "inputs": return .input(parts[1])
    case "outputs": return .output(parts[1])
    default: return .parameter(parts[1])
    }
  }

  func globs(_ key: String) -> [String] {
    guard let node = fields[key] else { return [] }
    return problems.attempt { () throws(Diagnostic) in
      var globs: [String] = []
      for item in try node.items("the key '\(key)'") {
        let glob = try item.text("a glob of '\(key)'")
        let parts = glob.split(separator: "/", omittingEmptySubsequences: false)
        if glob.isEmpty || parts.contains("..") || parts.contains("") {
          throw .badGlob(glob, at: item.span)
        }
        globs.append(glob)
      }
      return globs
    } ?? []
  }

  private func tools() -> [(name: String, words: [String])] {
    members("tools").compactMap { member in
      problems.attempt { () throws(Diagnostic) in
        var words: [String] = []
        for item in try member.value.items("the tool '\(member.key.value)'") {
          words.append(try item.text("a word of the tool '\(member.key.value)'"))
        }
        if words.isEmpty { throw .emptyCommand(at: member.key.span) }
        return (member.key.value, words)
      }
    }
  }

  private func environment() -> [(name: String, value: String)] {
    members("environment").compactMap { member in
      problems.attempt { () throws(Diagnostic) in
        if !NameRule.variable.accepts(member.key.value) {
          throw .badName(member.key.value, .variable, at: member.key.span)
        }
        let value = try ParameterReader.literal(
          member.value, named: "the variable '\(member.key.value)'")
        if case .list = value {
          throw .valueKind(
            "the variable '\(member.key.value)'", expected: "a single value", found: "a list",
            at: member.value.span)
        }
        return (member.key.value, value.description)
      }
    }
  }

  private func secrets() -> [String] {
    guard let node = fields["secrets"] else { return [] }
    return problems.attempt { () throws(Diagnostic) in
      var names: [String] = []
      for item in try node.items("the key 'secrets'") {
        let name = try item.text("a name of 'secrets'")
        if !NameRule.variable.accepts(name) { throw .badName(name, .variable, at: item.span) }
        names.append(name)
      }
      return names
    } ?? []
  }

  private func members(_ key: String) -> [YAMLMapping.Member] {
    guard let node = fields[key] else { return [] }
    return problems.attempt { () throws(Diagnostic) in
      try node.members("the key '\(key)'").members
    } ?? []
  }
}
