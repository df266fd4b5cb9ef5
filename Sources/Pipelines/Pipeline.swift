// The checked graph of instances: after this nobody looks at YAML or checks a port again. Only the
// resolver makes one (PipelineResolver.swift); selectors are in PipelineSelection.swift.

import Diagnostics

/// What a stage may use, as the manifest asks; never part of a key.
public struct Resources: Sendable, Equatable {
  public var threads: Int?
  /// Bytes.
  public var memory: Int?
  /// Seconds.
  public var time: Double?
  /// What its jobs ask a cluster for besides.
  public var slurm = SlurmSettings()

  public init(threads: Int? = nil, memory: Int? = nil, time: Double? = nil) {
    self.threads = threads
    self.memory = memory
    self.time = time
  }
}

/// What ends an instance so that it may run again (`retries: {on: […]}`).
public enum RetryClass: String, Sendable, CaseIterable {
  /// A signal that nobody here sent, or a worker that could not be started.
  case crash
  /// The kernel's out-of-memory killer, or its own memory limit.
  case memory
  /// `resources: {time: …}`.
  case time
  /// The stage said that it failed, or ended with a status.
  case failure
}

/// How often an instance that failed runs again; never part of a key.
public struct Retries: Sendable, Equatable {
  public var max: Int
  /// Seconds before the second attempt, doubled before each further one, an hour at most.
  public var backoff: Double
  public var on: Set<RetryClass>

  public static let none = Retries(max: 0)

  public init(max: Int, backoff: Double = 5, on: Set<RetryClass> = [.crash, .memory]) {
    self.max = max
    self.backoff = backoff
    self.on = on
  }

  /// Seconds before attempt `number`, the first being 1.
  public func pause(before number: Int) -> Double {
    min(3600, backoff * Double(1 << min(20, Swift.max(0, number - 2))))
  }
}

/// Bounds for one metric; never part of a key.
public struct Gate: Sendable {
  public let metric: String
  /// Only rows that have these coordinates, by name and text.
  public let at: [(name: String, value: String)]
  public let least: Double?
  public let most: Double?
  public let span: SourceSpan?
}

/// How long results are kept, as the manifest asks; never part of a key.
public enum Retention: Sendable, Equatable {
  case forever
  case seconds(Double)
}

/// Where the bytes of an input come from.
public enum InputSource: Sendable {
  /// An output port of another instance, by its place in `Pipeline.instances`.
  case output(instance: Int, port: String)
  /// An outside file or folder: absolute path, and as the user wrote it.
  case file(path: String, shown: String, byReference: Bool)
}

/// One artifact that an input receives.
public struct InputItem: Sendable {
  /// Coordinates of the instance that makes it; empty for files.
  public let coordinates: Coordinates
  public let source: InputSource
  public let span: SourceSpan?
}

/// All artifacts of one input: none or one, for a list port any number, in axis order.
public struct InputBinding: Sendable {
  public let port: PortDefinition
  public let items: [InputItem]
  public let span: SourceSpan?
}

/// One element of a stage's matrix, with everything that decides what it computes.
public struct Instance: Sendable {
  /// Its place in `Pipeline.instances`.
  public let index: Int
  public let id: InstanceID
  public let definition: StageDefinition
  /// Sorted by the bytes of their names; defaults are filled in, absent optional ones left out.
  public let parameters: [(name: String, value: ParameterValue)]
  /// In the order of the definition; one for each port, empty ones too.
  public let inputs: [InputBinding]
  public let resources: Resources
  public let retention: Retention?
  public let retries: Retries
  public let gates: [Gate]
  /// Where the stage is named in the manifest.
  public let span: SourceSpan?
  let places: StagePlaces

  public func place(ofInput port: String) -> SourceSpan? { places.inputs[port] ?? span }
  public func place(ofParameter name: String) -> SourceSpan? { places.parameters[name] ?? span }

  public func parameter(_ name: String) -> ParameterValue? {
    parameters.first { $0.name == name }?.value
  }
}

/// Where the parts of a stage stand in the manifest; shared by its instances.
struct StagePlaces: Sendable {
  var inputs: [String: SourceSpan] = [:]
  var parameters: [String: SourceSpan] = [:]
}

/// A checked graph of instances without cycles, every port and parameter of which fits.
public struct Pipeline: Sendable {
  public let name: String
  public let summary: String
  /// Absolute path of the manifest.
  public let manifestPath: String
  /// Values of `params`, in the order of the manifest; those that were not given are left out, paths
  /// are as the user wrote them.
  public let parameters: [(name: String, value: ParameterValue)]
  /// In topological order; among those that could come next, the one written first comes first.
  public let instances: [Instance]
  /// Required parameters of the manifest that were not given: checks pass, runs refuse.
  public let unset: [Diagnostic]
  /// Seconds that records of runs are kept (`runs: {keep: …}`); nil is for ever.
  public let runsKept: Double?
  /// The words of `on_finish`; none where there is none.
  public let onFinish: [String]
  /// Names of the stages, in the order of the manifest.
  public let stages: [String]
  /// Positions of each stage's instances, in axis order.
  let positions: [String: [Int]]

  fileprivate init(
    name: String, summary: String, manifestPath: String,
    parameters: [(name: String, value: ParameterValue)], instances: [Instance], unset: [Diagnostic],
    runsKept: Double?, onFinish: [String], stages: [String], positions: [String: [Int]]
  ) {
    self.name = name
    self.summary = summary
    self.manifestPath = manifestPath
    self.parameters = parameters
    self.instances = instances
    self.unset = unset
    self.runsKept = runsKept
    self.onFinish = onFinish
    self.stages = stages
    self.positions = positions
  }

  /// The instances that this one reads from, each once, in order.
  public func dependencies(of index: Int) -> [Int] {
    var seen: Set<Int> = []
    for binding in instances[index].inputs {
      for item in binding.items {
        if case .output(let producer, _) = item.source { seen.insert(producer) }
      }
    }
    return seen.sorted()
  }

  /// Positions of the instances of one stage, in axis order.
  public func instances(of stage: String) -> [Int] { positions[stage] ?? [] }
}

extension PipelineResolver {
  /// The only door: the resolver hands over instances that are checked and sorted.
  static func seal(
    manifest: Manifest, path: String, params: [String: TemplateValue], instances: [Instance],
    unset: [Diagnostic], positions: [String: [Int]]
  ) -> Pipeline {
    for (index, instance) in instances.enumerated() {
      precondition(instance.index == index, "instance \(instance.id) is at \(index)")
    }
    let parameters = manifest.params.compactMap { declaration in
      switch params[declaration.name.value] {
      case .value(let value)?: (name: declaration.name.value, value: value)
      case .path(_, let shown)?: (name: declaration.name.value, value: .string(shown))
      default: nil as (name: String, value: ParameterValue)?
      }
    }
    return Pipeline(
      name: manifest.name, summary: manifest.summary, manifestPath: path, parameters: parameters,
      instances: instances, unset: unset, runsKept: manifest.runsKept, onFinish: manifest.onFinish,
      stages: manifest.stages.map(\.name.value),
      positions: positions)
  }
}
