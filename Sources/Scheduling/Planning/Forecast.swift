// What an instance will cost and make, said before its inputs exist: `plan` adds it up for a pipeline
// (PipelineForecast.swift). Estimates, never part of a key; what they rest on is in each stage kind.

import CanonicalJSON
import Diagnostics

/// How large an artifact will be.
public struct ArtifactForecast: Sendable, Equatable {
  /// Of all its files.
  public var bytes: Int
  /// Of a corpus.
  public var documents: Int?
  /// Numbers of a model.
  public var weights: Int?
  /// Of a model or a tokenizer: how much of a text a token stands for.
  public var bytesPerToken: Double?
  /// An outside file or folder that is there to be looked at.
  public var path: String?
  /// What the artifact is, in as far as it is known to equal another: two with one identity have the
  /// same bytes. Empty: the planner names it after what makes it.
  public var identity = ""

  public init(
    bytes: Int, documents: Int? = nil, weights: Int? = nil, bytesPerToken: Double? = nil,
    path: String? = nil, identity: String = ""
  ) {
    self.bytes = bytes
    self.documents = documents
    self.weights = weights
    self.bytesPerToken = bytesPerToken
    self.path = path
    self.identity = identity
  }
}

/// An instance as far as it is known.
public struct ForecastOrder: Sendable {
  public let parameters: Parameters
  /// Items of each port, in order; a port may be missing where it is empty.
  public let inputs: [String: [ArtifactForecast]]

  public init(parameters: Parameters, inputs: [String: [ArtifactForecast]]) {
    self.parameters = parameters
    self.inputs = inputs
  }

  public func input(_ port: String) -> ArtifactForecast? { inputs[port]?.first }

  /// Documents of all items of a port together with their bytes; nil where there is none.
  public func all(_ port: String) -> ArtifactForecast? {
    guard let items = inputs[port], !items.isEmpty else { return nil }
    return ArtifactForecast(
      bytes: items.reduce(0) { $0 + $1.bytes },
      documents: items.reduce(0) { $0 + ($1.documents ?? 0) })
  }
}

/// What an instance will cost and make.
public struct StageForecast: Sendable {
  /// By port; one that is missing is taken for small.
  public var outputs: [String: ArtifactForecast]
  /// Tokens that are learnt (each time they are seen), written, and read without learning.
  public var learnt: Int
  public var written: Int
  public var read: Int
  /// On one thread of this machine, nothing else running.
  public var seconds: Double

  public init(
    outputs: [String: ArtifactForecast] = [:], learnt: Int = 0, written: Int = 0, read: Int = 0,
    seconds: Double = 0.1
  ) {
    self.outputs = outputs
    self.learnt = learnt
    self.written = written
    self.read = read
    self.seconds = seconds
  }
}

extension StageBody {
  /// A moment, and nothing of a size.
  public static func forecast(for order: ForecastOrder) -> StageForecast { StageForecast() }
}
