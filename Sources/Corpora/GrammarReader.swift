// YAML → Grammar. Everything that can be wrong is found here, with its place, so that expansion
// cannot fail: GrammarChecks.swift looks at the whole once all names are known.

import CanonicalJSON
import Diagnostics
import YAMLSyntax

extension Grammar {
  /// Reads and checks a grammar.
  ///
  /// - Returns: the grammar, or nil if there is an error among the problems; warnings
  ///   (`grammar-unused`) leave it usable.
  public static func read(_ source: SourceText) -> (Grammar?, [Diagnostic]) {
    let (node, problems) = YAMLNode.read(source)
    guard let node else { return (nil, problems) }
    var reader = GrammarReader(problems: problems)
    let grammar = reader.grammar(node)
    let failed = reader.problems.contains { $0.severity == .error }
    return (failed ? nil : grammar, reader.problems)
  }
}

extension Grammar {
  /// Reads a grammar file, for actions: the first error is thrown with the others as notes.
  ///
  /// - Parameter shown: how messages name the file.
  public static func read(
    fileAt path: String, shown: String, warn: (Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> Grammar {
    let bytes = try readFile(path, shown: shown, limit: YAMLLimits.bytes)
    let (grammar, problems) = read(SourceText(path: shown, bytes: bytes))
    for problem in problems where problem.severity == .warning { warn(problem) }
    let errors = problems.filter { $0.severity == .error }
    guard var first = errors.first else { return grammar! }
    first.notes += errors.dropFirst().prefix(19).map { .init($0.message, at: $0.span) }
    throw first
  }
}

/// Reads the parts of a grammar and keeps every problem it meets.
struct GrammarReader {
  var problems: [Diagnostic]
  private var names: [String: Int] = [:]
  private var labels: [String] = []

  init(problems: [Diagnostic]) { self.problems = problems }

  /// What the steps of reading share: any of them may fail, and all failures are told.
  private mutating func attempt<Value>(_ body: (inout GrammarReader) throws(Diagnostic) -> Value)
    -> Value?
  {
    do {
      return try body(&self)
    } catch {
      problems.append(error)
      return nil
    }
  }

  mutating func grammar(_ node: YAMLNode) -> Grammar? {
    guard let top = attempt({ _ throws(Diagnostic) in try node.members("a grammar") }) else {
      return nil
    }
    let known = [
      "version", "name", "summary", "origin", "licence", "labels", "document", "variables", "rules",
    ]
    problems += top.unknownKeys(of: "a grammar", known: known)
    for key in ["version", "name", "labels", "document", "rules"] where top[key] == nil {
      problems.append(.grammarMissing(key, of: "the grammar", at: node.span))
    }
    if let version = top["version"], version.scalar?.value != .integer(1) {
      problems.append(.grammarVersion(at: version.span))
    }
    let name = top["name"].flatMap { node in
      attempt { _ throws(Diagnostic) in try node.text("the name") }
    }
    labels = readLabels(top["labels"])

    // Names first: a rule may use one that stands below it.
    var members: [(member: YAMLMapping.Member, isVariable: Bool)] = []
    for (key, isVariable) in [("variables", true), ("rules", false)] {
      guard let part = top[key],
        let mapping = attempt({ _ throws(Diagnostic) in try part.members("'\(key)'") })
      else { continue }
      for member in mapping.members {
        let name = member.key.value
        if name == "label" || !Self.isName(name) {
          problems.append(.grammarName(name, at: member.key.span))
        } else if let first = names[name] {
          let other = members[first].member.key.span
          problems.append(.grammarTwice(name, at: member.key.span, first: other))
        } else {
          names[name] = members.count
          members.append((member, isVariable))
        }
      }
    }
    guard members.count > 0 else { return nil }
    let variables = members.indices.filter { members[$0].isVariable }
    let symbols = members.map { entry in
      Grammar.Symbol(
        name: entry.member.key.value, isVariable: entry.isVariable,
        body: body(entry.member.value, of: entry.member.key.value, variables: Set(variables)),
        span: entry.member.key.span)
    }
    guard let document = top["document"], let form = documentForm(document), let name else {
      return nil
    }
    let grammar = Grammar(
      name: name, labels: labels, origin: text(top["origin"], "the origin"),
      licence: text(top["licence"], "the licence"), symbols: symbols, form: form)
    if !problems.contains(where: { $0.severity == .error }) { problems += grammar.check() }
    return grammar
  }

  private static func isName(_ name: String) -> Bool {
    guard let first = name.utf8.first, first >= UInt8(ascii: "a"), first <= UInt8(ascii: "z") else {
      return false
    }
    return name.utf8.allSatisfy {
      (UInt8(ascii: "a")...UInt8(ascii: "z")).contains($0)
        || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) || $0 == UInt8(ascii: "_")
    }
  }

  private mutating func text(_ node: YAMLNode?, _ what: String) -> String? {
    guard let node else { return nil }
    return attempt { _ throws(Diagnostic) in try node.text(what) }
  }

  private mutating func readLabels(_ node: YAMLNode?) -> [String] {
    guard let node,
      let items = attempt({ _ throws(Diagnostic) in try node.items("'labels'") })
    else { return [] }
    var labels: [String] = []
    for item in items {
      guard let label = text(item, "a label") else { continue }
      if labels.contains(label) {
        problems.append(.grammarTwice(label, at: item.span, first: nil))
      } else {
        labels.append(label)
      }
    }
    if labels.isEmpty {
      problems.append(.grammarMissing("labels", of: "the grammar", at: node.span))
    }
    return labels
  }

  // MARK: Rules

  private mutating func body(_ node: YAMLNode, of name: String, variables: Set<Int>) -> Grammar.Body
  {
    if let mapping = node.mapping, mapping["by"] != nil {
      return cases(node, mapping, of: name, variables: variables)
    }
    let items = node.sequence ?? [node]
    if items.isEmpty { problems.append(.grammarEmpty(name, at: node.span)) }
    return .alternatives(items.compactMap { alternative($0, of: name) })
  }

  private mutating func cases(
    _ node: YAMLNode, _ mapping: YAMLMapping, of name: String, variables: Set<Int>
  ) -> Grammar.Body {
    let by = mapping["by"]!
    guard let axisName = text(by, "'by'") else { return .alternatives([]) }
    let axis: Grammar.Axis
    if axisName == "label" {
      axis = .label
      for member in mapping.members
      where !labels.contains(member.key.value) && !["by", "else"].contains(member.key.value) {
        problems.append(.grammarUnknownCase(member.key.value, labels, at: member.key.span))
      }
    } else if let index = names[axisName], variables.contains(index) {
      axis = .variable(index)
    } else {
      problems.append(.grammarAxis(axisName, at: by.span))
      return .alternatives([])
    }
    var bodies: [(value: String, body: Grammar.Body)] = []
    var otherwise: Grammar.Body?
    for member in mapping.members where member.key.value != "by" {
      let inner = body(member.value, of: name, variables: variables)
      if member.key.value == "else" {
        otherwise = inner
      } else {
        bodies.append((value: member.key.value, body: inner))
      }
    }
    return .cases(axis: axis, bodies: bodies, otherwise: otherwise)
  }

  private mutating func alternative(_ node: YAMLNode, of name: String) -> Grammar.Alternative? {
    guard let mapping = node.mapping else {
      return template(node, "an alternative of '\(name)'").map { .init(template: $0, weight: 1) }
    }
    problems += mapping.unknownKeys(of: "an alternative", known: ["text", "weight"])
    guard let text = mapping["text"] else {
      problems.append(.grammarMissing("text", of: "an alternative of '\(name)'", at: node.span))
      return nil
    }
    var weight = 1.0
    if let node = mapping["weight"],
      let value = attempt({ _ throws(Diagnostic) in try node.number("a weight") })
    {
      weight = value
      if value <= 0 { problems.append(.grammarWeight(value, at: node.span)) }
    }
    return template(text, "an alternative of '\(name)'").map {
      .init(template: $0, weight: weight)
    }
  }

  // MARK: Texts

  private mutating func template(_ node: YAMLNode, _ what: String) -> Grammar.Template? {
    guard let text = text(node, what) else { return nil }
    do {
      return resolve(try TemplateParser.parse(text), in: node)
    } catch {
      problems.append(.grammarTemplate(error.reason, at: node.span(ofText: error.place)))
      return nil
    }
  }

  private mutating func resolve(_ pieces: [TemplateParser.Piece], in node: YAMLNode)
    -> Grammar.Template
  {
    var parts: Grammar.Template = []
    for piece in pieces {
      switch piece {
      case .text(let text): parts.append(.text(text))
      case .choice(let options): parts.append(.choice(options.map { resolve($0, in: node) }))
      case .symbol(let name, let form, let place):
        if let index = symbol(name, place, node) { parts.append(.symbol(index, form)) }
      case .list(let name, let count, let place):
        if let index = symbol(name, place, node) { parts.append(.list(index, count: count)) }
      }
    }
    return parts
  }

  private mutating func symbol(_ name: String, _ place: Range<Int>, _ node: YAMLNode) -> Int? {
    if let index = names[name] { return index }
    problems.append(
      .grammarUndefined(
        name, among: names.keys.sorted(by: bytesPrecede), at: node.span(ofText: place)))
    return nil
  }

  private mutating func documentForm(_ node: YAMLNode) -> Grammar.DocumentForm? {
    guard let mapping = attempt({ _ throws(Diagnostic) in try node.members("'document'") }) else {
      return nil
    }
    let known = ["title", "opening", "sentence", "closing", "source", "date"]
    problems += mapping.unknownKeys(of: "'document'", known: known)
    for key in ["title", "sentence"] where mapping[key] == nil {
      problems.append(.grammarMissing(key, of: "'document'", at: node.span))
    }
    var parts: [String: Grammar.Template] = [:]
    for key in known { parts[key] = mapping[key].flatMap { template($0, "'\(key)'") } }
    guard let title = parts["title"], let sentence = parts["sentence"] else { return nil }
    return Grammar.DocumentForm(
      title: title, opening: parts["opening"], sentence: sentence, closing: parts["closing"],
      source: parts["source"], date: parts["date"])
  }
}
