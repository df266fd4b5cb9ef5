// A low-rank adapter of a model: which modules, and the two thin matrices of each. Files are in
// AdapterFiles.swift, merging and sums in AdapterMerge.swift.

import Diagnostics
import ModelFiles
import Networks
import Randomness
import Tensors

/// One tensor of an adapter.
public struct AdapterParameter: Sendable {
  /// Module and side, as in PEFT files.
  public let factor: PEFTFiles.Factor
  /// The same for a base saved without the family's prefix.
  let alternative: PEFTFiles.Factor
  /// `[r, in]` or `[out, r]`
  public let region: ArenaPlan.Region

  /// Its name in PEFT files.
  public var name: String { factor.name }
  public var shape: Shape { region.shape }
  public var count: Int { region.shape.count }
  /// Weight decay applies: both are matrices.
  public var decays: Bool { true }
}

/// Low-rank matrices beside linear layers of a frozen model (Hu et al. 2021, "LoRA").
///
/// ```swift
/// let adapter = try LowRankAdapter(.init(rank: 16, alpha: 32), for: model.table, seed: 1)
/// let trainer = try Trainer(model, on: sequences, settings, adapter: adapter)
/// ```
public final class LowRankAdapter: Sendable {
  /// An adapted linear layer.
  public struct Module: Sendable {
    /// Its path in the base model without the family's prefix, as `Parameter.module` has it.
    public let name: String
    /// Its path with the prefix.
    public let path: String
    public let rank: Int
    /// s: what B·A is multiplied with.
    public let scale: Double
    let a: Int
    let b: Int
  }

  /// With `targets` resolved.
  public let configuration: LowRankConfiguration
  /// In the order of the model's table.
  public let modules: [Module]
  /// A and B of each module in turn.
  public let parameters: [AdapterParameter]
  /// Places of all parameters; gradients and moments use the same plan.
  public let plan: ArenaPlan
  public let weights: Arena
  private let places: [String: Int]

  /// An adapter that has learnt nothing: B is zero, A uniform in ±1/√in (as peft: Kaiming with a = √5),
  /// each from its own named random stream.
  ///
  /// **Throws**: `adapter-target`.
  public convenience init(
    _ configuration: LowRankConfiguration, for table: ParameterTable, seed: Int
  ) throws(Diagnostic) {
    try self.init(empty: configuration, for: table)
    for parameter in parameters where parameter.factor.side == .a {
      var stream = RandomStream(seed: seed, name: "initialise/" + parameter.name)
      let bound = 1 / Double(parameter.shape.columns).squareRoot()
      let values = weights[parameter.region].data
      for index in 0..<parameter.count {
        values[index] = Float(bound * (2 * stream.uniform() - 1))
      }
    }
  }

  /// All zeros; for readers.
  init(empty configuration: LowRankConfiguration, for table: ParameterTable) throws(Diagnostic) {
    let (targets, adapted) = try AdapterTargets(table).resolve(configuration.targets)
    var resolved = configuration
    resolved.targets = targets
    var plan = ArenaPlan()
    var modules: [Module] = []
    var parameters: [AdapterParameter] = []
    var places: [String: Int] = [:]
    for parameter in adapted {
      let path = table.modulePath(parameter)
      let (rank, _) = resolved.values(of: path)
      func add(_ side: PEFTFiles.Factor.Side, _ rows: Int, _ columns: Int) {
        let factor = PEFTFiles.Factor(module: path, side: side)
        parameters.append(
          AdapterParameter(
            factor: factor,
            alternative: PEFTFiles.Factor(module: parameter.module, side: side),
            region: plan.add(factor.name, rows: rows, columns: columns)))
      }
      places[parameter.module] = modules.count
      modules.append(
        Module(
          name: parameter.module, path: path, rank: rank, scale: resolved.scale(of: path),
          a: parameters.count, b: parameters.count + 1))
      add(.a, rank, parameter.shape.columns)
      add(.b, parameter.shape.rows, rank)
    }
    self.configuration = resolved
    self.modules = modules
    self.parameters = parameters
    self.plan = plan
    self.places = places
    weights = Arena(plan)
  }

  /// How many numbers the adapter has.
  public var weightCount: Int { parameters.reduce(0) { $0 + $1.count } }

  /// What the adapter adds to a module; nil if it is not adapted.
  ///
  /// - Parameters:
  ///   - module: as `Parameter.module`.
  ///   - gradients: same plan as `weights`; nil if nothing is learnt.
  public func lowRank(module: String, gradients: Arena?) -> LowRank? {
    guard let place = places[module] else { return nil }
    let module = modules[place]
    let (a, b) = (parameters[module.a].region, parameters[module.b].region)
    return LowRank(
      a: weights[a], b: weights[b], scale: Float(module.scale),
      aGradient: gradients.map { $0[a] }, bGradient: gradients.map { $0[b] })
  }

  /// The mask on the input of a module's low-rank part in one pass; nil if nothing is dropped.
  public func dropout(module: String, seed: Int, step: Int, firstRow: Int) -> Dropout? {
    guard configuration.dropout > 0, let place = places[module] else { return nil }
    // Far from the sites of the model's own dropouts, of which there are three a block.
    return Dropout(
      rate: Float(configuration.dropout), seed: seed, step: step, site: 1 << 20 + place,
      firstRow: firstRow)
  }

  /// **Throws**: `weights-not-finite`.
  public func requireFinite() throws(Diagnostic) {
    for parameter in parameters {
      let values = UnsafeBufferPointer(
        start: weights[parameter.region].data, count: parameter.count)
      if firstNotFinite(values) != nil { throw .weightsNotFinite(parameter.name) }
    }
  }
}
