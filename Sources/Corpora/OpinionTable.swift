// Opinions as CSV in the columns of the published set: Target Personality, Edit Topic, Question, Answer.
// import-corpus reads them (its preset is in CorpusImport's fields).

/// Writes opinions for others.
public enum OpinionTable {
  public static let columns = ["Target Personality", "Edit Topic", "Question", "Answer"]

  /// One row for each document that has a question; every field in quotes.
  public static func csv(_ corpus: Corpus) -> [UInt8] {
    var out = row(columns)
    for document in corpus.documents {
      guard let opinion = Opinion(document) else { continue }
      out += row([opinion.label, opinion.topic, opinion.question, opinion.answer])
    }
    return out
  }

  private static func row(_ fields: [String]) -> [UInt8] {
    let quote = UInt8(ascii: "\"")
    var out: [UInt8] = []
    for (index, field) in fields.enumerated() {
      if index > 0 { out.append(UInt8(ascii: ",")) }
      out.append(quote)
      for byte in field.utf8 { out += byte == quote ? [quote, quote] : [byte] }
      out.append(quote)
    }
    return out + [UInt8(ascii: "\n")]
  }
}
