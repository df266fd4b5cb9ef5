// A metric from run to run: its value each night, and what changed since the run before. Values come
// from the artifacts that each run recorded, so that no manifest has to be as it was.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Reports
import Scheduling

/// What is asked for.
public struct MetricQuery {
  public var name: String
  public var rows: RowSelector
  /// Column → value: axes of the instance and members of `at`; the column `stage` is known too.
  public var columns: [(column: String, value: String)]

  public init(name: String, rows: RowSelector, columns: [(column: String, value: String)] = []) {
    self.name = name
    self.rows = rows
    self.columns = columns
  }
}

/// One metric at one place of one instance, over runs.
public struct MetricSeries: Sendable {
  public struct Point: Sendable {
    public let run: String
    /// Seconds since 1970, of the run's start.
    public let time: Double
    /// nil where there is none; `note` says why.
    public let metric: Metric?
    public let note: String?
    /// What changed since the run before that has the instance: empty where nothing did, nil where
    /// there is none before.
    public internal(set) var change: String?
  }

  public let instance: String
  /// Axes of the instance, then members of `at`.
  public let place: [(column: String, value: String)]
  public let name: String
  /// Oldest first.
  public internal(set) var points: [Point] = []
}

public struct MetricHistory {
  /// In the order in which they first appear.
  public private(set) var series: [MetricSeries] = []
  /// Names of metrics that were seen at the chosen places, for whoever asked for another.
  public private(set) var names: Set<String> = []
  public private(set) var columns: Set<String> = ["stage"]
  /// How many runs were looked at.
  public private(set) var runs = 0

  private let query: MetricQuery
  private let isMetrics: MetricPorts
  private var places: [String: Int] = [:]
  private var seriesOf: [String: [Int]] = [:]
  /// Runs without a value of instances that have no series yet.
  private var missed: [String: [(run: String, time: Double, note: String)]] = [:]
  /// Nights in which nothing changed name the same artifact.
  private var files: [String: Result<[Metric], MetricFile.Fault>] = [:]
  private let reader: ObjectReader

  /// - Parameters:
  ///   - runs: newest first; read one by one, and one more than asked for, so that the oldest has one
  ///     before it.
  ///   - count: so many at most.
  ///   - earliest: no run that began before, in seconds since 1970.
  public init(
    _ query: MetricQuery, runs: some Sequence<RunReport>, count: Int = .max,
    earliest: Double = -.infinity, store: Store, isMetrics: @escaping MetricPorts,
    outsideName: @escaping (_ id: String, _ port: String) -> String? = { _, _ in nil }
  ) {
    self.query = query
    self.isMetrics = isMetrics
    reader = ObjectReader([store])
    // The run that waits for one before it, by instance: nearly always the same run for all.
    var waiting: [String: RecordedRun] = [:]
    for report in runs {
      let run = RecordedRun(report, in: store)
      let own = run.rows.filter { query.rows.matches(stage: $0.stage, id: $0.id) }
      var comparisons: [String: RunComparison] = [:]
      for row in own {
        guard let later = waiting[row.id] else { continue }
        let known =
          comparisons[later.report.id] ?? (try? RunComparison(run, later, outsideName: outsideName))
        comparisons[later.report.id] = known
        changed(row.id, in: later.report.id, known?.inShort(row.id) ?? "")
      }
      guard self.runs < count, report.started >= earliest else { break }
      self.runs += 1
      for row in own { add(row, of: run.report) }
      for row in own { waiting[row.id] = run }
    }
    for index in series.indices { series[index].points.reverse() }
  }

  private mutating func changed(_ id: String, in run: String, _ what: String) {
    for index in seriesOf[id] ?? [] {
      let last = series[index].points.count - 1
      if last >= 0, series[index].points[last].run == run {
        series[index].points[last].change = what
      }
    }
  }

  private mutating func add(_ row: RunRow, of run: RunReport) {
    func append(_ place: Int, _ metric: Metric?, _ note: String?) {
      series[place].points.append(
        .init(run: run.id, time: run.started, metric: metric, note: note, change: nil))
    }
    guard !row.outputs.isEmpty else {
      // It has no results here: said in the series that it has from other runs.
      let note = row.failure.map { "\(row.outcome.rawValue): \($0.problem.message)" }
      let own = seriesOf[row.id] ?? []
      for place in own { append(place, nil, note ?? row.outcome.rawValue) }
      if own.isEmpty {
        missed[row.id, default: []].append((run.id, run.started, note ?? row.outcome.rawValue))
      }
      return
    }
    for output in row.outputs where isMetrics(row.kind, output.port) {
      let read =
        files[output.reference]
        ?? MetricFile.read(output.reference, "\(row.id).\(output.port)", reader)
      files[output.reference] = read
      switch read {
      case .failure(let fault):
        let note = fault.isGone ? "its object is gone from the store" : fault.reason
        let own = seriesOf[row.id] ?? []
        for place in own { append(place, nil, note) }
        if own.isEmpty { missed[row.id, default: []].append((run.id, run.started, note)) }
      case .success(let metrics):
        for metric in metrics {
          guard matches(row, metric) else { continue }
          append(place(row, metric), metric, nil)
        }
      }
    }
  }

  /// Whether a metric is asked for; what there is to ask for is remembered.
  private mutating func matches(_ row: RunRow, _ metric: Metric) -> Bool {
    names.insert(metric.name)
    guard bytesEqual(metric.name, query.name) else { return false }
    let place = Self.place(row, metric)
    for (column, _) in place { columns.insert(column) }
    return query.columns.allSatisfy { wanted in
      wanted.column == "stage"
        ? row.stage == wanted.value
        : place.contains { $0.column == wanted.column && $0.value == wanted.value }
    }
  }

  /// **Throws**: `metric-unknown` where no run has it; `run-instance-unknown`.
  public func check() throws(Diagnostic) {
    guard series.isEmpty, missed.isEmpty else { return }
    throw .metricUnknown(query.name, known: Array(names))
  }

  /// Instances that were asked for and have no value in any run, each with what its newest run says.
  public var valueless: [(instance: String, note: String)] {
    let stages = Set(series.map { InstanceName($0.instance)?.stage ?? $0.instance })
    // Of stages that measure something, if any does.
    return missed.filter { instance, _ in
      seriesOf[instance] == nil
        && (stages.isEmpty || stages.contains(InstanceName(instance)?.stage ?? instance))
    }
    .map { ($0.key, $0.value[0].note) }.sorted { bytesPrecede($0.0, $1.0) }
  }

  private static func place(_ row: RunRow, _ metric: Metric?) -> [(column: String, value: String)] {
    var place = (InstanceName(row.id)?.axes ?? []).map { (column: $0.name, value: $0.value) }
    for (key, value) in metric?.at.members ?? [] where !place.contains(where: { $0.column == key })
    {
      place.append((key, value.string ?? value.canonicalText))
    }
    return place
  }

  private mutating func place(_ row: RunRow, _ metric: Metric?) -> Int {
    let place = Self.place(row, metric)
    let columns = place.map { JSONValue.array([.string($0.column), .string($0.value)]) }
    let name = JSONValue.array([.string(row.id)] + columns).canonicalText
    if let known = places[name] { return known }
    let index = series.count
    places[name] = index
    seriesOf[row.id, default: []].append(index)
    var new = MetricSeries(instance: row.id, place: place, name: query.name)
    // Later runs without a value come before this one.
    new.points = (missed[row.id] ?? []).map {
      .init(run: $0.run, time: $0.time, metric: nil, note: $0.note, change: nil)
    }
    series.append(new)
    return index
  }
}
