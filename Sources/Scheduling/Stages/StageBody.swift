// What a stage kind implements: one static function that reads inputs, calls, writes outputs. It is
// run by a worker process (Worker.swift) and sees the world through its StageContext only.

import CanonicalJSON
import Diagnostics

/// The native body of a stage kind (`run: native` in its `stage.yaml`).
public protocol StageBody: Sendable {
  /// The folder's name under `stages/`.
  static var kind: String { get }

  /// Reads inputs, writes every output of its definition, returns.
  ///
  /// What it makes may depend on the context's parameters, inputs and declared files, and on nothing
  /// else: not on the time, the host, the number of threads, the environment.
  static func run(_ stage: StageContext) throws(Diagnostic)

  /// How much memory a worker will need, in bytes; the scheduler admits workers by it.
  static func memory(for order: StageSizes) -> Int

  /// What an instance will cost and make, from what is known before anything runs.
  static func forecast(for order: ForecastOrder) -> StageForecast
}

extension StageBody {
  public static func memory(for order: StageSizes) -> Int { order.defaultMemory }
}

/// What is known about an instance before it starts: enough to estimate its memory.
public struct StageSizes: Sendable {
  public let parameters: Parameters
  /// Bytes of each item of each input port.
  public let inputs: [String: [Int]]
  /// Files of each item of each input port, as the body will find them: a header may say more than a
  /// size. Empty where they are not there to be read.
  private let files: [String: [[String: String]]]

  public init(
    parameters: Parameters, inputs: [String: [Int]], files: [String: [[String: String]]] = [:]
  ) {
    self.parameters = parameters
    self.inputs = inputs
    self.files = files
  }

  /// Logical name → path of each item of a port, to be read in place.
  public func files(of port: String) -> [[String: String]] { files[port] ?? [] }

  /// Bytes of all items of one port; 0 for an empty one.
  public func bytes(of port: String) -> Int { (inputs[port] ?? []).reduce(0, +) }

  public var inputBytes: Int { inputs.values.reduce(0) { $0 + $1.reduce(0, +) } }

  /// 128 MiB and three times the inputs.
  public var defaultMemory: Int { 128 << 20 + 3 * inputBytes }
}
