// What counts as one unit of a model, and where each unit stands in a list of numbers.

import LanguageModels

/// Which numbers of a transformer block are called units.
public enum UnitKind: String, Sendable, CaseIterable {
  /// Channel i of the residual stream as block l's feed-forward part reads and writes it: the unit of
  /// the study, 12 × 768 in GPT-2.
  case residual
  /// Inner unit j of block l's feed-forward part: 12 × 3,072 in GPT-2.
  case hidden
}

/// All units of a model: L layers of equally many, in the order of layers.
public struct UnitLayout: Sendable, Equatable {
  public let kind: UnitKind
  /// L
  public let layers: Int
  /// C or F.
  public let width: Int

  public init(_ kind: UnitKind, layers: Int, width: Int) {
    precondition(layers > 0 && width > 0, "\(layers) layers of \(width) units")
    self.kind = kind
    self.layers = layers
    self.width = width
  }

  public init(_ kind: UnitKind, of specification: ModelSpecification) {
    self.init(
      kind, layers: specification.layers,
      width: kind == .residual ? specification.width : specification.block.inner)
  }

  public var count: Int { layers * width }

  /// The unit's place in lists.
  public func index(layer: Int, unit: Int) -> Int {
    precondition(
      (0..<layers).contains(layer) && (0..<width).contains(unit),
      "unit \(unit) of layer \(layer) is none of \(self)")
    return layer * width + unit
  }

  public func layer(of index: Int) -> Int { index / width }
  public func unit(of index: Int) -> Int { index % width }
}

extension UnitLayout: CustomStringConvertible {
  public var description: String { "\(layers) layers × \(width) \(kind.rawValue) units" }
}
