// The post-processor of a tokenizer.json: read into a TokenTemplate, written as TemplateProcessing.

import CanonicalJSON
import Diagnostics

extension TokenTemplate {
  /// - Parameter vocabularySize: ids must be below it.
  ///
  /// **Throws**: `tokenizer-unsupported`, `tokenizer-malformed`.
  init(postProcessor part: JSONValue?, vocabularySize: Int) throws(Diagnostic) {
    guard let part, part != .null else {
      self = .bare
      return
    }
    func token(_ name: String) throws(Diagnostic) -> Int32 {
      guard let id = part[name]?.array?.last?.integer, id >= 0, id < vocabularySize else {
        throw .tokenizerMalformed("has a post-processor without a valid '\(name)'")
      }
      return Int32(id)
    }
    switch part["type"]?.string {
    case "ByteLevel"?:
      // It trims offsets and adds nothing.
      self = .bare
    case "BertProcessing"?:
      self = .bert(classification: try token("cls"), separator: try token("sep"))
    case "RobertaProcessing"?:
      self = .roberta(begin: try token("cls"), end: try token("sep"))
    case "TemplateProcessing"?:
      let single = try Self.pieces(part, "single", vocabularySize)
      let pair = try Self.pieces(part, "pair", vocabularySize)
      guard Self.texts(single) == [0], Self.texts(pair) == [0, 1] else {
        throw .tokenizerMalformed("has a post-processor whose template leaves a text out")
      }
      self.init(single: single, pair: pair)
    case "Sequence"?:
      var found: TokenTemplate?
      for step in part["processors"]?.array ?? [] where step["type"]?.string != "ByteLevel" {
        guard found == nil else {
          throw .tokenizerUnsupported("post-processor", "Sequence of several templates")
        }
        guard step["type"]?.string != "Sequence" else {
          throw .tokenizerUnsupported("post-processor", "Sequence of Sequence")
        }
        found = try TokenTemplate(postProcessor: step, vocabularySize: vocabularySize)
      }
      self = found ?? .bare
    case let type?: throw .tokenizerUnsupported("post-processor", type)
    case nil: throw .tokenizerMalformed("has a post-processor without a type")
    }
  }

  private static func pieces(
    _ part: JSONValue, _ name: String, _ vocabularySize: Int
  ) throws(Diagnostic) -> [Piece] {
    guard let list = part[name]?.array else {
      throw .tokenizerMalformed("has a post-processor without the template '\(name)'")
    }
    var pieces: [Piece] = []
    for item in list {
      let body = item["SpecialToken"] ?? item["Sequence"]
      guard let body, let name = body["id"]?.string,
        let type = Int32(exactly: body["type_id"]?.integer ?? 0), type >= 0
      else { throw .tokenizerMalformed("has a post-processor with a broken template") }
      if item["Sequence"] != nil {
        guard let text = ["A": 0, "B": 1][name] else {
          throw .tokenizerMalformed("has a post-processor with a text '\(name)', neither A nor B")
        }
        pieces.append(.text(text, type: type))
      } else {
        guard let ids = part["special_tokens"]?[name]?["ids"]?.array, !ids.isEmpty,
          ids.allSatisfy({ $0.integer.map { $0 >= 0 && $0 < vocabularySize } ?? false })
        else { throw .tokenizerMalformed("has a post-processor without valid ids of '\(name)'") }
        pieces.append(.special(ids.compactMap { $0.integer.map { Int32($0) } }, type: type))
      }
    }
    return pieces
  }

  /// - Parameter name: the name of a token in the file.
  func postProcessor(naming name: (Int32) -> String) -> JSONValue {
    guard self != .bare else { return .null }
    var specials: [(String, JSONValue)] = []
    func list(_ pieces: [Piece]) -> JSONValue {
      .array(
        pieces.map { piece in
          switch piece {
          case .text(let text, let type):
            return .object([
              "Sequence": .object(["id": text == 0 ? "A" : "B", "type_id": .integer(Int(type))])
            ])
          case .special(let ids, let type):
            let names = ids.map(name)
            let joined = names.joined(separator: " ")
            if !specials.contains(where: { bytesEqual($0.0, joined) }) {
              specials.append(
                (
                  joined,
                  .object([
                    "id": .string(joined), "ids": .array(ids.map { .integer(Int($0)) }),
                    "tokens": .array(names.map { .string($0) }),
                  ])
                ))
            }
            return .object([
              "SpecialToken": .object(["id": .string(joined), "type_id": .integer(Int(type))])
            ])
          }
        })
    }
    let single = list(single)
    let pair = list(pair)
    return .object([
      "type": "TemplateProcessing", "single": single, "pair": pair,
      "special_tokens": .object(JSONObject(specials)),
    ])
  }
}
