// `slurm:` of a manifest and of a stage: what jobs ask a cluster for besides `resources`. Never part of
// a key.

import Diagnostics
import YAMLSyntax

/// Words for sbatch that come from the manifest.
public struct SlurmSettings: Sendable, Hashable {
  public var partition: String?
  public var account: String?
  public var qos: String?
  public var constraint: String?
  public var gres: String?
  /// Long options of sbatch, such as `--exclusive`.
  public var extra: [String]

  public init(
    partition: String? = nil, account: String? = nil, qos: String? = nil,
    constraint: String? = nil, gres: String? = nil, extra: [String] = []
  ) {
    self.partition = partition
    self.account = account
    self.qos = qos
    self.constraint = constraint
    self.gres = gres
    self.extra = extra
  }

  /// The stage's own settings with the pipeline's where it says nothing; its extra options come last,
  /// and sbatch takes the last word.
  func over(_ general: SlurmSettings) -> SlurmSettings {
    SlurmSettings(
      partition: partition ?? general.partition, account: account ?? general.account,
      qos: qos ?? general.qos, constraint: constraint ?? general.constraint,
      gres: gres ?? general.gres, extra: general.extra + extra)
  }

  /// As sbatch takes them.
  public var options: [String] {
    let named = [
      ("partition", partition), ("account", account), ("qos", qos), ("constraint", constraint),
      ("gres", gres),
    ]
    return named.compactMap { name, value in value.map { "--\(name)=\($0)" } } + extra
  }

  /// Options that Plumb gives itself: another value would make it lose its jobs.
  static let reserved: Set<String> = [
    "array", "chdir", "cluster", "clusters", "comment", "cpus-per-task", "dependency", "error",
    "export", "export-file", "het-group", "ignore-pbs", "input", "job-name", "mem", "no-requeue",
    "ntasks", "open-mode", "output", "parsable", "requeue", "signal", "test-only", "time",
    "usage", "help", "version", "wait", "wrap",
  ]

  /// `--name` or `--name=value`.
  static func isOption(_ text: String) -> Bool {
    guard text.hasPrefix("--"), text.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else {
      return false
    }
    let name = text.dropFirst(2).prefix { $0 != "=" }
    return name.first?.isLetter == true
      && name.utf8.allSatisfy {
        (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == UInt8(ascii: "-")
      }
  }
}

/// `slurm:` as written.
struct SlurmDeclaration {
  let values: [(name: String, template: ValueTemplate)]
  let extra: [ValueTemplate]
}

extension ManifestReader {
  func slurm(_ node: YAMLNode) -> SlurmDeclaration? {
    guard let fields = Fields(node, .slurm, named: "the key 'slurm'", problems: problems)
    else { return nil }
    func template(_ node: YAMLNode, _ what: String) -> ValueTemplate? {
      problems.attempt { () throws(Diagnostic) in
        guard node.scalar != nil else {
          throw .valueKind(what, expected: "a single value", found: node.kind, at: node.span)
        }
        return try ValueTemplate(node, named: what)
      }
    }
    let names = KeyTable.slurm.keys.map(\.name).filter { $0 != "extra" }
    let extra = fields["extra"].flatMap { node in
      problems.attempt { () throws(Diagnostic) in try node.items("the key 'extra'") }
    }
    return SlurmDeclaration(
      values: names.compactMap { name in
        fields[name].flatMap { template($0, "the key '\(name)'") }.map { (name, $0) }
      },
      extra: (extra ?? []).compactMap { template($0, "an item of 'extra'") })
  }
}

extension ResourceResolver {
  func resolve(_ declaration: SlurmDeclaration?) -> SlurmSettings {
    var settings = SlurmSettings()
    for (name, template) in declaration?.values ?? [] {
      let text = read(template) { value throws(Diagnostic) in
        let text = value.description
        guard !text.isEmpty, !text.hasPrefix("-"),
          text.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x7F })
        else {
          throw .badQuantity(
            "the key '\(name)'", text, examples: "main, lab:a100 or gpu:1", at: template.span)
        }
        return text
      }
      switch name {
      case "partition": settings.partition = text
      case "account": settings.account = text
      case "qos": settings.qos = text
      case "constraint": settings.constraint = text
      case "gres": settings.gres = text
      default: preconditionFailure("the key \(name) of slurm is read by nobody")
      }
    }
    settings.extra = (declaration?.extra ?? []).compactMap { template in
      read(template) { value throws(Diagnostic) in
        let text = value.description
        // sbatch takes the beginning of a name for the whole.
        let name = String(text.drop { $0 == "-" }.prefix { $0 != "=" })
        let isReserved =
          !name.isEmpty && SlurmSettings.reserved.contains { $0.hasPrefix(name) }
        guard SlurmSettings.isOption(text), !isReserved else {
          throw .slurmOption(
            text, isReserved: isReserved && text.hasPrefix("--"), at: template.span)
        }
        return text
      }
    }
    return settings
  }
}
