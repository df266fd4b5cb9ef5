// Articles in, prompts out; continuations in, articles out. Finished articles are kept in a file, so
// that a stopped stage goes on where it was: no article depends on another.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Tokenizers

/// The state of rewriting a corpus block by block, or of continuing each of its texts once.
struct ArticleWriting {
  enum Form: String {
    /// Title and consecutive blocks are continued; the new tokens are the new body.
    case rewriting
    /// The whole text is continued once; the new tokens are the new text.
    case continuation
  }

  private struct Piece {
    let document: Int
    let block: Int
  }

  private let prompts: Corpus
  private let tokenizer: any Tokenizer
  private let form: Form
  /// Prompts of each article.
  private let pieces: [[[Int32]]]
  /// Tokens to write behind each prompt.
  private let length: Int
  private var pieceOfRequest: [Piece] = []
  /// What was written for each block, nil until then: bytes, since a character may go over a border.
  private var written: [[[UInt8]?]]
  private var bodies: [String?]
  private(set) var finishedCount = 0
  /// Tokens of prompts that did not fit.
  private var cutTokens = 0
  private var cutPrompts = 0

  /// - Parameter marksTitle: whether block 0 is `title: …\nbody:` and not the bare title.
  init(
    _ prompts: Corpus, _ tokenizer: any Tokenizer, _ blocks: BlockContinuation,
    form: Form = .rewriting, marksTitle: Bool
  ) {
    self.prompts = prompts
    self.tokenizer = tokenizer
    self.form = form
    length = blocks.block
    var pieces: [[[Int32]]] = []
    for document in prompts.documents {
      let made: [[Int32]]
      let cut: Int
      switch form {
      case .rewriting:
        let article = document.article
        let title = marksTitle ? "title: \(article.title)\nbody:" : article.title
        (made, cut) = blocks.prompts(
          title: tokenizer.encode(title), body: tokenizer.encode(article.body))
      case .continuation:
        // What stands next to the continuation decides it, so a long prompt loses its start.
        let whole = tokenizer.encode(document.text)
        made = whole.isEmpty ? [] : [Array(whole.suffix(blocks.longestPrompt))]
        cut = max(0, whole.count - blocks.longestPrompt)
      }
      pieces.append(made)
      cutTokens += cut
      cutPrompts += cut > 0 ? 1 : 0
    }
    self.pieces = pieces
    written = pieces.map { Array(repeating: nil, count: $0.count) }
    bodies = pieces.map { $0.isEmpty ? "" : nil }
    finishedCount = bodies.reduce(0) { $0 + ($1 == nil ? 0 : 1) }
  }

  /// What is still to be written, article by article. A stream is named after document and block, so
  /// neither their order nor their number changes what is drawn.
  mutating func requests() -> [GenerationRequest] {
    var requests: [GenerationRequest] = []
    pieceOfRequest = []
    for (document, blocks) in pieces.enumerated() where bodies[document] == nil {
      for (block, prompt) in blocks.enumerated() {
        requests.append(
          GenerationRequest(
            prompt: prompt, length: length,
            stream: "\(prompts.documents[document].id)/block-\(block)"))
        pieceOfRequest.append(Piece(document: document, block: block))
      }
    }
    return requests
  }

  /// Takes what was written for a request; with its last block an article is finished.
  ///
  /// - Parameter end: where the text ends in the bytes of the tokens, if a stop text ended it.
  mutating func take(_ request: Int, _ tokens: [Int32], endingAt end: Int? = nil) {
    let piece = pieceOfRequest[request]
    let bytes = tokenizer.decode(tokens)
    written[piece.document][piece.block] = Array(bytes.prefix(end ?? bytes.count))
    let blocks = written[piece.document]
    guard blocks.allSatisfy({ $0 != nil }) else { return }
    bodies[piece.document] = body(of: blocks.flatMap { $0 ?? [] })
    written[piece.document] = []
    finishedCount += 1
  }

  /// Spaces at the start would grow from generation to generation, since `body: ` brings one.
  private func body(of bytes: [UInt8]) -> String {
    String(String(decoding: bytes, as: UTF8.self).drop { $0 == " " || $0.isNewline })
  }

  /// The prompts' ids, titles, sources and groups with the new bodies. Labels and dates stay behind: they are
  /// true of the real article only.
  var corpus: Corpus {
    var facts = Corpus.Facts()
    facts.origins = prompts.facts.origins
    facts.licences = prompts.facts.licences
    return Corpus(
      documents: zip(prompts.documents, bodies).map { document, body in
        precondition(body != nil, "article '\(document.id)' is not written yet")
        let text =
          form == .continuation
          ? body ?? "" : Article(title: document.article.title, body: body ?? "").text
        return Document(
          id: document.id, text: text, source: document.source, group: document.group)
      }, facts: facts)
  }

  /// Prompts without title and body: there is nothing to continue, so their articles stay empty.
  var emptyCount: Int { pieces.count { $0.isEmpty } }

  var summary: String {
    "\(prompts.documents.count) articles in \(pieces.reduce(0) { $0 + $1.count }) blocks; "
      + "\(cutPrompts) \(form == .rewriting ? "titles" : "prompts") were cut "
      + "(\(cutTokens) tokens left out)"
      + (emptyCount > 0 ? "; \(emptyCount) prompts had no text to continue and stay empty" : "")
  }

  // MARK: Resuming

  private static let file = "written.json"

  func save(to folder: String) throws(Diagnostic) {
    let finished = bodies.map { body in body.map { JSONValue.string($0) } ?? .null }
    try AtomicFile.write(JSONValue.array(finished).canonicalBytes, to: folder + "/" + Self.file)
  }

  /// Takes up the finished articles of a folder; a file that does not fit is left aside.
  mutating func resume(from folder: String, log: (String) -> Void) {
    guard let file = try? MappedFile(at: folder + "/" + Self.file) else { return }
    let bytes = file.copy()
    guard
      let items = bytes.withUnsafeBufferPointer({ try? JSONValue(parsing: $0) })?.array,
      items.count == bodies.count
    else {
      log("'\(Self.file)' in the resume folder is not of this stage: writing starts anew")
      return
    }
    for (index, item) in items.enumerated() where bodies[index] == nil {
      bodies[index] = item.string
      if item.string != nil { finishedCount += 1 }
    }
    log("resumed with \(finishedCount) of \(bodies.count) articles written")
  }
}
