// All sentences of the command line itself, and the pages behind them (`plumb explain ID`).

import Diagnostics

extension Diagnostic {
  static func notDetached(_ reason: String) -> Diagnostic {
    Diagnostic(
      "not-detached", "the run could not be started in the background: \(reason)",
      help: "run it without --detach, in tmux or with nohup", consequence: .stageFailed)
  }

  static func noRun() -> Diagnostic {
    Diagnostic("no-run", "this store has no run", help: "plumb run makes one")
  }

  static func controllerGone(_ run: String) -> Diagnostic {
    Diagnostic(
      "controller-gone", "the process that drove run \(run) is gone, and did not say how it ended",
      help: "run the same command again: what is finished is reused, jobs that run are adopted",
      consequence: .stageFailed)
  }

  static func controllerElsewhere(_ run: String, host: String, pid: Int32) -> Diagnostic {
    Diagnostic(
      "controller-elsewhere", "run \(run) is driven by process \(pid) on \(host)",
      help: "stop it there: kill \(pid)")
  }

  static func manifestNotGiven(candidates: [String]) -> Diagnostic {
    Diagnostic(
      "manifest-not-given", "no manifest was named, and there is no plumb.yaml here",
      help: candidates.isEmpty
        ? "name one as the first word, or make one with: plumb init"
        : "name one as the first word: " + candidates.prefix(8).joined(separator: ", "))
  }

  static func manifestMissing(_ path: String, similar: [String]) -> Diagnostic {
    Diagnostic(
      "manifest-missing", "there is no file '\(path)'",
      help: similar.isEmpty ? nil : suggestion(for: path, among: similar, called: "manifest"))
  }

  static func manifestIsFolder(_ path: String, holds: [String]) -> Diagnostic {
    Diagnostic(
      "manifest-missing", "'\(path)' is a folder, not a manifest",
      help: holds.isEmpty
        ? "name a YAML file" : "it holds " + holds.prefix(8).joined(separator: ", "))
  }

  static func stageFolderMissing(_ path: String) -> Diagnostic {
    Diagnostic(
      "stage-folder-missing", "the folder '\(path)', given with --stages, is not there",
      help: "name a folder that holds one folder for each stage kind")
  }

  static func noStageKinds() -> Diagnostic {
    Diagnostic(
      "no-stage-kinds", "no stage kinds were found beside the program or in the project",
      help: "keep the folder stages/ beside the program, or name it with --stages DIR")
  }

  static func oneSelectorNeeded(_ what: String, given: [String]) -> Diagnostic {
    Diagnostic(
      "one-selector-needed",
      given.isEmpty
        ? "name \(what)" : "name only one, not \(given.count): " + given.joined(separator: ", "),
      help: "for example: plumb why 'train[generation=2]'; plumb graph --format text lists them")
  }

  static func oneInstanceNeeded(_ selector: String, matches: [String]) -> Diagnostic {
    Diagnostic(
      "one-instance-needed", "'\(selector)' names \(matches.count) instances; name one of them",
      help: "for example '\(matches[0])'")
  }

  static func noMetrics(_ pipeline: String) -> Diagnostic {
    Diagnostic(
      "no-metrics", "no stage of '\(pipeline)' that was chosen makes metrics",
      help: "plumb stages lists what each kind makes")
  }

  static func notMadeYet(_ what: String) -> Diagnostic {
    Diagnostic(
      "not-made-yet", "\(what) has no result in the store for the manifest as it is now",
      help: "plumb run makes it; plumb why says what changed")
  }

  static func artifactUnknown(_ text: String) -> Diagnostic {
    Diagnostic(
      "artifact-unknown", "'\(text)' is no instance, no artifact and no key of this store",
      help: "name an instance ('train[generation=2]'), its port, or 8 or more digits of a digest")
  }

  static func noLog(_ what: String) -> Diagnostic {
    Diagnostic(
      "no-log", "no run in this store has a log of \(what)",
      help: "only instances that ran have one; plumb show says when a result was made")
  }

  static func axisUnknown(_ axis: String, known: [String]) -> Diagnostic {
    Diagnostic(
      "axis-unknown", "no metric has a column '\(axis)'",
      help: suggestion(for: axis, among: known, called: "column"))
  }

  static func malformedOption(_ option: String, _ text: String, expected: String) -> Diagnostic {
    Diagnostic("malformed-option", "\(option) '\(text)' is not \(expected)")
  }

  static func explanationUnknown(_ id: String, known: [String]) -> Diagnostic {
    Diagnostic(
      "explanation-unknown", "there is no diagnostic with the id '\(id)'",
      help: suggestion(for: id, among: known, called: "diagnostic"))
  }

  static func kindUnknown(_ kind: String, known: [String]) -> Diagnostic {
    Diagnostic(
      "kind-unknown", "there is no stage kind '\(kind)'",
      help: suggestion(for: kind, among: known, called: "kind"))
  }

  static func wouldOverwrite(_ path: String) -> Diagnostic {
    Diagnostic(
      "would-overwrite", "'\(path)' is there already, and nothing is ever overwritten",
      help: "name another folder, or move it away")
  }

  static func cannotWrite(_ path: String, reason: String) -> Diagnostic {
    Diagnostic("cannot-write", "'\(path)' cannot be written: \(reason)")
  }

  static func metricsUnreadable(_ what: String, reason: String) -> Diagnostic {
    Diagnostic(
      "metrics-unreadable", "the metrics of \(what) cannot be read: \(reason)",
      help: "plumb store verify", consequence: .storeDamaged)
  }

  static func storeIsDamaged(_ count: Int) -> Diagnostic {
    Diagnostic(
      "store-damaged", "\(count) \(count == 1 ? "problem" : "problems") in the store",
      help:
        "plumb store verify --repair mends what can be mended; the next run makes the rest again",
      consequence: .storeDamaged)
  }

  static func pinUnknown(_ name: String, known: [String]) -> Diagnostic {
    Diagnostic(
      "pin-unknown", "there is no pin '\(name)'",
      help: suggestion(for: name, among: known, called: "pin"))
  }

  static func leaseUnknown(_ what: String, known: [String]) -> Diagnostic {
    Diagnostic(
      "lease-unknown", "nobody holds '\(what)'",
      help: known.isEmpty
        ? "no key is held at the moment" : "held are " + known.prefix(8).joined(separator: ", "))
  }

  static func leaseHeld(_ who: String, silent: String) -> Diagnostic {
    Diagnostic(
      "lease-held", "it stays with \(who): the last sign of life was \(silent) ago",
      help: "wait, stop that process, or add --force: then work may be done twice",
      consequence: .busy)
  }

  static func storeMissing(_ path: String) -> Diagnostic {
    Diagnostic(
      "store-missing", "there is no store at '\(path)'",
      help: "plumb run makes it; --store or PLUMB_STORE names another")
  }
}

/// The pages of this module's diagnostics.
let commandExplanations: [(id: String, text: String)] = [
  (
    "manifest-not-given",
    """
    Most commands are about a manifest. It may be named as the first word (plumb run
    pipelines/quickstart.yaml). Left out, plumb.yaml of the working folder is used, else the only
    manifest in pipelines/. Several manifests there are no default: the command would not know
    which one is meant.
    """
  ),
  (
    "manifest-missing",
    """
    The first word ends in .yaml or .yml, or holds a slash, so it was taken for a manifest, but no
    such file is there. Paths are relative to the working folder.
    """
  ),
  (
    "stage-folder-missing",
    """
    --stages DIR adds stage kinds: DIR/<kind>/stage.yaml each. The option may be given several
    times; the built-in kinds and the project's own stages/ folder are always there.
    """
  ),
  (
    "no-stage-kinds",
    """
    The definitions of stage kinds (stages/<kind>/stage.yaml) are files, so that they can be read
    and added to. They are looked for above the program's real path (stages/ or
    share/plumb/stages), in stages/ of the project, and in folders given with --stages.
    """
  ),
  (
    "one-selector-needed",
    """
    why and log are about one instance: 'train[strategy=none,generation=2]', or just 'real' for a
    stage without a matrix. Quote the brackets: shells read them as patterns.
    """
  ),
  (
    "one-instance-needed",
    """
    The selector names several instances of a stage's matrix. Give a value for every axis.
    """
  ),
  (
    "no-metrics",
    """
    metrics collects every output of the type metrics. None of the chosen stages has one; without
    stage names all of the pipeline are taken.
    """
  ),
  (
    "not-made-yet",
    """
    Results belong to exact inputs and parameters. For those of the manifest as it is now (with
    --set and --params as given) the store has no result yet, even if it has older ones.
    """
  ),
  (
    "artifact-unknown",
    """
    show takes an instance (train[generation=2]), a port of one (train[generation=2].model), a
    reference (blob:sha256:… or tree:sha256:…) or the first digits of a key or digest.
    """
  ),
  (
    "no-log",
    """
    Each worker writes a log into the folder of its run (runs/<id>/). An instance that was reused
    did not run, so its log lies with the run that made it, perhaps on another machine.
    """
  ),
  (
    "axis-unknown",
    """
    --where, --across and --mean of metrics name columns: the axes of the stages' matrices and the
    keys under `at` in metrics files, such as class.
    """
  ),
  (
    "malformed-option",
    """
    The value of an option could not be read. The message says what would be right: sizes are
    written 2GiB, 512MiB or in bytes, shares 2%, filters name=value.
    """
  ),
  (
    "explanation-unknown",
    """
    Every error and warning carries an id in square brackets: error[unknown-parameter]. plumb
    explain ID prints the page behind it; plumb explain alone lists all.
    """
  ),
  (
    "kind-unknown",
    """
    plumb stages lists the kinds that are known here: those that came with the program, those of
    the project's stages/ folder and those of folders given with --stages.
    """
  ),
  (
    "would-overwrite",
    """
    init and get write files outside the store. They never replace a file that is there.
    """
  ),
  (
    "not-detached",
    """
    --detach starts the same command once more in a session of its own. The system refused; the
    message says why.
    """
  ),
  (
    "no-run",
    """
    plumb attach looks on at a run of the store. Without a word it takes the newest one that goes on.
    """
  ),
  (
    "controller-gone",
    """
    The process that drives a run was killed, or its machine went down. Workers on its machine ended
    with it; jobs of a cluster go on. Run the same command again: results are reused, checkpoints
    resumed, and jobs that still run are adopted instead of being submitted a second time.
    """
  ),
  (
    "controller-elsewhere",
    """
    The run's process is on another machine, to which no signal can be sent from here.
    """
  ),
  ("cannot-write", "The system refused to write the file; the message says why."),
  (
    "metrics-unreadable",
    """
    A metrics file is a JSON list of {name, value, unit, low?, high?, n, at, tolerance?}. This one
    is not; the bytes in the store may be damaged (plumb store verify says so).
    """
  ),
  (
    "pin-unknown",
    """
    Pins keep results by hand, under names that were chosen when they were made. plumb store pins
    lists them.
    """
  ),
  (
    "lease-unknown",
    """
    plumb unlock takes the first digits of a key, or part of the name of an instance that somebody
    makes at this moment. plumb store ps lists both. A lease whose holder has died needs no
    unlocking: the next run takes it over.
    """
  ),
  (
    "lease-held",
    """
    A lease says who makes a result, so that nobody makes it a second time. This one belongs to a
    process that lives, or that gave a sign of life not long ago on a machine that cannot be asked
    from here. Breaking it does no harm to results, only work may be done twice.
    """
  ),
  (
    "store-damaged",
    """
    store verify rehashes every object and checks every result against its record. What is damaged
    is never used: the stage that made it runs again when it is needed. --repair restores modes
    and moves damaged files to quarantine/.
    """
  ),
  (
    "store-missing",
    """
    The store is artifacts/ in the project's folder unless --store or PLUMB_STORE names another.
    The project's folder is the nearest one at or above the manifest that has stages/ or
    artifacts/. The first run makes the store.
    """
  ),
]
