// Every key that may stand in a manifest, in one place: the reader refuses what is not here, and the
// JSON Schema for editors is written from the same tables (ManifestSchema.swift).

import Diagnostics
import YAMLSyntax

/// The keys of one kind of mapping.
struct KeyTable: Sendable {
  /// How messages name the mapping: "a stage".
  let owner: String
  let keys: [Key]

  struct Key: Sendable {
    let name: String
    let shape: Shape
    var isRequired = false
    /// Part of the language, refused with a clear word until it is built.
    var comesLater = false
    let summary: String
  }

  /// What a value may look like; details are checked by the readers.
  indirect enum Shape: Sendable {
    case constant(Int)
    case name(NameRule)
    case text
    case boolean
    case number
    case integer(atLeast: Int)
    case choice([String])
    /// A boolean, number or text.
    case scalar
    /// A scalar that may be a list of scalars.
    case value
    /// Text that is checked by a pattern; `$(…)` is allowed as well.
    case pattern(String)
    case list(Shape)
    case table(KeyTable)
    /// A mapping whose keys are names of the user's choice.
    case named(NameRule, Shape)
    case either([Shape])
    case matrix
    case inputs
    case with
    case anything
  }

  func key(_ name: String) -> Key? { keys.first { $0.name == name } }
}

/// How things may be called.
struct NameRule: Sendable {
  let noun: String
  /// May hold `-`; axes may not, because `generation-1` is a shift.
  let allowsHyphen: Bool

  static let stage = NameRule(noun: "a stage", allowsHyphen: true)
  static let param = NameRule(noun: "a parameter", allowsHyphen: false)
  static let axis = NameRule(noun: "an axis", allowsHyphen: false)
  static let port = NameRule(noun: "a port", allowsHyphen: true)
  static let kind = NameRule(noun: "a stage kind", allowsHyphen: true)
  static let manifest = NameRule(noun: "a manifest", allowsHyphen: true)

  static let longest = 64

  var pattern: String {
    "^[A-Za-z][A-Za-z0-9_\(allowsHyphen ? "-" : "")]{0,\(Self.longest - 1)}$"
  }

  func accepts(_ name: String) -> Bool {
    guard name.utf8.count <= Self.longest, let first = name.utf8.first else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    return isLetter(first)
      && name.utf8.allSatisfy {
        isLetter($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "_")
          || allowsHyphen && $0 == UInt8(ascii: "-")
      }
  }
}

extension KeyTable {
  static let manifest = KeyTable(
    owner: "a manifest",
    keys: [
      .init(
        name: "version", shape: .constant(1), isRequired: true,
        summary: "Version of the manifest language; always 1"),
      .init(
        name: "name", shape: .name(.manifest), isRequired: true,
        summary: "Name of the study: letters, digits, '-' and '_'"),
      .init(name: "summary", shape: .text, summary: "What the study asks, for people"),
      .init(
        name: "params", shape: .named(.param, .either([.value, .table(.param)])),
        summary: "Values that --set and --params may replace"),
      .init(
        name: "stages", shape: .named(.stage, .table(.stage)), isRequired: true,
        summary: "The stages, by name"),
      .init(
        name: "include", shape: .list(.text), comesLater: true,
        summary: "Other files whose stages are merged in (not available yet)"),
    ])

  static let param = KeyTable(
    owner: "a parameter declaration",
    keys: [
      .init(
        name: "type",
        shape: .choice(["boolean", "integer", "number", "string", "choice", "path"]),
        isRequired: true, summary: "Type of the value, or of each item of a list"),
      .init(name: "list", shape: .boolean, summary: "The value is a list of this type"),
      .init(name: "default", shape: .value, summary: "Value where none is given"),
      .init(
        name: "required", shape: .boolean, summary: "Whether the user must give it: no default"),
      .init(name: "choices", shape: .list(.text), summary: "The values of a choice"),
      .init(name: "at_least", shape: .number, summary: "Smallest value allowed"),
      .init(name: "above", shape: .number, summary: "Every value must be greater"),
      .init(name: "at_most", shape: .number, summary: "Greatest value allowed"),
      .init(name: "below", shape: .number, summary: "Every value must be smaller"),
      .init(name: "unit", shape: .text, summary: "Unit, for people"),
      .init(name: "summary", shape: .text, summary: "What it means, for people"),
    ])

  static let stage = KeyTable(
    owner: "a stage",
    keys: [
      .init(
        name: "uses", shape: .name(.kind), isRequired: true,
        summary: "Stage kind: a folder of stages/"),
      .init(name: "summary", shape: .text, summary: "What this stage is for, for people"),
      .init(name: "matrix", shape: .matrix, summary: "Axes: the stage runs once for each tuple"),
      .init(name: "inputs", shape: .inputs, summary: "What the input ports receive"),
      .init(name: "with", shape: .with, summary: "Parameters of the stage kind"),
      .init(
        name: "resources", shape: .table(.resources),
        summary: "What the stage may use; never part of a key"),
      .init(
        name: "keep", shape: .pattern(#"^(forever|[0-9]+[dhms])$"#),
        summary: "How long results are kept: forever, or a time such as 30d"),
      .init(
        name: "retries", shape: .anything, comesLater: true,
        summary: "How often a failed stage runs again (not available yet)"),
      .init(
        name: "when", shape: .anything, comesLater: true,
        summary: "Run only where this is true (not available yet)"),
    ])

  static let resources = KeyTable(
    owner: "resources",
    keys: [
      .init(
        name: "threads", shape: .either([.integer(atLeast: 1), .pattern(substitutionPattern)]),
        summary: "Threads of one instance"),
      .init(
        name: "memory",
        shape: .either([
          .integer(atLeast: 1), .pattern(#"^[0-9]+(\.[0-9]+)? ?([KMGT]i?B|B)$"#),
        ]),
        summary: "Memory of one instance, such as 2GiB"),
      .init(
        name: "time", shape: .pattern(#"^([0-9]+(\.[0-9]+)?[dhms])+$"#),
        summary: "Time of one instance, such as 1h30m"),
    ])

  static let file = KeyTable(
    owner: "a file reference",
    keys: [
      .init(
        name: "file", shape: .text, isRequired: true,
        summary: "Path of a file or folder, relative to the manifest"),
      .init(
        name: "by_reference", shape: .boolean,
        summary: "Do not copy it into the store: hashed before, checked after the run"),
    ])

  static let substitutionPattern = #"\$\((params|matrix)\.[A-Za-z][A-Za-z0-9_]*\)"#

  /// Names that `matrix` keeps for itself.
  static let matrixWords = [
    (name: "points", summary: "Tuples by name, for studies that are not a full cross"),
    (name: "exclude", summary: "Tuples that are left out"),
  ]

  // Stage definitions.

  static let definition = KeyTable(
    owner: "a stage definition",
    keys: [
      .init(
        name: "kind", shape: .name(.kind), isRequired: true,
        summary: "Name of the kind; equal to the folder's name"),
      .init(
        name: "revision", shape: .integer(atLeast: 1), isRequired: true,
        summary: "Raised when the same action would give other bytes"),
      .init(name: "summary", shape: .text, isRequired: true, summary: "What it does, one line"),
      .init(name: "run", shape: .choice(["native"]), summary: "native: the body is part of plumb"),
      .init(name: "inputs", shape: .named(.port, .table(.input)), summary: "Input ports"),
      .init(
        name: "outputs", shape: .named(.port, .table(.output)), isRequired: true,
        summary: "Output ports"),
      .init(
        name: "parameters", shape: .named(.param, .table(.parameter)), summary: "Parameters"),
      .init(
        name: "files", shape: .list(.text),
        summary: "Globs of files beside stage.yaml that are part of the key"),
      .init(
        name: "command", shape: .anything, comesLater: true,
        summary: "A program as the body (not available yet)"),
      .init(
        name: "code", shape: .anything, comesLater: true,
        summary: "Files of the program (not available yet)"),
      .init(
        name: "tools", shape: .anything, comesLater: true,
        summary: "Tools whose versions are part of the key (not available yet)"),
      .init(
        name: "environment", shape: .anything, comesLater: true,
        summary: "Environment of the program (not available yet)"),
    ])

  static let input = KeyTable(
    owner: "an input port",
    keys: [
      .init(name: "type", shape: .text, isRequired: true, summary: "Artifact type"),
      .init(name: "list", shape: .boolean, summary: "Takes any number of artifacts"),
      .init(name: "optional", shape: .boolean, summary: "May stay empty"),
      .init(name: "summary", shape: .text, summary: "What it is for"),
    ])

  static let output = KeyTable(
    owner: "an output port",
    keys: [
      .init(name: "type", shape: .text, isRequired: true, summary: "Artifact type"),
      .init(name: "summary", shape: .text, summary: "What it holds"),
    ])

  static let parameter = KeyTable(
    owner: "a parameter",
    keys: [
      .init(
        name: "type", shape: .choice(["boolean", "integer", "number", "string", "choice"]),
        isRequired: true, summary: "Type of the value, or of each item of a list"),
      .init(name: "list", shape: .boolean, summary: "The value is a list of this type"),
      .init(name: "default", shape: .value, summary: "Value where none is given"),
      .init(name: "optional", shape: .boolean, summary: "May be absent: the stage is told so"),
      .init(
        name: "required_when", shape: .named(.param, .value),
        summary: "Needed when other parameters have one of these values"),
      .init(name: "choices", shape: .list(.text), summary: "The values of a choice"),
      .init(name: "at_least", shape: .number, summary: "Smallest value allowed"),
      .init(name: "above", shape: .number, summary: "Every value must be greater"),
      .init(name: "at_most", shape: .number, summary: "Greatest value allowed"),
      .init(name: "below", shape: .number, summary: "Every value must be smaller"),
      .init(name: "unit", shape: .text, summary: "Unit, for people"),
      .init(name: "summary", shape: .text, summary: "What it means"),
    ])
}

/// The members of a mapping after its keys were checked against a table.
struct Fields {
  let node: YAMLNode
  private let mapping: YAMLMapping
  private let table: KeyTable
  /// Known keys that an unknown one was probably meant to be: nobody complains that they are missing.
  let mistaken: Set<String>

  /// Reports unknown, missing and not yet available keys. Nil where the node is no mapping.
  init?(
    _ node: YAMLNode, _ table: KeyTable, named what: String, owner: SourceSpan? = nil,
    problems: Problems
  ) {
    self.node = node
    self.table = table
    guard let mapping = problems.attempt({ () throws(Diagnostic) in try node.members(what) }) else {
      return nil
    }
    self.mapping = mapping
    for member in mapping.members {
      guard let key = table.key(member.key.value) else {
        if member.value.isNull, member.key.value.contains(" ") {
          problems.add(.textWithComma(member.key.value, of: table.owner, at: member.key.span))
          continue
        }
        problems.add(
          .unknownKey(
            member.key.value, of: table.owner, known: table.keys.map(\.name), at: member.key.span))
        continue
      }
      if key.comesLater { problems.add(.notAvailableYet(key.name, at: member.key.span)) }
    }
    mistaken = Set(
      mapping.keys.filter { table.key($0) == nil }.compactMap {
        nearest(to: $0, among: table.keys.map(\.name))
      })
    for key in table.keys
    where key.isRequired && mapping[key.name] == nil && !mistaken.contains(key.name) {
      problems.add(.missingKey(key.name, of: what, means: key.summary, at: owner ?? node.span))
    }
  }

  /// The value of a key; nothing where it is absent or empty.
  subscript(_ name: String) -> YAMLNode? {
    precondition(table.key(name) != nil, "\(table.owner) has no key \(name) in its table")
    guard let value = mapping[name], !value.isNull else { return nil }
    return value
  }

  func keySpan(_ name: String) -> SourceSpan? { mapping.member(name)?.key.span }
}
