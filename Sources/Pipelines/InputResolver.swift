// Binds the inputs of one stage: which ports, from where, for each instance.

import Diagnostics

/// What one input port of a stage receives, as far as it is known without coordinates.
struct InputPlan {
  enum Source {
    case alternatives(
      [(plan: ReferencePlan?, span: SourceSpan)], last: SourceSpan, endsWithNone: Bool)
    case file(ValueTemplate, byReference: Bool)
  }

  let port: PortDefinition
  let sources: [(source: Source, span: SourceSpan)]
  let span: SourceSpan?
  /// What relative paths start from.
  let folder: String
}

/// An item before instances have their final places.
struct DraftItem {
  enum Source {
    case output(stage: Int, tuple: Int, port: String)
    case file(path: String, shown: String, byReference: Bool)
  }
  let source: Source
  let coordinates: Coordinates
  let span: SourceSpan?
}

struct InputResolver {
  let references: ReferenceResolver
  let params: [String: TemplateValue]
  let problems: Problems

  /// Plans for all ports of the definition; nothing where something static is wrong.
  func plans(_ stage: StageDeclaration, index: Int) -> [InputPlan]? {
    let before = problems.count
    let definition = references.definitions[index]
    var plans: [String: InputPlan] = [:]
    var isSound = true
    for input in stage.inputs {
      let port = definition?.input(input.port.value)
      if let definition, port == nil {
        problems.add(
          .unknownInput(
            input.port.value, definition,
            isParameter: definition.parameter(input.port.value) != nil,
            at: input.port.span))
        continue
      }
      if input.isBroken { isSound = false }
      if let port, input.isWrittenAsList, !port.isList {
        problems.add(.writtenListForSinglePort(port.name, at: input.span))
        continue
      }
      let sources = input.parts.compactMap {
        part -> (source: InputPlan.Source, span: SourceSpan)? in
        guard let source = source(part, port: port, index: index) else { return nil }
        return (source, part.span)
      }
      if sources.count < input.parts.count { isSound = false }
      if let port {
        plans[port.name] = InputPlan(
          port: port, sources: sources, span: input.span, folder: stage.folder)
      }
    }
    guard let definition else { return nil }
    let unknown = stage.inputs.map(\.port.value).filter { definition.input($0) == nil }
    let mistaken = unknown.compactMap { nearest(to: $0, among: definition.inputs.map(\.name)) }
    for port in definition.inputs
    where !port.isOptional && !stage.isInputsBroken && !mistaken.contains(port.name) {
      if !stage.inputs.contains(where: { $0.port.value == port.name }) {
        problems.add(
          .missingInput(port, definition, at: stage.inputsSpan ?? stage.uses?.span))
      }
    }
    guard isSound, problems.count == before else { return nil }
    return definition.inputs.map {
      plans[$0.name] ?? InputPlan(port: $0, sources: [], span: nil, folder: stage.folder)
    }
  }

  private func source(
    _ part: InputDeclaration.Part, port: PortDefinition?, index: Int
  ) -> InputPlan.Source? {
    switch part.source {
    case .file(let template, let byReference):
      let axes = references.grids[index]?.axes.map(\.name)
      var isSound = true
      for reference in template.references {
        // Without a grid nothing is known about the axes.
        if references.grids[index] == nil, reference.table == .matrix { continue }
        if let problem = reference.problem(params: params.keys, axes: axes ?? []) {
          problems.add(problem)
          isSound = false
        }
      }
      if let port, port.type != .files {
        problems.add(.fileForArtifactPort(port, at: part.span))
        isSound = false
      }
      return isSound ? .file(template, byReference: byReference) : nil
    case .expression(let expression):
      return alternatives(expression, port: port, index: index)
    }
  }

  private func alternatives(
    _ expression: InputExpression, port: PortDefinition?, index: Int
  ) -> InputPlan.Source? {
    var plans: [(plan: ReferencePlan?, span: SourceSpan)] = []
    var endsWithNone = false
    var isSound = true
    for (position, alternative) in expression.alternatives.enumerated() {
      if endsWithNone {
        problems.add(.afterNone(at: alternative.span))
        return nil
      }
      switch alternative {
      case .none(let span):
        endsWithNone = true
        if let port, !port.isOptional, !port.isList {
          problems.add(.noneForRequired(port.name, at: span))
          isSound = false
        }
      case .reference(let reference):
        let before = problems.count
        let plan = problems.attempt { () throws(Diagnostic) in
          try references.plan(reference, port: port, consumer: index)
        }
        if problems.count > before { isSound = false }
        if reference.isList, position + 1 < expression.alternatives.count {
          problems.add(.alternativeAfterList(reference.text, at: reference.span))
          isSound = false
        }
        if case .some(.some(let plan)) = plan {
          plans.append((plan, reference.span))
        } else {
          isSound = false
        }
      }
    }
    guard isSound, let last = expression.alternatives.last else { return nil }
    return .alternatives(plans, last: last.span, endsWithNone: endsWithNone)
  }

  // MARK: For each instance

  /// The items of one port of one instance; nothing where something is missing.
  func items(
    _ plan: InputPlan, tuple: Int, id: @autoclosure () -> InstanceID, own: Grid
  ) -> [DraftItem]? {
    var items: [DraftItem] = []
    for (source, span) in plan.sources {
      switch source {
      case .file(let template, let byReference):
        guard
          let item = file(
            template, from: plan.folder, byReference: byReference, tuple: tuple, own: own,
            span: span)
        else { return nil }
        items.append(item)
      case .alternatives(let plans, let last, let endsWithNone):
        guard
          let found = first(plans, last: last, endsWithNone: endsWithNone, tuple: tuple, id: id())
        else { return nil }
        items += found
      }
    }
    return items
  }

  private func first(
    _ plans: [(plan: ReferencePlan?, span: SourceSpan)], last: SourceSpan, endsWithNone: Bool,
    tuple: Int, id: @autoclosure () -> InstanceID
  ) -> [DraftItem]? {
    var missing: [String] = []
    for (plan, span) in plans {
      guard let plan else { return nil }
      do throws(Diagnostic) {
        switch try plan.answer(for: tuple) {
        case .broken: return nil
        case .missing(let name): missing.append("\(name).\(plan.reference.port.value)")
        case .found(let positions):
          guard let grid = references.grids[plan.stage] else { return nil }
          return positions.map {
            DraftItem(
              source: .output(
                stage: plan.stage, tuple: $0, port: plan.reference.port.value),
              coordinates: grid.coordinates(of: $0), span: span)
          }
        }
      } catch {
        problems.addOnce(error)
        return nil
      }
    }
    if endsWithNone { return [] }
    let switchedOff = plans.compactMap { $0.plan?.stage }.compactMap { references.stages[$0] }
      .filter { $0.condition != nil }
    problems.addOnce(
      .missingInstance(
        missing, consumer: id(), at: last,
        conditions: switchedOff.map { ($0.name.value, $0.condition?.span) }))
    return nil
  }

  private func file(
    _ template: ValueTemplate, from folder: String, byReference: Bool, tuple: Int, own: Grid,
    span: SourceSpan
  ) -> DraftItem? {
    let surroundings = Surroundings(
      params: params, axes: own.axes.map(\.name), coordinates: own.coordinates(of: tuple))
    do throws(Diagnostic) {
      let path: String
      let shown: String
      switch try template.evaluate(surroundings) {
      case .value(.string(let text)):
        if text.isEmpty { throw .emptyPath(at: span) }
        path = Paths.absolute(text, from: folder)
        shown = text
      case .path(let absolute, let written):
        path = Paths.absolute(absolute, from: folder)
        shown = written
      case .unset(let param):
        path = ""
        shown = "$(params.\(param))"
      case .broken: return nil
      case let other:
        throw .valueKind("the key 'file'", expected: "a path", found: other.kind, at: span)
      }
      return DraftItem(
        source: .file(path: path, shown: shown, byReference: byReference), coordinates: .none,
        span: span)
    } catch {
      problems.addOnce(error)
      return nil
    }
  }
}
