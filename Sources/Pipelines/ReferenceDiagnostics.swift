// All sentences about axes, references, inputs and instances. The pages behind the ids are in
// PipelinesExplanations.swift.

import Diagnostics

extension Diagnostic {
  // MARK: Expressions

  static func expression(_ message: String, at span: SourceSpan?, help: String?) -> Diagnostic {
    Diagnostic("expression-syntax", message, at: span, help: help)
  }

  static func pathAsExpression(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "expression-syntax", "this is no reference to a port", at: span,
      help: "an outside file or folder is written {file: \(text)}")
  }

  static func substitutionAsReference(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "expression-syntax", "a stage cannot be named by a reference to a value", at: span,
      help: "for an outside file write {file: \(text)}; stages are named as they are")
  }

  static func portMissing(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "expression-syntax", "'\(text)' does not say which output", at: span,
      help: "write \(text).PORT")
  }

  static func selectorAfterPort(stage: String, port: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "expression-syntax", "brackets stand before the port, not after it", at: span,
      help: "write \(stage)[…].\(port)")
  }

  static func axisNameMissing(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "expression-syntax", "'\(text)' does not say on which axis", at: span,
      help: "write [AXIS=\(text)], or [AXIS - 1] for the one before")
  }

  static func axisSelectedTwice(_ axis: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "expression-syntax", "'\(axis)' is selected twice", at: span, help: "remove one of them")
  }

  static func scalarAxis(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "expression-syntax", "'\(text)' is neither a range nor another stage's axis", at: span,
      help: "write 0..10, stage.axis, or a list: [\(text)]")
  }

  // MARK: Matrix

  static func emptyMatrix(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "empty-matrix", "this matrix has no axes", at: span,
      help: "add an axis, or remove 'matrix:'")
  }

  static func emptyAxis(_ axis: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "empty-axis", "the axis '\(axis)' has no values", at: span, help: "list at least one value")
  }

  static func emptyRangeAxis(_ axis: String, _ low: Int, _ high: Int, at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "empty-axis", "the axis '\(axis)' has no values: its range goes from \(low) to \(high)",
      at: span, help: "let the range go upwards")
  }

  static func mixedAxis(_ axis: String, _ kinds: [String], at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "mixed-axis", "the axis '\(axis)' mixes \(kinds.joined(separator: " and "))", at: span,
      help: "give all its values one type; quotes make text")
  }

  static func pointWithoutAxis(_ axis: String, at span: SourceSpan?, first: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "uneven-points", "this point has no '\(axis)'", at: span,
      notes: [.init("the first point has these axes", at: first)],
      help: "every point names the same axes")
  }

  static func pointWithExtraAxis(_ axis: String, axes: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "uneven-points", "the first point has no '\(axis)'", at: span,
      help: suggestion(for: axis, among: axes, called: "only"))
  }

  static func duplicatePoint(at span: SourceSpan?) -> Diagnostic {
    Diagnostic("duplicate-value", "this point stands twice", at: span, help: "remove one of them")
  }

  static func axisTwice(_ axis: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "axis-twice", "the axis '\(axis)' is defined twice in this matrix", at: span,
      help: "an axis of 'points' cannot be defined beside it: rename or remove one")
  }

  static func axisInMatrixRange(_ axis: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "axis-in-range", "a range under 'matrix' cannot depend on the axis '\(axis)'", at: span,
      help: "use integers or $(params.x); leave tuples out with 'exclude'")
  }

  static func axisCycle(_ stages: [String], at span: SourceSpan?, notes: [Note]) -> Diagnostic {
    Diagnostic(
      "axis-cycle",
      "these stages take their axes from each other: \(stages.joined(separator: " → "))",
      at: span, notes: notes, help: "let one of them list its values")
  }

  static func axisChainTooLong(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "too-large", "axes are taken from stage to stage more than 1000 times", at: span,
      help: "take them from the first stage")
  }

  static func tooManyInstances(_ what: String, limit: Int, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "too-large", "\(what) more than \(limit) instances", at: span,
      help: "shorten an axis, or split the study")
  }

  static func tooManyItems(limit: Int, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "too-large", "the inputs of this manifest receive more than \(limit) artifacts", at: span,
      help: "select fewer of them: [axis=0..3]")
  }

  static func everythingExcluded(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "empty-axis", "'exclude' leaves nothing of this matrix", at: span,
      help: "exclude less, or remove the stage")
  }

  static func excludesNothing(
    _ axis: String, _ value: String, shown: String, among values: [String], at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "excludes-nothing", "the axis '\(axis)' has no value '\(value)': nothing is excluded",
      at: span,
      help: nearest(to: value, among: values).map { "did you mean '\($0)'?" }
        ?? "its values: \(shown)", severity: .warning)
  }

  // MARK: References

  static func unknownStage(_ name: String, among stages: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "unknown-stage", "there is no stage '\(name)'", at: span,
      help: suggestion(for: name, among: stages, called: "only"))
  }

  static func unknownAxis(
    _ axis: String, of stage: String?, among axes: [String], at span: SourceSpan?
  ) -> Diagnostic {
    let owner = stage.map { "the stage '\($0)'" } ?? "this matrix"
    return Diagnostic(
      "unknown-axis", "\(owner) has no axis '\(axis)'", at: span,
      help: axes.isEmpty
        ? "it has no matrix" : suggestion(for: axis, among: axes, called: "only"))
  }

  static func unknownOutput(
    _ port: String, stage: String, _ definition: StageDefinition, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "unknown-output", "the stage '\(stage)' (\(definition.kind)) has no output '\(port)'",
      at: span,
      help: suggestion(for: port, among: definition.outputs.map(\.name), called: "only"))
  }

  static func unknownInput(
    _ port: String, _ definition: StageDefinition, isParameter: Bool, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "unknown-input", "stage kind '\(definition.kind)' has no input '\(port)'", at: span,
      help: isParameter
        ? "'\(port)' is a parameter: move it under 'with:'"
        : definition.inputs.isEmpty
          ? "it has no inputs"
          : suggestion(for: port, among: definition.inputs.map(\.name), called: "only"))
  }

  static func missingInput(
    _ port: PortDefinition, _ definition: StageDefinition, at span: SourceSpan?
  ) -> Diagnostic {
    let source = port.type == .files ? "{file: PATH}" : "STAGE.PORT"
    return Diagnostic(
      "missing-input",
      "stage kind '\(definition.kind)' needs the input '\(port.name)' (\(port.type.name))",
      at: span, help: "add '\(port.name): \(source)' under 'inputs:'")
  }

  static func emptyInput(_ port: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "empty-input", "the input '\(port)' has no value", at: span,
      help: "write STAGE.PORT or {file: PATH}, or remove the line")
  }

  static func emptyPath(at span: SourceSpan?) -> Diagnostic {
    Diagnostic("empty-input", "the path is empty", at: span, help: "name a file or folder")
  }

  static func portType(
    _ port: PortDefinition, receives output: PortDefinition, from reference: Reference,
    at span: SourceSpan?
  ) -> Diagnostic {
    let help =
      port.type == .files
      ? "it takes an outside file, {file: PATH}, or an output of type files"
      : "connect an output of type \(port.type.name)"
    return Diagnostic(
      "port-type",
      "the input '\(port.name)' takes \(port.type.name), but '\(reference.text)' is "
        + output.type.name, at: span, help: help)
  }

  static func fileForArtifactPort(_ port: PortDefinition, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "port-type",
      "the input '\(port.name)' takes \(port.type.name), not an outside file", at: span,
      help: "read the file with a stage that makes \(port.type.name), and refer to that stage")
  }

  static func listForSinglePort(_ port: String, _ text: String, at span: SourceSpan?) -> Diagnostic
  {
    Diagnostic(
      "list-for-single", "'\(text)' is a list, but the input '\(port)' takes one artifact",
      at: span, help: "fix every axis: [axis=VALUE] or [axis - 1]")
  }

  static func writtenListForSinglePort(_ port: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "list-for-single", "the input '\(port)' takes one artifact, not a list", at: span,
      help: "write one expression; choices between instances are written 'a ?? b'")
  }

  static func axisOnlyOfProducer(_ axis: String, reference: Reference, at span: SourceSpan?)
    -> Diagnostic
  {
    let stage = reference.stage.value
    let port = reference.port.value
    return Diagnostic(
      "axis-not-shared", "'\(stage)' has the axis '\(axis)', this stage has not", at: span,
      help: "say which: \(stage)[\(axis)=VALUE].\(port), or take all: \(stage)[\(axis)=*].\(port)")
  }

  static func shiftWithoutAxis(_ axis: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "axis-not-shared", "a shift on '\(axis)' needs that axis in this stage too", at: span,
      help: "say which: [\(axis)=VALUE]")
  }

  static func boundWithoutAxis(_ axis: String, among axes: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "axis-not-shared", "this stage has no axis '\(axis)'", at: span,
      help: axes.isEmpty
        ? "write an integer" : suggestion(for: axis, among: axes, called: "only"))
  }

  static func shiftOfNonInteger(_ axis: String, values: String, at span: SourceSpan?) -> Diagnostic
  {
    Diagnostic(
      "axis-not-integer", "'\(axis)' is no integer axis: nothing can be added to it", at: span,
      help: "its values: \(values)")
  }

  static func rangeOfNonInteger(_ axis: String, values: String, at span: SourceSpan?) -> Diagnostic
  {
    Diagnostic(
      "axis-not-integer", "'\(axis)' is no integer axis: it has no ranges", at: span,
      help: "its values: \(values); [\(axis)=*] takes all")
  }

  static func notOnAxis(
    _ text: String, axis: String, shown: String, among values: [String], at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "not-on-axis", "the axis '\(axis)' has no value '\(text)'", at: span,
      help: nearest(to: text, among: values).map { "did you mean '\($0)'?" }
        ?? "its values: \(shown)")
  }

  static func afterNone(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "unreachable-alternative", "nothing can follow 'none'", at: span,
      help: "'none' always exists: put it last")
  }

  static func alternativeAfterList(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "unreachable-alternative", "'\(text)' is a list, which always exists", at: span,
      help: "a list may be empty: remove what follows '??'")
  }

  static func noneForRequired(_ port: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "none-for-required", "the input '\(port)' cannot stay empty", at: span,
      help: "'none' fits optional inputs only: name another artifact")
  }

  // MARK: Instances

  static func missingInstance(
    _ names: [String], consumer: InstanceID, at span: SourceSpan?,
    conditions: [(stage: String, span: SourceSpan?)] = []
  ) -> Diagnostic {
    let what =
      names.count == 1
      ? "'\(names[0])', which does not exist"
      : "one of "
        + names.map { "'\($0)'" }.joined(separator: ", ") + ": none exists"
    return Diagnostic(
      "missing-instance", "\(consumer) needs \(what)", at: span,
      notes: conditions.map { .init("'\($0.stage)' is there only when this is true", at: $0.span) },
      help: "say what to take instead: '?? STAGE.PORT', or '?? none' where the input is optional")
  }

  /// Each link: who reads, from whom, and where that is written.
  static func instanceCycle(_ links: [(InstanceID, InstanceID, SourceSpan?)]) -> Diagnostic {
    let path = links.map(\.0.description) + [links[0].0.description]
    let shown =
      path.count <= 9
      ? path : Array(path.prefix(4)) + ["… (\(path.count - 8) more)"] + path.suffix(4)
    return Diagnostic(
      "instance-cycle", "instances wait for each other: \(shown.joined(separator: " → "))",
      at: links[0].2,
      notes: links.prefix(8).map { .init("\($0.0) reads from \($0.1)", at: $0.2) },
      help: "let one of them read from an earlier instance: stage[axis - 1].port")
  }

  static func missingFile(_ shown: String, path: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "missing-file", "there is no file or folder '\(shown)'", at: span,
      help: path == shown ? "check the path" : "it was looked for at \(path)")
  }

  // MARK: Selectors on the command line

  static func selectorWithPort(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "selector-port", "'\(text)' names a port; instances are wanted here", at: span,
      help: "leave the port out")
  }

  static func selectorWithoutPort(_ text: String, among ports: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "selector-port", "'\(text)' does not say which port", at: span,
      help: "write '\(text).\(ports.first ?? "PORT")'"
        + (ports.count > 1 ? "; its ports: \(ports.joined(separator: ", "))" : ""))
  }

  static func selectorForm(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "selector-form", "a selector on the command line takes values, not shifts", at: span,
      help: "write 'train[generation=2]', 'train[generation=0..2]' or 'train[strategy=*]'")
  }

  static func selectsNothing(_ text: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "selects-nothing", "'\(text)' names no instance", at: span,
      help: "`plumb graph --instances` lists them")
  }
}
