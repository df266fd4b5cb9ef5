// A stage kind as `stages/<kind>/stage.yaml` describes it: ports, parameters, units, ranges, docs.
// The file is read in StageDefinitionReader.swift; the folders are walked in StageCatalog.swift.

import Diagnostics

/// A named input or output with the type of artifact that fits.
public struct PortDefinition: Sendable {
  public let name: String
  public let type: ArtifactType
  /// An input that may stay empty.
  public let isOptional: Bool
  /// An input that takes any number of artifacts, each with its coordinates.
  public let isList: Bool
  public let summary: String
}

/// The type of a parameter's value.
public indirect enum ParameterType: Sendable, Hashable {
  case boolean
  case integer
  case number
  case string
  /// A file or folder; only parameters of a manifest have it, for use in `file:`.
  case path
  case choice([String])
  case list(ParameterType)
}

/// A parameter of a stage kind, or one that a manifest declares under `params`.
public struct ParameterDefinition: Sendable {
  public let name: String
  public let type: ParameterType
  public let `default`: ParameterValue?
  /// Always to be given: no default, not optional, not needed only sometimes.
  public let isRequired: Bool
  public let atLeast: Double?
  public let above: Double?
  public let atMost: Double?
  public let below: Double?
  /// For people: `tokens`, `seconds`, `GiB`.
  public let unit: String?
  /// Needed when each of these other parameters has one of the values.
  public let requiredWhen: [(parameter: String, values: [ParameterValue])]
  public let summary: String

  /// The values of a choice, for lists of choices too.
  public var choices: [String]? {
    switch type {
    case .choice(let values): values
    case .list(.choice(let values)): values
    default: nil
    }
  }
}

/// A stage kind: what `uses:` names.
public struct StageDefinition: Sendable {
  public let kind: String
  /// Raised when the same action would give other bytes; part of the key.
  public let revision: Int
  public let summary: String
  public let inputs: [PortDefinition]
  public let outputs: [PortDefinition]
  public let parameters: [ParameterDefinition]
  /// Globs of files beside `stage.yaml` that are part of the key, relative to `folder`.
  public let files: [String]
  /// A program as the body; nil for kinds that are part of plumb.
  public let command: CommandDefinition?
  /// Absolute path of the folder that holds `stage.yaml`.
  public let folder: String
  public let source: SourceText

  public func input(_ name: String) -> PortDefinition? { inputs.first { $0.name == name } }
  public func output(_ name: String) -> PortDefinition? { outputs.first { $0.name == name } }
  public func parameter(_ name: String) -> ParameterDefinition? {
    parameters.first { $0.name == name }
  }
}
