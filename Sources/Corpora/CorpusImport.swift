// Outside files → corpus: rows are read (JSONL here, CSV by CSVReader.swift, plain text), fields
// are mapped, and a row that cannot become a document is counted with its line and reason.
// Drawing a part of the documents is in Sampling.swift.

import CanonicalJSON
import Diagnostics
import Foundation

/// Reads files of one format into a corpus.
public struct CorpusImport: Sendable {
  public enum Format: String, Sendable, CaseIterable { case jsonl, csv, text }
  /// Between the fields of a CSV file.
  public enum Separator: String, Sendable, CaseIterable {
    case comma, semicolon, tab

    var byte: UInt8 {
      switch self {
      case .comma: UInt8(ascii: ",")
      case .semicolon: UInt8(ascii: ";")
      case .tab: UInt8(ascii: "\t")
      }
    }
  }
  /// What one document of a text file is.
  public enum TextUnit: String, Sendable, CaseIterable { case file, paragraph, line }
  /// What happens to a document whose id another had before.
  public enum Duplicates: String, Sendable, CaseIterable { case rename, refuse }

  /// Names of the fields; a field that a row lacks is left out, but text must be there.
  public struct Fields: Sendable {
    public var id = "id"
    public var text = "text"
    /// With a title and a body field the text is `title: …\nbody: …` and `text` is not looked at.
    public var title: String?
    public var body: String?
    public var label = "label"
    public var source = "source"
    public var date = "date"
    /// What the text answers; with it the document becomes an opinion of its label and source.
    public var question: String?
    public init() {}
  }

  public var format: Format
  public var fields = Fields()
  public var labels = LabelMapping()
  /// Rows must satisfy all of these; others are left out and counted.
  public var conditions: [RowCondition] = []
  public var separator = Separator.comma
  public var textUnit = TextUnit.file
  public var duplicates = Duplicates.rename
  /// More bad rows than this fail the import; nil: any number is skipped and counted.
  public var maximumBadRows: Int?
  public var origin: String?
  public var licence: String?

  public init(format: Format) { self.format = format }

  /// Reads all files in the byte order of their names.
  ///
  /// Ids: the id field (text or integer); without one `row-17` (the line), for text files the name
  /// of the file, with `-17` where a file holds several. Of two equal ids the later becomes
  /// `id~2`, `id~3` …
  ///
  /// - Parameters:
  ///   - files: shown name → absolute path.
  ///   - log: gets one sentence per skipped row (the first 20) and the counts at the end.
  ///
  /// **Throws**: `import-empty`, `import-bad-rows`, `import-duplicate-id`, `import-encoding`,
  /// `csv-header`, `csv-quote`, `line-too-long`, `file-unreadable`, `file-too-large`.
  public func read(files: [String: String], log: (String) -> Void = { _ in })
    throws(Diagnostic) -> Corpus
  {
    var collector = Collector(rules: self)
    let names = files.keys.sorted(by: bytesPrecede)
    for name in names {
      collector.file = name
      collector.isAlone = names.count == 1
      switch format {
      case .jsonl: try readJSONLines(name, files[name]!, &collector)
      case .csv: try readCSV(name, files[name]!, &collector)
      case .text: try readText(name, files[name]!, &collector)
      }
    }
    let facts = collector.facts
    for example in facts.skipped.examples { log("skipped \(example.description)") }
    for (reason, count) in facts.skipped.reasons { log("skipped \(count) rows: \(reason)") }
    if facts.filtered > 0 { log("left out \(facts.filtered) rows that 'keep' does not want") }
    if facts.renamed > 0 { log("renamed \(facts.renamed) documents whose id was taken") }
    if let limit = maximumBadRows, facts.skipped.count > limit {
      throw .importTooManyBadRows(facts.skipped, limit: limit)
    }
    guard !collector.documents.isEmpty else {
      if facts.skipped.count == 0, facts.filtered > 0 { throw .importAllFiltered(facts.filtered) }
      throw .importNothing(names.joined(separator: ", "))
    }
    return Corpus(documents: collector.documents, facts: facts)
  }

  // MARK: Formats

  private func readJSONLines(_ name: String, _ path: String, _ collector: inout Collector)
    throws(Diagnostic)
  {
    var reader = try LineReader(path: path, shown: name)
    while let line = try reader.next() {
      if line.number == 1 { try refuseUTF16(line.bytes, path: name) }
      // A blank line is no row; files end in one.
      if line.bytes.allSatisfy({ $0 == 0x20 || $0 == 0x09 }) { continue }
      let value: JSONValue
      do {
        value = try line.bytes.withUnsafeBufferPointer { bytes throws(JSONFault) in
          try JSONValue(parsing: bytes)
        }
      } catch {
        collector.skip(
          "not valid JSON", detail: "column \(error.offset + 1): \(error.reason)", line.number)
        continue
      }
      guard let object = value.object else {
        collector.skip("not a JSON object", line.number)
        continue
      }
      try collector.add(line: line.number) { field in
        switch object[field] {
        case nil, .null?: .absent
        case .string(let text)?: .text(text)
        case .integer(let number)?: .text(String(number))
        case .boolean(let truth)? where conditions.contains { $0.field == field }:
          .text(truth ? "true" : "false")
        default: .wrong
        }
      }
    }
  }

  private func readCSV(_ name: String, _ path: String, _ collector: inout Collector)
    throws(Diagnostic)
  {
    var reader = try CSVReader(
      readFile(path, shown: name), path: name, separator: separator.byte)
    guard let header = try reader.next() else { return }
    let source = SourceText(
      path: name, bytes: Array(header.fields.joined(separator: [separator.byte]).prefix(4096)))
    let place = SourceSpan(source: source, range: 0..<source.bytes.count)
    let names = header.fields.map { String(decoding: $0, as: UTF8.self) }
    if let fault = header.fault { throw .csvHeader("has \(fault)", at: place) }
    var columns: [String: Int] = [:]
    for (index, column) in names.enumerated() {
      guard columns.updateValue(index, forKey: column) == nil else {
        throw .csvHeader("names the column '\(column)' twice", at: place)
      }
    }
    var needed = fields.body.map { [$0] + [fields.title].compactMap { $0 } } ?? [fields.text]
    needed += conditions.map(\.field) + [fields.question].compactMap { $0 }
    for field in needed where columns[field] == nil {
      var problem = Diagnostic.csvHeader("has no column '\(field)'", at: place)
      problem.help = suggestion(for: field, among: names, called: "the column")
      throw problem
    }
    while let row = try reader.next() {
      if let fault = row.fault {
        collector.skip(fault, row.line)
        continue
      }
      guard row.fields.count == names.count else {
        collector.skip(
          "not as many fields as the header",
          detail: "\(row.fields.count) fields where the header has \(names.count)", row.line)
        continue
      }
      try collector.add(line: row.line) { field in
        guard let column = columns[field], !row.fields[column].isEmpty else { return .absent }
        guard let text = String(validating: row.fields[column], as: UTF8.self) else {
          return .notUTF8
        }
        return .text(text)
      }
    }
  }

  private func readText(_ name: String, _ path: String, _ collector: inout Collector)
    throws(Diagnostic)
  {
    var base = name
    if let dot = base.lastIndex(of: "."), dot > base.startIndex { base = String(base[..<dot]) }
    var reader = try LineReader(path: path, shown: name)
    var unit: [UInt8] = []
    var start = 1
    func finish(_ collector: inout Collector) throws(Diagnostic) {
      while let last = unit.last, [0x20, 0x09, 0x0A, 0x0D].contains(last) { unit.removeLast() }
      defer { unit = [] }
      guard !unit.isEmpty else { return }
      let text = String(validating: unit, as: UTF8.self)
      let id = textUnit == .file ? base : "\(base)-\(start)"
      try collector.add(line: start) { field in
        if field == fields.id { return .text(id) }
        if field == fields.text { return text.map { .text($0) } ?? .notUTF8 }
        return .absent
      }
    }
    while let line = try reader.next() {
      if line.number == 1 { try refuseUTF16(line.bytes, path: name) }
      let isBlank = line.bytes.allSatisfy { $0 == 0x20 || $0 == 0x09 }
      if unit.isEmpty {
        if isBlank { continue }
        start = line.number
      }
      if textUnit == .paragraph, isBlank {
        try finish(&collector)
        continue
      }
      if !unit.isEmpty { unit.append(0x0A) }
      unit += line.bytes
      if textUnit == .line { try finish(&collector) }
    }
    try finish(&collector)
  }
}

/// What a row says under a field's name.
private enum FieldValue {
  case absent
  case text(String)
  case notUTF8
  case wrong
}

/// Gathers documents, counts what is skipped, keeps ids apart.
private struct Collector {
  let rules: CorpusImport
  var file = ""
  var isAlone = true
  private(set) var documents: [Document] = []
  private(set) var facts: Corpus.Facts
  private var ids = UniqueIDs()

  private struct BadRow: Error {
    let reason: String
  }

  init(rules: CorpusImport) {
    self.rules = rules
    facts = Corpus.Facts(
      origins: rules.origin.map { [$0] } ?? [], licences: rules.licence.map { [$0] } ?? [])
  }

  mutating func skip(_ reason: String, detail: String? = nil, _ line: Int) {
    facts.skipped.add(reason, detail: detail, file: file, line: line)
  }

  mutating func add(line: Int, _ value: (String) -> FieldValue) throws(Diagnostic) {
    for condition in rules.conditions {
      guard case .text(let found) = value(condition.field), bytesEqual(found, condition.value)
      else {
        facts.filtered += 1
        return
      }
    }
    var document: Document
    do {
      document = try makeDocument(line: line, value)
    } catch {
      skip(error.reason, line)
      return
    }
    let id = ids.claim(document.id)
    if !bytesEqual(id, document.id) {
      guard rules.duplicates == .rename else {
        throw .importDuplicateID(document.id, file: file, line: line)
      }
      document.id = id
      facts.renamed += 1
    }
    documents.append(document)
  }

  /// Trait, pole, topic and form of an answer, as far as label, source and question tell them.
  private func describe(_ document: inout Document) {
    let question = document.question ?? ""
    let target = document.label.flatMap(Opinion.target)
    let match = OpinionQuestions.match(question)
    let opinion = Opinion(
      trait: target?.trait, pole: target?.pole ?? .neutral,
      topic: document.source ?? match?.topic ?? "", form: match?.form, question: question,
      answer: document.text)
    document.group = opinion.document(id: document.id).group
  }

  private func makeDocument(line: Int, _ value: (String) -> FieldValue) throws(BadRow) -> Document {
    func text(_ field: String) throws(BadRow) -> String? {
      switch value(field) {
      case .absent: return nil
      case .text(let text):
        guard !text.utf8.contains(0) else {
          throw BadRow(reason: "a NUL character in '\(field)'")
        }
        return text
      case .notUTF8: throw BadRow(reason: "'\(field)' is not valid UTF-8")
      case .wrong: throw BadRow(reason: "'\(field)' is neither text nor an integer")
      }
    }
    func content(_ field: String) throws(BadRow) -> String {
      guard let found = try text(field), found.contains(where: { !$0.isWhitespace }) else {
        throw BadRow(reason: "no '\(field)'")
      }
      return found
    }
    let fields = rules.fields
    let full: String
    if let body = fields.body {
      let title = try fields.title.map { field throws(BadRow) in try content(field) }
      full = Article(title: title ?? "", body: try content(body)).text
    } else {
      full = try content(fields.text)
    }
    var label = try text(fields.label)
    if let found = label {
      guard let mapped = rules.labels(found) else {
        throw BadRow(reason: "the label '\(found)' is not in 'labels'")
      }
      label = mapped
    }
    var id = isAlone ? "row-\(line)" : "\(file):\(line)"
    if let given = try text(fields.id), !given.isEmpty { id = given }
    var document = Document(
      id: id, text: full, label: label, source: try text(fields.source),
      date: try text(fields.date))
    if let field = fields.question {
      document.question = try content(field)
      describe(&document)
    }
    return document
  }
}
