// Manifest + catalog + overrides → pipeline, or everything that is wrong. The steps, in order:
// ManifestReader, ParamsResolver, MatrixResolver, then per stage InputResolver (with
// ReferenceResolver) and ParameterResolver, then InstanceOrder, then `seal` in Pipeline.swift.

import CanonicalJSON
import Diagnostics
import YAMLSyntax

/// What the command line adds to a manifest.
public struct ManifestOverrides: Sendable {
  /// `name=value`, as given by `--set`; a later one counts.
  public var assignments: [String]
  /// Paths of YAML files with `name: value` lines, as given by `--params`.
  public var files: [String]
  /// What relative paths of assignments and `--params` start from.
  public var workingFolder: String

  public init(assignments: [String] = [], files: [String] = [], workingFolder: String) {
    self.assignments = assignments
    self.files = files
    self.workingFolder = workingFolder
  }
}

public enum PipelineResolver {
  /// Reads a manifest file and checks all of it.
  ///
  /// There is a pipeline unless one of the problems is an error. Paths are relative to the working
  /// folder of the overrides.
  public static func resolve(
    manifestAt path: String, catalog: StageCatalog, overrides: ManifestOverrides
  ) -> (Pipeline?, [Diagnostic]) {
    let absolute = Paths.absolute(path, from: overrides.workingFolder)
    do {
      let source = try Paths.read(absolute, shown: path, at: nil)
      return resolve(source, at: absolute, catalog: catalog, overrides: overrides)
    } catch {
      return (nil, [error])
    }
  }

  /// The same for a text, as if it stood in the file `path` (absolute).
  public static func resolve(
    _ source: SourceText, at path: String, catalog: StageCatalog, overrides: ManifestOverrides
  ) -> (Pipeline?, [Diagnostic]) {
    let problems = Problems()
    let (root, syntax) = YAMLNode.read(source)
    problems.add(syntax)
    // What tags and merge keys were meant to give is not known: more words would be guesses.
    if syntax.contains(where: { $0.id != "yaml-duplicate-key" }) { return (nil, problems.report()) }
    let reader = ManifestReader(problems: problems, folder: Paths.folder(of: path))
    guard let root, var manifest = reader.read(root) else { return (nil, problems.report()) }
    manifest = ManifestIncludes(problems: problems).merge(manifest, at: path)
    var resolution = Resolution(
      manifest: manifest, path: path, catalog: catalog, problems: problems)
    let pipeline = resolution.resolve(overrides)
    return (problems.hasErrors ? nil : pipeline, problems.report())
  }
}

/// One instance before its place is known.
private struct Draft {
  let stage: Int
  let tuple: Int
  let inputs: [[DraftItem]]
  let parameters: ParameterResolver.Values?
}

private struct Resolution {
  let manifest: Manifest
  let path: String
  let catalog: StageCatalog
  let problems: Problems
  private var stages: [StageDeclaration] { manifest.stages }
  private var itemCount = 0

  init(manifest: Manifest, path: String, catalog: StageCatalog, problems: Problems) {
    self.manifest = manifest
    self.path = path
    self.catalog = catalog
    self.problems = problems
  }

  mutating func resolve(_ overrides: ManifestOverrides) -> Pipeline? {
    let (params, unset) = ParamsResolver(
      declarations: manifest.params, overrides: overrides, problems: problems
    ).resolve()
    let index = Dictionary(
      stages.enumerated().map { ($1.name.value, $0) }, uniquingKeysWith: { first, _ in first })
    let definitions = stages.map(definition)
    let grids = MatrixResolver(
      stages: stages, stageIndex: index, params: params, problems: problems
    ).resolve()
    let inputs = InputResolver(
      references: ReferenceResolver(
        stages: stages, stageIndex: index, definitions: definitions, grids: grids, params: params),
      params: params, problems: problems)

    var drafts: [Draft] = []
    var firstDraft = Array(repeating: 0, count: stages.count)
    var plansByStage: [[InputPlan]?] = []
    var resources: [Resources] = []
    let resourceResolver = ResourceResolver(params: params, problems: problems)
    let slurm = resourceResolver.resolve(manifest.slurm)
    var gates: [[Gate]] = []
    for stage in stages.indices {
      firstDraft[stage] = drafts.count
      let plans = inputs.plans(stages[stage], index: stage)
      plansByStage.append(plans)
      resources.append(resourceResolver.resolve(stages[stage], general: slurm))
      gates.append(
        GateResolver(params: params, problems: problems)
          .resolve(stages[stage], definitions[stage]))
      guard let definition = definitions[stage], let grid = grids[stage] else { continue }
      let parameters = ParameterResolver(
        stage: stages[stage], definition: definition, grid: grid, params: params,
        problems: problems
      ).resolve()
      for tuple in grid.tuples.indices {
        let items = (plans ?? []).map { plan in
          inputs.items(
            plan, tuple: tuple,
            id: InstanceID(
              stage: stages[stage].name.value, coordinates: grid.coordinates(of: tuple)),
            own: grid) ?? []
        }
        itemCount += items.reduce(0) { $0 + $1.count }
        if itemCount > PipelineLimits.inputItems {
          problems.add(
            .tooManyItems(limit: PipelineLimits.inputItems, at: stages[stage].inputsSpan))
          return nil
        }
        drafts.append(
          Draft(stage: stage, tuple: tuple, inputs: items, parameters: parameters?[tuple]))
      }
    }
    let order = InstanceOrder(
      dependencies: drafts.map { draft in
        var sources: Set<Int> = []
        for item in draft.inputs.joined() {
          if case .output(let stage, let tuple, _) = item.source, definitions[stage] != nil {
            sources.insert(firstDraft[stage] + tuple)
          }
        }
        return sources.sorted()
      })
    let sorted = order.sorted()
    if let cycle = order.cycle(outside: sorted) {
      problems.add(cycleProblem(cycle, drafts: drafts, grids: grids, firstDraft: firstDraft))
    }
    guard !problems.hasErrors else { return nil }
    return seal(
      drafts, order: sorted, firstDraft: firstDraft, plans: plansByStage, resources: resources,
      gates: gates,
      definitions: definitions, grids: grids, params: params, unset: unset)
  }

  private func definition(_ stage: StageDeclaration) -> StageDefinition? {
    guard let uses = stage.uses else { return nil }
    if let definition = catalog[uses.value] { return definition }
    problems.add(
      catalog.broken.contains(uses.value)
        ? .brokenKind(uses.value, at: uses.span)
        : .unknownKind(uses.value, among: catalog.definitions.map(\.kind), at: uses.span))
    return nil
  }

  private func cycleProblem(
    _ cycle: [Int], drafts: [Draft], grids: [Grid?], firstDraft: [Int]
  ) -> Diagnostic {
    func id(_ draft: Int) -> InstanceID {
      let stage = drafts[draft].stage
      return InstanceID(
        stage: stages[stage].name.value,
        coordinates: grids[stage]?.coordinates(of: drafts[draft].tuple) ?? .none)
    }
    let links = cycle.enumerated().map { position, draft -> (InstanceID, InstanceID, SourceSpan?) in
      let next = cycle[(position + 1) % cycle.count]
      let item = drafts[draft].inputs.joined().first { item in
        guard case .output(let stage, let tuple, _) = item.source else { return false }
        return firstDraft[stage] + tuple == next
      }
      return (id(draft), id(next), item?.span)
    }
    return .instanceCycle(links)
  }

  private func seal(
    _ drafts: [Draft], order: [Int], firstDraft: [Int], plans: [[InputPlan]?],
    resources: [Resources], gates: [[Gate]], definitions: [StageDefinition?], grids: [Grid?],
    params: [String: TemplateValue], unset: [Diagnostic]
  ) -> Pipeline {
    var place = Array(repeating: 0, count: drafts.count)
    for (position, draft) in order.enumerated() { place[draft] = position }
    let places = stages.map { stage in
      StagePlaces(
        inputs: Dictionary(
          stage.inputs.map { ($0.port.value, $0.span) }, uniquingKeysWith: { first, _ in first }),
        parameters: Dictionary(
          stage.parameters.map { ($0.name.value, $0.template.span) },
          uniquingKeysWith: { first, _ in first }))
    }
    let instances = order.enumerated().map { position, number -> Instance in
      let draft = drafts[number]
      let stage = stages[draft.stage]
      guard let definition = definitions[draft.stage], let grid = grids[draft.stage],
        let plans = plans[draft.stage], let parameters = draft.parameters
      else { preconditionFailure("stage \(stage.name.value) was sealed with problems") }
      let bindings = zip(plans, draft.inputs).map { plan, items in
        InputBinding(
          port: plan.port,
          items: items.map { item in
            let source: InputSource
            switch item.source {
            case .output(let stage, let tuple, let port):
              source = .output(instance: place[firstDraft[stage] + tuple], port: port)
            case .file(let path, let shown, let byReference):
              source = .file(path: path, shown: shown, byReference: byReference)
            }
            return InputItem(coordinates: item.coordinates, source: source, span: item.span)
          }, span: plan.span)
      }
      return Instance(
        index: position,
        id: InstanceID(
          stage: stage.name.value, coordinates: grid.coordinates(of: draft.tuple)),
        definition: definition, parameters: parameters, inputs: bindings,
        resources: resources[draft.stage], retention: stage.retention, retries: stage.retries,
        gates: gates[draft.stage], span: stage.name.span,
        places: places[draft.stage])
    }
    var positions: [String: [Int]] = [:]
    for (number, draft) in drafts.enumerated() {
      positions[stages[draft.stage].name.value, default: []].append(place[number])
    }
    return PipelineResolver.seal(
      manifest: manifest, path: path, params: params, instances: instances, unset: unset,
      positions: positions)
  }
}
