// Every sentence that the analysis of drift says to a person, and the pages behind their ids.

import Diagnostics

extension Diagnostic {
  static func documentScores(_ path: String, line: Int, _ reason: String) -> Diagnostic {
    Diagnostic(
      "document-scores", "line \(line) of '\(path)' \(reason)",
      help: "scores are what score-bias and score-quality write: one JSON object for each document",
      consequence: .stageFailed)
  }

  static func driftAxis(_ axis: String, parameter: String, there: [String]) -> Diagnostic {
    Diagnostic(
      "drift-axis", "no item of the input 'bias' has the axis '\(axis)' (\(parameter))",
      help: there.isEmpty
        ? "its items have no axes: bind a list such as \"score[*].metrics\""
        : suggestion(for: axis, among: there, called: "the axis"), consequence: .stageFailed)
  }

  static func driftAxisNumber(_ axis: String, _ value: String) -> Diagnostic {
    Diagnostic(
      "drift-axis-number", "the axis '\(axis)' (x_axis) has the value '\(value)', not a number",
      help: "name an axis of numbers as x_axis, such as generation", consequence: .stageFailed)
  }

  static func driftTarget(_ target: String, classes: [String]) -> Diagnostic {
    Diagnostic(
      "drift-target", "no item of the input 'bias' has a share of the class '\(target)' (target)",
      help: suggestion(for: target, among: classes, called: "the class"),
      consequence: .stageFailed)
  }

  static func driftBaseline(_ baseline: String, strategies: [String]) -> Diagnostic {
    Diagnostic(
      "drift-baseline", "no item of the input 'bias' is of the strategy '\(baseline)' (baseline)",
      help: suggestion(for: baseline, among: strategies, called: "the strategy"),
      consequence: .stageFailed)
  }

  static func driftQuality(_ name: String, there: [String]) -> Diagnostic {
    Diagnostic(
      "drift-quality", "no item of the input 'quality' has the metric '\(name)' (quality_measure)",
      help: suggestion(for: name, among: there, called: "the metric"), consequence: .stageFailed)
  }

  static func driftTwice(_ input: String, _ place: String) -> Diagnostic {
    Diagnostic(
      "drift-twice", "two items of the input '\(input)' stand at the same place: \(place)",
      help: "bind each generation of each chain once; name the axes with x_axis, series_axis and "
        + "replicate_axis", consequence: .stageFailed)
  }

  public static func driftContrast(_ text: String, claims: [String]) -> Diagnostic {
    Diagnostic(
      "drift-contrast", "the item '\(text)' of 'contrasts' declares no contrast",
      help: "write CLAIM=KIND with a kind of "
        + Contrast.Kind.allCases.map(\.rawValue).joined(separator: ", ") + " and a claim of "
        + claims.joined(separator: ", "), consequence: .stageFailed)
  }
}

/// Diagnostic id → page, for `plumb explain`.
public let driftAnalysisExplanations: [String: String] = [
  "document-scores": """
  Scores are JSONL: one object for each document with its id, as score-bias (label, probabilities, score)
  and score-quality (words, repetition_4, gibberish, …) write them. An id may stand only once in a file:
  documents of two inputs find each other by it.
  """,
  "drift-axis": """
  The analysis needs to know which matrix axis counts generations (x_axis), which names the strategy
  (series_axis) and which the chain (replicate_axis, a seed). Chains are the unit of every test. Leave
  replicate_axis empty where there is one chain only.
  """,
  "drift-axis-number": """
  Slopes are taken along the axis x_axis, so its values must be numbers.
  """,
  "drift-target": """
  The analysis follows the share of one class, named by 'target'. It must be one of the judge's classes.
  """,
  "drift-baseline": """
  Mitigations are compared with the strategy that mitigates nothing, chain by chain. 'baseline' names it:
  a value of the axis series_axis. Axes beyond strategy, chain and generation become part of a strategy's
  name where their values differ: bind one of their values only, as in score[budget=own].metrics.
  """,
  "drift-quality": """
  'quality_measure' names a metric of score-quality whose higher values are better, such as gibberish_index
  or distinct_2. It must be among the metrics of every item of the input 'quality'.
  """,
  "drift-twice": """
  Two items claim to be the same generation of the same chain. Averaging them silently would make a
  chain of two halves. An axis that tells them apart is probably missing from the manifest's matrix, or a
  list binds the same instances twice.
  """,
  "drift-contrast": """
  Each claim is tested with one contrast that is declared before. The parameter 'contrasts' replaces the
  declared ones: CLAIM=change (last generation minus first), CLAIM=slope (per generation) or
  CLAIM=late-slope (the slope without the first generation).
  """,
]
