// YAML tree → manifest. After this nobody sees YAML. Goes on after each mistake.

import Diagnostics
import YAMLSyntax

struct ManifestReader {
  let problems: Problems
  /// Of the file that is read.
  let folder: String

  /// A file that a manifest includes: what it declares, and what it includes itself.
  func readFragment(
    _ root: YAMLNode
  ) -> (params: [ParamDeclaration], stages: [StageDeclaration], includes: [Located<String>])? {
    guard let fields = Fields(root, .fragment, named: "an included file", problems: problems)
    else { return nil }
    checkVersion(fields)
    _ = ParameterReader.text(fields, "summary", problems: problems)
    return (
      members(fields["params"], "the key 'params'").map(param),
      members(fields["stages"], "the key 'stages'").compactMap(stage), includes(fields)
    )
  }

  func read(_ root: YAMLNode) -> Manifest? {
    guard
      let fields = Fields(
        root, .manifest, named: "a manifest",
        owner: Self.start(of: root), problems: problems)
    else { return nil }
    checkVersion(fields)
    let name = name(fields["name"])
    let params = members(fields["params"], "the key 'params'").map(param)
    var stages: [StageDeclaration] = []
    for member in members(fields["stages"], "the key 'stages'") {
      if let stage = stage(member) { stages.append(stage) }
    }
    if fields["include"] == nil, !fields.mistaken.contains("stages") {
      if fields["stages"] == nil, fields.keySpan("stages") == nil {
        problems.add(
          .missingKey(
            "stages", of: "a manifest", means: KeyTable.manifest.key("stages")?.summary ?? "",
            at: Self.start(of: root)))
      } else if let node = fields["stages"], node.mapping?.members.isEmpty == true {
        problems.add(.noStages(at: node.span))
      }
    }
    return Manifest(
      name: name ?? "", summary: ParameterReader.text(fields, "summary", problems: problems) ?? "",
      params: params, stages: stages, includes: includes(fields), runsKept: runsKept(fields),
      onFinish: onFinish(fields), slurm: fields["slurm"].flatMap(slurm))
  }

  private func runsKept(_ fields: Fields) -> Double? {
    guard let node = fields["runs"],
      let runs = Fields(node, .runs, named: "the key 'runs'", problems: problems),
      let keep = runs["keep"].flatMap(keep), case .seconds(let seconds) = keep
    else { return nil }
    return seconds
  }

  private func onFinish(_ fields: Fields) -> [String] {
    guard let node = fields["on_finish"] else { return [] }
    return problems.attempt { () throws(Diagnostic) in
      var words: [String] = []
      for item in try node.items("the key 'on_finish'") {
        let word = try item.text("a word of 'on_finish'")
        if word.contains("$(") { throw .substitutionNotHere("the key 'on_finish'", at: item.span) }
        words.append(word)
      }
      if words.isEmpty { throw .emptyCommand(at: node.span) }
      return words
    } ?? []
  }

  private static func start(of root: YAMLNode) -> SourceSpan {
    let range = root.span.range
    return SourceSpan(
      source: root.span.source,
      range: range.lowerBound..<min(range.lowerBound + 1, range.upperBound))
  }

  private func checkVersion(_ fields: Fields) {
    if let node = fields["version"],
      let version = problems.attempt({ () throws(Diagnostic) in
        try node.integer("the key 'version'")
      }), version != 1
    {
      problems.add(.unknownVersion(version, at: node.span))
    }
  }

  private func includes(_ fields: Fields) -> [Located<String>] {
    guard let node = fields["include"] else { return [] }
    return problems.attempt { () throws(Diagnostic) in
      var paths: [Located<String>] = []
      for item in try node.items("the key 'include'") {
        let path = try item.text("a path of 'include'")
        if path.isEmpty { throw .emptyPath(at: item.span) }
        if path.contains("$(") { throw .substitutionNotHere("the key 'include'", at: item.span) }
        paths.append(Located(path, at: item.span))
      }
      return paths
    } ?? []
  }

  private func name(_ node: YAMLNode?) -> String? {
    guard let node else { return nil }
    return problems.attempt { () throws(Diagnostic) in
      let name = try node.text("the key 'name'")
      guard NameRule.manifest.accepts(name) else { throw .badName(name, .manifest, at: node.span) }
      return name
    }
  }

  private func members(_ node: YAMLNode?, _ what: String) -> [YAMLMapping.Member] {
    guard let node else { return [] }
    return problems.attempt { () throws(Diagnostic) in try node.members(what).members } ?? []
  }

  // MARK: Params

  private func param(_ member: YAMLMapping.Member) -> ParamDeclaration {
    if !NameRule.param.accepts(member.key.value) {
      problems.add(.badName(member.key.value, .param, at: member.key.span))
    }
    return ParamDeclaration(
      name: member.key, folder: folder,
      definition: member.value.mapping == nil ? shortParam(member) : longParam(member),
      span: member.value.span)
  }

  /// `seed: 42`: the type is that of the value.
  private func shortParam(_ member: YAMLMapping.Member) -> ParameterDefinition? {
    let name = member.key.value
    guard !member.value.isNull else {
      problems.add(.paramWithoutValue(name, at: member.key.span))
      return nil
    }
    let what = "the parameter '\(name)'"
    return problems.attempt { () throws(Diagnostic) in
      let value = try ParameterReader.literal(member.value, named: what)
      guard let type = ParameterType(of: value) else {
        throw .untypedList(name, at: member.value.span)
      }
      let definition = ParameterDefinition(
        name: name, type: type, default: nil, isRequired: false, atLeast: nil, above: nil,
        atMost: nil, below: nil, unit: nil, requiredWhen: [], summary: "")
      return definition.with(default: try definition.check(value, at: member.value.span))
    }
  }

  private func longParam(_ member: YAMLMapping.Member) -> ParameterDefinition? {
    guard
      let fields = Fields(
        member.value, .param, named: "the parameter '\(member.key.value)'", owner: member.key.span,
        problems: problems),
      let definition = ParameterReader.read(fields, name: member.key, problems: problems)
    else { return nil }
    let isRequired = ParameterReader.boolean(fields, "required", problems: problems)
    if isRequired, fields["default"] != nil {
      problems.add(.defaultAnd("required: true", at: fields.keySpan("required")))
    } else if fields["required"] != nil, !isRequired, fields["default"] == nil {
      problems.add(.notRequiredWithoutDefault(member.key.value, at: fields.keySpan("required")))
    }
    // A broken default was reported: uses of the parameter are not checked then.
    if fields["default"] != nil, definition.default == nil { return nil }
    return definition
  }

  // MARK: Stages

  private func stage(_ member: YAMLMapping.Member) -> StageDeclaration? {
    let name = member.key.value
    if !NameRule.stage.accepts(name) || name == "none" {
      problems.add(.badName(name, .stage, at: member.key.span))
    }
    if member.value.isNull {
      problems.add(.emptyStage(name, at: member.key.span))
      return StageDeclaration(
        name: member.key, uses: nil, matrix: nil, inputs: [], parameters: [], resources: nil,
        retention: nil, folder: folder, inputsSpan: nil, withSpan: nil)
    }
    guard
      let fields = Fields(
        member.value, .stage, named: "the stage '\(name)'", owner: member.key.span,
        problems: problems)
    else {
      return StageDeclaration(
        name: member.key, uses: nil, matrix: nil, inputs: [], parameters: [], resources: nil,
        retention: nil, folder: folder, inputsSpan: nil, withSpan: nil)
    }
    let uses = fields["uses"].flatMap { node in
      problems.attempt { () throws(Diagnostic) in
        let kind = try node.text("the key 'uses'")
        if kind.contains("$(") { throw .substitutionNotHere("the key 'uses'", at: node.span) }
        return Located(kind, at: node.span)
      }
    }
    _ = ParameterReader.text(fields, "summary", problems: problems)
    let beforeWith = problems.count
    let parameters = members(fields["with"], "the key 'with'").compactMap { member in
      problems.attempt { () throws(Diagnostic) in
        (
          name: member.key,
          template: try ValueTemplate(member.value, named: "the parameter '\(member.key.value)'")
        )
      }
    }
    let isWithBroken = problems.count > beforeWith || fields.mistaken.contains("with")
    let isInputsBroken =
      fields.mistaken.contains("inputs") || fields["inputs"].map { $0.mapping == nil } ?? false
    return StageDeclaration(
      name: member.key, uses: uses,
      matrix: fields["matrix"].map { MatrixReader(problems: problems).read($0) },
      inputs: members(fields["inputs"], "the key 'inputs'").map(input), parameters: parameters,
      resources: fields["resources"].flatMap(resources), slurm: fields["slurm"].flatMap(slurm),
      retention: fields["keep"].flatMap(keep),
      retries: fields["retries"].map(retries) ?? .none,
      condition: fields["when"].flatMap(condition),
      gates: members(fields["gate"], "the key 'gate'").compactMap(gate), folder: folder,
      inputsSpan: fields.keySpan("inputs"), withSpan: fields.keySpan("with"),
      isInputsBroken: isInputsBroken, isWithBroken: isWithBroken)
  }

  private func input(_ member: YAMLMapping.Member) -> InputDeclaration {
    var parts: [InputDeclaration.Part] = []
    let nodes = member.value.sequence ?? [member.value]
    for node in nodes {
      let read = problems.attempt { () throws(Diagnostic) in
        try self.part(node, port: member.key.value, key: member.key.span)
      }
      if let read, let read { parts.append(read) }
    }
    return InputDeclaration(
      port: member.key, parts: parts, isWrittenAsList: member.value.sequence != nil,
      span: member.value.span, isBroken: parts.count < nodes.count)
  }

  /// Nothing where the mistake was reported already.
  private func part(
    _ node: YAMLNode, port: String, key: SourceSpan?
  ) throws(Diagnostic) -> InputDeclaration.Part? {
    switch node.content {
    case .sequence:
      throw .valueKind(
        "an item of the input '\(port)'", expected: "an expression", found: "a list",
        at: node.span)
    case .mapping:
      let before = problems.count
      guard
        let fields = Fields(
          node, .file, named: "the input '\(port)'", owner: key, problems: problems)
      else { return nil }
      guard let file = fields["file"] else {
        if problems.count == before { throw .emptyInput(port, at: key) }
        return nil
      }
      guard file.scalar != nil else {
        throw .valueKind("the key 'file'", expected: "a path", found: file.kind, at: file.span)
      }
      let template = try ValueTemplate(file, named: "the key 'file'")
      return .init(
        source: .file(
          template,
          byReference: ParameterReader.boolean(fields, "by_reference", problems: problems)),
        span: file.span)
    case .scalar(let scalar):
      guard !node.isNull else { throw .emptyInput(port, at: key) }
      guard case .text = scalar.value else {
        throw .valueKind(
          "the input '\(port)'", expected: "an expression such as stage.port",
          found: node.kind, at: node.span)
      }
      return .init(source: .expression(try ExpressionParser.input(node)), span: node.span)
    }
  }

  // MARK: What is never part of a key

  private func resources(_ node: YAMLNode) -> ResourceDeclaration? {
    guard let fields = Fields(node, .resources, named: "the key 'resources'", problems: problems)
    else { return nil }
    func template(_ key: String) -> ValueTemplate? {
      fields[key].flatMap { node in
        problems.attempt { () throws(Diagnostic) in
          let template = try ValueTemplate(node, named: "the key '\(key)'")
          if case .list = template.form {
            throw .valueKind(
              "the key '\(key)'", expected: "a single value", found: "a list",
              at: node.span)
          }
          return template
        }
      }
    }
    return ResourceDeclaration(
      threads: template("threads"), memory: template("memory"), time: template("time"))
  }

  private func retries(_ node: YAMLNode) -> Retries {
    let read = problems.attempt { () throws(Diagnostic) -> Retries in
      if node.mapping == nil {
        return Retries(max: try count(node, "the key 'retries'"))
      }
      guard let fields = Fields(node, .retries, named: "the key 'retries'", problems: problems)
      else { return .none }
      var retries = Retries(max: 0)
      if let max = fields["max"] { retries.max = try count(max, "the key 'max'") }
      if let node = fields["backoff"] {
        let text = try node.text("the key 'backoff'")
        guard let seconds = Quantity.seconds(text) else {
          throw .badQuantity("the key 'backoff'", text, examples: "10s, 5m", at: node.span)
        }
        retries.backoff = seconds
      }
      if let node = fields["on"] {
        retries.on = []
        for item in try node.items("the key 'on'") {
          let word = try item.text("an item of 'on'")
          guard let kind = RetryClass(rawValue: word) else {
            throw .valueKind(
              "an item of 'on'",
              expected: "one of " + RetryClass.allCases.map(\.rawValue).joined(separator: ", "),
              found: "'\(word)'", at: item.span)
          }
          retries.on.insert(kind)
        }
      }
      return retries
    }
    return read ?? .none
  }

  private func count(_ node: YAMLNode, _ what: String) throws(Diagnostic) -> Int {
    let value = try node.integer(what)
    guard (0...100).contains(value) else {
      throw .valueKind(
        what, expected: "an integer from 0 to 100", found: "the integer \(value)", at: node.span)
    }
    return value
  }

  private func condition(_ node: YAMLNode) -> ValueTemplate? {
    problems.attempt { () throws(Diagnostic) in
      guard node.scalar != nil else {
        throw .valueKind(
          "the key 'when'", expected: "a single value", found: node.kind, at: node.span)
      }
      return try ValueTemplate(node, named: "the key 'when'")
    }
  }

  private func gate(_ member: YAMLMapping.Member) -> GateDeclaration? {
    guard
      let fields = Fields(
        member.value, .gate, named: "the gate of '\(member.key.value)'", owner: member.key.span,
        problems: problems)
    else { return nil }
    func bound(_ key: String) -> ValueTemplate? {
      fields[key].flatMap { node in
        problems.attempt { () throws(Diagnostic) in
          try ValueTemplate(node, named: "the key '\(key)'")
        }
      }
    }
    let (least, most) = (bound("min"), bound("max"))
    if fields["min"] == nil, fields["max"] == nil {
      problems.add(.gateWithoutBound(member.key.value, at: member.key.span))
    }
    let at = members(fields["at"], "the key 'at'").compactMap { member in
      problems.attempt { () throws(Diagnostic) in
        let value = try ParameterReader.literal(member.value, named: "'\(member.key.value)'")
        return (name: member.key.value, value: value.description)
      }
    }
    return GateDeclaration(metric: member.key, at: at, least: least, most: most)
  }

  private func keep(_ node: YAMLNode) -> Retention? {
    problems.attempt { () throws(Diagnostic) -> Retention in
      let text = try node.text("the key 'keep'")
      if text == "forever" { return .forever }
      guard let seconds = Quantity.seconds(text) else {
        throw .badQuantity("the key 'keep'", text, examples: "forever, 30d, 12h", at: node.span)
      }
      return .seconds(seconds)
    }
  }
}

extension ParameterDefinition {
  fileprivate func with(default value: ParameterValue) -> ParameterDefinition {
    ParameterDefinition(
      name: name, type: type, default: value, isRequired: false, atLeast: atLeast, above: above,
      atMost: atMost, below: below, unit: unit, requiredWhen: requiredWhen, summary: summary)
  }
}

extension ParameterType {
  /// The type that a literal shows; nothing for empty or mixed lists.
  fileprivate init?(of value: ParameterValue) {
    switch value {
    case .boolean: self = .boolean
    case .integer: self = .integer
    case .number: self = .number
    case .string: self = .string
    case .list(let items):
      let types = Set(items.compactMap { ParameterType(of: $0) })
      if types == [.integer, .number] {
        self = .list(.number)
      } else if types.count == 1, let type = types.first {
        self = .list(type)
      } else {
        return nil
      }
    }
  }
}
