// Short texts with labels from a file of news: the same that peers/news.py takes.

import CanonicalJSON
import Foundation

struct NewsLead {
  let text: String
  let label: String

  /// Paragraphs of at least 8 words, the first of every article, then the second of every article,
  /// until there are enough.
  static func read(_ path: String, count: Int) throws -> [NewsLead] {
    let lines = try Data(contentsOf: URL(fileURLWithPath: path)).split(separator: 0x0A)
    let articles = try lines.map { line -> (paragraphs: [String], label: String) in
      let row = try JSONValue(parsing: String(decoding: line, as: UTF8.self))
      guard let text = row["text"]?.string, let label = row["label"]?.string else {
        throw NewsFailure(description: "\(path): a line has no text and label")
      }
      let body = text.range(of: "body: ").map { String(text[$0.upperBound...]) } ?? text
      let paragraphs = body.components(separatedBy: "\n\n").filter { paragraph in
        paragraph.utf8.count { $0 == 0x20 } >= 7
      }
      return (paragraphs, label)
    }
    var found: [NewsLead] = []
    var place = 0
    while found.count < count {
      let row = articles.filter { place < $0.paragraphs.count }
      guard !row.isEmpty else {
        throw NewsFailure(description: "\(path) has only \(found.count) paragraphs of 8 words")
      }
      found += row.map { NewsLead(text: $0.paragraphs[place], label: $0.label) }
      place += 1
    }
    return Array(found.prefix(count))
  }
}

struct NewsFailure: Error, CustomStringConvertible {
  let description: String
}
