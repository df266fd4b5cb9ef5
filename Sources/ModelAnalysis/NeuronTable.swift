// The artifact `neuron-table`: neurons.jsonl, one line for each unit in the order of layers.

import CanonicalJSON
import Diagnostics

/// Figures of every unit, as attribute-neurons writes and ablate-neurons reads them.
public struct NeuronTable: Sendable, Equatable {
  /// Where units were measured.
  public enum Measure: String, Sendable, CaseIterable { case weight, activation }

  /// What ablation needs of a measure.
  public struct Column: Sendable, Equatable {
    public var set: [UnitSet]
    /// p values of the regression that made the sets.
    public var biasP: [Double]
    public var qualityP: [Double]
  }

  public let layout: UnitLayout
  public let columns: [Measure: Column]

  /// The bytes of `neurons.jsonl`.
  public static func file(
    _ layout: UnitLayout, _ attributions: [(Measure, UnitAttribution)]
  ) -> [UInt8] {
    for (_, attribution) in attributions {
      precondition(
        attribution.series.units == layout.count,
        "\(attribution.series.units) units are not those of \(layout)")
    }
    var bytes: [UInt8] = []
    for unit in 0..<layout.count {
      var members: [(String, JSONValue)] = [
        ("kind", .string(layout.kind.rawValue)), ("layer", .integer(layout.layer(of: unit))),
        ("unit", .integer(layout.unit(of: unit))),
      ]
      for (measure, attribution) in attributions {
        members.append((measure.rawValue, attribution.json(unit)))
      }
      bytes += JSONValue.object(JSONObject(members)).canonicalBytes
      bytes.append(UInt8(ascii: "\n"))
    }
    return bytes
  }

  /// Reads `neurons.jsonl`.
  ///
  /// **Throws**: `json-syntax`, `neuron-table` with the line.
  public init(_ bytes: [UInt8], shown path: String) throws(Diagnostic) {
    struct Row {
      let kind: UnitKind
      let layer: Int
      let unit: Int
      let json: JSONValue
    }
    var rows: [Row] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      let place = "\(path):\(index + 1)"
      let json = try JSONValue(parsing: SourceText(path: place, bytes: Array(line)))
      guard let name = json["kind"]?.string, let kind = UnitKind(rawValue: name) else {
        throw .neuronTable(place, "names no kind of unit: residual or hidden")
      }
      guard let layer = json["layer"]?.integer, (0..<1024).contains(layer),
        let unit = json["unit"]?.integer, (0..<1 << 24).contains(unit)
      else { throw .neuronTable(place, "has no layer and unit, counted from 0") }
      rows.append(Row(kind: kind, layer: layer, unit: unit, json: json))
    }
    guard let first = rows.first, let last = rows.last else {
      throw .neuronTable(path, "has no line")
    }
    let layout = UnitLayout(first.kind, layers: last.layer + 1, width: last.unit + 1)
    guard rows.count == layout.count else {
      throw .neuronTable(path, "has \(rows.count) lines, \(layout) need \(layout.count)")
    }
    for (index, row) in rows.enumerated()
    where row.kind != layout.kind || row.layer != layout.layer(of: index)
      || row.unit != layout.unit(of: index)
    {
      throw .neuronTable(
        "\(path):\(index + 1)",
        "is \(row.kind.rawValue) unit \(row.unit) of layer \(row.layer) where unit "
          + "\(layout.unit(of: index)) of layer \(layout.layer(of: index)) should stand")
    }
    var columns: [Measure: Column] = [:]
    for measure in Measure.allCases where first.json[measure.rawValue] != nil {
      var column = Column(set: [], biasP: [], qualityP: [])
      for (index, row) in rows.enumerated() {
        let place = "\(path):\(index + 1)"
        guard let json = row.json[measure.rawValue], let name = json["set"]?.string,
          let set = UnitSet(rawValue: name)
        else { throw .neuronTable(place, "names no set under '\(measure.rawValue)'") }
        guard let bias = json["bias_p"]?.double, let quality = json["quality_p"]?.double,
          (0...1).contains(bias), (0...1).contains(quality)
        else {
          throw .neuronTable(
            place, "has no bias_p and quality_p from 0 to 1 under '\(measure.rawValue)'")
        }
        column.set.append(set)
        column.biasP.append(bias)
        column.qualityP.append(quality)
      }
      columns[measure] = column
    }
    guard !columns.isEmpty else {
      throw .neuronTable(path, "has neither 'weight' nor 'activation'")
    }
    self.layout = layout
    self.columns = columns
  }
}

extension UnitAttribution {
  /// One unit's figures.
  fileprivate func json(_ unit: Int) -> JSONValue {
    func effects(_ effects: ScoreEffects?, correlates: Bool) -> JSONValue {
      guard let effects else { return .null }
      var members: [(String, JSONValue)] = []
      if correlates {
        members.append(("r", effects.r[unit].map { .number($0) } ?? .null))
        members.append(("r_levels", effects.rLevels[unit].map { .number($0) } ?? .null))
      }
      members += [
        ("beta", .number(effects.coefficients[unit])),
        ("se", .number(effects.standardErrors[unit])), ("p", .number(effects.p[unit])),
        ("q", .number(effects.q[unit])),
      ]
      return .object(JSONObject(members))
    }
    let used = usedEffects
    return .object([
      "set": .string(sets[unit].rawValue), "bias_p": .number(used[0]?.p[unit] ?? 1),
      "quality_p": .number(used[1]?.p[unit] ?? 1),
      "bias": effects(biasEffects, correlates: true),
      "quality": effects(qualityEffects, correlates: true),
      "joint_bias": effects(jointEffects?[0], correlates: false),
      "joint_quality": effects(jointEffects?[1], correlates: false),
    ])
  }
}
