// Drawing a part of a corpus: n per label as in the study, or n altogether. Order is shuffled by a
// named stream, so a drawn corpus is not sorted by label.

import Diagnostics
import Randomness

extension Corpus {
  /// `count` documents of every label, then all shuffled; documents without a label are left out.
  ///
  /// Every label draws from a stream of its own (`balance/left`), the order from `balance`, so one
  /// label's documents do not change another's draw.
  ///
  /// **Throws**: `balance-too-few`, `balance-unlabelled`.
  /// **Source**: the study draws 506 per class and shuffles (arXiv 2410.15234).
  public func balanced(perLabel count: Int, seed: Int) throws(Diagnostic) -> Corpus {
    let labels = labelCounts
    guard !labels.isEmpty else { throw .balanceUnlabelled() }
    var drawn: [Document] = []
    for (label, has) in labels {
      guard has >= count else { throw .balanceTooFew(label, has: has, wanted: count) }
      let group = documents.filter { $0.label == label }
      var stream = RandomStream(seed: seed, name: "balance/\(label)")
      for index in stream.sample(count, of: group.count) { drawn.append(group[index]) }
    }
    var stream = RandomStream(seed: seed, name: "balance")
    stream.shuffle(&drawn)
    return Corpus(documents: drawn, facts: facts)
  }

  /// The documents that another corpus does not hold: what a judge or a base model may learn from
  /// when the other corpus is what it will be asked about.
  ///
  /// A document is held when its id or its text stands there, byte for byte: the same article is
  /// often reprinted under another id. `facts.excluded` counts what was left out.
  ///
  /// **Throws**: `import-all-excluded`.
  public func without(_ other: Corpus) throws(Diagnostic) -> Corpus {
    var ids: Set<[UInt8]> = []
    var texts: Set<[UInt8]> = []
    for document in other.documents {
      ids.insert(Array(document.id.utf8))
      texts.insert(Array(document.text.utf8))
    }
    let kept = documents.filter {
      !ids.contains(Array($0.id.utf8)) && !texts.contains(Array($0.text.utf8))
    }
    guard !kept.isEmpty || documents.isEmpty else { throw .importAllExcluded(documents.count) }
    var facts = facts
    facts.excluded += documents.count - kept.count
    return Corpus(documents: kept, facts: facts)
  }

  /// The documents whose source does not occur in another corpus: what a judge may learn from when it
  /// must know leanings and not the outlets it will be asked about. Documents without a source stay.
  ///
  /// - Parameter name: what two sources must share to be the same one; `{ $0 }` for equal spelling,
  ///   `outletName` for the outlet behind it.
  ///
  /// **Throws**: `import-all-excluded`.
  public func withoutSources(
    of other: Corpus, named name: (String) -> String
  ) throws(Diagnostic) -> Corpus {
    let taken = Set(other.documents.compactMap { $0.source.map { Array(name($0).utf8) } })
    let kept = documents.filter { document in
      document.source.map { !taken.contains(Array(name($0).utf8)) } ?? true
    }
    guard !kept.isEmpty || documents.isEmpty else { throw .importAllExcluded(documents.count) }
    var facts = facts
    facts.excluded += documents.count - kept.count
    return Corpus(documents: kept, facts: facts)
  }

  /// Every document cut after so many words (runs of what is not white space); the text up to there
  /// stays as it is, line breaks included. `facts.shortened` counts the documents that lost their end.
  public func shortened(toWords limit: Int?) -> Corpus {
    guard let limit else { return self }
    var copy = self
    for index in documents.indices {
      let text = documents[index].text.unicodeScalars
      var words = 0
      var isInside = false
      let end = text.indices.first { position in
        let isSpace = text[position].properties.isWhitespace
        defer { isInside = !isSpace }
        if !isSpace && !isInside { words += 1 }
        return isSpace && isInside && words == limit
      }
      // White space alone after the last word is no loss.
      guard let end, text[end...].contains(where: { !$0.properties.isWhitespace }) else { continue }
      copy.documents[index].text = String(text[..<end])
      copy.facts.shortened += 1
    }
    return copy
  }

  /// The first `limit` documents; all without a limit.
  public func first(_ limit: Int?) -> Corpus {
    guard let limit else { return self }
    return Corpus(documents: Array(documents.prefix(limit)), facts: facts)
  }

  /// `count` documents in random order.
  ///
  /// **Throws**: `sample-too-few`.
  public func sampled(_ count: Int, seed: Int) throws(Diagnostic) -> Corpus {
    guard documents.count >= count else {
      throw .sampleTooFew(has: documents.count, wanted: count)
    }
    var stream = RandomStream(seed: seed, name: "sample")
    return Corpus(
      documents: stream.sample(count, of: documents.count).map { documents[$0] }, facts: facts)
  }
}

/// The outlet behind a source's name: `Fox News (Online)` and `Fox Online News` are `fox`, `New York
/// Times - Opinion` is `new york times`. What follows ` - ` or ` (` and words that name a department
/// (news, online, web, opinion, editorial, blog), `the` and `com` are dropped, capitals and punctuation
/// too; a name of nothing else stays as it is, in small letters.
public func outletName(_ source: String) -> String {
  let small = source.lowercased()
  var name = Substring(small)
  for mark in [" - ", " ("] {
    if let place = name.firstRange(of: mark), place.lowerBound > name.startIndex {
      name = name[..<place.lowerBound]
    }
  }
  let departments: Set<Substring> = [
    "blog", "com", "editorial", "news", "online", "opinion", "the", "web",
  ]
  let words = name.split { !$0.isLetter && !$0.isNumber }.filter { !departments.contains($0) }
  return words.isEmpty ? small : words.joined(separator: " ")
}
