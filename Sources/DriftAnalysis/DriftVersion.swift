// The same drift, measured in other ways: each answers one explanation that is not drift. Where they do
// not go in one direction, the judge made the result.

import CanonicalJSON
import Foundation
import Reports
import Statistics

/// A measure of the bias, and what it rules out.
public struct DriftVersion: Sendable {
  public enum Kind: String, Sendable, CaseIterable {
    case raw
    case goodDocuments = "good-documents"
    case decay
    case confusion
    case secondJudge = "second-judge"
    case statements

    /// In figures: "(a) good documents".
    public var name: String {
      switch self {
      case .raw: "as judged"
      case .goodDocuments: "(a) good documents"
      case .decay: "(b) minus decay"
      case .confusion: "(c) confusion"
      case .secondJudge: "(d) second judge"
      case .statements: "(e) statements"
      }
    }
  }

  public let kind: Kind
  /// Shares of the target, or nats per token for statements.
  public let grid: ChainGrid
  /// What was done, with its numbers.
  public let note: String
}

/// What stands behind the corrections, for tables and figures.
struct DriftCorrections {
  private(set) var versions: [DriftVersion] = []
  private(set) var threshold: Double?
  private(set) var decay: [DecayCurve] = []
  private(set) var clamped = 0
  private(set) var correction: MisclassificationCorrection?
  private(set) var confusion: [[Double]] = []
  /// Documents behind it.
  private(set) var confusionCount = 0
  private(set) var agreement: [Agreement] = []

  /// Cohen's κ of two judges over the same documents.
  struct Agreement {
    let name: String
    let kappa: Double?
    let documents: Int
  }

  init(_ input: DriftInput, _ settings: DriftSettings, _ measures: DriftMeasures) {
    let raw = measures.shares[settings.target] ?? ChainGrid()
    versions.append(
      DriftVersion(kind: .raw, grid: raw, note: "share of documents judged \(settings.target)"))
    addGoodDocuments(settings, measures)
    addDecay(input, settings, measures, raw)
    addConfusion(input, settings, measures, raw)
    addSecondJudge(settings, measures)
    if !measures.statements.isEmpty {
      versions.append(
        DriftVersion(
          kind: .statements, grid: measures.statements,
          note: "mean log-probability of statements of the \(settings.target) minus those of the "
            + "other side, nats per token; no judge"))
    }
  }

  func version(_ kind: DriftVersion.Kind) -> DriftVersion? { versions.first { $0.kind == kind } }

  // MARK: (a)

  private mutating func addGoodDocuments(_ settings: DriftSettings, _ measures: DriftMeasures) {
    let first = measures.documentQuality.keys.map(\.generation).min()
    let starting = measures.documentQuality.filter { $0.key.generation == first }
      .flatMap { $0.value.values }.sorted()
    guard !starting.isEmpty, !measures.documents.isEmpty else { return }
    let threshold =
      settings.leastQuality ?? quantile(settings.qualityQuantile, ofSorted: starting)
    var fewest = Int.max
    let grid = (measures.shares[settings.target] ?? ChainGrid()).mapped { key, _ in
      guard let documents = measures.documents[key], let quality = measures.documentQuality[key]
      else { return nil }
      let kept = documents.filter { (quality[$0.id] ?? -.infinity) >= threshold }
      guard kept.count >= settings.leastDocuments else { return nil }
      fewest = min(fewest, kept.count)
      return DriftMeasures.share(of: settings.target, kept)
    }
    guard !grid.isEmpty else { return }
    self.threshold = threshold
    let source =
      settings.leastQuality == nil
      ? "the \(Format.fixed(100 * settings.qualityQuantile, 0)) % quantile of the first generation"
      : "as declared"
    versions.append(
      DriftVersion(
        kind: .goodDocuments, grid: grid,
        note: "only documents with a \(measures.documentQualityName) of at least "
          + "\(Format.figure(threshold)) (\(source)); at least \(fewest) are left at each point"))
  }

  // MARK: (b)

  private mutating func addDecay(
    _ input: DriftInput, _ settings: DriftSettings, _ measures: DriftMeasures, _ raw: ChainGrid
  ) {
    guard let name = measures.qualityName, !measures.quality.isEmpty else { return }
    decay = DecayCurve.curves(
      bias: input.degradedBias, quality: input.degradedQuality, target: settings.target,
      qualityName: name, axes: settings.axes)
    guard !decay.isEmpty else { return }
    var outside = 0
    let curves = decay
    let grid = raw.mapped { key, share in
      guard let quality = measures.quality[key] else { return nil }
      let values = curves.map { $0.share(at: quality) }
      if values.contains(where: \.isOutside) { outside += 1 }
      let start = curves.reduce(0) { $0 + $1.best.share } / Double(curves.count)
      return share - (values.reduce(0) { $0 + $1.share } / Double(curves.count) - start)
    }
    guard !grid.isEmpty else { return }
    clamped = outside
    versions.append(
      DriftVersion(
        kind: .decay, grid: grid,
        note: "minus what the judge says of real articles degraded to the same \(name) "
          + "(\(curves.map(\.name).joined(separator: ", ")); straight lines between amounts"
          + (outside > 0 ? "; \(outside) points beyond the amounts tried take the nearest" : "")
          + ")"))
  }

  // MARK: (c)

  private mutating func addConfusion(
    _ input: DriftInput, _ settings: DriftSettings, _ measures: DriftMeasures, _ raw: ChainGrid
  ) {
    let classes = measures.classes
    // Folds that leave sources out say most about texts of another origin; audits and held-out counts
    // stand in for them.
    let names = ["folds_confusion_probability", "confusion_probability", "confusion"]
    guard let name = names.first(where: { name in input.judge.contains { $0.name == name } })
    else { return }
    func cell(_ row: String, _ column: String) -> Metric? {
      input.judge.first {
        $0.name == name && $0.at["true"]?.string == row && $0.at["predicted"]?.string == column
      }
    }
    let counts = classes.map { row in classes.map { cell(row, $0)?.value ?? 0 } }
    guard let correction = MisclassificationCorrection(confusion: counts),
      let target = classes.firstIndex(of: settings.target)
    else { return }
    self.correction = correction
    confusion = counts
    confusionCount = classes.reduce(0) { $0 + (cell($1, $1)?.count ?? 0) }
    let grid = raw.mapped { key, _ in
      var observed: [Double] = []
      for name in classes {
        guard let share = measures.shares[name]?[key] else { return nil }
        observed.append(share)
      }
      return correction.shares(observed)[target]
    }
    versions.append(
      DriftVersion(
        kind: .confusion, grid: grid,
        note: "shares times the inverse of the judge's confusion matrix, clipped to the simplex; "
          + "condition number \(Format.figure(correction.conditionNumber))"))
  }

  // MARK: (d)

  private mutating func addSecondJudge(_ settings: DriftSettings, _ measures: DriftMeasures) {
    guard !measures.secondDocuments.isEmpty else { return }
    let grid = (measures.shares[settings.target] ?? ChainGrid()).mapped { key, _ in
      measures.secondDocuments[key].flatMap { DriftMeasures.share(of: settings.target, $0) }
    }
    guard !grid.isEmpty else { return }
    let generations = measures.secondDocuments.keys.map(\.generation)
    let (first, last) = (generations.min() ?? 0, generations.max() ?? 0)
    agreement = [agreement("all generations", measures) { _ in true }]
    if first < last {
      agreement.append(
        agreement("generation \(Format.figure(first))", measures) { $0.generation == first })
      agreement.append(
        agreement("generation \(Format.figure(last))", measures) { $0.generation == last })
    }
    let kappa = agreement[0].kappa.map { Format.fixed($0, 2) } ?? "undefined"
    versions.append(
      DriftVersion(
        kind: .secondJudge, grid: grid,
        note: "share by the second judge; Cohen’s κ of both judges is \(kappa) over "
          + "\(Format.count(agreement[0].documents)) documents"))
  }

  private func agreement(
    _ name: String, _ measures: DriftMeasures, _ isMeant: (ChainGrid.Key) -> Bool
  ) -> Agreement {
    var pairs: [(String, String)] = []
    for (key, documents) in measures.documents where isMeant(key) {
      var others: [String: String] = [:]
      for document in measures.secondDocuments[key] ?? [] { others[document.id] = document.label }
      for document in documents {
        if let own = document.label, let other = others[document.id] { pairs.append((own, other)) }
      }
    }
    let names = Set(pairs.flatMap { [$0.0, $0.1] }).sorted(by: bytesPrecede)
    var number: [String: Int] = [:]
    for (index, name) in names.enumerated() { number[name] = index }
    // Sums of equal counts: the order of the pairs does not matter.
    return Agreement(
      name: name,
      kappa: cohensKappa(
        pairs.map { number[$0.0]! }, pairs.map { number[$0.1]! }, classes: names.count),
      documents: pairs.count)
  }
}
