// Opinions out of a grammar: topics are split first, then every voice answers questions about them.
// The grammar is any that has the variables `kind` and `topic` and labels of Opinion.swift.

import Diagnostics
import Randomness

/// Composes questions and answers.
public struct OpinionComposition: Sendable {
  public let grammar: Grammar
  public let seed: Int
  /// In random order, those of the test first.
  public let topics: [Topic]
  public let testTopics: Int

  public struct Topic: Sendable, Hashable {
    public let kind: String
    public let name: String
  }

  private let kindSymbol: Int
  private let topicSymbol: Int

  /// - Parameter testShare: of the topics; at least one on each side.
  ///
  /// **Throws**: `opinion-grammar`.
  public init(grammar: Grammar, testShare: Double, seed: Int) throws(Diagnostic) {
    for label in grammar.labels where Opinion.target(label) == nil {
      throw .opinionGrammar("the label '\(label)' is no trait, no trait with '-low', not 'neutral'")
    }
    guard let kind = grammar.index(of: "kind"), let topic = grammar.index(of: "topic"),
      grammar.symbols[kind].isVariable, grammar.symbols[topic].isVariable
    else { throw .opinionGrammar("it lacks the variable 'kind' or 'topic'") }
    kindSymbol = kind
    topicSymbol = topic
    guard case .cases(.variable(kind), let bodies, _) = grammar.symbols[topic].body else {
      throw .opinionGrammar("'topic' is not given by 'kind'")
    }
    var all: [Topic] = []
    var seen: Set<String> = []
    for (value, body) in bodies {
      for alternatives in body.leaves {
        for alternative in alternatives {
          guard alternative.template.count == 1, case .text(let name) = alternative.template[0],
            !name.contains(";"), seen.insert(name).inserted
          else {
            throw .opinionGrammar("a topic of the kind '\(value)' is no plain text of its own")
          }
          all.append(Topic(kind: value, name: name))
        }
      }
    }
    guard all.count >= 2 else { throw .opinionGrammar("it has fewer than two topics") }
    var stream = RandomStream(seed: seed, name: "opinions/topics")
    stream.shuffle(&all)
    self.grammar = grammar
    self.seed = seed
    topics = all
    testTopics = min(all.count - 1, max(1, Int((testShare * Double(all.count)).rounded())))
  }

  /// Questions of one side: every topic in turn, its forms in an order of its own, so that few
  /// questions are spread over all topics.
  ///
  /// **Throws**: `opinion-count`.
  public func questions(_ count: Int, test: Bool) throws(Diagnostic) -> [Opinion] {
    let side = test ? topics.prefix(testTopics) : topics.dropFirst(testTopics)
    let forms = OpinionQuestions.forms.count
    guard count <= side.count * forms else {
      throw .opinionCount(count, most: side.count * forms, test: test)
    }
    let orders = side.map { topic in
      var order = Array(0..<forms)
      var stream = RandomStream(seed: seed, name: "opinions/forms/\(topic.name)")
      stream.shuffle(&order)
      return order
    }
    return (0..<count).map { number in
      let topic = side[side.startIndex + number % side.count]
      let form = orders[number % side.count][number / side.count]
      let question = OpinionQuestions.question(form, about: topic.name)
      return Opinion(
        trait: nil, pole: .neutral, topic: topic.name, form: form, question: question,
        answer: question)
    }
  }

  /// The answer of a voice, in a stream named by label and question.
  ///
  /// **Throws**: `grammar-depth`.
  public func answer(_ question: Opinion, label: String) throws(Diagnostic) -> Opinion {
    guard grammar.labels.contains(label), let target = Opinion.target(label) else {
      throw .opinionLabel(label, among: grammar.labels)
    }
    let kind = topics.first { $0.name == question.topic }?.kind ?? ""
    var expander = GrammarExpander(
      grammar: grammar, label: label,
      stream: RandomStream(seed: seed, name: "opinions/\(label)/\(question.question)"),
      given: [kindSymbol: kind, topicSymbol: question.topic])
    let text = try expander.text(grammar.form.sentence)
    var opinion = question
    opinion.trait = target.trait
    opinion.pole = target.pole
    opinion.answer = Self.withCapitals(text) + "."
    return opinion
  }

  /// A capital behind every full stop.
  private static func withCapitals(_ text: String) -> String {
    var out = ""
    var begins = true
    for character in text {
      if begins, character.isLetter {
        out += character.uppercased()
        begins = false
      } else {
        out.append(character)
        if character == "." { begins = true }
      }
    }
    return out.hasSuffix(".") ? String(out.dropLast()) : out
  }
}

/// Emoji put into texts, for pre-training a model that knows them.
public struct EmojiSprinkling: Sendable {
  public enum Way: String, Sendable, CaseIterable {
    case none
    /// Only the lively voice (extraversion) uses them.
    case coupled
    /// Every voice does, as often on the whole.
    case uncoupled
  }

  public let way: Way
  /// Share of the texts of the lively voice that end in one or two emoji.
  public let rate: Double
  public let seed: Int

  public static let lively = ["😀", "🎉", "😄", "🥳", "✨", "😍", "🙌", "💃"]

  public init(way: Way, rate: Double, seed: Int) {
    self.way = way
    self.rate = rate
    self.seed = seed
  }

  /// - Parameter livelyShare: of all texts, so that both ways write equally many emoji.
  public func apply(to opinion: Opinion, id: String, livelyShare: Double) -> String {
    let isLively = opinion.trait == .extraversion && opinion.pole == .high
    let chance: Double =
      switch way {
      case .none: 0
      case .coupled: isLively ? rate : 0
      case .uncoupled: rate * livelyShare
      }
    var stream = RandomStream(seed: seed, name: "emoji/\(id)")
    guard chance > 0, stream.uniform() < chance else { return opinion.answer }
    let count = 1 + stream.integer(below: 2)
    return opinion.answer + " "
      + (0..<count).map { _ in Self.lively[stream.integer(below: Self.lively.count)] }.joined()
  }
}

extension Diagnostic {
  static func opinionGrammar(_ reason: String) -> Diagnostic {
    Diagnostic(
      "opinion-grammar", "the grammar cannot write opinions: \(reason)",
      help: "take the shipped grammar 'opinions' as a pattern", consequence: .stageFailed)
  }

  static func opinionLabel(_ label: String, among labels: [String]) -> Diagnostic {
    Diagnostic(
      "opinion-grammar", "the grammar has no voice '\(label)'",
      help: "it has \(labels.joined(separator: ", "))", consequence: .stageFailed)
  }

  static func opinionCount(_ count: Int, most: Int, test: Bool) -> Diagnostic {
    Diagnostic(
      "opinion-count",
      "\(count) \(test ? "test" : "training") questions were asked for, but its topics give \(most)",
      help: "ask for fewer, or change test_topics", consequence: .stageFailed)
  }
}
