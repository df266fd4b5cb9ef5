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
    /// Where it stands it has a value; others may be left empty.
    var isNeverEmpty = false
    let summary: String

    var optional: Key {
      var key = self
      key.isRequired = false
      return key
    }
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
  var mayBeginWithUnderscore = false

  static let stage = NameRule(noun: "a stage", allowsHyphen: true)
  static let param = NameRule(noun: "a parameter", allowsHyphen: false)
  static let axis = NameRule(noun: "an axis", allowsHyphen: false)
  static let port = NameRule(noun: "a port", allowsHyphen: true)
  static let kind = NameRule(noun: "a stage kind", allowsHyphen: true)
  static let manifest = NameRule(noun: "a manifest", allowsHyphen: true)
  static let metric = NameRule(noun: "a metric", allowsHyphen: true)
  static let tool = NameRule(noun: "a tool", allowsHyphen: true)
  static let variable = NameRule(
    noun: "a variable", allowsHyphen: false, mayBeginWithUnderscore: true)

  static let longest = 64

  var pattern: String {
    "^[A-Za-z\(mayBeginWithUnderscore ? "_" : "")][A-Za-z0-9_\(allowsHyphen ? "-" : "")]"
      + "{0,\(Self.longest - 1)}$"
  }

  func accepts(_ name: String) -> Bool {
    guard name.utf8.count <= Self.longest, let first = name.utf8.first else { return false }
    func isLetter(_ byte: UInt8) -> Bool { (0x61...0x7A).contains(byte | 0x20) }
    return (isLetter(first) || mayBeginWithUnderscore && first == UInt8(ascii: "_"))
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
        name: "stages", shape: .named(.stage, .table(.stage)), isNeverEmpty: true,
        summary: "The stages, by name; may be absent where included files have some"),
      .init(
        name: "runs", shape: .table(.runs),
        summary: "What is kept of the records of runs; results are not touched"),
      .init(
        name: "on_finish", shape: .list(.text),
        summary: "A command after each run, word by word; it gets a JSON line on its standard input"
      ),
      .init(
        name: "slurm", shape: .table(.slurm),
        summary: "What all jobs ask a Slurm cluster for (run --executor slurm); never part of a key"
      ),
      .init(
        name: "include", shape: .list(.text),
        summary: "Other files whose params and stages are merged in, relative to this one"),
    ])

  /// A file that manifests include.
  static let fragment = KeyTable(
    owner: "an included file",
    keys: manifest.keys.filter { !["name", "runs", "on_finish", "slurm"].contains($0.name) }.map(
      \.optional))

  static let runs = KeyTable(
    owner: "runs",
    keys: [
      .init(
        name: "keep", shape: .pattern(#"^(forever|([0-9]+(\.[0-9]+)?[dhms])+)$"#),
        summary: "How long records and logs of runs are kept, such as 90d")
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
        name: "slurm", shape: .table(.slurm),
        summary: "What this stage's jobs ask a Slurm cluster for; never part of a key"),
      .init(
        name: "keep", shape: .pattern(#"^(forever|[0-9]+[dhms])$"#),
        summary: "How long results are kept: forever, or a time such as 30d"),
      .init(
        name: "retries", shape: .either([.integer(atLeast: 0), .table(.retries)]),
        summary: "How often an instance that failed runs again; never part of a key"),
      .init(
        name: "when",
        shape: .either([
          .boolean, .pattern("^(not +)?(true|false|\(substitutionPattern))$"),
        ]),
        summary: "The stage, or an instance of its matrix, is there only where this is true"),
      .init(
        name: "gate", shape: .named(.metric, .table(.gate)),
        summary: "Bounds for metrics of this stage: outside them the run ends with exit code 4"),
    ])

  static let retries = KeyTable(
    owner: "retries",
    keys: [
      .init(
        name: "max", shape: .integer(atLeast: 0), isRequired: true, summary: "Further attempts"),
      .init(
        name: "backoff", shape: .pattern(#"^([0-9]+(\.[0-9]+)?[dhms])+$"#),
        summary: "Pause before the second attempt, doubled before each further one; 5s if absent"),
      .init(
        name: "on", shape: .list(.choice(RetryClass.allCases.map(\.rawValue))),
        summary: "Which failures: crash, memory, time, failure; crash and memory if absent"),
    ])

  static let gate = KeyTable(
    owner: "a gate",
    keys: [
      .init(
        name: "min", shape: .either([.number, .pattern(substitutionPattern)]),
        summary: "Smallest value that passes"),
      .init(
        name: "max", shape: .either([.number, .pattern(substitutionPattern)]),
        summary: "Greatest value that passes"),
      .init(
        name: "at", shape: .named(.metric, .scalar),
        summary: "Only rows with these coordinates, such as {class: right}; all rows if absent"),
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

  static let slurm = KeyTable(
    owner: "slurm",
    keys: [
      .init(name: "partition", shape: .scalar, summary: "Partition, or several with commas"),
      .init(name: "account", shape: .scalar, summary: "Account that pays"),
      .init(name: "qos", shape: .scalar, summary: "Quality of service"),
      .init(name: "constraint", shape: .scalar, summary: "Features that nodes must have"),
      .init(name: "gres", shape: .scalar, summary: "Generic resources, such as gpu:1"),
      .init(
        name: "extra", shape: .list(.text),
        summary: "Further long options of sbatch, such as --exclusive or --nice=100"),
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
        name: "command", shape: .list(.either([.text, .list(.text)])),
        summary: "A program as the body, word by word: no shell reads it"),
      .init(
        name: "code", shape: .list(.text),
        summary: "Globs of the program's own files beside stage.yaml; part of the key"),
      .init(
        name: "tools", shape: .named(.tool, .list(.text)),
        summary: "Commands that print versions, such as [python3, --version]; part of the key"),
      .init(
        name: "environment", shape: .named(.variable, .scalar),
        summary: "The program's environment; part of the key. It sees nothing else"),
      .init(
        name: "secrets", shape: .list(.text),
        summary: "Variables that are handed on from Plumb's environment and stand nowhere else"),
      .init(
        name: "checkpoint", shape: .boolean,
        summary: "Whether the folder $(checkpoint) survives a kill until the result is published"),
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

  /// Reports unknown and missing keys. Nil where the node is no mapping.
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
      guard table.key(member.key.value) != nil else {
        if member.value.isNull, member.key.value.contains(" ") {
          problems.add(.textWithComma(member.key.value, of: table.owner, at: member.key.span))
          continue
        }
        problems.add(
          .unknownKey(
            member.key.value, of: table.owner, known: table.keys.map(\.name), at: member.key.span))
        continue
      }
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
