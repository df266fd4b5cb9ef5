// What an article is about, by keywords: a rule that anybody can check by hand, the same on every
// machine, and that no model decides.

import Diagnostics

/// Topics with their keywords.
///
/// A word of the body that is a keyword counts once, one of the title `titleWeight` times; the topic with
/// the highest count is the article's, the earlier one among equals, `other` where nothing counts.
public struct Topics: Sendable, Equatable {
  public struct Topic: Sendable, Equatable {
    public let name: String
    /// In small letters: one word or two; a `*` at the end stands for any ending.
    public let keywords: [String]
  }

  public static let none = "other"
  public static let titleWeight = 3

  public let topics: [Topic]
  private let exact: [String: [Int]]
  private let beginnings: [(text: String, topic: Int)]

  public static func == (a: Topics, b: Topics) -> Bool { a.topics == b.topics }

  /// Reads `name: keyword, keyword, …` lines.
  ///
  /// **Throws**: `benchmark-topic`.
  public init(_ lines: [String]) throws(Diagnostic) {
    var topics: [Topic] = []
    var exact: [String: [Int]] = [:]
    var beginnings: [(String, Int)] = []
    for line in lines {
      let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      let name = Self.words(String(parts[0])).joined(separator: " ")
      guard parts.count == 2, !name.isEmpty else {
        throw .benchmarkTopic(line, "it is not 'name: keyword, keyword'")
      }
      guard name != Self.none, !topics.contains(where: { $0.name == name }) else {
        throw .benchmarkTopic(line, "the name '\(name)' is taken")
      }
      var keywords: [String] = []
      for entry in parts[1].split(separator: ",") {
        let isOpen = entry.last(where: { !$0.isWhitespace }) == "*"
        let words = Self.words(String(entry))
        guard (1...2).contains(words.count) else {
          throw .benchmarkTopic(line, "a keyword has one word or two")
        }
        let keyword = words.joined(separator: " ")
        keywords.append(isOpen ? keyword + "*" : keyword)
        if isOpen {
          beginnings.append((keyword, topics.count))
        } else {
          exact[keyword, default: []].append(topics.count)
        }
      }
      guard !keywords.isEmpty else { throw .benchmarkTopic(line, "it has no keyword") }
      topics.append(Topic(name: name, keywords: keywords))
    }
    self.topics = topics
    self.exact = exact
    self.beginnings = beginnings
  }

  /// The topic of an article.
  public func topic(of article: Article) -> String {
    var counts = [Int](repeating: 0, count: topics.count)
    count(article.title, times: Self.titleWeight, into: &counts)
    count(article.body, times: 1, into: &counts)
    guard let most = counts.max(), most > 0, let first = counts.firstIndex(of: most) else {
      return Self.none
    }
    return topics[first].name
  }

  private func count(_ text: String, times: Int, into counts: inout [Int]) {
    let words = Self.words(text)
    for (index, word) in words.enumerated() {
      // Pairs with the word that follows.
      let pair = index + 1 < words.count ? word + " " + words[index + 1] : nil
      for term in [word, pair] {
        guard let term else { continue }
        for topic in exact[term] ?? [] { counts[topic] += times }
        for (beginning, topic) in beginnings
        where beginning.contains(" ") == term.contains(" ") && term.hasPrefix(beginning) {
          counts[topic] += times
        }
      }
    }
  }

  /// Runs of letters and digits in small letters; an apostrophe ends a word.
  static func words(_ text: String) -> [String] {
    text.lowercased().split { !$0.isLetter && !$0.isNumber }.map(String.init)
  }
}
