// Every sentence that the reports room says to a person, and the pages behind their ids.

import Diagnostics

extension Diagnostic {
  static func metricsMalformed(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "metrics-malformed", "'\(path)' does not hold metrics: \(reason)",
      help: "a metrics file is a JSON list of {name, value, unit, n, at}",
      consequence: .stageFailed)
  }

  static func sectionMalformed(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "section-malformed", "'\(path)' is not a section of a report: \(reason)",
      help: "sections are written by the stages of analysis; make it again with one of them",
      consequence: .stageFailed)
  }

  static var gnuplotMissing: Diagnostic {
    Diagnostic(
      "gnuplot-missing", "gnuplot draws the report's figures and is not installed",
      help: "install it: sudo apt-get install gnuplot-nox", consequence: .unavailable)
  }

  static func gnuplotFailed(_ reason: String) -> Diagnostic {
    Diagnostic(
      "gnuplot-failed", "gnuplot could not draw the figures: \(reason)",
      help: "try `gnuplot --version`; version 5.2 or newer is needed", consequence: .stageFailed)
  }

  static func historyMalformed(_ line: Int, _ reason: String) -> Diagnostic {
    Diagnostic(
      "history-malformed", "line \(line) of a training history \(reason)",
      help: "a line is a JSON object with at least step and loss", consequence: .stageFailed)
  }

  static func reportAxisNumber(_ axis: String, _ value: String) -> Diagnostic {
    Diagnostic(
      "report-axis-number", "the axis '\(axis)' along x has the value '\(value)', not a number",
      help: "name an axis of numbers as x_axis, such as generation")
  }

  static func reportAxisMissing(_ axis: String, parameter: String, there: [String]) -> Diagnostic {
    Diagnostic(
      "report-axis-missing", "no item of the input 'bias' has the axis '\(axis)' (\(parameter))",
      help: there.isEmpty
        ? "its items have no axes: set \(parameter): \"\""
        : suggestion(for: axis, among: there, called: "the axis"))
  }

  static func reportTarget(_ target: String, classes: [String]) -> Diagnostic {
    Diagnostic(
      "report-target", "no item of the input 'bias' has a share of the class '\(target)' (target)",
      help: suggestion(for: target, among: classes, called: "the class"),
      consequence: .stageFailed)
  }

  /// A page about nothing would look like a page about no drift.
  public static var reportEmpty: Diagnostic {
    Diagnostic(
      "report-empty", "no input has an item: there is nothing to report",
      help: "bind bias to what score-bias made, such as \"score[*].metrics\", or sections to what "
        + "an analysis made",
      consequence: .stageFailed)
  }
}

/// Diagnostic id → page, for `plumb explain`.
public let reportsExplanations: [String: String] = [
  "metrics-malformed": """
  A metrics artifact is a JSON list. Each item has a name, a finite value, a unit, the count n behind
  it, and 'at': what it is about, such as {"class": "right"}. An interval is low and high.
  """,
  "section-malformed": """
  An artifact of the type 'section' is a file section.json that an analysis wrote: an id, a title, an
  order, a summary and blocks, each of them a text, a figure, a table, claims or texts side by side. The
  report reads it strictly, since it may have been imported or edited: unknown members, ids that could
  not be anchors, intervals upside down, rows of another width than their columns and more than 20,000
  points in a figure are refused. The message says where.
  """,
  "gnuplot-missing": """
  The stage kind 'report' draws its figures with gnuplot (SVG terminal). On Debian and Ubuntu:
      sudo apt-get install gnuplot-nox
  Everything else of the pipeline is done and kept: run the same command again afterwards.
  """,
  "gnuplot-failed": """
  gnuplot ran but did not draw. It gets a script without any of your settings (gnuplot -d) and an
  almost empty environment. A very old version, or one built without the SVG terminal, may be at
  fault: `gnuplot -e 'set terminal svg'` must work.
  """,
  "history-malformed": """
  A training history is JSONL: one object per optimizer step with at least step (integer) and loss
  (number), as fine-tune writes it.
  """,
  "report-target": """
  The summary of a report follows the share of one class, named by 'target' (right, unless said
  otherwise). It must be one of the classes that the judge knows.
  """,
  "report-empty": """
  A report needs something to show: metrics at its input 'bias' or 'quality', a classifier's metrics,
  a training history, or sections of analyses. All lists are empty: wildcards that match nothing, or
  empty lists written by hand.
  """,
  "report-axis-number": """
  The axis along x of a report must hold numbers, since slopes are computed along it. An axis of
  names (strategy, decoding) belongs into series_axis.
  """,
  "report-axis-missing": """
  The report puts one matrix axis along x, one into the series and averages over one. The parameters
  x_axis, series_axis and replicate_axis name them; each item of a list input carries the
  coordinates of the instance that made it. Name an axis of your matrix, or leave the parameter empty
  where there is none.
  """,
]
