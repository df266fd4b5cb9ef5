// Metrics of two runs side by side, with differences that respect each metric's own tolerance.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Reports
import Scheduling

/// One metric at one place in two runs.
public struct MetricPair: Sendable {
  public let instance: String
  public let stage: String
  public let port: String
  public let old: Metric?
  public let new: Metric?

  public var metric: Metric { (new ?? old)! }

  /// New less old; nil where one is not there.
  public var absolute: Double? {
    guard let old, let new else { return nil }
    return new.value - old.value
  }

  /// The difference as a share of the old value; nil where that is zero.
  public var relative: Double? {
    guard let old, let absolute, old.value != 0, old.value.isFinite else { return nil }
    return absolute / abs(old.value)
  }

  public enum Verdict: String, Sendable {
    case equal
    /// No figure is further off than the tolerance of either run's metric.
    case withinTolerance = "within-tolerance"
    case differs
    case onlyOld = "only-in-first"
    case onlyNew = "only-in-second"
  }

  public var verdict: Verdict {
    guard let old else { return .onlyNew }
    guard let new else { return .onlyOld }
    if old.value == new.value || (old.value.isNaN && new.value.isNaN), old.low == new.low,
      old.high == new.high, old.count == new.count, old.unit == new.unit
    {
      return .equal
    }
    guard old.count == new.count, old.unit == new.unit else { return .differs }
    let tolerance = max(old.tolerance ?? 0, new.tolerance ?? 0)
    func isNear(_ a: Double?, _ b: Double?) -> Bool {
      guard let a, let b else { return a == nil && b == nil }
      return a == b || abs(a - b) <= tolerance
    }
    let isNear =
      isNear(old.value, new.value) && isNear(old.low, new.low) && isNear(old.high, new.high)
    return isNear ? .withinTolerance : .differs
  }
}

/// Which ports hold metrics: by the stage kind that is known, else by the port's name.
public typealias MetricPorts = (_ kind: String, _ port: String) -> Bool

/// The metrics of chosen instances of two runs.
public struct MetricComparison {
  public private(set) var pairs: [MetricPair] = []
  /// Metrics that stand in both runs in the very same artifact, and were not opened.
  public private(set) var equalArtifacts = 0
  /// What could not be read: "score[seed=1].metrics of RUN: …".
  public private(set) var unreadable: [String] = []

  /// - Parameter everything: metrics of equal artifacts are opened too.
  public init(_ runs: RunComparison, isMetrics: MetricPorts, everything: Bool) {
    for pair in runs.pairs {
      var ports: [String] = []
      for row in [pair.new, pair.old].compactMap({ $0 }) {
        for output in row.outputs where isMetrics(row.kind, output.port) {
          if !ports.contains(output.port) { ports.append(output.port) }
        }
      }
      for port in ports {
        let old = pair.old?.outputs.first { $0.port == port }?.reference
        let new = pair.new?.outputs.first { $0.port == port }?.reference
        if old == new, !everything {
          equalArtifacts += 1
          continue
        }
        let before = read(old, "\(pair.id).\(port) of \(runs.old.shown)", runs.reader)
        let after =
          old == new ? before : read(new, "\(pair.id).\(port) of \(runs.new.shown)", runs.reader)
        match(before, after, pair, port)
      }
    }
  }

  private mutating func read(
    _ reference: String?, _ shown: String, _ reader: ObjectReader
  ) -> [Metric]? {
    guard let reference else { return [] }
    switch MetricFile.read(reference, shown, reader) {
    case .success(let metrics): return metrics
    case .failure(let fault):
      unreadable.append(fault.reason)
      return nil
    }
  }

  /// Same name at the same place; what stands twice is matched in order.
  private mutating func match(
    _ old: [Metric]?, _ new: [Metric]?, _ pair: InstancePair, _ port: String
  ) {
    // What cannot be read is no metric that went or came.
    guard let old, let new else { return }
    var rest: [String: [Metric]] = [:]
    for metric in old.reversed() { rest[Self.place(metric), default: []].append(metric) }
    func add(_ old: Metric?, _ new: Metric?) {
      pairs.append(
        MetricPair(instance: pair.id, stage: pair.stage, port: port, old: old, new: new))
    }
    for metric in new { add(rest[Self.place(metric)]?.popLast(), metric) }
    // Those that were not taken are the last ones of their place.
    var left = rest.mapValues(\.count)
    var gone: [Metric] = []
    for metric in old.reversed() where (left[Self.place(metric)] ?? 0) > 0 {
      left[Self.place(metric)]! -= 1
      gone.append(metric)
    }
    for metric in gone.reversed() { add(metric, nil) }
  }

  private static func place(_ metric: Metric) -> String {
    JSONValue.array([.string(metric.name), .object(metric.at)]).canonicalText
  }
}

/// Metrics of an artifact that a run recorded.
enum MetricFile {
  struct Fault: Error {
    let reason: String
    let isGone: Bool
  }

  static func read(
    _ text: String, _ shown: String, _ reader: ObjectReader
  ) -> Result<[Metric], Fault> {
    guard case .blob(let digest)? = ObjectReference(text) else {
      return .failure(Fault(reason: "\(shown): '\(text)' is no file of metrics", isGone: false))
    }
    guard let bytes = reader.bytes(digest, limit: 1 << 28) else {
      return .failure(
        Fault(reason: "\(shown): its object is in no store that can be reached", isGone: true))
    }
    do throws(Diagnostic) {
      return .success(try Metric.read(bytes, shown: shown))
    } catch {
      return .failure(Fault(reason: "\(shown): \(error.message)", isGone: false))
    }
  }
}
