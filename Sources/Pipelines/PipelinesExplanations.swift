// The pages behind this module's diagnostic ids; `plumb explain ID` prints them.

/// One page for each id, in alphabetical order.
public let pipelinesExplanations: [(id: String, text: String)] = [
  (
    "axis-cycle",
    """
    A stage takes an axis from a second one, which takes it, perhaps through more stages, from
    the first again, so no values are listed anywhere. Let one of them list its values or give a
    range.
    """
  ),
  (
    "axis-in-range",
    """
    A range under `matrix` is made of integers and `$(params.x)`. It cannot depend on another
    axis of the same stage. Write the full cross and leave tuples out with `exclude`, or name
    the tuples with `points`.
    """
  ),
  (
    "axis-not-integer",
    """
    Shifts (`[generation - 1]`) and ranges (`[generation=0..3]`) count in steps of one, so the
    axis must have integer values. Other axes take single values, `[strategy=none]`, or all,
    `[strategy=*]`.
    """
  ),
  (
    "axis-not-shared",
    """
    `stage.port` means the instance with the same value on every axis that both stages have.
    Here the producer has an axis that this stage lacks, or a shift or bound uses an axis that
    this stage lacks. Say which value is meant, `[generation=0]`, or take a list,
    `[generation=*]`.
    """
  ),
  (
    "axis-twice",
    """
    One matrix defines the same axis twice, usually once in `points` and once beside it. Rename
    or remove one of them.
    """
  ),
  (
    "bad-assignment",
    """
    `--set` takes `name=value`, where the name is declared under `params`. Lists are written
    with commas: `--set strategies=none,preserve`.
    """
  ),
  (
    "bad-command-reference",
    """
    In the words of `command:` stand `$(inputs.PORT)`, `$(outputs.PORT)`, `$(parameters.NAME)`,
    `$(order)` (a JSON file with everything), `$(checkpoint)` where `checkpoint: true` is given, and
    `$(threads)`. A list port or list parameter is a word by itself and becomes one word for each item.
    Words in a list of their own, `[--adapter, $(inputs.adapter)]`, are left out together where what they
    name is absent.
    """
  ),
  (
    "bad-glob",
    """
    The globs under `files` name files inside the folder of the stage kind; their contents are
    part of the key. They cannot be absolute or leave the folder.
    """
  ),
  (
    "bad-name",
    """
    Names begin with a letter and hold letters, digits, `_` and, but for axes and parameters,
    `-`. Axes have no `-` because `[generation-1]` is a shift. A stage cannot be called `none`:
    the word means 'nothing' in expressions.
    """
  ),
  (
    "bad-quantity",
    """
    Memory is written as bytes or with a unit (`512MiB`, `2GiB`, `1GB`), times with d, h, m and
    s (`90s`, `1h30m`), `keep` as `forever` or a time (`30d`), threads as an integer from 1 on.
    """
  ),
  (
    "bad-substitution",
    """
    A reference is written `$(params.NAME)` or `$(matrix.AXIS)` and nothing else: there are no
    dates, run ids or environment variables, because they would change keys from run to run. To
    write the characters `$(` themselves, double the dollar sign: `$$(`.
    """
  ),
  (
    "broken-kind",
    """
    The stage kind exists, but its `stage.yaml` has problems, which are reported on their own.
    Until they are mended nothing can be said about stages that use it.
    """
  ),
  (
    "default-conflict",
    """
    A parameter either has a default or must be given. With a default it cannot be `required`,
    `optional` or have `required_when`; without one it cannot be `required: false`.
    """
  ),
  (
    "duplicate-value",
    """
    The same value or point stands twice on one axis or in one list of choices. Two instances
    would have the same name.
    """
  ),
  (
    "empty-axis",
    """
    An axis, or what `exclude` leaves of a matrix, has no values, so the stage would have no
    instances. Ranges go upwards: `0..10` includes 10, `0..<10` does not.
    """
  ),
  (
    "empty-command",
    """
    A command is a list of words, the first of which is a program: `[python3, score.py]`.
    """
  ),
  (
    "empty-input",
    """
    An input or a path was left empty. Write a reference (`stage.port`), an outside file
    (`{file: PATH}`), or remove the line if the input is optional.
    """
  ),
  (
    "empty-list",
    """
    A list that needs at least one value is empty.
    """
  ),
  (
    "empty-matrix",
    """
    `matrix` names no axis. A stage that runs once has no `matrix` at all.
    """
  ),
  (
    "empty-range",
    """
    The bounds of a parameter contradict each other: no value is allowed.
    """
  ),
  (
    "excludes-nothing",
    """
    A warning: `exclude` names a value that is not on the axis, so it excludes nothing. Often it
    is a typing mistake.
    """
  ),
  (
    "expression-syntax",
    """
    Under `inputs` a scalar is an expression: `stage.port`, `stage[axis - 1].port`,
    `stage[axis=VALUE].port`, `stage[axis=0..<axis].port`, `stage[*].port`, several of them with
    `??` between, and `none`. Under `matrix` it is a range (`0..10`) or another stage's axis
    (`train.strategy`). Brackets stand before the port. Outside files are written `{file:
    PATH}`.
    """
  ),
  (
    "gate-without-bound",
    """
    A gate holds a metric within bounds: `gate: {bias: {max: 0.12}}`. Without `min` and `max`
    nothing is asked.
    """
  ),
  (
    "gate-without-metrics",
    """
    A gate looks at the outputs of type metrics of its own stage, and this kind has none. Put the
    gate on the stage that measures, such as score-bias.
    """
  ),
  (
    "include-cycle",
    """
    A file includes itself, perhaps through others. Each file is read once and its stages are
    merged into one space of names, so nothing is gained by including back.
    """
  ),
  (
    "instance-cycle",
    """
    Stages may refer to each other in a loop, instances may not: each would wait for the other.
    The message shows the path that closes the loop, with the line of each binding. Usually one
    of them should read from an earlier instance: `stage[generation - 1].port`.
    """
  ),
  (
    "key-needs-type",
    """
    Bounds go with integers and numbers, `choices` with type choice.
    """
  ),
  (
    "kind-is-not-folder",
    """
    A stage kind lies in `stages/<kind>/stage.yaml`, and `kind:` repeats the folder's name.
    """
  ),
  (
    "kind-twice",
    """
    Two folders of stage kinds define the same kind. Which one would be used is unclear, so
    neither name may be taken twice.
    """
  ),
  (
    "list-for-single",
    """
    The reference names any number of artifacts (`*` or a range), or a list was written, but the
    input takes exactly one.
    """
  ),
  (
    "missing-catalog",
    """
    The folder that should hold stage kinds does not exist.
    """
  ),
  (
    "missing-file",
    """
    An outside file or folder that an input names is not there. Paths in a manifest are relative
    to the manifest, paths given by `--set` to the working folder, paths in a `--params` file to
    that file.
    """
  ),
  (
    "missing-input",
    """
    The stage kind has an input that is not optional and receives nothing. `plumb stages KIND`
    shows its ports.
    """
  ),
  (
    "missing-instance",
    """
    For some coordinates the reference names an instance that does not exist, such as the one
    before the first. Say what to take instead: `train[generation - 1].model ?? base.model`, or
    `?? none` where the input is optional.
    """
  ),
  (
    "missing-key",
    """
    A key that is always needed is absent.
    """
  ),
  (
    "missing-parameter",
    """
    The stage kind has a parameter without default, or one that its other settings make
    necessary. Seeds are such parameters: randomness is always named. `plumb stages KIND` shows
    all of them.
    """
  ),
  (
    "mixed-axis",
    """
    All values of an axis have one type, because references compare them. Quotes make text of
    anything.
    """
  ),
  (
    "name-taken",
    """
    Params and stages of all included files share one space of names with the manifest, and this
    name is declared twice. Rename one of them; nothing is ever replaced silently.
    """
  ),
  (
    "no-stages",
    """
    A manifest needs at least one stage.
    """
  ),
  (
    "no-truth",
    """
    `when` is true or false: a boolean parameter, `$(params.quick)`, one value of the matrix,
    `$(matrix.wanted)`, or either with `not` before it. Nothing is compared there.
    """
  ),
  (
    "none-for-required",
    """
    `none` leaves an input empty, which only optional inputs allow.
    """
  ),
  (
    "not-on-axis",
    """
    The value in the brackets is not among the values of that axis.
    """
  ),
  (
    "only-with-command",
    """
    `code`, `tools`, `environment`, `secrets` and `checkpoint` describe a program. A kind whose body
    is part of plumb has none.
    """
  ),
  (
    "param-not-given",
    """
    The manifest leaves a parameter to the user. Checks pass without it; a run needs it: `--set
    NAME=VALUE`, or a YAML file of values with `--params FILE`.
    """
  ),
  (
    "param-shapes-matrix",
    """
    A parameter that was not given decides how many instances there are, so not even a check can
    say what would run. Give it, or give it a default.
    """
  ),
  (
    "param-without-value",
    """
    A parameter is declared by a value (`seed: 42`) or by a mapping (`{type: integer, required:
    true}`).
    """
  ),
  (
    "parameter-choice",
    """
    The parameter takes one of a fixed list of words.
    """
  ),
  (
    "parameter-range",
    """
    The number is outside the range that the definition allows.
    """
  ),
  (
    "parameter-type",
    """
    The value has another type than the definition asks for. YAML decides by the way it is
    written: `5` is an integer, `5.0` a number, `true` a boolean, `yes` text, and quotes make
    text of anything. An integer may stand for a number, nothing else is converted.
    """
  ),
  (
    "path-as-value",
    """
    Paths differ from machine to machine, and everything a stage receives as a parameter is part
    of its key. A `path` parameter can only be used in `{file: $(params.x)}`, where the contents
    count.
    """
  ),
  (
    "path-in-definition",
    """
    A stage kind cannot take a path as a parameter, because it would be part of the key. Outside
    bytes come in through an input of type `files`.
    """
  ),
  (
    "port-type",
    """
    The artifact type of an input and of what it receives must be the same. Outside files fit
    inputs of type `files` only; stages such as `import-corpus` turn them into artifacts.
    """
  ),
  (
    "run-and-command",
    """
    `run: native` says that the body is part of plumb, `command:` gives a program as the body. A
    kind has one of them.
    """
  ),
  (
    "selector-form",
    """
    On the command line there is no consumer whose coordinates could be shifted: selectors take
    values, ranges of integers and `*`.
    """
  ),
  (
    "selector-port",
    """
    Commands about instances take `stage[axis=value]`; commands about artifacts take
    `stage[axis=value].port`.
    """
  ),
  (
    "selects-nothing",
    """
    The selector is well formed, but no instance has these coordinates.
    """
  ),
  (
    "slurm-option",
    """
    Under `slurm: {extra: […]}` stand long options of sbatch, one word each: `--exclusive`,
    `--nice=100`. What Plumb needs to find its jobs again and to know how they ended (`--array`,
    `--job-name`, `--output`, `--export` and the like) it sets itself; cores, memory and time come
    from `resources:`, so that they mean the same on one machine and on a cluster.
    """
  ),
  (
    "substitution-not-here",
    """
    `$(…)` is replaced under `matrix`, `inputs`, `with` and `resources`; `$(matrix.x)` only
    under `inputs` and `with`, which are worked out for each instance. Names and kinds are
    always written out, so that a manifest can be read without running it.
    """
  ),
  (
    "too-large",
    """
    A manifest may have 100,000 instances, and all their inputs together 2,000,000 artifacts.
    """
  ),
  (
    "too-many-includes",
    """
    A manifest that pulls in this many files is probably generated. Join some of them.
    """
  ),
  (
    "uneven-points",
    """
    All items of `points` name the same axes.
    """
  ),
  (
    "unknown-artifact-type",
    """
    Ports carry one of a fixed list of artifact types.
    """
  ),
  (
    "unknown-axis",
    """
    The stage has no axis of this name.
    """
  ),
  (
    "unknown-input",
    """
    The stage kind has no input of this name. `plumb stages KIND` shows its ports.
    """
  ),
  (
    "unknown-key",
    """
    The mapping has a key that the language does not know. Unknown keys are never ignored,
    because they are mostly typing mistakes.
    """
  ),
  (
    "unknown-kind",
    """
    `uses` names a stage kind, which is a folder of `stages/`. `plumb stages` lists them.
    """
  ),
  (
    "unknown-output",
    """
    The stage has no output of this name. `plumb stages KIND` shows its ports.
    """
  ),
  (
    "unknown-param",
    """
    The name is not declared under `params` of the manifest.
    """
  ),
  (
    "unknown-parameter",
    """
    The stage kind has no parameter of this name. `plumb stages KIND` lists them with types,
    ranges and defaults.
    """
  ),
  (
    "unknown-stage",
    """
    The manifest has no stage of this name.
    """
  ),
  (
    "unknown-type",
    """
    Types are boolean, integer, number, string, choice and, in manifests, path. A list has the
    type of its items and `list: true`.
    """
  ),
  (
    "unknown-version",
    """
    `version` is the version of the manifest language, not of the study. There is only 1.
    """
  ),
  (
    "unreachable-alternative",
    """
    What follows `??` is taken where the instance before it does not exist. `none` and lists
    always exist.
    """
  ),
  (
    "unreadable-file",
    """
    A manifest, a stage definition or a file of parameters cannot be read.
    """
  ),
  (
    "untyped-list",
    """
    The type of a list is that of its items; this one is empty or mixes types. Declare it:
    `{type: string, list: true, default: []}`.
    """
  ),
  (
    "value-kind",
    """
    A value has another form than is needed at this place.
    """
  ),
]
