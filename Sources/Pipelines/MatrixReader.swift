// Reads `matrix:`: axes with values, ranges and references; `points`; `exclude`.

import Diagnostics
import YAMLSyntax

struct MatrixReader {
  let problems: Problems

  func read(_ node: YAMLNode) -> MatrixDeclaration {
    let before = problems.count
    var factors: [MatrixDeclaration.Factor] = []
    var exclusions: [[(axis: Located<String>, value: ValueTemplate)]] = []
    let mapping = problems.attempt { () throws(Diagnostic) in
      try node.members("the key 'matrix'")
    }
    for member in mapping?.members ?? [] {
      switch member.key.value {
      case "points":
        let tuples = tuples(member.value, "points")
        checkPoints(tuples, at: member.value.span)
        factors.append(.points(tuples, span: member.value.span))
      case "exclude":
        exclusions = tuples(member.value, "exclude")
      default:
        if !NameRule.axis.accepts(member.key.value) {
          problems.add(.badName(member.key.value, .axis, at: member.key.span))
        } else if let factor = problems.attempt({ () throws(Diagnostic) in try factor(member) }) {
          factors.append(factor)
        }
      }
    }
    if let mapping, factors.isEmpty, problems.count == before {
      problems.add(.emptyMatrix(at: mapping.members.first?.key.span ?? node.span))
    }
    return MatrixDeclaration(
      factors: factors, exclusions: exclusions, span: node.span, isBroken: problems.count > before)
  }

  private func factor(_ member: YAMLMapping.Member) throws(Diagnostic) -> MatrixDeclaration.Factor {
    let what = "the axis '\(member.key.value)'"
    switch member.value.content {
    case .mapping:
      throw .valueKind(
        what, expected: "a list, a range or another stage's axis",
        found: "a mapping", at: member.value.span)
    case .sequence(let nodes):
      var items: [ValueTemplate] = []
      for node in nodes {
        guard node.scalar != nil else {
          throw .valueKind(
            "a value of \(what)", expected: "a single value", found: node.kind,
            at: node.span)
        }
        items.append(try ValueTemplate(node, named: "a value of \(what)"))
      }
      return .values(axis: member.key, items: items, span: member.value.span)
    case .scalar(let scalar):
      guard !member.value.isNull else { throw .emptyAxis(member.key.value, at: member.key.span) }
      let template = try ValueTemplate(member.value, named: what)
      if case .text(let pieces) = template.form, pieces.count == 1, case .reference = pieces[0] {
        return .template(axis: member.key, template)
      }
      guard case .text = scalar.value else {
        throw .scalarAxis(scalar.text, at: member.value.span)
      }
      return .expression(
        axis: member.key, try ExpressionParser.axis(member.value), span: member.value.span)
    }
  }

  private func tuples(
    _ node: YAMLNode, _ key: String
  ) -> [[(axis: Located<String>, value: ValueTemplate)]] {
    let items = problems.attempt { () throws(Diagnostic) in
      let items = try node.items("the key '\(key)'")
      if items.isEmpty, key == "points" { throw .emptyList(key, at: node.span) }
      return items
    }
    return (items ?? []).compactMap { item in
      problems.attempt { () throws(Diagnostic) in
        var tuple: [(axis: Located<String>, value: ValueTemplate)] = []
        let mapping = try item.members("an item of '\(key)'")
        if mapping.members.isEmpty { throw .emptyList("an item of '\(key)'", at: item.span) }
        for member in mapping.members {
          if !NameRule.axis.accepts(member.key.value) {
            throw .badName(member.key.value, .axis, at: member.key.span)
          }
          guard member.value.scalar != nil, !member.value.isNull else {
            throw .valueKind(
              "'\(member.key.value)'", expected: "a single value",
              found: member.value.kind, at: member.value.span)
          }
          tuple.append(
            (member.key, try ValueTemplate(member.value, named: "'\(member.key.value)'")))
        }
        return tuple
      }
    }
  }

  /// Every point names the same axes.
  private func checkPoints(
    _ points: [[(axis: Located<String>, value: ValueTemplate)]], at span: SourceSpan
  ) {
    guard let first = points.first else { return }
    let names = first.map(\.axis.value)
    for point in points.dropFirst() {
      let given = point.map(\.axis.value)
      for name in names where !given.contains(name) {
        problems.add(.pointWithoutAxis(name, at: point[0].axis.span, first: first[0].axis.span))
      }
      for (axis, _) in point where !names.contains(axis.value) {
        problems.add(.pointWithExtraAxis(axis.value, axes: names, at: axis.span))
      }
    }
  }
}
