// The analysis as metrics: a row for each claim and version, and what stands behind the corrections.

import CanonicalJSON
import Randomness
import Reports
import Statistics

extension DriftAnalysis {
  public var metrics: [Metric] {
    var rows: [Metric] = []
    for test in tests { rows += self.rows(test) }
    rows += changes
    rows += withinChains.map(\.metric)
    if let threshold = corrections.threshold {
      rows.append(
        Metric(
          "least_quality", threshold, unit: measures.documentQualityName,
          count: measures.documentQuality.count))
    }
    if let correction = corrections.correction {
      rows.append(
        Metric(
          "condition_number", correction.conditionNumber,
          count: corrections.confusionCount))
    }
    for agreement in corrections.agreement {
      if let kappa = agreement.kappa {
        rows.append(
          Metric(
            "cohens_kappa", kappa, count: agreement.documents,
            at: ["over": .string(agreement.name)]))
      }
    }
    if !corrections.decay.isEmpty {
      rows.append(
        Metric(
          "beyond_degraded", Double(corrections.clamped), unit: "points",
          count: corrections.version(.decay)?.grid.generations.count ?? 0))
    }
    return rows
  }

  private func rows(_ test: DriftTest) -> [Metric] {
    guard let result = test.result else { return [] }
    let at: [(String, JSONValue)] = [("claim", .string(test.claim.id))]
    func metric(_ name: String, _ value: Double, unit: String = "") -> Metric {
      var metric = Metric(name, value, unit: unit, count: result.values.count)
      metric.at = JSONObject(at)
      return metric
    }
    let scale = Scale(test.claim.quantity, test.claim.contrast.kind, measures.qualityName)
    let unit =
      test.claim.quantity == .bias ? scale.unit.replacing("points", with: "share") : scale.unit
    var effect = metric("contrast", result.mean, unit: unit)
    effect.low = result.interval?.low
    effect.high = result.interval?.high
    var rows = [effect, metric("p", result.p), metric("smallest_p", result.smallestP)]
    if let adjusted = test.adjustedP { rows.append(metric("adjusted_p", adjusted)) }
    if let smallest = smallestDetectable(result) {
      rows.append(metric("smallest_detectable", smallest, unit: unit))
    }
    for (kind, other) in test.versions where kind != .raw {
      var row = Metric(
        "contrast_version", other.mean, unit: kind == .statements ? "nats per token" : unit,
        low: other.interval?.low, high: other.interval?.high, count: other.values.count)
      row.at = JSONObject(at + [("version", .string(kind.rawValue))])
      rows.append(row)
    }
    return rows
  }

  /// Last generation minus first, by strategy and version.
  private var changes: [Metric] {
    versions.flatMap { version in
      version.grid.strategies.compactMap { strategy -> Metric? in
        guard let result = change(version, strategy) else { return nil }
        return Metric(
          "drift", result.mean, unit: version.kind == .statements ? "nats per token" : "share",
          low: result.interval?.low, high: result.interval?.high, count: result.values.count,
          at: ["strategy": .string(strategy), "version": .string(version.kind.rawValue)])
      }
    }
  }

  func change(_ version: DriftVersion, _ strategy: String) -> ContrastResult? {
    ContrastResult(
      Contrast(.change, of: strategy).values(version.grid, span), random: random("signs/change"))
  }

  /// How well each chain's own change is measured: documents of one prompt are paired.
  struct WithinChain {
    let strategy: String
    let chain: String
    let metric: Metric
  }

  var withinChains: [WithinChain] {
    let raw = versions[0].grid
    var rows: [WithinChain] = []
    for strategy in raw.strategies {
      for chain in raw.chains {
        let keys = [span.first, span.last].map {
          ChainGrid.Key(strategy: strategy, chain: chain, generation: $0)
        }
        guard let first = measures.documents[keys[0]], let last = measures.documents[keys[1]],
          span.first < span.last
        else { continue }
        var before: [String: Double] = [:]
        for document in first { before[document.id] = isTarget(document) }
        let differences = last.compactMap { document in
          before[document.id].map { isTarget(document) - $0 }
        }
        guard differences.count > 1 else { continue }
        let interval = Bootstrap(
          replicates: settings.replicates,
          stream: random("bootstrap/within/\(strategy)/\(chain)")
        ).means(of: [differences])[0]
        rows.append(
          WithinChain(
            strategy: strategy, chain: chain,
            metric: Metric(
              "change_within_chain", SampleSummary(differences).mean, unit: "share",
              low: interval.low, high: interval.high, count: differences.count,
              at: ["strategy": .string(strategy), "chain": .string(chain)])))
      }
    }
    return rows
  }

  private func isTarget(_ document: DocumentScore) -> Double {
    document.label == settings.target ? 1 : 0
  }
}
