// The YAML test suite (github.com/yaml/yaml-test-suite, a release of its data), case by case against the
// verdicts in yaml-test-suite.tsv. The suite is not in this repository: PLUMB_YAML_SUITE names a folder
// with it (`make yaml-suite` fetches one). PLUMB_RECORD=1 writes the verdicts anew.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import YAMLSyntax

private let suite = ProcessInfo.processInfo.environment["PLUMB_YAML_SUITE"]
private let table = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .appending(path: "yaml-test-suite.tsv")

@Suite struct YAMLTestSuiteTests {
  @Test func verdictsAreWhatTheListSays() throws {
    // Without the suite the list itself is checked: every verdict is one of ours, no case is misread.
    let rows = try SuiteVerdict.read(table)
    #expect(rows.count == 402)
    #expect(Set(rows.map(\.id)).count == rows.count)
    let ids = Set(yamlExplanations.map(\.id))
    for row in rows {
      switch row.verdict {
      case .read: #expect(row.problem.isEmpty, "\(row.id)")
      case .refused, .invalid: #expect(ids.contains(row.problem), "\(row.id): \(row.problem)")
      case .misread, .accepted: Issue.record("\(row.id) is \(row.verdict)")
      }
    }
  }

  @Test(.enabled(if: suite != nil, "PLUMB_YAML_SUITE names no folder with the YAML test suite"))
  func everyCaseIsReadOrRefused() throws {
    let folder = URL(fileURLWithPath: try #require(suite))
    let found = try SuiteCase.all(in: folder).map { try SuiteVerdict(judging: $0) }
    if ProcessInfo.processInfo.environment["PLUMB_RECORD"] != nil {
      let header = "# id, verdict, diagnostic; see YAMLTestSuiteTests.swift\n"
      let text = header + found.map { "\($0.line)\n" }.joined()
      try text.write(to: table, atomically: true, encoding: .utf8)
    }
    let expected = try SuiteVerdict.read(table)
    #expect(found.map(\.line) == expected.map(\.line))
  }
}

/// What becomes of a case.
private struct SuiteVerdict {
  enum Verdict: String {
    /// Valid, and read as the suite reads it.
    case read
    /// Valid, and refused by one of our rules.
    case refused
    /// Not valid, and refused.
    case invalid
    /// Valid, and read as something else: a fault.
    case misread
    /// Not valid, and read: a fault.
    case accepted
  }
  var id: String
  var verdict: Verdict
  var problem: String

  var line: String { "\(id)\t\(verdict.rawValue)\t\(problem)" }

  static func read(_ file: URL) throws -> [SuiteVerdict] {
    try String(contentsOf: file, encoding: .utf8).split(separator: "\n").filter {
      !$0.hasPrefix("#")
    }.map { line in
      let cells = line.split(separator: "\t", omittingEmptySubsequences: false).map(String.init)
      try #require(cells.count == 3, "\(line)")
      return SuiteVerdict(
        id: cells[0], verdict: try #require(Verdict(rawValue: cells[1])), problem: cells[2])
    }
  }

  init(id: String, verdict: Verdict, problem: String) {
    self.id = id
    self.verdict = verdict
    self.problem = problem
  }

  init(judging test: SuiteCase) throws {
    let (node, problems) = YAMLNode.read(SourceText(path: test.id, bytes: test.yaml))
    if let first = problems.first {
      self.init(id: test.id, verdict: test.isInvalid ? .invalid : .refused, problem: first.id)
      return
    }
    guard !test.isInvalid, let node else {
      self.init(id: test.id, verdict: .accepted, problem: "")
      return
    }
    let isEqual =
      try node.structure == test.structure() && test.json.map { node.json == $0 } ?? true
    self.init(id: test.id, verdict: isEqual ? .read : .misread, problem: "")
  }
}

private struct SuiteCase {
  var id: String
  var yaml: [UInt8]
  var events: [String]
  var json: JSONValue?
  var isInvalid: Bool

  /// Folders with an `in.yaml`, also those of cases with several parts (`2G84/00`).
  static func all(in folder: URL) throws -> [SuiteCase] {
    func names(_ folder: URL) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    }
    var cases: [SuiteCase] = []
    for name in try names(folder) where name.utf8.count == 4 && name != "name" && name != "tags" {
      let place = folder.appending(path: name)
      let parts = try names(place)
      for id in parts.contains("in.yaml") ? [name] : parts.map({ "\(name)/\($0)" }) {
        cases.append(try SuiteCase(id, in: folder.appending(path: id)))
      }
    }
    return cases
  }

  private init(_ id: String, in folder: URL) throws {
    func bytes(_ name: String) throws -> [UInt8]? {
      let file = folder.appending(path: name)
      guard FileManager.default.fileExists(atPath: file.path) else { return nil }
      return [UInt8](try Data(contentsOf: file))
    }
    self.id = id
    yaml = try #require(try bytes("in.yaml"))
    events = String(decoding: try #require(try bytes("test.event")), as: UTF8.self)
      .split(separator: "\n").map(String.init)
    // Cases of several documents hold several values: they are refused, so nothing is compared.
    json = try bytes("in.json").flatMap {
      try? JSONValue(parsing: SourceText(path: id, bytes: $0))
    }
    isInvalid = try bytes("error") != nil
  }

  struct Malformed: Error {}

  /// Brackets and scalars of the events: `[a,{b,c}]`, aliases replaced.
  func structure() throws -> String {
    var rest = events[...]
    var anchors: [String: String] = [:]
    func node() throws -> String {
      guard let line = rest.popFirst() else { throw Malformed() }
      var words = line.split(separator: " ", maxSplits: 1)[...]
      let kind = words.removeFirst()
      var tail = words.first.map(String.init) ?? ""
      if kind == "=ALI" { return try #require(anchors[String(tail.dropFirst())]) }
      for style in ["[]", "{}"] where tail.hasPrefix(style) {
        tail = String(tail.dropFirst(2)).trimmingCharacters(in: .whitespaces)
      }
      var anchor: String?
      if tail.hasPrefix("&") {
        anchor = String(tail.dropFirst().prefix { $0 != " " })
        tail = String(tail.drop { $0 != " " }.dropFirst())
      }
      if tail.hasPrefix("<") { tail = String(tail.drop { $0 != ">" }.dropFirst(2)) }
      var text: String
      switch kind {
      case "+SEQ", "+MAP":
        var items: [String] = []
        while let next = rest.first, !next.hasPrefix("-SEQ"), !next.hasPrefix("-MAP") {
          items.append(try node())
        }
        rest.removeFirst()
        text = items.joined(separator: ",")
        text = kind == "+SEQ" ? "[\(text)]" : "{\(text)}"
      default:
        text = "<" + Self.unescape(tail.dropFirst()) + ">"
      }
      if let anchor { anchors[anchor] = text }
      return text
    }
    while let line = rest.first, !line.hasPrefix("+DOC") { rest.removeFirst() }
    rest.removeFirst()
    return try node()
  }

  private static func unescape(_ text: Substring) -> String {
    var out = ""
    var isEscaped = false
    for scalar in text.unicodeScalars {
      if isEscaped {
        let plain: [Unicode.Scalar: Unicode.Scalar] = [
          "n": "\n", "t": "\t", "r": "\r", "b": "\u{8}", "0": "\0", "\\": "\\",
        ]
        out.unicodeScalars.append(plain[scalar] ?? scalar)
        isEscaped = false
      } else if scalar == "\\" {
        isEscaped = true
      } else {
        out.unicodeScalars.append(scalar)
      }
    }
    return out
  }
}

extension YAMLNode {
  fileprivate var structure: String {
    switch content {
    case .scalar(let scalar): "<\(scalar.text)>"
    case .sequence(let items): "[" + items.map(\.structure).joined(separator: ",") + "]"
    case .mapping(let mapping):
      "{"
        + mapping.members.map { "<\($0.key.value)>,\($0.value.structure)" }.joined(separator: ",")
        + "}"
    }
  }

  /// What the core schema makes of it; whole numbers are integers, as in the suite's JSON.
  fileprivate var json: JSONValue {
    switch content {
    case .scalar(let scalar):
      switch scalar.value {
      case .null: .null
      case .boolean(let value): .boolean(value)
      case .integer(let value): .integer(value)
      case .number(let value): value == value.rounded() ? .integer(Int(value)) : .number(value)
      case .text(let text): .string(text)
      }
    case .sequence(let items): .array(items.map(\.json))
    case .mapping(let mapping):
      .object(JSONObject(mapping.members.map { ($0.key.value, $0.value.json) }))
    }
  }
}
