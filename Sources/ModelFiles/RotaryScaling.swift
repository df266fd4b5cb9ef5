// How rotary positions turn: the base, and what stretches it to longer texts.

import CanonicalJSON
import Diagnostics
import Glibc

/// What happens to the frequencies of the rotary positions.
///
/// **Source**: transformers' `modeling_rope_utils.py`.
public enum RotaryScaling: Sendable, Equatable {
  /// Every frequency divided by `factor` (position interpolation).
  case linear(factor: Double)
  /// Llama 3.1: long waves divided by `factor`, short ones kept, a ramp between them.
  case llama3(
    factor: Double, lowFrequency: Double, highFrequency: Double, originalContext: Int)
}

extension RotaryScaling {
  /// Inverse frequencies in radians a token, [headSize / 2], in the single precision and the order of
  /// operations of transformers.
  ///
  /// - Parameters:
  ///   - theta: base
  ///   - headSize: rotated channels of a head, even
  public static func inverseFrequencies(
    theta: Double, headSize: Int, scaling: RotaryScaling?
  ) -> [Float] {
    precondition(headSize % 2 == 0, "a head of \(headSize) channels cannot be rotated by pairs")
    return (0..<headSize / 2).map { pair in
      let plain = 1 / Glibc.powf(Float(theta), Float(2 * pair) / Float(headSize))
      switch scaling {
      case nil: return plain
      case .linear(let factor): return plain / Float(factor)
      case .llama3(let factor, let low, let high, let context):
        let wave = 2 * Float.pi / plain
        let original = Float(context)
        if wave < Float(Double(context) / high) { return plain }
        if wave > Float(Double(context) / low) { return plain / Float(factor) }
        let smooth = (original / wave - Float(low)) / Float(high - low)
        return (1 - smooth) * plain / Float(factor) + smooth * plain
      }
    }
  }

  /// What `rope_scaling` (transformers 4) holds.
  var json: JSONValue {
    switch self {
    case .linear(let factor): .object(["factor": .number(factor), "rope_type": "linear"])
    case .llama3(let factor, let low, let high, let context):
      .object([
        "factor": .number(factor), "high_freq_factor": .number(high),
        "low_freq_factor": .number(low), "original_max_position_embeddings": .integer(context),
        "rope_type": "llama3",
      ])
    }
  }

  /// Reads `rope_theta` with `rope_scaling`, or `rope_parameters`, which holds both since
  /// transformers 5.
  ///
  /// **Throws**: `model-config`, and `model-feature` naming a kind that is not computed here.
  static func read(
    _ members: ConfigurationMembers, context: Int
  ) throws(Diagnostic) -> (theta: Double, scaling: RotaryScaling?) {
    let shown = members.shown
    let range = 1.0...1e12
    let outer = try members.number("rope_theta", 10_000, in: range)
    // transformers takes a non-empty rope_scaling before rope_parameters.
    var name = "rope_scaling"
    var value = members.value(name)
    if value == nil || value?.object?.count == 0 {
      name = "rope_parameters"
      value = members.value(name)
    }
    guard let value else { return (outer, nil) }
    guard let object = value.object else {
      throw .modelConfiguration(shown, "\(name) must be an object, not " + value.shortText)
    }
    let parameters = ConfigurationMembers(object: object, shown: shown)
    let theta = try parameters.number("rope_theta", outer, in: range)
    guard try parameters.number("partial_rotary_factor", 1, in: 0...1) == 1 else {
      throw .modelFeature(shown, "\(name).partial_rotary_factor", object["partial_rotary_factor"]!)
    }
    let kind = try parameters.text("rope_type", try parameters.text("type", "default"))
    func positive(_ member: String, _ preset: Double? = nil) throws(Diagnostic) -> Double {
      guard let number = try parameters.optionalNumber(member, in: 1e-6...1e9) ?? preset else {
        throw .modelConfiguration(shown, "\(name) of type '\(kind)' needs \(member)")
      }
      return number
    }
    switch kind {
    case "default": return (theta, nil)
    case "linear": return (theta, .linear(factor: try positive("factor")))
    case "llama3":
      let low = try positive("low_freq_factor")
      let high = try positive("high_freq_factor")
      guard high > low else {
        throw .modelConfiguration(
          shown, "\(name): high_freq_factor \(high) is not above low_freq_factor \(low)")
      }
      return (
        theta,
        .llama3(
          factor: try positive("factor"), lowFrequency: low, highFrequency: high,
          originalContext: try parameters.integer(
            "original_max_position_embeddings", context, in: 1...(1 << 24)))
      )
    default: throw .modelFeature(shown, "\(name).rope_type", .string(kind))
    }
  }
}
