// The corpus artifact: a folder with `documents.jsonl` (one document a line, in order) and
// `corpus.json` (counts and where the texts come from). Documents are in Document.swift, the lines
// are read by LineReader.swift.

import CanonicalJSON
import Diagnostics
import Foundation

/// Documents in order, with their origin.
public struct Corpus: Sendable, Equatable {
  public var documents: [Document]
  public var facts: Facts

  /// What `corpus.json` says besides the counts. Nothing here names a machine, a time or the stage
  /// that wrote it, so equal documents from equal origins are equal artifacts.
  public struct Facts: Sendable, Equatable {
    /// Where the texts come from, one sentence per part, without repetition.
    public var origins: [String]
    public var licences: [String]
    /// Rows of an import that did not become documents.
    public var skipped: SkippedRows
    /// Rows of an import that were not asked for.
    public var filtered: Int
    /// Documents whose id had to be changed because another had it before.
    public var renamed: Int
    /// Documents of an import that were left out because another corpus holds them.
    public var excluded: Int
    /// Documents of an import that were longer than asked for and lost their end.
    public var shortened: Int

    public init(
      origins: [String] = [], licences: [String] = [], skipped: SkippedRows = SkippedRows(),
      filtered: Int = 0, renamed: Int = 0, excluded: Int = 0, shortened: Int = 0
    ) {
      self.origins = origins
      self.licences = licences
      self.skipped = skipped
      self.filtered = filtered
      self.renamed = renamed
      self.excluded = excluded
      self.shortened = shortened
    }
  }

  public init(documents: [Document], facts: Facts = Facts()) {
    self.documents = documents
    self.facts = facts
  }

  public static let documentsFile = "documents.jsonl"
  public static let factsFile = "corpus.json"

  /// Documents per label, sorted by the bytes of the label; documents without one are not counted.
  public var labelCounts: [(label: String, count: Int)] {
    var counts: [String: Int] = [:]
    for document in documents { if let label = document.label { counts[label, default: 0] += 1 } }
    return counts.sorted { bytesPrecede($0.key, $1.key) }.map { (label: $0.key, count: $0.value) }
  }

  /// The labels that occur, sorted by their bytes.
  public var labels: [String] { labelCounts.map(\.label) }

  // MARK: Reading

  /// Reads a corpus from the files of an artifact: logical name → absolute path.
  ///
  /// **Throws**: `corpus-file-missing`, `corpus-line` (with the line), `corpus-duplicate-id`,
  /// `corpus-facts`, `file-unreadable`, `line-too-long`.
  public static func read(files: [String: String]) throws(Diagnostic) -> Corpus {
    var documents: [Document] = []
    try forEachDocument(files: files) { document throws(Diagnostic) in documents.append(document) }
    let facts = try files[factsFile].map(Facts.init(readingFileAt:)) ?? Facts()
    return Corpus(documents: documents, facts: facts)
  }

  /// Hands over the documents one by one without holding them all.
  public static func forEachDocument(
    files: [String: String], _ body: (Document) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    guard let path = files[documentsFile] else {
      throw .corpusFileMissing(documentsFile, among: files.keys.sorted(by: bytesPrecede))
    }
    var reader = try LineReader(path: path, shown: documentsFile)
    // By bytes: two canonically equivalent ids are two ids.
    var lineOfID: [[UInt8]: Int] = [:]
    while let line = try reader.next() {
      let document = try read(line, shown: documentsFile)
      if let first = lineOfID.updateValue(line.number, forKey: Array(document.id.utf8)) {
        throw .corpusDuplicateID(document.id, at: line.span(in: documentsFile), firstLine: first)
      }
      try body(document)
    }
  }

  private static func read(_ line: Line, shown path: String) throws(Diagnostic) -> Document {
    let value: JSONValue
    do {
      value = try line.bytes.withUnsafeBufferPointer { bytes throws(JSONFault) in
        try JSONValue(parsing: bytes)
      }
    } catch {
      throw .corpusLine(
        "is not valid JSON: \(error.reason)", at: line.span(in: path, offset: error.offset))
    }
    do {
      return try Document(json: value)
    } catch {
      throw .corpusLine(error.reason, at: line.span(in: path))
    }
  }

  // MARK: Writing

  /// Writes both files into an existing folder.
  public func write(to folder: String) throws(Diagnostic) {
    var seen: Set<[UInt8]> = []
    var lines: [UInt8] = []
    for document in documents {
      precondition(
        seen.insert(Array(document.id.utf8)).inserted,
        "two documents of a corpus have the id \(document.id)")
      lines += document.json.canonicalBytes
      lines.append(UInt8(ascii: "\n"))
    }
    try writeFile(lines, to: "\(folder)/\(Self.documentsFile)")
    try writeFile(Array(json.indentedText.utf8), to: "\(folder)/\(Self.factsFile)")
  }

  /// The content of `corpus.json`.
  public var json: JSONValue {
    let labelled = labelCounts
    let unlabelled = documents.count - labelled.reduce(0) { $0 + $1.count }
    var members: [(String, JSONValue)] = [
      ("documents", .integer(documents.count)),
      ("labels", .object(JSONObject(labelled.map { ($0.label, .integer($0.count)) }))),
      ("origins", .array(facts.origins.map(JSONValue.string))),
      ("licences", .array(facts.licences.map(JSONValue.string))),
    ]
    if unlabelled > 0 { members.append(("unlabelled", .integer(unlabelled))) }
    if facts.skipped.count > 0 { members.append(("skipped", facts.skipped.json)) }
    if facts.filtered > 0 { members.append(("filtered", .integer(facts.filtered))) }
    if facts.renamed > 0 { members.append(("renamed", .integer(facts.renamed))) }
    if facts.excluded > 0 { members.append(("excluded", .integer(facts.excluded))) }
    if facts.shortened > 0 { members.append(("shortened", .integer(facts.shortened))) }
    return .object(JSONObject(members))
  }
}

extension Corpus.Facts {
  init(readingFileAt path: String) throws(Diagnostic) {
    let bytes = try readFile(path, shown: Corpus.factsFile)
    let value = try JSONValue(parsing: SourceText(path: Corpus.factsFile, bytes: bytes))
    guard let object = value.object else { throw .corpusFacts("it is not a JSON object") }
    func strings(_ key: String) throws(Diagnostic) -> [String] {
      guard let value = object[key] else { return [] }
      guard let list = value.array, list.allSatisfy({ $0.string != nil }) else {
        throw .corpusFacts("'\(key)' is not a list of texts")
      }
      return list.compactMap(\.string)
    }
    self.init(origins: try strings("origins"), licences: try strings("licences"))
    if let value = object["skipped"] { skipped = try SkippedRows(json: value) }
    func count(_ key: String) throws(Diagnostic) -> Int {
      guard let value = object[key] else { return 0 }
      guard let count = value.integer, count >= 0 else {
        throw .corpusFacts("'\(key)' is no integer from 0")
      }
      return count
    }
    filtered = try count("filtered")
    renamed = try count("renamed")
    excluded = try count("excluded")
    shortened = try count("shortened")
  }
}
