// The analysis as a section of a report. Which figures there are is decided by which inputs there are.

import Foundation
import Reports
import Statistics

extension DriftAnalysis {
  public var section: ReportSection {
    var blocks: [ReportSection.Block] = [.claims(claims)]
    blocks += outletWords.map { [.text($0)] } ?? []
    blocks.append(.text(inferenceWords))
    blocks += baseFigure.map { [.figure($0)] } ?? []
    blocks += curves.map { .figure($0) }
    blocks.append(.figure(correctionBars))
    if let figure = correctionCurves { blocks.append(.figure(figure)) }
    blocks.append(.table(correctionTable))
    if let figure = statementCurves { blocks.append(.figure(figure)) }
    if let figure = decayFigure { blocks.append(.figure(figure)) }
    if let figure = qualityHistogram { blocks.append(.figure(figure)) }
    if let table = confusionTable { blocks.append(.table(table)) }
    if let table = agreementTable { blocks.append(.table(table)) }
    if let table = chainTable { blocks.append(.table(table)) }
    return ReportSection(
      id: "drift", title: "Drift and its other explanations", order: 100,
      summary:
        "The unit is the chain. Each claim has one contrast that was declared before; each drift is also "
        + "measured in ways that answer what is not drift: bad documents, decay, a judge that errs.",
      blocks: blocks)
  }

  var inferenceWords: String {
    let chains = versions[0].grid.chains.count
    let adjustment =
      settings.adjustment == .holm
      ? "adjusted over \(familySize) claims after Holm"
      : "adjusted over \(familySize) claims by step-down maxT with flips of whole chains"
    var text =
      "\(chains) chain\(chains == 1 ? "" : "s") per strategy, generations "
      + "\(Format.figure(span.first)) to \(Format.figure(span.last)). p values are of sign-flip tests "
      + "over chains, \(adjustment)."
    if chains < ContrastResult.fewChains {
      text +=
        " Descriptive: with fewer than \(ContrastResult.fewChains) chains even unanimous ones do not "
        + "reach 5 %."
    } else if let smallest = smallestReachable, smallest >= settings.level {
      text +=
        " Unanimous chains reach an adjusted p of \(Format.figure(smallest)) at best, so nothing here "
        + "can be called clear: more chains, fewer claims or adjust: max-t are needed."
    }
    return text
  }

  // MARK: Curves

  private var baseFigure: Figure? {
    let shares = baseShares
    guard let n = shares.map(\.metric.count).min() else { return nil }
    return Figure(
      .bars, id: "base", title: "The base model before any fine-tuning",
      xLabel: "class of the judge", yLabel: "share of documents (%)",
      categories: shares.map(\.name),
      series: [
        .init(
          name: "base model",
          points: shares.enumerated().map { index, share in
            .init(
              x: Double(index), y: 100 * share.metric.value,
              low: share.metric.low.map { 100 * $0 }, high: share.metric.high.map { 100 * $0 })
          })
      ],
      caption: "Share of each class among the base model’s articles. Whiskers: 95 % intervals over "
        + "documents, within one model. n = \(Format.count(n)) documents.",
      references: [.init(name: "even", y: 100 / Double(shares.count))])
  }

  private var curves: [Figure] {
    let ordered =
      [settings.target] + measures.classes.filter { $0 != settings.target }
    var figures = ordered.enumerated().map { index, name in
      curve(
        measures.shares[name] ?? ChainGrid(), id: "share-\(index)",
        title: "Documents judged \(name)", yLabel: "share of documents (%)", factor: 100,
        words: "Share of documents whose most probable class is \(name).")
    }
    if let name = measures.qualityName, !measures.quality.isEmpty {
      figures.append(
        curve(
          measures.quality, id: "quality", title: "Quality of the texts",
          yLabel: name == "gibberish_index" ? "gibberish index (0 noise to 3 clean)" : name,
          words: "Metric \(name) of score-quality; higher is better."))
    }
    if !measures.logPerplexity.isEmpty {
      var figure = curve(
        measures.logPerplexity.mapped { exp($1) }, id: "perplexity",
        title: "Perplexity under the base model", yLabel: "perplexity (per token)",
        words:
          "exp of the mean negative log-likelihood per token. It falls for repetitive text too.")
      figure.yScale = .log
      figures.append(figure)
    }
    return figures
  }

  func curve(
    _ grid: ChainGrid, id: String, title: String, yLabel: String, factor: Double = 1,
    words: String
  ) -> Figure {
    Figure(
      id: id, title: title, xLabel: settings.axes.x, yLabel: yLabel,
      series: grid.strategies.map { line(grid, $0, name: $0, factor: factor) },
      caption: "\(words) \(bandWords(grid, isShare: factor == 100)) \(documentWords)",
      wholeX: grid.generations.allSatisfy { $0 == $0.rounded() })
  }

  /// Mean over chains with a band: Student's interval from six chains on, else the chains' range.
  func line(
    _ grid: ChainGrid, _ strategy: String, name: String, factor: Double
  ) -> Figure.Series {
    Figure.Series(
      name: name,
      points: grid.generations.compactMap { generation in
        let values = grid.values(strategy, at: generation)
        guard !values.isEmpty else { return nil }
        let summary = SampleSummary(values)
        var ends: Interval?
        if values.count >= ContrastResult.fewChains {
          ends = summary.studentInterval()
          // Student's interval does not know that a share cannot be below 0 %.
          if factor == 100, let whole = ends {
            ends = Interval(low: max(0, whole.low), high: min(1, whole.high))
          }
        } else if values.count > 1 {
          ends = Interval(low: summary.smallest, high: summary.largest)
        }
        return .init(
          x: generation, y: factor * summary.mean, low: ends.map { factor * $0.low },
          high: ends.map { factor * $0.high })
      })
  }

  func bandWords(_ grid: ChainGrid, isShare: Bool) -> String {
    let count = grid.chains.count
    if count == 1 { return "One chain, no interval." }
    return count >= ContrastResult.fewChains
      ? "Means over \(count) chains; bands are Student’s 95 % intervals over chains"
        + (isShare ? ", cut at 0 and 100 %." : ".")
      : "Means over \(count) chains; bands reach from the lowest to the highest chain."
  }

  private var documentWords: String {
    guard let counts = measures.documentCounts else { return "" }
    return counts.lowerBound == counts.upperBound
      ? "n = \(Format.count(counts.lowerBound)) documents per chain and generation."
      : "n = \(Format.count(counts.lowerBound)) to \(Format.count(counts.upperBound)) documents per "
        + "chain and generation."
  }

  // MARK: Corrections

  private var shareVersions: [DriftVersion] { versions.filter { $0.kind != .statements } }

  private var correctionBars: Figure {
    let shown = shareVersions
    let strategies = versions[0].grid.strategies
    return Figure(
      .bars, id: "corrections", title: "The same drift, measured in other ways", xLabel: "measure",
      yLabel: "change of \(settings.target), last minus first (points)",
      categories: shown.map(\.kind.name),
      series: strategies.map { strategy in
        .init(
          name: strategy,
          points: shown.enumerated().compactMap { index, version in
            guard let result = change(version, strategy) else { return nil }
            var ends: Interval?
            if result.values.count >= ContrastResult.fewChains {
              ends = result.interval
            } else if result.values.count > 1 {
              ends = Interval(low: result.values.min()!, high: result.values.max()!)
            }
            return .init(
              x: Double(index), y: 100 * result.mean, low: ends.map { 100 * $0.low },
              high: ends.map { 100 * $0.high })
          })
      },
      caption: "Change of the share of \(settings.target) from generation "
        + "\(Format.figure(span.first)) to \(Format.figure(span.last)), mean over chains; whiskers "
        + (versions[0].grid.chains.count >= ContrastResult.fewChains
          ? "are Student’s 95 % intervals over chains. "
          : "reach from the lowest to the highest chain. ")
        + shown.map { "\($0.kind.name): \($0.note)." }.joined(separator: " "))
  }

  private var correctionCurves: Figure? {
    guard shareVersions.count > 1 else { return nil }
    return Figure(
      id: "correction-curves", title: "\(settings.baseline), measured in other ways",
      xLabel: settings.axes.x, yLabel: "share of \(settings.target) (%)",
      series: shareVersions.map {
        var series = line($0.grid, settings.baseline, name: $0.kind.name, factor: 100)
        // Bands of five versions would hide each other.
        series.points = series.points.map { .init(x: $0.x, y: $0.y) }
        return series
      },
      caption: "Mean over chains of the strategy \(settings.baseline) under each measure; their "
        + "spread stands in the figure before.",
      wholeX: versions[0].grid.generations.allSatisfy { $0 == $0.rounded() })
  }

  private var statementCurves: Figure? {
    guard let version = corrections.version(.statements) else { return nil }
    return curve(
      version.grid, id: "statements", title: "(e) Without a judge",
      yLabel: "difference of log-probability (nats per token)", words: "The \(version.note).")
  }

  private var decayFigure: Figure? {
    guard !corrections.decay.isEmpty, let name = measures.qualityName else { return nil }
    return Figure(
      id: "decay", title: "(b) What decay alone does to the judge", xLabel: name,
      yLabel: "share judged \(settings.target) (%)",
      series: corrections.decay.map { curve in
        .init(
          name: curve.name, points: curve.points.map { .init(x: $0.quality, y: 100 * $0.share) })
      },
      caption:
        "Real articles, degraded by known amounts: their share of \(settings.target) over their "
        + "quality. Its change at equal quality is taken off the drift in (b). No interval is drawn: "
        + "one set of articles per amount.")
  }

  private var qualityHistogram: Figure? {
    let quality = measures.documentQuality.filter { $0.key.strategy == settings.baseline }
    let generations = Set(quality.keys.map(\.generation)).sorted()
    guard let first = generations.first, let last = generations.last else { return nil }
    func values(_ generation: Double) -> [Double] {
      quality.filter { $0.key.generation == generation }.flatMap { $0.value.values }
    }
    let shown = first < last ? [first, last] : [first]
    let all = shown.flatMap(values)
    let isIndex = measures.documentQualityName.hasPrefix("gibberish")
    let low = isIndex ? 0 : min(0, all.min() ?? 0)
    let high = isIndex ? 3 : max(1, all.max() ?? 1)
    guard !all.isEmpty, low < high else { return nil }
    return Figure(
      .histogram, id: "quality-histogram", title: "Quality, document by document",
      xLabel: measures.documentQualityName
        + (isIndex ? " (0 noise to 3 clean)" : " (share of 4-grams that are new)"),
      yLabel: "share of documents (%)",
      series: shown.map {
        Figure.Series(
          histogramOf: values($0), name: "generation \(Format.figure($0))", from: low, to: high,
          bins: 24)
      },
      caption:
        "Documents of all chains of \(settings.baseline) at the first and the last generation. n = "
        + "\(shown.map { Format.count(values($0).count) }.joined(separator: " and ")) documents.",
      references: corrections.threshold.map { [.init(name: "threshold of (a)", x: $0)] } ?? [])
  }
}
