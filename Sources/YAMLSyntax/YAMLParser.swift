// Text → tree, over libyaml's events. libyaml only splits the text into events; what scalars mean
// is decided in CoreSchema.swift, what may be at all is decided here and in YAMLBytes.swift.

import CLibYAML
import Diagnostics

/// Limits that no honest file reaches.
public enum YAMLLimits {
  public static let bytes = 8 << 20
  public static let depth = 64
  /// How many times aliases may be replaced by what they stand for.
  public static let expansions = 1_000
  /// How many nodes all these replacements may add.
  public static let expandedNodes = 200_000
}

extension YAMLNode {
  /// Reads one document.
  ///
  /// **Throws**: the first of the problems that `read` finds.
  public static func parse(_ source: SourceText) throws(Diagnostic) -> YAMLNode {
    let (node, problems) = read(source)
    if let first = problems.first { throw first }
    return node!
  }

  /// Reads one document and reports everything that is wrong with it; there is a node unless the
  /// text cannot be read to its end.
  public static func read(_ source: SourceText) -> (YAMLNode?, [Diagnostic]) {
    if let problem = YAMLBytes.problem(in: source) { return (nil, [problem]) }
    let parser = YAMLParser(source)
    do {
      let node = try parser.document()
      return (node, parser.problems)
    } catch {
      return (nil, parser.problems + [error])
    }
  }
}

private final class YAMLParser {
  private let source: SourceText
  private let bytes: UnsafeMutableBufferPointer<UInt8>
  private let parser = UnsafeMutablePointer<yaml_parser_t>.allocate(capacity: 1)
  private var event = yaml_event_t()
  private let offsets: ScalarOffsets
  private let strictness: YAMLStrictness
  /// Mistakes after which reading goes on.
  var problems: [Diagnostic] = []

  /// What an anchor stands for: the node, its height, and what expanding it costs.
  private struct Anchored {
    let node: YAMLNode
    let measure: Measure
  }
  /// Height of a tree, nodes in it, aliases replaced in it.
  private struct Measure {
    var height = 1
    var nodes = 1
    var expansions = 0

    mutating func add(_ child: Measure) {
      height = max(height, child.height + 1)
      nodes += child.nodes
      expansions += child.expansions
    }
  }
  private var anchors: [String: Anchored] = [:]
  private var openAnchors: Set<String> = []
  private var expansions = 0
  private var expandedNodes = 0

  init(_ source: SourceText) {
    self.source = source
    let text = source.bytes + (YAMLStrictness.endsInBlanks(source.bytes) ? [0x0A] : [])
    offsets = ScalarOffsets(text)
    bytes = .allocate(capacity: text.count)
    _ = bytes.initialize(from: text)
    strictness = YAMLStrictness(bytes: bytes)
    precondition(yaml_parser_initialize(parser) == 1, "libyaml has no memory for a parser")
    yaml_parser_set_encoding(parser, YAML_UTF8_ENCODING)
    yaml_parser_set_input_string(parser, bytes.baseAddress, bytes.count)
  }

  deinit {
    yaml_event_delete(&event)
    yaml_parser_delete(parser)
    parser.deallocate()
    bytes.deallocate()
  }

  func document() throws(Diagnostic) -> YAMLNode {
    try next()  // the stream begins
    try next()
    guard event.type == YAML_DOCUMENT_START_EVENT else { throw .yamlEmpty(at: place(0..<0)) }
    tokenEnd = offset(event.end_mark)
    try next()
    let (node, _) = try self.node(depth: 1)
    try next()  // the document ends
    try refuse(strictness.comment(between: tokenEnd, and: offset(event.start_mark)))
    try next()
    guard event.type == YAML_STREAM_END_EVENT else {
      throw .yamlSecondDocument(at: place(offset(event.start_mark)..<offset(event.end_mark)))
    }
    if node.isNull, node.span.range.isEmpty { throw .yamlEmpty(at: node.span) }
    return node
  }

  private func next() throws(Diagnostic) {
    yaml_event_delete(&event)
    guard yaml_parser_parse(parser, &event) == 1 else { throw syntaxError() }
  }

  private func offset(_ mark: yaml_mark_t) -> Int { offsets.byte(ofScalar: mark.index) }
  private func place(_ range: Range<Int>) -> SourceSpan { SourceSpan(source: source, range: range) }

  // MARK: Nodes

  private func node(depth: Int) throws(Diagnostic) -> (YAMLNode, Measure) {
    let start = offset(event.start_mark)
    let end = max(start, offset(event.end_mark))
    try refuseTab(before: start)
    try refuse(strictness.comment(between: tokenEnd, and: start))
    guard depth <= YAMLLimits.depth else {
      throw .yamlDepth(limit: YAMLLimits.depth, at: place(start..<min(start + 1, end)))
    }
    switch event.type {
    case YAML_ALIAS_EVENT:
      return try alias(Self.text(event.data.alias.anchor), place(start..<end), depth: depth)
    case YAML_SCALAR_EVENT:
      let anchor = event.data.scalar.anchor.map { Self.text($0) }
      if let anchor { try refuse(strictness.anchor(anchor, at: start, end: end)) }
      let node = scalar(start: start, end: end)
      try refuseLooseScalar(node)
      let anchored = Anchored(node: node, measure: Measure())
      if let anchor { anchors[anchor] = anchored }
      return (node, anchored.measure)
    case YAML_SEQUENCE_START_EVENT:
      let data = event.data.sequence_start
      checkTag(data.tag, isAllowed: "seq", at: place(start..<end))
      return try container(
        anchor: data.anchor.map { Self.text($0) },
        isFlow: data.style == YAML_FLOW_SEQUENCE_STYLE, start: start, end: end, depth: depth
      ) { () throws(Diagnostic) in try self.sequence(depth: depth) }
    case YAML_MAPPING_START_EVENT:
      let data = event.data.mapping_start
      checkTag(data.tag, isAllowed: "map", at: place(start..<end))
      return try container(
        anchor: data.anchor.map { Self.text($0) },
        isFlow: data.style == YAML_FLOW_MAPPING_STYLE, start: start, end: end, depth: depth
      ) { () throws(Diagnostic) in try self.mapping(depth: depth) }
    default:
      preconditionFailure("libyaml gave event \(event.type.rawValue) where a node begins")
    }
  }

  private func container(
    anchor: String?, isFlow: Bool, start: Int, end: Int, depth: Int,
    content: () throws(Diagnostic) -> (YAMLNode.Content, Measure, Range<Int>?)
  ) throws(Diagnostic) -> (YAMLNode, Measure) {
    if let anchor {
      try refuse(strictness.anchor(anchor, at: start, end: end))
      openAnchors.insert(anchor)
      anchors[anchor] = nil
    }
    let first = skipProperties(from: start)
    let outer = (blockColumn, isInFlow)
    if isFlow {
      tokenEnd = first + 1
      isInFlow = true
    } else {
      tokenEnd = first
      blockColumn = column(ofBlockEnding: end)
    }
    let (content, measure, inside) = try content()
    (blockColumn, isInFlow) = outer
    if isFlow {
      let end = offset(event.end_mark)
      try refuse(strictness.comment(between: tokenEnd, and: end))
      if !isInFlow {
        try refuse(strictness.outdent(in: first..<end, below: blockColumn, isFlow: true))
      }
      tokenEnd = end
    }
    // A block container ends with its last child: libyaml's mark is at the next token.
    let span: SourceSpan
    if isFlow {
      span = place(first..<max(first, offset(event.end_mark)))
      lastEnd = span.range.upperBound
    } else {
      span = place((inside?.lowerBound ?? start)..<(inside?.upperBound ?? end))
    }
    let node = YAMLNode(content, at: span)
    if let anchor {
      openAnchors.remove(anchor)
      anchors[anchor] = Anchored(node: node, measure: measure)
    }
    return (node, measure)
  }

  private func sequence(
    depth: Int
  ) throws(Diagnostic) -> (YAMLNode.Content, Measure, Range<Int>?) {
    var items: [YAMLNode] = []
    var measure = Measure()
    var lower = offset(event.start_mark)
    var upper = lower
    try next()
    while event.type != YAML_SEQUENCE_END_EVENT {
      let (item, size) = try node(depth: depth + 1)
      lower = min(lower, item.span.range.lowerBound)
      upper = max(upper, lastEnd)
      items.append(item)
      measure.add(size)
      try next()
    }
    return (.sequence(items), measure, lower..<max(lower, upper))
  }

  /// End of the node that was read last, where it stands (not where its anchor does).
  private var lastEnd = 0
  /// End of what was read last: only blanks, indicators and comments stand between it and the next node.
  private var tokenEnd = 0
  /// Column of the block list or mapping that is being read; -1 outside of all.
  private var blockColumn = -1
  private var isInFlow = false

  /// - Parameter end: of libyaml's event: at the first key or dash, or behind the dash of a list that is
  ///   indented no deeper than its key.
  private func column(ofBlockEnding end: Int) -> Int {
    var at = end
    if event.type == YAML_SEQUENCE_START_EVENT, at > 0,
      at >= bytes.count || bytes[at] != UInt8(ascii: "-"), bytes[at - 1] == UInt8(ascii: "-")
    {
      at -= 1
    }
    var column = 0
    while at > column, bytes[at - column - 1] != 0x0A, bytes[at - column - 1] != 0x0D {
      column += 1
    }
    return column
  }

  private func refuse(_ fault: YAMLStrictness.Fault?) throws(Diagnostic) {
    guard let fault else { return }
    throw .yamlSyntax(fault.message, at: place(fault.range), notes: [], help: fault.help)
  }

  private func refuseLooseScalar(_ node: YAMLNode) throws(Diagnostic) {
    let range = node.span.range
    switch node.scalar!.style {
    case .singleQuoted, .doubleQuoted:
      if !isInFlow {
        try refuse(strictness.outdent(in: range, below: blockColumn, isFlow: false))
      }
    case .literal, .folded: try refuse(strictness.blockScalar(at: range.lowerBound))
    case .plain:
      if isInFlow { try refuse(strictness.loneDash(range)) }
    }
  }

  private func mapping(
    depth: Int
  ) throws(Diagnostic) -> (YAMLNode.Content, Measure, Range<Int>?) {
    var members: [YAMLMapping.Member] = []
    var places: [String: SourceSpan] = [:]
    var measure = Measure()
    let lower = offset(event.start_mark)
    var upper = lower
    try next()
    while event.type != YAML_MAPPING_END_EVENT {
      if isInFlow { try refuse(strictness.questionMark(before: offset(event.start_mark))) }
      let (key, keySize) = try node(depth: depth + 1)
      upper = max(upper, lastEnd)
      try next()
      let (value, size) = try node(depth: depth + 1)
      upper = max(upper, lastEnd)
      measure.add(keySize)
      measure.add(size)
      try next()
      guard let name = key.scalar else {
        problems.append(.yamlKey(key.kind, at: key.span))
        continue
      }
      if name.style == .plain, name.text == "<<" {
        problems.append(.yamlMergeKey(at: key.span))
      } else if let first = places[name.text] {
        problems.append(.yamlDuplicateKey(name.text, at: key.span, first: first))
      } else {
        places[name.text] = key.span
        members.append(.init(key: Located(name.text, at: key.span), value: value))
      }
    }
    return (.mapping(YAMLMapping(members)), measure, lower..<max(lower, upper))
  }

  private func alias(
    _ name: String, _ span: SourceSpan, depth: Int
  ) throws(Diagnostic) -> (YAMLNode, Measure) {
    lastEnd = span.range.upperBound
    tokenEnd = lastEnd
    if openAnchors.contains(name) { throw .yamlAliasLoop(name, at: span) }
    guard let target = anchors[name] else {
      throw .yamlUnknownAlias(name, among: Array(anchors.keys), at: span)
    }
    var measure = target.measure
    measure.expansions += 1
    expansions += measure.expansions
    expandedNodes += measure.nodes
    if expansions > YAMLLimits.expansions {
      throw .yamlAliasLimit(YAMLLimits.expansions, "replacements", at: span)
    }
    if expandedNodes > YAMLLimits.expandedNodes {
      throw .yamlAliasLimit(YAMLLimits.expandedNodes, "values", at: span)
    }
    guard depth + measure.height - 1 <= YAMLLimits.depth else {
      throw .yamlDepth(limit: YAMLLimits.depth, at: span)
    }
    return (target.node, measure)
  }

  private func scalar(start: Int, end: Int) -> YAMLNode {
    let data = event.data.scalar
    let text = String(
      decoding: UnsafeBufferPointer(start: data.value, count: data.length), as: UTF8.self)
    var first = skipProperties(from: start)
    var last = max(first, end)
    let style: YAMLScalar.Style
    switch data.style {
    case YAML_SINGLE_QUOTED_SCALAR_STYLE: style = .singleQuoted
    case YAML_DOUBLE_QUOTED_SCALAR_STYLE: style = .doubleQuoted
    case YAML_LITERAL_SCALAR_STYLE: style = .literal
    case YAML_FOLDED_SCALAR_STYLE: style = .folded
    default:
      style = .plain
      if text.isEmpty {
        // Nothing was written: a point after the key, or after the anchor.
        first = min(first, end)
        last = first
      }
    }
    while last > first, [0x20, 0x09, 0x0A, 0x0D].contains(bytes[last - 1]) { last -= 1 }
    lastEnd = last
    tokenEnd = style == .literal || style == .folded ? max(last, end) : last
    let span = place(first..<last)
    let value = resolve(text, style: style, tag: data.tag, at: span)
    return YAMLNode(.scalar(YAMLScalar(text: text, style: style, value: value)), at: span)
  }

  private func resolve(
    _ text: String, style: YAMLScalar.Style, tag: UnsafeMutablePointer<UInt8>?, at span: SourceSpan
  ) -> YAMLScalar.Value {
    let plain = YAMLScalar.Value(plain: text)
    guard let tag else { return style == .plain ? plain : .text(text) }
    let name = Self.text(tag)
    switch (name.replacing("tag:yaml.org,2002:", with: ""), plain) {
    case ("str", _), ("!", _): return .text(text)
    case ("int", .integer), ("float", .number), ("bool", .boolean), ("null", .null): return plain
    case ("float", .integer(let value)): return .number(Double(value))
    case ("int", _), ("float", _), ("bool", _), ("null", _):
      problems.append(.yamlTagMismatch(Self.short(name), text: text, at: span))
    default:
      problems.append(.yamlTag(Self.short(name), at: span))
    }
    return .text(text)
  }

  private func checkTag(
    _ tag: UnsafeMutablePointer<UInt8>?, isAllowed: String, at span: SourceSpan
  ) {
    guard let tag else { return }
    let name = Self.text(tag)
    if name != "tag:yaml.org,2002:" + isAllowed, name != "!" {
      problems.append(.yamlTag(Self.short(name), at: span))
    }
  }

  private static func short(_ tag: String) -> String {
    tag.replacing("tag:yaml.org,2002:", with: "!!")
  }

  private static func text(_ pointer: UnsafeMutablePointer<UInt8>) -> String {
    String(cString: UnsafePointer(pointer))
  }

  /// Behind `&anchor` and `!tag`: libyaml counts them to the node.
  private func skipProperties(from start: Int) -> Int {
    var at = start
    while at < bytes.count, bytes[at] == UInt8(ascii: "&") || bytes[at] == UInt8(ascii: "!") {
      while at < bytes.count, !Self.isWhite(bytes[at]), !",]}".utf8.contains(bytes[at]) { at += 1 }
      let end = at
      while at < bytes.count {
        if Self.isWhite(bytes[at]) {
          at += 1
        } else if bytes[at] == UInt8(ascii: "#"), at > end {
          while at < bytes.count, bytes[at] != 0x0A, bytes[at] != 0x0D { at += 1 }
        } else {
          break
        }
      }
    }
    return at
  }

  private static func isWhite(_ byte: UInt8) -> Bool {
    byte == 0x20 || byte == 0x09 || byte == 0x0A || byte == 0x0D
  }

  // MARK: Mistakes

  /// libyaml lets a tab pass in some places where it indents.
  private func refuseTab(before start: Int) throws(Diagnostic) {
    var at = start
    var tab: Int?
    while at > 0, bytes[at - 1] == 0x20 || bytes[at - 1] == 0x09 {
      at -= 1
      if bytes[at] == 0x09 { tab = at }
    }
    guard let tab, at == 0 || bytes[at - 1] == 0x0A || bytes[at - 1] == 0x0D else { return }
    throw .yamlTab(at: place(tab..<tab + 1))
  }

  private func syntaxError() -> Diagnostic {
    let problem = parser.pointee.problem.map { String(cString: $0) } ?? "this is not valid YAML"
    let context = parser.pointee.context.map { String(cString: $0) } ?? ""
    let at = min(offset(parser.pointee.problem_mark), bytes.count)
    if let tab = tabInIndentation(at) { return .yamlTab(at: place(tab..<tab + 1)) }
    let width = at < bytes.count ? max(1, offsets.width(at: at, in: bytes)) : 0
    let span = place(at..<at + width)
    var notes: [Diagnostic.Note] = []
    if !context.isEmpty {
      let start = offset(parser.pointee.context_mark)
      if start < at {
        notes.append(.init(context, at: place(start..<min(start + 1, bytes.count))))
      }
    }
    return .yamlSyntax(
      YAMLProblem.message(problem), at: span, notes: notes,
      help: YAMLProblem.help(
        problem, context: context, byte: at < bytes.count ? bytes[at] : nil))
  }

  private func tabInIndentation(_ at: Int) -> Int? {
    var start = at
    while start > 0, bytes[start - 1] != 0x0A, bytes[start - 1] != 0x0D { start -= 1 }
    var tab = start
    while tab < bytes.count, bytes[tab] == 0x20 { tab += 1 }
    return tab < bytes.count && tab <= at && bytes[tab] == 0x09 ? tab : nil
  }
}
