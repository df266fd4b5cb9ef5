// The pages behind this room's diagnostic ids (`plumb explain ID`).

public let schedulingExplanations: [(id: String, text: String)] = [
  (
    "interrupted",
    """
    The run was stopped (Ctrl-C, SIGTERM) while this stage was working. Its worker had ten seconds
    to save a checkpoint. Nothing that was finished is lost: run the same command again, finished
    stages are reused and this one goes on from its checkpoint.
    """
  ),
  (
    "input-file-missing",
    """
    A stage looked for a file in one of its inputs and did not find it. Artifacts of a type have a
    fixed layout (`plumb stages` names the types), but a `file:` input is whatever the manifest
    points at. Look at what the input holds: `plumb get STAGE.PORT --to FOLDER`.
    """
  ),
  (
    "input-unreadable",
    """
    An object of the store could not be read. `plumb store verify` hashes every object again and
    says which are damaged; a damaged result is made again by the next run.
    """
  ),
  (
    "declared-file-missing",
    """
    The code of a stage kind asked for a file that its `stage.yaml` does not name under `files:`.
    Bodies see only declared files, since these are part of the key. Add a glob there.
    """
  ),
  (
    "declared-files-missing",
    """
    A glob under `files:` of a `stage.yaml` names nothing. Globs are relative to that folder; `*` and
    `?` stay in one folder, `**` crosses folders; hidden files do not count.
    """
  ),
  (
    "output-added-without-revision",
    """
    The store holds a result for this very action that lacks an output which `stage.yaml` now
    promises. The same action would make other bytes than before: raise `revision` in that file, so
    that its key changes.
    """
  ),
  (
    "run-record-unreadable",
    """
    `runs/<id>/run.json` tells about a past run. If it cannot be read only that history is lost;
    results are elsewhere and safe. The folder may be removed.
    """
  ),
  (
    "run-folder-unwritable",
    """
    The run's folder (records, orders, logs) lies in the store under `runs/`. Look at free space,
    inodes and rights there: `plumb doctor` tests the folder for real.
    """
  ),
  (
    "order-unreadable",
    """
    `plumb exec-stage` takes an order: a JSON file that `plumb run` writes to
    `runs/<id>/orders/<n>.json`. Such a file can be given to it by hand to look at one stage alone.
    """
  ),
  (
    "order-key-mismatch",
    """
    An order holds an action record and its key. The key is the SHA-256 of the record, so the two
    can only differ if the file was changed or another version of the program wrote it.
    """
  ),
  (
    "worker-not-started",
    """
    The system refused a new process, a pipe or a file. Usual causes are limits: `ulimit -u`
    (processes), `ulimit -n` (open files), memory of the container.
    """
  ),
  (
    "worker-killed",
    """
    Something outside Plumb sent the worker a signal: `kill`, a batch system, a container that ends.
    Nothing half-made is visible. Run again: checkpoints are resumed.
    """
  ),
  (
    "worker-crashed",
    """
    The worker ended by a fault signal: a failed precondition (SIGILL, SIGTRAP), a wrong memory access
    (SIGSEGV), abort. Only this stage is lost, never the run. The last lines of its log say what was
    violated. SIGILL at once may mean that the program was built for another processor: build with
    `PLUMB_MARCH=x86-64-v3`.
    """
  ),
  (
    "worker-out-of-memory",
    """
    The kernel ended the worker because the machine or its container ran out of memory. The scheduler
    admits workers by an estimate; tell it better with `resources: {memory: 6GiB}` for the stage, run
    fewer side by side (`--threads 1`), or make the stage smaller (batch, model, corpus).
    """
  ),
  (
    "worker-over-memory-limit",
    """
    A stage with `resources: {memory: …}` may use a quarter more than that; above it the scheduler
    ends the worker, so that others on the machine are not harmed. Memory is looked at once a second.
    """
  ),
  (
    "worker-exited",
    """
    The worker ended with a status that is not one of its own, and without saying why: usually a
    library called `exit`. The log's last lines tell more.
    """
  ),
  (
    "worker-lost-scheduler",
    """
    A worker holds the reading end of a pipe whose writing end only the scheduler holds. When that
    closes, the scheduler is gone, and the worker ends after a short grace in which it saves a
    checkpoint.
    """
  ),
  (
    "worker-published-nothing",
    """
    The worker said that it published, but the store has no whole result for the key. The file system
    may have lost files, or something removed them. `plumb store verify` looks at every object.
    """
  ),
  (
    "no-stage-body",
    """
    A `stage.yaml` describes this kind, but this program has no code for it. The folder may come from
    a newer version.
    """
  ),
  (
    "output-missing",
    """
    A stage ended without writing one of the outputs that its `stage.yaml` promises. Nothing was
    published. Types of one file (`metrics`, `tokenizer`, …) must hold exactly that file.
    """
  ),
  (
    "input-changed",
    """
    An input with `by_reference: true` is read in place and hashed before the stage. It was different
    after it, so what the stage saw is not known, and nothing was published. Run again when nobody
    writes to it, or drop `by_reference`: the store then keeps a copy and edits do no harm.
    """
  ),
  (
    "result-differs",
    """
    The same action was carried out twice and gave other bytes. The first result stays and is used
    everywhere; the second is kept beside it as evidence. Kernels of another processor, or another
    version of a library, change last bits; metrics may carry a `tolerance` for that. A difference on
    the same machine is a fault: the stage depends on something that is not in its record.
    """
  ),
  (
    "slow-kernels",
    """
    OpenBLAS picks its kernels when it is loaded; old versions do not know recent processors and
    fall back to SSE3, four times slower. Plumb sets OPENBLAS_CORETYPE for its workers unless you set
    it yourself.
    """
  ),
  (
    "stage-skipped",
    """
    An instance reads from another that failed, so its inputs do not exist. Mend that one and run
    again. With `--keep-going` everything that does not depend on it is still made.
    """
  ),
  (
    "worker-remark",
    """
    A stage ended well, and its worker has something to say about the machine; nothing to mend in the
    manifest.
    """
  ),
  (
    "gate-failed",
    """
    A metric lies outside the bounds that the manifest sets for it (`gate:`), or is not there. The
    result stays in the store and can be looked at; what needs it is not made, and the run ends with exit
    code 4. Nothing is made again by running once more: change what it is made from, or the bounds.
    """
  ),
  (
    "worker-over-time-limit",
    """
    The instance took longer than `resources: {time: …}` allows. It was asked to end, so that it could
    save a checkpoint, and then ended. With `retries: {on: [time]}` it goes on from the checkpoint.
    """
  ),
  (
    "program-missing",
    """
    The first word of a command stage is looked for in the PATH that its kind declares under
    `environment:`, else in the usual folders; the PATH of your shell is not seen.
    """
  ),
  (
    "tool-without-version",
    """
    The first line that a tool prints is part of the key of every action of its kind, so that another
    version makes other results. Give the words that print it.
    """
  ),
  (
    "command-failed",
    """
    The program of a command stage ended with a status other than 0, was ended by a signal, or could
    not be started. Its words are in the instance's log (`plumb log`). Nothing was published.
    """
  ),
  (
    "command-folder",
    """
    The empty folder in which a command stage runs could not be filled with its inputs and its own
    files. It lies under `tmp/` of the store.
    """
  ),
  (
    "lock-busy",
    """
    Two runs at once make nothing twice: the second one waits for the first one's result. With
    --if-locked skip it leaves such stages, and what depends on them, to the other run; with
    --if-locked fail it fails with exit code 75. plumb store ps says who makes what.
    """
  ),
  (
    "secret-missing",
    """
    A kind may name variables under `secrets:`. Their values are taken from the environment of plumb
    when the stage runs, handed to the program, and written nowhere.
    """
  ),
  (
    "secret-in-output",
    """
    Artifacts are shared and kept. A program that writes the value of a secret into one would hand it
    on, so its result is not published.
    """
  ),
]
