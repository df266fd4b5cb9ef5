// All sentences about stage definitions and the reading of manifests. Those about references and
// instances are in ReferenceDiagnostics.swift; the pages behind the ids in PipelinesExplanations.swift.

import Diagnostics

extension Diagnostic {
  // MARK: Keys and values

  static func unknownKey(
    _ key: String, of owner: String, known: [String], at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "unknown-key", "\(owner) has no key '\(key)'", at: span,
      help: suggestion(for: key, among: known, called: "only"))
  }

  /// `{summary: one, two}`: the comma ended the text.
  static func textWithComma(_ key: String, of owner: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "unknown-key", "\(owner) has no key '\(key)'", at: span,
      help: "inside {…} a comma ends a value: put text that holds one in quotes")
  }

  static func missingKey(
    _ key: String, of what: String, means: String, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "missing-key", "\(what) needs the key '\(key)'", at: span,
      help: "add '\(key): …' (\(means))")
  }

  static func onlyWithCommand(_ key: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "only-with-command", "'\(key)' belongs to a kind with 'command:'", at: span,
      help: "remove it, or add 'command: [PROGRAM, …]'")
  }

  static func runAndCommand(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "run-and-command", "a kind has either 'run: native' or 'command:'", at: span,
      help: "remove 'run'")
  }

  static func emptyCommand(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "empty-command", "there is no program in it", at: span,
      help: "write it as a list of words: [python3, score.py]")
  }

  static func badCommandReference(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "bad-command-reference", "'\(text)' stands for nothing in a command", at: span,
      help: "there are $(inputs.PORT), $(outputs.PORT), $(parameters.NAME), $(order), "
        + "$(checkpoint) and $(threads); '$$(' is a plain '$('")
  }

  static func unknownInCommand(
    _ name: String, among known: [String], at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "bad-command-reference", "the kind has no '\(name)'", at: span,
      help: suggestion(for: name, among: known, called: "name"))
  }

  static func listInsideWord(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "bad-command-reference", "'\(text)' is a list: it must be a word by itself", at: span,
      help: "each item becomes a word; $(order) names a file with all of them")
  }

  static func checkpointNotDeclared(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "bad-command-reference", "the kind has no checkpoint", at: span,
      help: "add 'checkpoint: true'")
  }

  static func noTruth(_ found: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "no-truth", "'when' must be true or false, not \(found)", at: span,
      help: "write '$(params.NAME)' or 'not $(params.NAME)' with a boolean parameter")
  }

  static func gateWithoutBound(_ metric: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "gate-without-bound", "the gate of '\(metric)' has neither 'min' nor 'max'", at: span,
      help: "write '\(metric): {max: 0.12}'")
  }

  static func gateWithoutMetrics(_ definition: StageDefinition, at span: SourceSpan?) -> Diagnostic
  {
    Diagnostic(
      "gate-without-metrics", "stage kind '\(definition.kind)' has no output of type metrics",
      at: span, help: "put the gate on the stage that measures")
  }

  static func badGateBound(_ found: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic("value-kind", "a bound of a gate must be a finite number, not \(found)", at: span)
  }

  static func includeCycle(_ path: [String], at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "include-cycle", "files include each other: \(path.joined(separator: " → "))", at: span,
      help: "move what both need into a third file")
  }

  static func tooManyIncludes(_ limit: Int, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "too-many-includes", "a manifest may include \(limit) files at most", at: span,
      help: "join some of them")
  }

  static func nameTakenByInclude(
    _ what: String, _ name: String, first: SourceSpan?, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "name-taken", "\(what) '\(name)' is there already", at: span,
      notes: [.init("it was declared here first", at: first)],
      help: "rename one of them: included files share one space of names")
  }

  static func valueKind(
    _ what: String, expected: String, found: String, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic("value-kind", "\(what) must be \(expected), not \(found)", at: span)
  }

  static func badName(_ name: String, _ rule: NameRule, at span: SourceSpan?) -> Diagnostic {
    if name == "none" {
      return Diagnostic(
        "bad-name", "'none' cannot name \(rule.noun)", at: span,
        help: "the word means 'nothing' in expressions: take another name")
    }
    let hyphen = rule.allowsHyphen ? ", digits, '_' and '-'" : ", digits and '_' (no '-')"
    return Diagnostic(
      "bad-name", "'\(name)' cannot name \(rule.noun)", at: span,
      help: "begin with a letter, then letters\(hyphen), \(NameRule.longest) characters at most")
  }

  static func unknownVersion(_ version: Int, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "unknown-version", "there is no version \(version) of the manifest language", at: span,
      help: "write 'version: 1'")
  }

  static func noStages(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "no-stages", "the manifest has no stages", at: span,
      help: "add one: `plumb stages` lists the kinds")
  }

  static func emptyStage(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "missing-key", "the stage '\(name)' is empty", at: span,
      help: "add 'uses: KIND' below it, indented further")
  }

  static func badQuantity(
    _ what: String, _ text: String, examples: String, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "bad-quantity", "\(what) cannot be '\(text)'", at: span, help: "write it like \(examples)")
  }

  static func slurmOption(_ text: String, isReserved: Bool, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "slurm-option",
      isReserved
        ? "'\(text)' cannot be given to sbatch: Plumb sets this option itself"
        : "'\(text)' is no long option of sbatch", at: span,
      help: isReserved
        ? "cores, memory and time are set under 'resources:'; remove the rest"
        : "write one word such as --exclusive or --nice=100")
  }

  static func emptyList(_ what: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic("empty-list", "\(what) is empty", at: span, help: "list at least one value")
  }

  static func duplicateValue(_ value: String, in what: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "duplicate-value", "'\(value)' stands twice in \(what)", at: span, help: "remove one of them")
  }

  // MARK: Substitution

  static func badSubstitution(_ message: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "bad-substitution", message, at: span,
      help: "write $(params.NAME) or $(matrix.AXIS); for the characters themselves write $$(")
  }

  static func substitutionNotHere(_ what: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "substitution-not-here", "\(what) cannot hold a reference", at: span,
      help: "write the value itself; $(…) works under matrix, inputs, with and resources")
  }

  static func unknownParam(_ name: String, among names: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "unknown-param", "the manifest declares no parameter '\(name)'", at: span,
      help: names.isEmpty
        ? "declare it under 'params:'"
        : suggestion(for: name, among: names, called: "only"))
  }

  static func unknownMatrixAxis(_ name: String, among axes: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "unknown-axis", "this stage has no axis '\(name)'", at: span,
      help: axes.isEmpty
        ? "add it under 'matrix:'" : suggestion(for: name, among: axes, called: "only"))
  }

  static func matrixNotHere(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "substitution-not-here", "$(matrix.…) has no value here", at: span,
      help: "only inputs and with are worked out for each instance; use $(params.…)")
  }

  static func pathAsValue(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "path-as-value", "a path cannot be a parameter of a stage or an axis", at: span,
      help: "keys must not hold places of this machine: bind it to an input as {file: $(params.…)}")
  }

  static func pathInsideText(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "path-as-value", "a path parameter must stand at the beginning", at: span,
      help: "write $(params.folder)/name, or declare the parameter as a string")
  }

  // MARK: Params

  static func paramWithoutValue(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "param-without-value", "the parameter '\(name)' has neither a value nor a type", at: span,
      help: "write a value, or {type: integer, required: true}")
  }

  static func untypedList(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "untyped-list", "the list '\(name)' does not show one type", at: span,
      help: "give it items of one type, or declare it: {type: string, list: true, default: […]}")
  }

  static func unknownType(_ name: String, known: [String], at span: SourceSpan?) -> Diagnostic {
    let common = [
      "int": "integer", "float": "number", "double": "number", "bool": "boolean", "str": "string",
      "text": "string", "enum": "choice", "file": "path",
    ]
    return Diagnostic(
      "unknown-type", "there is no type '\(name)'", at: span,
      help: common[name].map { "write '\($0)'" }
        ?? (name.hasPrefix("list")
          ? "for a list give the type of its items and 'list: true'"
          : suggestion(for: name, among: known, called: "only")))
  }

  static func choicesMissing(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "missing-key", "a choice needs the key 'choices'", at: span,
      help: "add 'choices: [first, second]'")
  }

  static func keyNeedsType(_ key: String, _ type: String, found: String, at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "key-needs-type", "'\(key)' goes with type \(type), not \(found)", at: span,
      help: "remove it or change the type")
  }

  static func emptyRange(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "empty-range", "no value can satisfy these bounds", at: span, help: "swap or widen them")
  }

  static func defaultAnd(_ key: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "default-conflict", "a parameter with a default cannot have '\(key)'", at: span,
      help: "remove one of the two")
  }

  static func notRequiredWithoutDefault(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "default-conflict", "'\(name)' is not required and has no default", at: span,
      help: "give it a default, or write 'required: true'")
  }

  static func paramNotGiven(_ definition: ParameterDefinition, at span: SourceSpan?) -> Diagnostic {
    let about = definition.summary.isEmpty ? "" : ": \(definition.summary)"
    return Diagnostic(
      "param-not-given",
      "'\(definition.name)' (\(definition.type.name)) is still to be given\(about)",
      at: span, help: "add --set \(definition.name)=\(definition.type.placeholder)")
  }

  static func paramShapesMatrix(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "param-shapes-matrix", "'\(name)' decides which instances there are, and was not given",
      at: span, help: "add --set \(name)=…, or give it a default")
  }

  static func badAssignment(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "bad-assignment", "this is no assignment", at: span, help: "write --set name=value")
  }

  static func unreadableFile(_ path: String, why: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "unreadable-file", "cannot read '\(path)': \(why)", at: span,
      help: "check the path and its permissions")
  }

  // MARK: Parameters of stages

  static func parameterType(
    _ name: String, expected: String, found: String, at span: SourceSpan?, help: String?
  ) -> Diagnostic {
    Diagnostic(
      "parameter-type", "'\(name)' must be \(expected), not \(found)", at: span, help: help)
  }

  static func parameterRange(
    _ name: String, _ value: String, allowed: String, unit: String?, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "parameter-range", "'\(name)' cannot be \(value)", at: span,
      help: "it must be \(allowed)\(unit.map { " (\($0))" } ?? "")")
  }

  static func parameterChoice(
    _ name: String, _ value: String, choices: [String], at span: SourceSpan?
  ) -> Diagnostic {
    let near = nearest(to: value, among: choices).map { "did you mean '\($0)'?" }
    return Diagnostic(
      "parameter-choice", "'\(name)' cannot be '\(value)'", at: span,
      help: near ?? "it is one of: \(choices.joined(separator: ", "))")
  }

  static func unknownParameter(
    _ name: String, _ definition: StageDefinition, isInput: Bool, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "unknown-parameter", "stage kind '\(definition.kind)' has no parameter '\(name)'", at: span,
      help: isInput
        ? "'\(name)' is an input: move it under 'inputs:'"
        : definition.parameters.isEmpty
          ? "it has no parameters"
          : suggestion(for: name, among: definition.parameters.map(\.name), called: "only"))
  }

  static func missingParameter(
    _ parameter: ParameterDefinition, _ definition: StageDefinition, because: String?,
    at span: SourceSpan?
  ) -> Diagnostic {
    let about = parameter.summary.isEmpty ? "" : ": \(parameter.summary)"
    return Diagnostic(
      "missing-parameter",
      "stage kind '\(definition.kind)' needs the parameter '\(parameter.name)'"
        + (because.map { " when \($0)" } ?? ""), at: span,
      help: "add '\(parameter.name): …' under 'with:' (\(parameter.type.name)\(about))")
  }

  // MARK: Stage kinds

  static func unknownKind(_ name: String, among kinds: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "unknown-kind", "there is no stage kind '\(name)'", at: span,
      help: suggestion(for: name, among: kinds, called: "only"))
  }

  static func brokenKind(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "broken-kind", "the definition of stage kind '\(name)' has problems", at: span,
      help: "mend its stage.yaml first")
  }

  static func missingCatalogFolder(_ path: String) -> Diagnostic {
    Diagnostic(
      "missing-catalog", "there is no folder of stage kinds at '\(path)'",
      help: "check the path")
  }

  static func kindIsNotFolder(_ kind: String, folder: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "kind-is-not-folder", "the kind '\(kind)' stands in the folder '\(folder)'", at: span,
      help: "give both the same name")
  }

  static func kindTwice(_ second: StageDefinition, _ first: StageDefinition) -> Diagnostic {
    func place(_ definition: StageDefinition) -> SourceSpan {
      SourceSpan(source: definition.source, range: 0..<0)
    }
    return Diagnostic(
      "kind-twice", "the stage kind '\(second.kind)' is defined twice", at: place(second),
      notes: [.init("it is defined here first", at: place(first))],
      help: "rename one of them")
  }

  static func unknownArtifactType(_ name: String, known: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "unknown-artifact-type", "there is no artifact type '\(name)'", at: span,
      help: nearest(to: name, among: known).map { "did you mean '\($0)'?" }
        ?? "there is only: \(known.joined(separator: ", "))")
  }

  static func pathInDefinition(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "path-in-definition", "a stage kind cannot have a parameter of type 'path'", at: span,
      help: "let the bytes come in through an input of type 'files'")
  }

  static func unknownParameterInCondition(
    _ name: String, among names: [String], at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "unknown-parameter", "'required_when' names no other parameter '\(name)'", at: span,
      help: suggestion(for: name, among: names, called: "only"))
  }

  static func badGlob(_ glob: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "bad-glob", "the glob '\(glob)' leaves the folder of the stage kind", at: span,
      help: "name files inside the folder: grammars/*.yaml")
  }
}

extension ParameterType {
  /// What a person would put in its place.
  fileprivate var placeholder: String {
    switch self {
    case .boolean: "true"
    case .integer, .number: "NUMBER"
    case .string: "TEXT"
    case .path: "PATH"
    case .choice(let values): values[0]
    case .list(let item): "\(item.placeholder),…"
    }
  }
}
