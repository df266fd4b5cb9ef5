// What project-bias finds, one row per generation, as metrics and back: compare-projections reads the
// rows of many chains.

import CanonicalJSON
import Diagnostics
import ModelAnalysis
import Reports

/// One generation's update and its projections.
struct ProjectionRow: Equatable {
  let generation: JSONValue
  /// B before the update, nats.
  let before: Double
  /// What happened to B.
  let change: Double
  /// The projection averaged along the path; equals `change` but for the quadrature's error.
  let pathAveraged: Double
  /// cₜ
  let coefficient: Double
  let gradientNorm: Double
  let stepLength: Double
  /// Stored points inside the generation.
  let steps: Int

  /// ‖∇B‖·cₜ: the change, were B linear.
  var firstOrder: Double { gradientNorm * coefficient }
  var cosine: Double { stepLength > 0 ? coefficient / stepLength : 0 }
  /// |path-averaged − change| / |change|; nil where nothing changed.
  var pathError: Double? { change == 0 ? nil : abs(pathAveraged - change) / abs(change) }
  /// Whether the one-point coefficient has the sign of the change.
  var signsAgree: Bool { sign(coefficient) == sign(change) }

  private func sign(_ value: Double) -> Int { value > 0 ? 1 : value < 0 ? -1 : 0 }

  static func rows(
    _ projections: [BiasProjection], generations: [JSONValue], _ steps: [Int]
  ) -> [ProjectionRow] {
    zip(projections, zip(generations, steps)).map { projection, place in
      ProjectionRow(
        generation: place.0, before: projection.before, change: projection.change,
        pathAveraged: projection.integral, coefficient: projection.coefficient,
        gradientNorm: projection.gradientNorm, stepLength: projection.stepLength, steps: place.1)
    }
  }

  var metrics: [Metric] {
    func row(_ name: String, _ value: Double, _ unit: String) -> Metric {
      Metric(
        name, value, unit: unit, count: 1, at: ["generation": generation],
        tolerance: 1e-3 * max(1e-3, abs(value)))
    }
    var rows = [
      row("bias_before", before, "nats"), row("bias_change", change, "nats"),
      row("path_projection", pathAveraged, "nats"),
      row("coefficient", coefficient, "length of weights"),
      row("first_order", firstOrder, "nats"),
      row("gradient_norm", gradientNorm, "nats per length of weights"),
      row("step_length", stepLength, "length of weights"), row("cosine", cosine, ""),
    ]
    if let pathError { rows.append(row("path_error", pathError, "share")) }
    rows.append(
      Metric("signs_agree", signsAgree ? 1 : 0, count: 1, at: ["generation": generation]))
    rows.append(
      Metric(
        "stored_steps", Double(steps), unit: "points", count: 1, at: ["generation": generation]))
    return rows
  }

  /// Where in the model the change sits: sums to the path-averaged projection.
  static func parts(_ projections: [BiasProjection], generations: [JSONValue]) -> [Metric] {
    zip(projections, generations).flatMap { projection, generation in
      projection.parts.map { part, value in
        Metric(
          "part_projection", value, unit: "nats", count: 1,
          at: [
            "generation": generation, "part": .string(part.kind.rawValue),
            "layer": part.layer.map { JSONValue.integer($0) } ?? .null,
          ], tolerance: 1e-3 * max(1e-3, abs(value)))
      }
    }
  }

  /// Reads the rows back.
  ///
  /// **Throws**: `projection-metrics`.
  static func rows(_ metrics: [Metric]) throws(Diagnostic) -> [ProjectionRow] {
    var rows: [ProjectionRow] = []
    for start in metrics where start.name == "bias_before" {
      guard let generation = start.at["generation"] else { throw .projectionMetrics }
      func value(_ name: String) throws(Diagnostic) -> Double {
        guard
          let found = metrics.first(where: { $0.name == name && $0.at["generation"] == generation })
        else { throw .projectionMetrics }
        return found.value
      }
      rows.append(
        ProjectionRow(
          generation: generation, before: start.value, change: try value("bias_change"),
          pathAveraged: try value("path_projection"), coefficient: try value("coefficient"),
          gradientNorm: try value("gradient_norm"), stepLength: try value("step_length"),
          steps: Int(max(0, min(1e9, try value("stored_steps"))))))
    }
    guard !rows.isEmpty else { throw .projectionMetrics }
    return rows
  }
}

/// A chain with its rows.
struct ProjectedRun {
  /// Strategy, seed: what tells it from other chains.
  let chain: JSONObject
  let rows: [ProjectionRow]

  var name: String {
    chain.members.map { key, value in
      // A name says itself, a number needs its axis.
      value.string ?? "\(key) \(value.canonicalText)"
    }.joined(separator: ", ")
  }

  var agreeing: Int { rows.count { $0.signsAgree } }
}

extension Diagnostic {
  static var projectionMetrics: Diagnostic {
    Diagnostic(
      "projection-metrics", "an item of 'metrics' holds no projections of a chain",
      help: "bind metrics to the outputs of project-bias", consequence: .stageFailed)
  }
}
