// The factorial as a section of a report: its claims, and which figures and tables it has. They are drawn
// in EstimationFigures.swift.

import Estimation
import Reports

struct EstimationSection {
  let cells: [EstimationCell]

  /// - Parameter cells: each place once.
  init(_ cells: [EstimationCell]) {
    self.cells = cells.sorted { $0.place.lexicographicallyPrecedes($1.place) }
  }

  var section: ReportSection {
    var blocks: [ReportSection.Block] = [.claims(claims)]
    let study = cells.filter { $0.truth == .beta && $0.fitted == .right }
    let shown = atMostDrawn(study)
    if !shown.isEmpty {
      blocks.append(.figure(course("bias", shown)))
      blocks.append(.figure(course("variance", shown)))
    }
    for cell in shown where [.previous, .none].contains(cell.weights) {
      if let figure = densities(cell) { blocks.append(.figure(figure)) }
    }
    if let table = closedForms(shown) { blocks.append(.table(table)) }
    blocks.append(.table(factorial("amplification", study.isEmpty ? cells : study)))
    if study.count < cells.count, !study.isEmpty {
      blocks.append(.table(factorial("amplification", cells.filter { !isStudy($0) })))
    }
    blocks.append(.table(effects))
    if let figure = wandering(study) { blocks.append(.figure(figure)) }
    return ReportSection(
      id: "estimation", title: "Bias without any network", order: 100,
      summary:
        "Chains of maximum-likelihood estimates, each fitted to draws of the one before. Causes are "
        + "switched on one at a time: weights, sampling error, a family that does not hold the truth.",
      blocks: blocks)
  }

  func isStudy(_ cell: EstimationCell) -> Bool {
    cell.truth == .beta && cell.fitted == .right
  }

  // MARK: Choice of cells

  /// For each kind of weights the cell with most draws; the limit only where nothing was drawn.
  func atMostDrawn(_ cells: [EstimationCell]) -> [EstimationCell] {
    EstimationSetting.Weights.allCases.compactMap { weights in
      let own = cells.filter { $0.weights == weights }
      return own.filter { $0.draws != nil }.max { $0.draws! < $1.draws! } ?? own.first
    }
  }

  private func limit(_ weights: EstimationSetting.Weights) -> EstimationCell? {
    cells.first { isStudy($0) && $0.weights == weights && $0.draws == nil }
  }

  // MARK: Claims

  var claims: [Claim] { [amplification, standstill] }

  private var amplification: Claim {
    let id = "wmle-amplifies"
    let statement =
      "Weighted maximum likelihood raises a bias from one generation to the next, without sampling "
      + "error and without a wrong family (appendix A of v1, L of the final version)"
    let drawn = atMostDrawn(cells.filter { isStudy($0) && $0.weights == .previous }).first
    let exact = limit(.previous)
    guard let cell = drawn ?? exact, let change = cell["amplification"] else {
      return .notTestable(
        id: id, statement: statement,
        because: "No cell has weights: previous, truth: beta, fitted: right.")
    }
    var sentences: [String] = []
    var verdicts: [EstimationEffect.Drift] = []
    for cell in [drawn, exact?.draws == drawn?.draws ? nil : exact].compactMap({ $0 }) {
      guard let first = cell.value("bias", 0), let last = cell.value("bias", cell.lastGeneration)
      else { continue }
      verdicts.append(EstimationEffect(cell).drift)
      sentences.append(
        "\(draws(cell)): bias \(signed(first.value)) at generation 0, \(signed(last.value)) at "
          + "generation \(cell.lastGeneration)")
    }
    if let weights = cell["pretrained_bias"], let last = cell.value("bias", cell.lastGeneration) {
      sentences.append(
        abs(last.value) < abs(weights.value) * 1.02
          ? "it approaches the bias of the first weights (\(signed(weights.value))) and does not pass it"
          : "it passes the bias of the first weights (\(signed(weights.value)))")
    }
    return Claim(
      id: id, statement: statement, verdict: verdict(verdicts),
      evidence: sentences.joined(separator: "; ") + ".", effect: change.value, low: change.low,
      high: change.high, chains: cell.replicates)
  }

  private func verdict(_ drifts: [EstimationEffect.Drift]) -> Claim.Verdict {
    if drifts.isEmpty { return .unclear }
    if drifts.allSatisfy({ $0 == .amplifies }) { return .reproduced }
    if drifts.allSatisfy({ $0 == .reverses || $0 == .holds }) { return .opposite }
    return .unclear
  }

  private var standstill: Claim {
    let id = "mle-stays"
    let statement =
      "Plain maximum likelihood has no trend: the mean stays where the data were (appendix A of v1)"
    let cell = atMostDrawn(cells.filter { isStudy($0) && $0.weights == .none }).first
    guard let cell, let test = cell["equivalence_p"] else {
      return .notTestable(
        id: id, statement: statement,
        because: "No cell has weights: none, truth: beta, fitted: right and at least 2 chains.")
    }
    let margin = test.at["margin"]?.double ?? 0
    let bias = cell.value("bias", cell.lastGeneration)
    let isOutside = (bias?.low ?? 0) > margin || (bias?.high ?? 0) < -margin
    let spread = cell.value("chain_deviation", cell.lastGeneration)?.value ?? 0
    return Claim(
      id: id, statement: statement,
      verdict: test.value < 0.05 ? .reproduced : isOutside ? .opposite : .unclear,
      evidence:
        "\(draws(cell)): mean bias \(signed(bias?.value ?? 0)) at generation "
        + "\(cell.lastGeneration); two one-sided tests against ±\(brief(margin)) give "
        + "p \(test.value < 0.001 ? "" : "= ")\(probability(test.value)). Single chains do move: "
        + "standard deviation \(brief(spread)).",
      effect: bias?.value, low: test.low, high: test.high, p: test.value, chains: cell.replicates)
  }

  // MARK: Words

  func draws(_ cell: EstimationCell) -> String {
    cell.draws.map { "\(Format.count($0)) draws" } ?? "no sampling error"
  }

  func chains(_ cells: [EstimationCell]) -> String {
    let counts = Set(cells.map(\.replicates)).sorted()
    return counts.map { Format.count($0) }.joined(separator: " or ") + " chains"
  }

  func words(_ truth: EstimationSetting.Truth) -> String {
    truth == .beta ? "beta" : "two normals"
  }

  func words(_ cell: EstimationCell) -> String {
    switch (cell.truth, cell.fitted) {
    case (.beta, .right): "beta (right)"
    case (.beta, .wrong): "logit-normal (wrong)"
    case (.gaussianMixture, .right): "two normals (right)"
    case (.gaussianMixture, .wrong): "one normal (wrong)"
    }
  }

  func words(_ weights: EstimationSetting.Weights) -> String {
    switch weights {
    case .none: "no weights"
    case .previous: "previous estimate"
    case .pretrained: "held at pre-training"
    case .unbiased: "without bias"
    }
  }

  func style(_ weights: EstimationSetting.Weights) -> Figure.Style {
    .numbered(EstimationSetting.Weights.allCases.firstIndex(of: weights)!)
  }
  func signed(_ value: Double) -> String { Format.signed(value, 4) }
  func brief(_ value: Double) -> String { Format.brief(value) }
  func probability(_ p: Double) -> String { Format.probability(p) }
}
