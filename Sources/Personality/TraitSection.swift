// The comparison as metrics and as a section of a report, with the study's claims.

import CanonicalJSON
import Corpora
import Reports
import Statistics

public struct TraitSection {
  public let comparison: TraitComparison
  /// Figures of other stages (locality, perplexity, PAE, inventory) that are shown as they are.
  public let metrics: [Metric]
  /// Which methods are tuning, prompting, editing and the unmoved model.
  public let names: Names
  /// What explain-trait found for each trait.
  public let units: [TraitUnitSet]
  /// Tests of the judge, and what became of the answers that a chat model wrote for it.
  public let judgeTests: [Metric]
  /// What models said of themselves.
  public let sheets: [Sheet]

  /// An inventory that one model filled in.
  public struct Sheet: Sendable, Equatable {
    /// What the model was moved towards; nil for the unmoved one.
    public let target: String?
    public let metrics: [Metric]

    public init(target: String?, metrics: [Metric]) {
      self.target = target
      self.metrics = metrics
    }
  }

  public struct Names: Sendable {
    public let tuned, prompted, edited, base: String
    /// Runs of a tuned adapter at several scales.
    public let dosed: String

    public init(
      tuned: String, prompted: String, edited: String, base: String, dosed: String = "peft-dose"
    ) {
      self.tuned = tuned
      self.prompted = prompted
      self.edited = edited
      self.base = base
      self.dosed = dosed
    }
  }

  public init(
    _ comparison: TraitComparison, metrics: [Metric], names: Names, units: [TraitUnitSet] = [],
    judgeTests: [Metric] = [], sheets: [Sheet] = []
  ) {
    self.comparison = comparison
    self.metrics = metrics
    self.names = names
    self.units = units
    self.judgeTests = judgeTests
    self.sheets = sheets
  }

  // MARK: Metrics

  public var figures: [Metric] {
    let measure = TraitMeasure(
      labels: comparison.labels, leastEntropy: comparison.leastEntropy,
      replicates: comparison.replicates, random: comparison.random)
    let base = comparison.answers.filter { $0.method == names.base }
    var rows = variants.flatMap { variant -> [Metric] in
      measure.metrics(comparison.answers.filter(variant.holds), base: base).map(variant.marked)
    }
    for pair in pairs {
      rows.append(
        Metric(
          "tuned_minus_prompted", pair.difference, unit: "share", low: pair.low, high: pair.high,
          count: pair.questions,
          at: [
            "trait": .string(pair.target), "p": .number(pair.p),
            "adjusted_p": .number(pair.adjustedP),
          ]))
    }
    for spread in comparison.spreads() {
      let parts = [
        ("runs", spread.betweenRuns), ("forms", spread.betweenForms),
        ("topics", spread.betweenTopics), ("rest", spread.rest),
      ]
      for (axis, value) in parts {
        rows.append(
          Metric(
            "variance_component", value, unit: "share²", count: spread.runs,
            at: [
              "method": .string(spread.method), "trait": .string(spread.target),
              "axis": .string(axis),
            ]))
      }
    }
    if let found = comparison.irregularity(names.prompted, over: names.tuned), found.ratio.isFinite
    {
      rows.append(
        Metric(
          "irregularity_ratio", found.ratio, unit: "", low: found.interval.low,
          high: found.interval.high, count: found.degrees.0 + found.degrees.1,
          at: ["method": .string(names.prompted), "over": .string(names.tuned)]))
    }
    for method in comparison.methods {
      guard let found = comparison.emojiInformation(method) else { continue }
      rows.append(
        Metric(
          "emoji_trait_information", found.bits, unit: "bits", count: found.count,
          at: [
            "method": .string(method), "shuffled": .number(found.shuffled), "p": .number(found.p),
          ]))
    }
    return rows + unitFigures
  }

  /// Methods in order of first appearance, those with several rates or scales once for each.
  var variants: [TraitVariant] {
    comparison.methods.flatMap { method in
      TraitVariant.all(of: method, comparison.answers.filter { $0.method == method })
    }
  }

  private var pairs: [TraitComparison.Pair] {
    comparison.paired(names.tuned, minus: names.prompted)
  }

  // MARK: Section

  public var section: ReportSection {
    let rows = figures
    var blocks: [ReportSection.Block] = [.claims(claims), .figure(alignment(rows))]
    blocks.append(.table(table(rows)))
    blocks += leakage(rows).map { .table($0) }
    if !pairs.isEmpty { blocks.append(.table(pairTable)) }
    blocks.append(.table(spreadTable))
    for target in comparison.targets {
      let doses = comparison.doses(
        target, tuned: names.tuned, dosed: names.dosed, base: names.base)
      // Two are the unmoved and the tuned model, whose answers stand above.
      if doses.count >= 3 { blocks.append(.figure(dose(target, doses))) }
    }
    if let top = topTable(rows) { blocks.append(.table(top)) }
    for target in comparison.targets {
      if let figure = masses(target) { blocks.append(.figure(figure)) }
    }
    blocks += [inventoryTable, unitTable, judgeTable, personaTable].compactMap { $0 }
      .map { .table($0) }
    return ReportSection(
      id: "traits", title: "Traits and emoji", order: 200,
      summary:
        "A judge trained on statements about people says which of \(comparison.labels.count) traits each "
        + "answer is likest; emoji are taken out before it reads. Chance is "
        + "\(Format.figure(1 / Double(comparison.labels.count))).", blocks: blocks)
  }

  private func value(
    _ rows: [Metric], _ name: String, _ variant: TraitVariant, _ trait: String
  ) -> Metric? {
    rows.first {
      $0.name == name && variant.isNamed($0)
        && ($0.at["trait"]?.string == trait || $0.at["trait"]?.string == "none")
    }
  }

  /// What another stage measured; of several runs, such as seeds, the mean.
  private func measured(_ name: String, _ variant: TraitVariant, _ trait: String) -> Metric? {
    let found = metrics.filter {
      $0.name == name && variant.isNamed($0) && $0.at["trait"]?.string == trait
    }
    guard found.count > 1 else { return value(metrics, name, variant, trait) }
    var mean = found[0]
    mean.value = found.reduce(0) { $0 + $1.value } / Double(found.count)
    (mean.low, mean.high) = (nil, nil)
    return mean
  }

  /// Why there is no rating by adjectives.
  private func unrated(_ target: String) -> String {
    metrics.first { $0.name == "adjective_auc" && $0.at["trait"]?.string == target }
      .map { "not measurable (AUC \(Format.figure($0.value)))" } ?? "–"
  }

  private func alignment(_ rows: [Metric]) -> Figure {
    let targets = comparison.targets
    return Figure(
      .bars, id: "alignment", title: "Trait alignment by method", xLabel: "trait",
      yLabel: "answers judged as the trait (share)", categories: targets,
      // Doses have a figure of their own.
      series: variants.filter { $0.method != names.dosed }.map { variant in
        Figure.Series(
          name: variant.title,
          points: targets.enumerated().compactMap { index, target in
            value(rows, "trait_alignment", variant, target).map {
              .init(x: Double(index), y: $0.value, low: $0.low, high: $0.high, count: $0.count)
            }
          })
      }, caption: "Intervals: 95 %, bootstrap over topics.",
      references: [.init(name: "chance", y: 1 / Double(comparison.labels.count))], include: [0])
  }

  private func table(_ rows: [Metric]) -> ReportTable {
    let columns: [(title: String, name: String)] = [
      ("TA", "trait_alignment"), ("TA, incoherent missed", "trait_alignment_coherent"),
      ("base", "base_trait_alignment"), ("change", "trait_alignment_change"),
      ("PAE", "adjective_score_change"), ("KL, unrelated texts", "locality_kl"),
      ("incoherent", "incoherent_share"), ("perplexity under base", "base_perplexity"),
      ("ESR", "emoji_share"), ("emoji per answer", "emoji_per_answer"),
      ("distinct emoji", "emoji_distinct"),
    ]
    var cells: [[String]] = []
    for variant in variants {
      for target in comparison.targets {
        guard let first = value(rows, "trait_alignment", variant, target) else { continue }
        cells.append(
          [variant.title, target, String(first.count)]
            + columns.map { column in
              let found =
                value(rows, column.name, variant, target)
                ?? measured(column.name, variant, target)
              guard let found else {
                return column.name == "adjective_score_change" ? unrated(target) : "–"
              }
              guard let low = found.low, let high = found.high else {
                return Format.figure(found.value)
              }
              return "\(Format.figure(found.value)) "
                + "(\(Format.figure(low)) to \(Format.figure(high)))"
            })
      }
    }
    return ReportTable(
      caption:
        "All methods and traits; 95 % intervals over topics. An editor's rates and an adapter's scales have "
        + "rows of their own; other runs, such as seeds and ways of prompting, are taken together, and "
        + "where one was measured apart from the others the mean stands without interval. "
        + "ESR: share of answers with an emoji. – was not measured.",
      columns: [.init("method"), .init("trait"), .init("answers", isNumber: true)]
        + columns.map { .init($0.title, isNumber: true) }, rows: cells)
  }

  private func leakage(_ rows: [Metric]) -> [ReportTable] {
    comparison.methods.compactMap { method -> ReportTable? in
      var cells: [[String]] = []
      for variant in variants where variant.method == method {
        for target in comparison.targets
        where value(rows, "judged_share", variant, target) != nil {
          let shares = comparison.labels.map { label -> String in
            let share = rows.first {
              $0.name == "judged_share" && variant.isNamed($0)
                && $0.at["trait"]?.string == target && $0.at["judged"]?.string == label
            }
            return share.map { Format.figure($0.value) } ?? "–"
          }
          cells.append([variant.place.map { "\(target), \($0)" } ?? target] + shares)
        }
      }
      guard !cells.isEmpty else { return nil }
      return ReportTable(
        caption: "What answers of \(method) are judged as (shares), by the trait they aim at.",
        columns: [.init("aimed at")] + comparison.labels.map { .init($0, isNumber: true) },
        rows: cells)
    }
  }

  private var pairTable: ReportTable {
    ReportTable(
      caption:
        "\(names.tuned) minus \(names.prompted), question by question; intervals over topics, p by sign "
        + "flips of topics, Holm over traits.",
      columns: [.init("trait")]
        + ["questions", "topics", "difference", "low", "high", "p", "adjusted p"].map {
          .init($0, isNumber: true)
        },
      rows: pairs.map {
        [
          $0.target, String($0.questions), String($0.topics), Format.figure($0.difference),
          Format.figure($0.low), Format.figure($0.high), Format.probability($0.p),
          Format.probability($0.adjustedP),
        ]
      })
  }

  private var spreadTable: ReportTable {
    ReportTable(
      caption:
        "Variance components of alignment (0 or 1 an answer). Runs are seeds, instructions, orders or "
        + "rates of a method; SD is that of alignment over runs.",
      columns: [.init("method"), .init("trait")]
        + ["runs", "between runs", "question forms", "topics", "rest", "SD over runs"].map {
          .init($0, isNumber: true)
        },
      rows: comparison.spreads().map {
        [
          $0.method, $0.target, String($0.runs), Format.figure($0.betweenRuns),
          Format.figure($0.betweenForms), Format.figure($0.betweenTopics), Format.figure($0.rest),
          $0.runDeviation.map(Format.figure) ?? "–",
        ]
      })
  }
}
