// What score-quality reads in its reference is the same for every corpus that is held against it: an inner
// action keeps it, so that a study of many generations reads the real articles once.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling

/// The reference corpus as one model or classifier reads it.
struct ReferenceReading {
  private let stage: StageContext
  private let model: InputArtifact
  private static let file = "reading.json"
  private static let revision = 1

  init(_ stage: StageContext, model: InputArtifact) {
    self.stage = stage
    self.model = model
  }

  /// Likelihoods of the reference's documents, in order.
  func likelihoods(
    of documents: [Document], by judge: PerplexityJudge
  ) throws(Diagnostic) -> [Likelihood] {
    let rows = try rows(kind: "read-reference", facts: ["window", "stride"]) {
      () throws(Diagnostic) in
      try judge.likelihoods(of: documents, stage, note: "reference").map {
        .array([.number($0.negativeLogLikelihood), .integer($0.tokens), .integer($0.omitted)])
      }
    }
    let known = rows.compactMap { row -> Likelihood? in
      guard let fields = row.array, fields.count == 3, let sum = fields[0].double,
        let tokens = fields[1].integer, let omitted = fields[2].integer
      else { return nil }
      return Likelihood(negativeLogLikelihood: sum, tokens: tokens, omitted: omitted)
    }
    precondition(
      known.count == documents.count,
      "\(known.count) kept likelihoods of \(documents.count) documents of the reference")
    return known
  }

  /// The gibberish index of the reference.
  func index(
    documents: Int, _ make: () throws(Diagnostic) -> GibberishIndex
  ) throws(Diagnostic) -> GibberishIndex {
    let rows = try rows(kind: "grade-reference", facts: ["gibberish_index", "least_words"]) {
      () throws(Diagnostic) in try make().rows
    }
    let known = GibberishIndex(rows: rows)
    guard let known, known.values.count == documents else {
      preconditionFailure("a kept index of \(documents) documents cannot be read")
    }
    return known
  }

  private func rows(
    kind: String, facts: [String], _ make: () throws(Diagnostic) -> [JSONValue]
  ) throws(Diagnostic) -> [JSONValue] {
    let values = facts.compactMap { name in stage.parameters.values[name].map { (name, $0) } }
    let kept = try stage.memo(
      kind: kind, revision: Self.revision, facts: values,
      inputs: [stage.input("reference").reference, model.reference]
    ) { (folder: String) throws(Diagnostic) in
      try AtomicFile.write(
        JSONValue.array(try make()).canonicalBytes, to: folder + "/" + Self.file)
    }
    let json = try JSONValue(
      parsing: SourceText(path: Self.file, bytes: kept.bytes(Self.file)))
    return json.array ?? []
  }
}

extension GibberishIndex {
  /// Rule and shares, then mean and sentences of each document.
  fileprivate var rows: [JSONValue] {
    [.array([.string(rule.rawValue), .array(shares.map { .number($0) })])]
      + zip(values, sentences).map { .array([$0.map { .number($0) } ?? .null, .integer($1)]) }
  }

  fileprivate init?(rows: [JSONValue]) {
    guard let head = rows.first?.array, head.count == 2,
      let rule = head[0].string.flatMap({ Rule(rawValue: $0) }), let shares = head[1].array
    else { return nil }
    var values: [Double?] = []
    var sentences: [Int] = []
    for row in rows.dropFirst() {
      guard let fields = row.array, fields.count == 2, let count = fields[1].integer else {
        return nil
      }
      values.append(fields[0].double)
      sentences.append(count)
    }
    self.init(
      values: values, sentences: sentences, shares: shares.compactMap(\.double), rule: rule)
  }
}
