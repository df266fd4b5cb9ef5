// Which figures a study has, from which metrics, and what their captions say.

import CanonicalJSON
import Diagnostics

struct StudyFigures {
  let input: StudyInput
  let bias: StudyTable
  let quality: StudyTable?

  var xLabel: String { input.axes.x.isEmpty ? "" : input.axes.x }

  /// Classes that have shares, in the order of the metrics.
  var classes: [String] {
    var found: [String] = []
    for cell in bias.cells where cell.metric.name == "share" {
      if let name = cell.metric.at["class"]?.string, !found.contains(name) { found.append(name) }
    }
    return found
  }

  /// Share of each class, and the mean score.
  var drift: [Figure] {
    // The followed class first.
    let ordered = classes.filter { $0 == input.target } + classes.filter { $0 != input.target }
    var figures = ordered.enumerated().map { index, name in
      let matches = { (metric: Metric) in
        metric.name == "share" && metric.at["class"]?.string == name
      }
      return figure(
        "share-\(index)", "Documents judged \(name)", "share of documents (%)", bias, matches,
        factor: 100, words: "Share of documents whose most probable class is \(name).",
        reference: { $0.name == "reference_share" && $0.at["class"]?.string == name })
    }
    if let (from, to) = poles {
      figures.append(
        figure(
          "mean-score", "Mean score", "P(\(to)) − P(\(from))", bias,
          { $0.name == "mean_score" },
          words: "Mean over documents of the probability of \(to) minus that of \(from): "
            + "0 is balance, +1 all \(to).",
          reference: { $0.name == "reference_mean_score" }))
    }
    return figures
  }

  private var poles: (String, String)? {
    for cell in bias.cells where cell.metric.name == "mean_score" {
      if let from = cell.metric.at["from"]?.string, let to = cell.metric.at["to"]?.string {
        return (from, to)
      }
    }
    return nil
  }

  /// Differences from the reference corpus, where there was one.
  var change: [Figure] {
    var figures: [Figure] = []
    let target = { (metric: Metric) in
      metric.name == "share_change" && metric.at["class"]?.string == input.target
    }
    if bias.contains(target) {
      figures.append(
        figure(
          "share-change", "Share of \(input.target) against the reference",
          "change (percentage points)", bias, target, factor: 100,
          words: "Share of documents judged \(input.target) minus the share in the reference "
            + "corpus\(compared(target)).", include: [0]))
    }
    if let (from, to) = poles, bias.contains({ $0.name == "mean_score_change" }) {
      figures.append(
        figure(
          "score-change", "Mean score against the reference", "change of P(\(to)) − P(\(from))",
          bias, { $0.name == "mean_score_change" },
          words: "Mean score minus that of the reference corpus"
            + compared { $0.name == "mean_score_change" } + ".", include: [0]))
    }
    return figures
  }

  /// How the compared corpora were matched, as the metrics themselves say.
  private func compared(_ matches: (Metric) -> Bool) -> String {
    var ways: [String] = []
    for cell in bias.cells where matches(cell.metric) {
      if let way = cell.metric.at["compared"]?.string, !ways.contains(way) { ways.append(way) }
    }
    return ways.isEmpty ? "" : ", compared " + ways.joined(separator: " or ")
  }

  private static let qualities: [(name: String, title: String, label: String, words: String)] = [
    (
      "perplexity", "Perplexity under the reference model", "perplexity per token",
      "exp(total negative log-likelihood / tokens) under one fixed model. Falling values can mean "
        + "repetitive text, not better text."
    ),
    (
      "distinct_2", "Distinct word pairs", "distinct-2 (share)",
      "Different word pairs over all word pairs of the corpus."
    ),
    (
      "repetition_4", "Repetition inside documents", "repeated 4-grams (share)",
      "Share of a document's word 4-grams that stood in it before, mean over documents."
    ),
    (
      "longest_loop", "Longest loop", "share of document",
      "Longest stretch that repeats itself at once, as a share of the document's words, mean over "
        + "documents."
    ),
    (
      "entropy_2", "Entropy of word pairs", "entropy (bits)",
      "Plug-in entropy of the distribution of word pairs."
    ),
    ("length", "Length", "words per document", "Mean number of words per document."),
    (
      "vocabulary_coverage", "Vocabulary kept", "share of reference's words",
      "Share of the reference corpus's different words that still occur."
    ),
  ]

  var qualityFigures: [Figure] {
    guard let quality else { return [] }
    return Self.qualities.compactMap { item in
      let matches = { (metric: Metric) in metric.name == item.name }
      guard quality.contains(matches) else { return nil }
      return figure(
        "quality-\(item.name.replacing("_", with: "-"))", item.title, item.label, quality, matches,
        words: item.words, reference: { $0.name == "reference_" + item.name })
    }
  }

  private func figure(
    _ id: String, _ title: String, _ yLabel: String, _ table: StudyTable,
    _ matches: (Metric) -> Bool, factor: Double = 1, words: String, include: [Double] = [],
    reference: ((Metric) -> Bool)? = nil
  ) -> Figure {
    let styles = Figure.Style.styles(for: table.series)
    var counts: [Int] = []
    let series = zip(table.series, styles).compactMap { name, style -> Figure.Series? in
      let averages = table.averages(name, matches)
      counts += averages.map(\.count)
      return averages.isEmpty
        ? nil
        : Figure.Series(
          name: name, style: style,
          points: averages.map {
            Figure.Point(
              x: $0.x, y: factor * $0.mean, low: $0.low.map { factor * $0 },
              high: $0.high.map { factor * $0 })
          })
    }
    var references: [Figure.Reference] = []
    let found = reference.map { wanted in
      table.cells.map(\.metric).filter(wanted).map(\.value)
    }
    var referenceWords = ""
    if let found, let low = found.min(), let high = found.max() {
      let mean = low == high ? low : found.reduce(0, +) / Double(found.count)
      references = [Figure.Reference(name: "reference corpus", y: factor * mean)]
      if low < high {
        referenceWords =
          " The reference is cut to the length of each corpus, so its value differs "
          + "(\(Format.figure(factor * low)) to \(Format.figure(factor * high))); the line is the mean."
      }
    } else if include.contains(0) {
      references = [Figure.Reference(name: "no change", y: 0)]
    }
    let n = counts.min().map { low in
      let high = counts.max()!
      return low == high
        ? "n = \(Format.count(low))" : "n = \(Format.count(low)) to \(Format.count(high))"
    }
    let unit =
      id == "quality-perplexity"
      ? " tokens"
      : id.hasPrefix("quality-distinct")
        || id.hasPrefix("quality-entropy")
        ? " n-grams"
        : id == "quality-vocabulary-coverage"
          ? " words" : " documents"
    return Figure(
      id: id, title: title, xLabel: xLabel, yLabel: yLabel, series: series,
      caption: "\(words) \(table.bandWords(matches)) \(n.map { $0 + unit + " per point." } ?? "")"
        + referenceWords,
      references: references,
      wholeX: table.x.allSatisfy { $0 == $0.rounded() }, include: include)
  }

  /// Accuracy against confidence on held-out documents.
  var calibration: Figure? {
    let accuracy = input.classifier.filter { $0.name == "calibration_accuracy" }
    let confidence = input.classifier.filter { $0.name == "calibration_confidence" }
    guard !accuracy.isEmpty, accuracy.count == confidence.count else { return nil }
    let points = zip(accuracy, confidence).map {
      Figure.Point(x: $1.value, y: $0.value, low: $0.low, high: $0.high)
    }
    let n = accuracy.reduce(0) { $0 + $1.count }
    return Figure(
      id: "calibration", title: "Is its confidence honest?", xLabel: "confidence",
      yLabel: "share of correct answers",
      series: [.init(name: "held-out documents", style: .numbered(0), points: points)],
      caption: "Held-out documents in ten bins by the probability of the predicted class: mean "
        + "probability against accuracy; bands are 95 % Wilson intervals. "
        + "n = \(Format.count(n)) documents.", isUnitSquare: true)
  }

  /// Training loss of the first replicate: a figure per series, a line per x.
  func losses() throws(Diagnostic) -> [Figure] {
    var groups: [(series: String, lines: [(x: Double, steps: [TrainingStep])])] = []
    var first: String?
    let constant = StudyTable.Place.constant(input.history.map(\.coordinates), input.axes)
    for item in input.history {
      let place = try StudyTable.Place(item.coordinates, input.axes, without: constant)
      if first == nil { first = place.replicate }
      guard place.replicate == first, !item.content.isEmpty else { continue }
      if let index = groups.firstIndex(where: { $0.series == place.series }) {
        groups[index].lines.append((place.x, item.content))
      } else {
        groups.append((place.series, [(place.x, item.content)]))
      }
    }
    let several = Set(input.history.map { shown($0.coordinates[input.axes.replicate]) }).count > 1
    return groups.enumerated().map { index, group in
      let lines = group.lines.sorted { $0.x < $1.x }
      let shownLines = lines.count <= 8 ? lines : Self.spread(lines, 8)
      return Figure(
        id: "loss-\(index)", title: "Training loss: \(group.series)", xLabel: "optimizer step",
        yLabel: "loss (nats per token)",
        series: shownLines.enumerated().map { index, line in
          Figure.Series(
            name: input.axes.x.isEmpty ? group.series : "\(input.axes.x) \(Format.figure(line.x))",
            style: .numbered(index), points: Self.thinned(line.steps))
        },
        caption: "Mean cross-entropy of each training"
          + (input.axes.x.isEmpty ? "" : ", one line per \(xLabel)")
          + (several ? ", first \(input.axes.replicate) only." : ".")
          + " Long histories are averaged into 120 stretches.",
        wholeX: true, drawsMarkers: false)
    }
  }

  /// A few of many, first and last among them.
  static func spread<Item>(_ items: [Item], _ count: Int) -> [Item] {
    guard items.count > count, count > 1 else { return items.count > count ? [items[0]] : items }
    return (0..<count).map { items[$0 * (items.count - 1) / (count - 1)] }
  }

  static func thinned(_ steps: [TrainingStep], to count: Int = 120) -> [Figure.Point] {
    guard steps.count > count else {
      return steps.map { Figure.Point(x: Double($0.step), y: $0.loss, low: nil, high: nil) }
    }
    return (0..<count).map { bin in
      let part = steps[(bin * steps.count / count)..<((bin + 1) * steps.count / count)]
      let n = Double(part.count)
      return Figure.Point(
        x: part.reduce(0) { $0 + Double($1.step) } / n, y: part.reduce(0) { $0 + $1.loss } / n,
        low: nil, high: nil)
    }
  }
}
