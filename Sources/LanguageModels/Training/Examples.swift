// From documents, already as token ids, to the sequences that training sees. Which text becomes which
// tokens is the caller's business; here only lengths, ends and counts are decided.

import Diagnostics

/// What one training sequence is.
public enum ExampleForm: String, Sendable, CaseIterable {
  /// Each line of a document by itself, as the study's release trained (`load_dataset("text")`).
  case line
  /// A whole document, cut off at the greatest length.
  case article
  /// All documents one after the other, cut into pieces of the greatest length.
  case packed
}

/// What was made of the documents; written to the log, so that nothing is lost silently.
public struct ExampleCounts: Sendable, Equatable {
  public var documents = 0
  public var sequences = 0
  public var tokens = 0
  public var supervised = 0
  /// Sequences that were longer than the greatest length.
  public var truncated = 0
  /// Tokens behind the cut.
  public var truncatedTokens = 0
  /// Pieces without anything to learn: blank lines, single tokens.
  public var empty = 0

  public init() {}

  public var summary: String {
    "\(documents) documents gave \(sequences) sequences with \(tokens) tokens, \(supervised) of "
      + "them to learn; \(truncated) were cut (\(truncatedTokens) tokens left out), \(empty) had "
      + "nothing to learn"
  }
}

/// Builds training sequences, piece by piece.
public struct ExampleBuilder {
  public let form: ExampleForm
  /// Longest sequence, tokens; at most the model's context.
  public let maximumLength: Int
  /// The token that ends a document; nil where the vocabulary has none.
  public let endOfText: Int32?
  /// Whether the end of a document is learnt. If not, `packed` still puts the token between
  /// documents, unlearnt.
  public let learnsEndOfText: Bool
  /// Whether a piece with nothing to learn (a blank line, a single token) becomes a sequence: padded
  /// examples whose every token is masked took a place in the study's batches.
  public let keepsEmpty: Bool
  public private(set) var sequences: [TokenSequence] = []
  public private(set) var counts = ExampleCounts()
  private var open: [Int32] = []

  /// **Throws**: `example-length`, `end-of-text-missing`.
  public init(
    form: ExampleForm, maximumLength: Int, endOfText: Int32?, learnsEndOfText: Bool, context: Int,
    keepsEmpty: Bool = false
  ) throws(Diagnostic) {
    guard maximumLength <= context, maximumLength >= 2 else {
      throw .exampleLength(maximumLength, context: context)
    }
    if endOfText == nil, learnsEndOfText { throw .endOfTextMissing }
    self.form = form
    self.maximumLength = maximumLength
    self.endOfText = endOfText
    self.learnsEndOfText = learnsEndOfText
    self.keepsEmpty = keepsEmpty
  }

  /// Adds one document.
  ///
  /// - Parameter pieces: the tokens of each line for `.line`, the whole document as one piece for
  ///   the other forms. Only the last line of a document carries the end of text.
  public mutating func add(document pieces: [[Int32]]) {
    counts.documents += 1
    switch form {
    case .line:
      let last = pieces.lastIndex { !$0.isEmpty }
      for (index, piece) in pieces.enumerated() { append(piece, endsDocument: index == last) }
    case .article: append(Array(pieces.joined()), endsDocument: true)
    case .packed:
      open += pieces.joined()
      if let endOfText { open.append(endOfText) }
      var start = 0
      while open.count - start >= maximumLength {
        close(open[start..<start + maximumLength])
        start += maximumLength
      }
      open.removeFirst(start)
    }
  }

  /// Closes the last piece of `packed`.
  ///
  /// **Throws**: `nothing-to-learn`.
  public mutating func finish() throws(Diagnostic) -> [TokenSequence] {
    if !open.isEmpty {
      close(open[...])
      open = []
    }
    guard counts.supervised > 0 else { throw .nothingToLearn(documents: counts.documents) }
    return sequences
  }

  private mutating func append(_ piece: [Int32], endsDocument: Bool) {
    var tokens = piece
    if endsDocument, learnsEndOfText, !piece.isEmpty, let endOfText { tokens.append(endOfText) }
    if tokens.count > maximumLength {
      counts.truncated += 1
      counts.truncatedTokens += tokens.count - maximumLength
      tokens.removeLast(tokens.count - maximumLength)
    }
    close(tokens[...])
  }

  private mutating func close(_ tokens: ArraySlice<Int32>) {
    var sequence = TokenSequence(Array(tokens))
    if !learnsEndOfText, let endOfText, tokens.contains(endOfText) {
      sequence.isLearnt = tokens.map { $0 != endOfText }
    }
    guard sequence.supervisedCount > 0 else {
      counts.empty += 1
      if keepsEmpty { sequences.append(sequence) }
      return
    }
    counts.sequences += 1
    counts.tokens += sequence.tokens.count
    counts.supervised += sequence.supervisedCount
    sequences.append(sequence)
  }
}
