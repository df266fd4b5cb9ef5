// Every sentence of this room that says no, and the pages behind the ids.

import Diagnostics

extension Diagnostic {
  static func runNameMalformed(_ text: String) -> Diagnostic {
    Diagnostic(
      "run-name-malformed", "'\(text)' is not the name of a run",
      help: "write latest, latest~1, a date such as 2026-11-22, or 4 or more characters of an id")
  }

  static func runUnknown(_ text: String, newest: [String], store: String) -> Diagnostic {
    Diagnostic(
      "run-unknown", "there is no run '\(text)' in \(store)",
      help: newest.isEmpty
        ? "no run was recorded there yet" : "the newest are " + newest.joined(separator: ", "))
  }

  static func runTooFarBack(
    _ text: String, there: Int, pipeline: String?, store: String
  ) -> Diagnostic {
    let what = pipeline.map { " of '\($0)'" } ?? ""
    return Diagnostic(
      "run-unknown",
      "there is no run '\(text)': \(store) has \(there == 0 ? "none" : "only \(there)")\(what)",
      help: there == 0 ? "plumb run makes one; --store names another store" : nil)
  }

  static func runAmbiguous(_ text: String, matches: [String]) -> Diagnostic {
    Diagnostic(
      "run-ambiguous", "'\(text)' names \(matches.count) runs",
      help: "write more of one: " + matches.prefix(6).joined(separator: ", "))
  }

  static func rowSelectorMalformed(_ text: String) -> Diagnostic {
    Diagnostic(
      "run-instance-unknown", "'\(text)' is not the name of a stage or an instance",
      help: "write train, 'train[generation=2]' or a whole id")
  }

  static func rowUnknown(_ text: String, stages: [String]) -> Diagnostic {
    Diagnostic(
      "run-instance-unknown", "neither run has an instance '\(text)'",
      help: suggestion(for: text, among: stages, called: "stage"))
  }

  static func metricUnknown(_ name: String, known: [String]) -> Diagnostic {
    Diagnostic(
      "metric-unknown", "no run has a metric '\(name)' there",
      help: suggestion(for: name, among: known, called: "metric"))
  }
}

/// The pages of this room's diagnostics.
public let runHistoryExplanations: [(id: String, text: String)] = [
  (
    "run-name-malformed",
    """
    Runs are named by latest (the newest of this pipeline), latest~1 (the one before), a date in UTC
    (2026-11-22, 2026-11-22T08:30: the newest run that began then), their id, the beginning of it,
    or the digits at its end. A run of another store is written STORE:RUN, for example
    ../lab/artifacts:latest, or as the path of its folder.
    """
  ),
  (
    "run-unknown",
    """
    Records of runs lie in runs/ of the store. `runs: {keep: 90d}` in a manifest removes old ones;
    results stay. latest and dates count only runs of the pipeline at hand.
    """
  ),
  (
    "run-ambiguous",
    "A part of an id must name one run. plumb names the runs that it could be."
  ),
  (
    "run-instance-unknown",
    """
    Stages and instances are looked up in the records of the runs that are compared, not in the
    manifest as it is now: an instance that the manifest has no more can still be explained.
    """
  ),
  (
    "metric-unknown",
    """
    The figures of past runs are read from the artifacts that they recorded. Names are those of
    `plumb metrics`; --where chooses among the rows of one name.
    """
  ),
]
