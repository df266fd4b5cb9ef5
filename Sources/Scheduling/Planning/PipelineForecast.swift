// The forecast of a whole run: what each instance that needs work will cost, with sizes handed on from
// instance to instance, corrected by what former runs of the pipeline took.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Pipelines

public struct PipelineForecast: Sendable {
  public struct Row: Sendable {
    /// Index in `Pipeline.instances`.
    public let instance: Int
    public let stage: String
    public let forecast: StageForecast
    /// Bytes a worker will need.
    public let memory: Int
    /// Seconds on one thread, former runs considered.
    public fileprivate(set) var seconds: Double
    /// Seconds from the start until this one has ended, if every thread it waits for is free.
    fileprivate var finish: Double
  }

  /// Instances that need work, without those whose result another one makes.
  public private(set) var rows: [Row] = []
  /// Instances that will find the result of another: a generation 0 that strategies share.
  public private(set) var twins = 0
  /// Stages whose seconds come from former runs.
  public private(set) var measuredStages: Set<String> = []

  /// Seconds of all threads together.
  public var work: Double { rows.reduce(0) { $0 + $1.seconds } }
  /// Seconds of the longest chain of instances, one thread each.
  public var chain: Double { rows.map(\.finish).max() ?? 0 }

  /// Seconds from start to end: threads share the work, and a chain that is longer than its share gets
  /// the free ones, which do not help it fully.
  public func duration(threads: Int) -> Double {
    max(work / Double(threads), chain / (1 + 0.8 * Double(threads - 1)))
  }

  /// The most bytes at a time: as many of the largest as there are threads.
  public func memory(threads: Int) -> Int {
    rows.map(\.memory).sorted(by: >).prefix(threads).reduce(0, +)
  }

  /// Without instances while parameters are still to be given: sizes would be those of nothing.
  ///
  /// - Parameters:
  ///   - decisions: of `Planner.plan`, in its order.
  public init(
    _ decisions: [Decision], of pipeline: Pipeline, store: Store, bodies: [any StageBody.Type]
  ) {
    guard pipeline.unset.isEmpty else { return }
    let previous = PreviousRuns(store: store, pipeline: pipeline.name)
    let measured = previous.secondsOfActions()
    var made: [Int: [String: ArtifactForecast]] = [:]
    var makers: [String: Int] = [:]
    var finish: [Int: Double] = [:]
    /// Measured and forecast seconds of instances that ran before, by stage.
    var known: [String: (measured: Double, forecast: Double)] = [:]
    for decision in decisions {
      let instance = pipeline.instances[decision.instance]
      let parameters = Parameters(
        JSONObject(instance.parameters.map { ($0.name, $0.value.json) }))
      var inputs: [String: [ArtifactForecast]] = [:]
      var start = 0.0
      for binding in instance.inputs where !binding.items.isEmpty {
        inputs[binding.port.name] = binding.items.map { item in
          switch item.source {
          case .output(let producer, let port):
            start = max(start, finish[producer] ?? 0)
            return made[producer]?[port] ?? ArtifactForecast(bytes: 1000)
          case .file(let path, _, _): return Self.outside(path)
          }
        }
      }
      let body = bodies.first { $0.kind == instance.definition.kind }
      let order = ForecastOrder(parameters: parameters, inputs: inputs)
      var forecast = body?.forecast(for: order) ?? StageForecast()
      let identity = Self.identity(instance, parameters, inputs)
      for port in instance.definition.outputs {
        var output = forecast.outputs[port.name] ?? ArtifactForecast(bytes: 1000)
        let existing = decision.existing?[port.name]
        if output.identity.isEmpty {
          output.identity = existing?.description ?? identity + "." + port.name
        }
        if let existing { Self.look(at: existing, in: store, &output) }
        forecast.outputs[port.name] = output
      }
      made[decision.instance] = forecast.outputs
      if let key = decision.key, let seconds = measured[key.hex], forecast.seconds > 0 {
        known[instance.id.stage, default: (0, 0)].measured += seconds
        known[instance.id.stage, default: (0, 0)].forecast += forecast.seconds
      }
      guard decision.needsWork else { continue }
      if let first = makers[identity] {
        twins += 1
        finish[decision.instance] = finish[first]
        continue
      }
      makers[identity] = decision.instance
      let sizes = StageSizes(
        parameters: parameters, inputs: inputs.mapValues { $0.map(\.bytes) })
      rows.append(
        Row(
          instance: decision.instance, stage: instance.id.stage, forecast: forecast,
          memory: instance.resources.memory ?? body?.memory(for: sizes) ?? sizes.defaultMemory,
          seconds: forecast.seconds, finish: start))
      finish[decision.instance] = start + forecast.seconds
    }
    correct(by: known, in: pipeline)
  }

  /// Multiplies a stage's seconds by what its former instances took of what they were forecast.
  private mutating func correct(
    by known: [String: (measured: Double, forecast: Double)], in pipeline: Pipeline
  ) {
    var finish: [Int: Double] = [:]
    for index in rows.indices {
      let instance = pipeline.instances[rows[index].instance]
      if let known = known[rows[index].stage], known.forecast > 0 {
        measuredStages.insert(rows[index].stage)
        rows[index].seconds *= known.measured / known.forecast
      }
      let start = pipeline.dependencies(of: instance.index).reduce(0) { max($0, finish[$1] ?? 0) }
      rows[index].finish = start + rows[index].seconds
      finish[instance.index] = rows[index].finish
    }
  }

  /// Kind, parameters and what the inputs are: instances with the same have the same key.
  private static func identity(
    _ instance: Instance, _ parameters: Parameters, _ inputs: [String: [ArtifactForecast]]
  ) -> String {
    var text = instance.definition.kind + "\n" + JSONValue.object(parameters.values).canonicalText
    for binding in instance.inputs {
      // The coordinates of a list are part of a key.
      for (item, forecast) in zip(binding.items, inputs[binding.port.name] ?? []) {
        text += "\n\(binding.port.name) \(forecast.identity) "
        if binding.port.isList { text += item.coordinates.json.canonicalText }
      }
    }
    return Digest.of(Array(text.utf8)).hex
  }

  /// An outside file or folder: its bytes, and of JSONL files the lines.
  private static func outside(_ path: String) -> ArtifactForecast {
    let manager = FileManager.default
    var isFolder: ObjCBool = false
    guard manager.fileExists(atPath: path, isDirectory: &isFolder) else {
      return ArtifactForecast(bytes: 0, identity: path)
    }
    var files = [path]
    if isFolder.boolValue {
      files = (manager.enumerator(atPath: path)?.compactMap { $0 as? String } ?? []).sorted()
        .map { path + "/" + $0 }
    }
    var bytes = 0
    var lines: Int?
    for file in files {
      guard let size = (try? manager.attributesOfItem(atPath: file))?[.size] as? Int else {
        continue
      }
      bytes += size
      // Above this, counting would make planning slow.
      guard file.hasSuffix(".jsonl"), size < 256 << 20,
        let data = try? Data(contentsOf: URL(fileURLWithPath: file), options: .alwaysMapped)
      else { continue }
      lines = (lines ?? 0) + data.withUnsafeBytes { $0.count { $0 == UInt8(ascii: "\n") } }
    }
    return ArtifactForecast(bytes: bytes, documents: lines, path: path, identity: path)
  }

  /// What an artifact that is there really is.
  private static func look(
    at reference: ObjectReference, in store: Store, _ artifact: inout ArtifactForecast
  ) {
    if let size = store.size(of: reference) {
      if let weights = artifact.weights, artifact.bytes > 0 {
        artifact.weights = Int(Double(weights) * Double(size) / Double(artifact.bytes))
      }
      artifact.bytes = size
    }
    if artifact.documents != nil, let files = try? store.files(of: reference, blobName: "file"),
      let path = files["corpus.json"], let data = FileManager.default.contents(atPath: path),
      let facts = try? JSONValue(parsing: String(decoding: data, as: UTF8.self)),
      let documents = facts["documents"]?.integer
    {
      artifact.documents = documents
    }
  }
}
