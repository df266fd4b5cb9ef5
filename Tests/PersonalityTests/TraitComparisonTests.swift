import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import Randomness
import Reports
import Testing

@testable import Personality

@Suite struct TraitComparisonTests {
  static let labels = ["extraversion", "openness"]

  static func answer(
    _ number: Int, _ method: String, _ target: String?, aligned: Bool, run: String = "",
    emoji: [String] = []
  ) -> JudgedAnswer {
    let isExtraverted = (target ?? "extraversion") == "extraversion" ? aligned : !aligned
    return JudgedAnswer(
      id: "\(method)-\(number)-\(run)", question: "question \(number)", topic: "t\(number / 4)",
      method: method, target: target, run: run,
      probabilities: isExtraverted ? [0.9, 0.1] : [0.2, 0.8], entropy: 4, emoji: emoji, malformed: 0
    )
  }

  static func comparison(_ answers: [JudgedAnswer]) -> TraitComparison {
    TraitComparison(labels: labels, answers: answers, leastEntropy: 3.5, replicates: 300) {
      RandomStream(seed: 1, name: $0)
    }
  }

  static func study(tuned: Double, prompted: Double, emoji: Bool) -> [JudgedAnswer] {
    (0..<80).flatMap { number -> [JudgedAnswer] in
      labels.flatMap { target in
        [
          answer(
            number, "peft", target, aligned: Double(number % 10) < 10 * tuned,
            emoji: emoji && target == "extraversion" ? ["🎉"] : []),
          answer(number, "ike", target, aligned: Double(number % 10) < 10 * prompted),
        ]
      } + [answer(number, "base", nil, aligned: number % 2 == 0)]
    }
  }

  static func claims(_ answers: [JudgedAnswer]) -> [String: Claim.Verdict] {
    let section = TraitSection(
      comparison(answers), metrics: [],
      names: .init(tuned: "peft", prompted: "ike", edited: "mend", base: "base"))
    return Dictionary(uniqueKeysWithValues: section.claims.map { ($0.id, $0.verdict) })
  }

  @Test func verdictsFollowTheAnswers() {
    let better = Self.claims(Self.study(tuned: 0.9, prompted: 0.4, emoji: true))
    #expect(better["tuning-beats-prompting"] == .reproduced)
    #expect(better["tuning-brings-emoji"] == .reproduced)
    #expect(better["emoji-follow-traits"] == .reproduced)
    #expect(better["editing-garbles"] == .notTestable)
    let worse = Self.claims(Self.study(tuned: 0.4, prompted: 0.9, emoji: false))
    #expect(worse["tuning-beats-prompting"] == .opposite)
    #expect(worse["tuning-brings-emoji"] == .unclear)
    #expect(worse["emoji-follow-traits"] == .notTestable)
    let equal = Self.claims(Self.study(tuned: 0.5, prompted: 0.5, emoji: false))
    #expect(equal["tuning-beats-prompting"] == .unclear)
    #expect(
      Self.claims([Self.answer(1, "base", nil, aligned: true)]).values.allSatisfy {
        $0 == .notTestable
      })
  }

  /// Ten questions in runs that answer a given number of them as the trait.
  static func runs(_ method: String, _ counts: [Int], questions: Int = 10) -> [JudgedAnswer] {
    counts.enumerated().flatMap { run, count in
      (0..<questions).map { number in
        answer(number, method, "openness", aligned: number < count, run: "run=\(run)")
      }
    }
  }

  @Test func irregularityIsARatioOfDeviationsOnSharedQuestions() throws {
    let even = Self.runs("peft", [5, 6, 5, 6])
    let uneven = Self.runs("ike", [1, 9, 2, 8, 1, 9])
    let found = try #require(
      Self.comparison(even + uneven).irregularity("ike", over: "peft"))
    // SD of (.1, .9, .2, .8, .1, .9) over that of (.5, .6, .5, .6): by hand.
    #expect(abs(found.ratio - (0.82 / 5 / (0.01 / 3)).squareRoot()) < 1e-9)
    #expect(found.degrees == (5, 3))
    #expect(found.interval.low > 1)
    #expect(Self.claims(even + uneven)["prompting-is-irregular"] == .reproduced)
    let turned = Self.runs("ike", [5, 6, 5, 6]) + Self.runs("peft", [1, 9, 2, 8, 1, 9])
    #expect(Self.claims(turned)["prompting-is-irregular"] == .opposite)
    let few = Self.runs("ike", [4, 6]) + Self.runs("peft", [5, 6])
    #expect(Self.claims(few)["prompting-is-irregular"] == .unclear)
    #expect(Self.comparison(uneven).irregularity("ike", over: "peft") == nil)
    // A run of fewer questions: only those that all runs share count.
    let short = Self.runs("ike", [1, 3], questions: 4) + Self.runs("peft", [3, 4, 6])
    let shared = try #require(Self.comparison(short).irregularity("ike", over: "peft"))
    #expect(abs(shared.ratio - (0.125 / (1.0 / 48)).squareRoot()) < 1e-9)
  }

  /// A dose of an adapter is a scale of the tuned one: MEND names the scale 1, too.
  @Test func dosesAreOfOneMethodFromNothingToTheWholeAdapter() throws {
    func rows(_ method: String, _ run: String, aligned: Int, of count: Int = 4) -> [JudgedAnswer] {
      (0..<count).map { number in
        Self.answer(
          number, method, method == "base" ? nil : "openness",
          aligned: method == "base" ? number >= aligned : number < aligned, run: run)
      }
    }
    let base = rows("base", "", aligned: 1, of: 8)
    let tuned = rows("peft", "scale=1;seed=1", aligned: 8, of: 8)
    let edited = rows("mend", "scale=1;rate=0.001", aligned: 0, of: 8)
    let dosed =
      rows("peft-dose", "scale=0.5", aligned: 2) + rows("peft-dose", "scale=1.5", aligned: 3)
    func doses(_ answers: [JudgedAnswer]) -> [TraitComparison.Dose] {
      Self.comparison(answers).doses("openness", tuned: "peft", dosed: "peft-dose", base: "base")
    }
    let found = doses(base + tuned + edited + dosed)
    #expect(found.map(\.scale) == [0, 0.5, 1, 1.5])
    // On the four questions of the series only.
    #expect(found.map(\.alignment) == [0.25, 0.5, 1, 0.75] && found.allSatisfy { $0.count == 4 })
    #expect(found.allSatisfy { $0.alignmentInterval.low < $0.alignment + 1e-12 })
    // What was run at 0 and 1 stays.
    let whole = doses(
      base + tuned + dosed + rows("peft-dose", "scale=0", aligned: 0)
        + rows("peft-dose", "scale=1", aligned: 2))
    #expect(whole.map(\.alignment) == [0, 0.5, 0.5, 0.75])
    #expect(doses(base + edited).map(\.scale) == [])
    #expect(doses(base + tuned).map(\.scale) == [0, 1])
  }

  @Test func pairsAreOfEqualQuestionsAndWholeTopics() throws {
    let pairs = Self.comparison(Self.study(tuned: 0.9, prompted: 0.4, emoji: false))
      .paired("peft", minus: "ike")
    #expect(pairs.map(\.target) == Self.labels)
    #expect(pairs.allSatisfy { $0.questions == 80 && $0.topics == 20 })
    #expect(pairs.allSatisfy { abs($0.difference - 0.5) < 1e-12 && $0.low > 0.3 && $0.p < 0.001 })
    #expect(pairs.allSatisfy { $0.adjustedP >= $0.p })
  }

  @Test func componentsFindWhereTheSpreadIs() {
    // Groups 0 and 1 differ by 1 and do not vary inside: (MS between − 0)/n₀ = 0.5.
    let values = [0.0, 0, 0, 0, 1, 1, 1, 1]
    #expect(
      abs(TraitComparison.component(values, ["a", "a", "a", "a", "b", "b", "b", "b"]) - 0.5) < 1e-12
    )
    #expect(TraitComparison.component(values, ["a", "b", "a", "b", "a", "b", "a", "b"]) == 0)
  }

  @Test func informationOfEmoji() throws {
    #expect(abs(TraitComparison.information([0, 0, 1, 1], [0, 0, 1, 1], 2) - 1) < 1e-12)
    #expect(TraitComparison.information([0, 1, 0, 1], [0, 0, 1, 1], 2) == 0)
    let found = try #require(
      Self.comparison(Self.study(tuned: 0.5, prompted: 0.5, emoji: true)).emojiInformation("peft"))
    #expect(abs(found.bits - 1) < 1e-12 && found.p < 0.01 && found.shuffled < 0.1)
  }

  @Test func metricsAndSectionStandTogether() throws {
    let answers = Self.study(tuned: 0.9, prompted: 0.4, emoji: true)
    let section = TraitSection(
      Self.comparison(answers), metrics: [],
      names: .init(tuned: "peft", prompted: "ike", edited: "mend", base: "base"))
    func value(_ name: String, _ method: String, _ trait: String) -> Double? {
      section.figures.first {
        $0.name == name && $0.at["method"]?.string == method && $0.at["trait"]?.string == trait
      }?.value
    }
    #expect(value("trait_alignment", "peft", "openness") == 0.9)
    #expect(value("base_trait_alignment", "peft", "extraversion") == 0.5)
    #expect(value("emoji_share", "peft", "extraversion") == 1)
    #expect(value("emoji_share", "peft", "openness") == 0)
    #expect(value("emoji_valence", "peft", "extraversion") == 1)
    let bytes = section.section.bytes
    #expect(try ReportSection.read(bytes, shown: "section.json") == section.section)
  }

  /// An editor's rates are no repetitions: each has its row and figures, and the largest decides the claim.
  @Test func ratesStandApart() throws {
    func edited(_ rate: String, aligned: Int, garbled: Int) -> [JudgedAnswer] {
      (0..<20).map { number in
        var row = Self.answer(
          number, "mend", "openness", aligned: number < aligned, run: "scale=1;rate=\(rate)")
        if number < garbled { row.entropy = 1 }
        return row
      }
    }
    let base = (0..<20).map { Self.answer($0, "base", nil, aligned: true) }
    func section(_ garbled: Int, _ metrics: [Metric] = []) -> TraitSection {
      TraitSection(
        Self.comparison(
          base + edited("0.001", aligned: 10, garbled: garbled)
            + edited("1e-05", aligned: 1, garbled: 0)),
        metrics: metrics,
        names: .init(tuned: "peft", prompted: "ike", edited: "mend", base: "base"))
    }
    func kl(_ value: Double, _ rate: JSONValue) -> Metric {
      Metric(
        "locality_kl", value, unit: "nats", count: 9,
        at: ["method": "mend", "trait": "openness", "rate": rate])
    }
    let some = section(8, [kl(0.5, .string("0.001")), kl(0.25, .number(0.00001))])
    let alignments = some.figures.filter {
      $0.name == "trait_alignment" && $0.at["method"]?.string == "mend"
    }
    #expect(alignments.map(\.value) == [0.05, 0.5])
    #expect(alignments.map { $0.at["rate"]?.string } == ["1e-05", "0.001"])
    let tables = some.section.blocks.compactMap { block in
      if case .table(let table) = block { table } else { nil }
    }
    let table = try #require(tables.first { $0.columns.contains { $0.title.hasPrefix("KL") } })
    let column = try #require(table.columns.firstIndex { $0.title.hasPrefix("KL") })
    let rows = table.rows.filter { $0[0].hasPrefix("mend") }
    #expect(rows.map { $0[0] } == ["mend, rate 1e-05", "mend, rate 0.001"])
    #expect(rows.map { $0[column] } == ["0.2500", "0.5000"])
    func claim(_ section: TraitSection) -> Claim? {
      section.claims.first { $0.id == "editing-garbles" }
    }
    let garbles = try #require(claim(some))
    #expect(garbles.verdict == .reproduced && garbles.effect == 0.4)
    #expect(garbles.evidence.contains("at rate 0.001, the largest, fail"), "\(garbles.evidence)")
    #expect(garbles.evidence.contains("0 at rate 1e-05"))
    #expect(claim(section(0))?.verdict == .unclear)
  }

  /// What other stages measured joins the table: alone with its interval, of several runs as their mean.
  @Test func runsOfAnotherStageAreAveraged() throws {
    func measured(_ method: String, _ value: Double) -> Metric {
      Metric(
        "locality_kl", value, unit: "nats", low: value - 1, high: value + 1, count: 9,
        at: ["method": .string(method), "trait": "openness"])
    }
    let section = TraitSection(
      Self.comparison(Self.study(tuned: 0.9, prompted: 0.4, emoji: false)),
      metrics: [
        measured("peft", 4), measured("ike", 2), measured("ike", 5),
        Metric("adjective_auc", 0.5, count: 24, at: ["trait": "openness"]),
      ],
      names: .init(tuned: "peft", prompted: "ike", edited: "mend", base: "base")
    ).section
    let tables = section.blocks.compactMap { block in
      if case .table(let table) = block { table } else { nil }
    }
    let table = try #require(tables.first { $0.columns.contains { $0.title.hasPrefix("KL") } })
    let column = try #require(table.columns.firstIndex { $0.title.hasPrefix("KL") })
    func cell(_ method: String, _ trait: String) -> String? {
      table.rows.first { $0[0] == method && $0[1] == trait }?[column]
    }
    #expect(cell("peft", "openness") == "4 (3 to 5)")
    #expect(cell("ike", "openness") == "3.500")
    #expect(cell("ike", "extraversion") == "–")
    let rated = try #require(table.columns.firstIndex { $0.title == "PAE" })
    let row = try #require(table.rows.first { $0[0] == "peft" && $0[1] == "openness" })
    #expect(row[rated].hasPrefix("not measurable (AUC 0.5"))
  }

  @Test func emojiAndInventoriesAreShown() throws {
    func mass(_ when: String, _ position: Int, _ value: Double) -> Metric {
      Metric(
        "emoji_mass", value, count: 6,
        at: [
          "trait": "openness", "method": "peft", "when": .string(when),
          "position": .integer(position),
        ])
    }
    func sheet(_ target: String?, _ score: Double) -> TraitSection.Sheet {
      .init(
        target: target,
        metrics: [
          Metric(
            "inventory_score", score, low: score - 1, high: score, count: 3,
            at: ["trait": "openness"]), Metric("acquiescence", 3, count: 3),
        ])
    }
    let section = TraitSection(
      Self.comparison(Self.study(tuned: 0.9, prompted: 0.4, emoji: true)),
      metrics: [mass("before", 0, 0.25), mass("after", 1, 0.5), mass("after", 0, 0)],
      names: .init(tuned: "peft", prompted: "ike", edited: "mend", base: "base"),
      sheets: [sheet(nil, 3), sheet("openness", 4.5)])
    let top = try #require(section.topTable(section.figures))
    #expect(top.rows == [["peft", "extraversion", "80", "🎉 80"]])
    let figure = try #require(section.masses("openness"))
    #expect(figure.series.map(\.name) == ["before", "peft"])
    #expect(figure.series[1].points == [.init(x: 2, y: 0.5, count: 6)], "0 has no logarithm")
    #expect(section.masses("extraversion") == nil)
    let inventory = try #require(section.inventoryTable)
    #expect(
      inventory.rows.map { $0.prefix(3).joined(separator: "|") } == [
        "unmoved|score|3.00 (2.00 to 3.00)", "unmoved|α|–",
        "tuned to openness|score|4.50 (3.50 to 4.50)", "tuned to openness|α|–",
      ])
    #expect(inventory.rows[0].last == "3.00")
    let bytes = section.section.bytes
    #expect(try ReportSection.read(bytes, shown: "section.json") == section.section)
  }

  @Test func testsOfTheJudgeAreShown() throws {
    let tests = [
      Metric("accuracy", 0.75, unit: "share", low: 0.5, high: 1, count: 8),
      Metric("recall", 0.5, count: 4, at: ["class": "openness"]),
      Metric("accuracy", 0.25, unit: "share", count: 4, at: ["corpus": "answers"]),
      Metric("recall", 0.125, count: 4, at: ["corpus": "answers", "class": "openness"]),
      Metric("kept_of_label", 3, count: 8, at: ["label": "openness"]),
      Metric("dropped_answers", 1, count: 8, at: ["label": "openness", "reason": "cut"]),
      Metric("dropped_answers", 4, count: 8, at: ["label": "extraversion", "reason": "emoji"]),
    ]
    let section = TraitSection(
      Self.comparison(Self.study(tuned: 0.9, prompted: 0.4, emoji: false)), metrics: [],
      names: .init(tuned: "peft", prompted: "ike", edited: "mend", base: "base"),
      judgeTests: tests)
    let judged = try #require(section.judgeTable)
    #expect(
      judged.rows == [
        ["held out in its training", "8", "0.7500 (0.5000 to 1)", "–", "0.5000"],
        ["answers", "4", "0.2500", "–", "0.1250"],
      ])
    let personas = try #require(section.personaTable)
    #expect(personas.columns.map(\.title) == ["persona", "kept", "cut", "emoji"])
    #expect(personas.rows == [["extraversion", "0", "0", "4"], ["openness", "3", "1", "0"]])
  }

  @Test func linesComeBack() throws {
    let answers = Self.study(tuned: 0.9, prompted: 0.4, emoji: true)
    var bytes: [UInt8] = []
    for answer in answers { bytes += answer.json(labels: Self.labels).canonicalBytes + [0x0A] }
    let (labels, again) = try JudgedAnswer.read(bytes, shown: "scores.jsonl")
    #expect(labels == Self.labels && again == answers)
  }

  @Test(arguments: [
    "", "x\n", "[]\n", "{}\n", #"{"probabilities":{"a":2,"b":0}}"# + "\n",
    #"{"probabilities":{"a":1},"id":"x"}"# + "\n",
  ])
  func badLinesAreRefused(_ text: String) {
    let error = #expect(throws: Diagnostic.self) {
      try JudgedAnswer.read(Array(text.utf8), shown: "scores.jsonl")
    }
    #expect(error?.id == "trait-scores")
  }

  @Test func entropyGatesRepetition() {
    #expect(JudgedAnswer.entropy(String(repeating: "so good ", count: 40)) < 1.5)
    let text =
      "I find jazz endlessly fascinating because every culture sees it in another light, and I never tire of it."
    #expect(JudgedAnswer.entropy(text) > 3.5)
    // 4 words: 3 pairs, 2 triples: (⅔·log₂ 3 + 4⁄3·1)/2.
    #expect(
      abs(JudgedAnswer.entropy("one two three four 🎉") - (2.0 / 3 * log2(3) + 4.0 / 3) / 2) < 1e-12)
    #expect(JudgedAnswer.entropy("") == 0)
  }
}
