// The stage kind `analyse-emoji`: whether emoji go with traits. The measures are ModelAnalysis'
// (EmojiIntent.swift).

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import ModelAnalysis
import ModelFiles
import Reports
import Randomness
import Scheduling

enum AnalyseEmojiStage: StageBody {
  static let kind = "analyse-emoji"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    var methods: [String: [EmojiAnswer]] = [:]
    for input in stage.inputs("answers") {
      try Corpus.forEachDocument(files: input.files) { document in
        guard let answer = EmojiAnswer(document) else { return }
        let method = document.groupValue("method") ?? "unknown"
        if let wanted = parameters.optionalString("method"), wanted != method { return }
        methods[method, default: []].append(answer)
      }
    }
    guard !methods.isEmpty else { throw .emojiAnswers(parameters.optionalString("method")) }
    var analysis = EmojiAnalysis()
    for (method, answers) in methods.sorted(by: { bytesPrecede($0.key, $1.key) }) {
      analysis.add(
        method, EmojiIntent(answers), shuffles: parameters.integer("shuffles"),
        replicates: parameters.integer("bootstrap")
      ) { stage.random("analyse-emoji/\(method)/\($0)") }
      if stage.isStopping { throw .interrupted }
    }
    try AtomicFile.write(
      Metric.file(analysis.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      analysis.section.bytes, to: stage.output("section").path("section.json"))
  }

  static func memory(for order: StageSizes) -> Int { 64 << 20 + 8 * order.bytes(of: "answers") }
}

extension EmojiAnswer {
  /// nil where the document answers no question.
  init?(_ document: Document) {
    guard let opinion = Opinion(document) else { return nil }
    self.init(
      trait: opinion.label, question: opinion.question,
      topic: opinion.topic.isEmpty ? document.id : opinion.topic,
      emoji: Emoji.all(in: document.text),
      scale: document.groupValue("scale").flatMap { Double($0) },
      isMalformed: document.groupValue("malformed") == "yes"
        || Emoji.malformed(in: document.text) > 0)
  }
}

/// Figures of all methods.
struct EmojiAnalysis {
  private(set) var metrics: [Metric] = []
  private var information: [[String]] = []
  private var valences: [[String]] = []
  private var slopes: [[String]] = []
  private var figures: [Figure] = []

  mutating func add(
    _ method: String, _ intent: EmojiIntent, shuffles: Int, replicates: Int,
    random: (String) -> RandomStream
  ) {
    func add(
      _ name: String, _ value: Double, unit: String, low: Double? = nil, high: Double? = nil,
      count: Int, _ more: [(String, JSONValue)] = []
    ) {
      var metric = Metric(name, value, unit: unit, low: low, high: high, count: count)
      metric.at = JSONObject([("method", .string(method))] + more)
      metrics.append(metric)
    }
    let answers = intent.answers
    let malformed = answers.count { $0.isMalformed }
    add(
      "malformed_share", Double(malformed) / Double(answers.count), unit: "share",
      count: answers.count)
    for (name, title, tested) in [
      (
        "emoji_presence_information", "holds an emoji",
        intent.presence(shuffles: shuffles, random: random("presence"))
      ),
      (
        "emoji_identity_information", "which emoji",
        intent.identity(shuffles: shuffles, random: random("identity"))
      ),
    ] {
      guard let tested else { continue }
      add(name, tested.value, unit: "bits", count: tested.count)
      add(name + "_expected", tested.expected, unit: "bits", count: shuffles)
      add(name + "_p", tested.p, unit: "probability", count: shuffles)
      information.append([
        method, title, "\(tested.count)", Self.text(tested.value, 4),
        Self.text(tested.expected, 4), Self.text(tested.p, 3),
      ])
    }
    for valence in intent.valences(replicates: replicates, random: random) {
      let at = [("trait", JSONValue.string(valence.trait))]
      add(
        "emoji_valence", valence.mean, unit: "valence", low: valence.low, high: valence.high,
        count: valence.known, at)
      add(
        "emoji_known_share", Double(valence.known) / Double(valence.all), unit: "share",
        count: valence.all, at)
      valences.append([
        method, valence.trait, "\(valence.all)", "\(valence.known)", Self.text(valence.mean, 2),
        "\(Self.text(valence.low, 2)) to \(Self.text(valence.high, 2))",
      ])
    }
    let doses = intent.doses(shuffles: shuffles, random: random)
    for dose in doses {
      let at = [("trait", JSONValue.string(dose.trait))]
      for point in dose.points {
        add(
          "emoji_dose_share", point.share, unit: "share", low: point.low, high: point.high,
          count: point.count, at + [("scale", .number(point.scale))])
      }
      add(
        "emoji_dose_slope", dose.slope.value, unit: "share per unit of scale",
        count: dose.slope.count, at)
      add("emoji_dose_p", dose.slope.p, unit: "probability", count: shuffles, at)
      slopes.append([
        method, dose.trait, "\(dose.slope.count)", Self.text(dose.slope.value, 3),
        Self.text(dose.slope.p, 3),
      ])
    }
    if !doses.isEmpty {
      figures.append(
        Figure(
          id: "dose-\(figures.count)", title: "Emoji by the scale of the adapter: \(method)",
          xLabel: "scale of the adapter", yLabel: "share of answers with an emoji",
          series: doses.map { dose in
            .init(
              name: dose.trait,
              points: dose.points.map {
                .init(x: $0.scale, y: $0.share, low: $0.low, high: $0.high, count: $0.count)
              })
          }, caption: "Wilson intervals at 95 %; 0 is the model without the adapter.",
          include: [0]))
    }
  }

  private static func text(_ value: Double, _ digits: Int) -> String {
    String(format: "%.\(digits)f", value)
  }

  var section: ReportSection {
    func columns(_ words: [String], _ numbers: [String]) -> [ReportTable.Column] {
      words.map { .init($0) } + numbers.map { .init($0, isNumber: true) }
    }
    var blocks: [ReportSection.Block] = []
    if information.isEmpty {
      blocks.append(
        .text("Information about traits takes answers of two traits; there are not."))
    } else {
      blocks.append(
        .table(
          ReportTable(
            caption: "Bits about the trait, beside the mean over shuffled emoji.",
            columns: columns(
              ["Method", "What"], ["Answers", "Information", "Shuffled", "p"]),
            rows: information)))
    }
    if valences.isEmpty {
      blocks.append(.text("No answer holds an emoji whose valence is known."))
    } else {
      blocks.append(
        .table(
          ReportTable(
            caption: "Valence of emoji, −1 unpleasant to 1 pleasant, bootstrap over topics.",
            columns: columns(["Method", "Trait"], ["Emoji", "Known", "Valence", "95 %"]),
            rows: valences)))
    }
    blocks += figures.map { .figure($0) }
    if !slopes.isEmpty {
      blocks.append(
        .table(
          ReportTable(
            caption: "Slope of the share of answers with an emoji on the scale of the adapter.",
            columns: columns(["Method", "Trait"], ["Answers", "Slope", "p"]), rows: slopes)))
    }
    return ReportSection(
      id: "emoji-intent", title: "Do emoji go with the trait?", order: 65,
      summary: "Information, valence and dose, each against shuffled answers.", blocks: blocks)
  }
}

extension Diagnostic {
  static func emojiAnswers(_ method: String?) -> Diagnostic {
    Diagnostic(
      "emoji-answers",
      method.map { "no answered question has the method '\($0)'" }
        ?? "no document answers a question",
      help: "give answers as answer-questions writes them", consequence: .stageFailed)
  }
}
