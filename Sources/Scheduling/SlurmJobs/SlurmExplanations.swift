// The pages behind what may go wrong on a cluster (`plumb explain ID`).

public let slurmExplanations: [(id: String, text: String)] = [
  (
    "slurm-missing",
    """
    `--executor slurm` calls sbatch, squeue and scancel (and scontrol and sacct, if they are there).
    They were not found on PATH. Run on a login node, or load the module that brings them.
    """
  ),
  (
    "slurm-refused",
    """
    sbatch said no for good: an unknown partition, an account without rights, more memory or time
    than any node has. Its own words stand in the message. `resources:` and `slurm:` of the stage
    decide what is asked for; neither is part of a key, so changing them makes nothing again.
    """
  ),
  (
    "slurm-unreachable",
    """
    squeue or sbatch failed for a while: the controller restarts, the network is slow. Jobs that run do
    not need it, and results appear in the store all the same. Plumb asks again, ever more slowly, and
    submits nothing twice: before a submission is repeated, the queue is searched for its name.
    """
  ),
  (
    "slurm-crowded",
    """
    The account or partition allows only so many jobs at once. Plumb tries again until they are taken.
    """
  ),
  (
    "slurm-jobs-left",
    """
    The run was stopped while Slurm gave no answer, so its jobs may go on. That harms nothing: they
    publish their results as always. The next run of the pipeline finds the notes about them in
    `<store>/jobs` and adopts what still runs.
    """
  ),
  (
    "slurm-out-of-memory",
    """
    The node's kernel ended the job because it exceeded `resources: {memory: …}`, or what the
    partition gives where that is not said. With `retries: {max: 1, on: [memory]}` it would run again,
    but with the same limit.
    """
  ),
  (
    "slurm-over-time",
    """
    Slurm ended the job at its time limit. Its worker was told before (SIGTERM, ten seconds), so what
    saves checkpoints goes on from there at the next run. Slurm counts whole minutes.
    """
  ),
  (
    "slurm-node-lost",
    """
    The node broke down, did not boot, or was given to a job with a higher priority. The stage is not
    to blame: it is submitted again up to five times, whatever `retries:` says, and then fails.
    """
  ),
  (
    "slurm-job-forgotten",
    """
    The job is neither in the queue nor in the accounting, and left no result and no last word: Slurm
    lost its state, or the job died long before anybody asked. It counts as a lost node.
    """
  ),
  (
    "slurm-job-cancelled",
    """
    Somebody, or a script of the site, cancelled the job (scancel), or its worker was asked to end by
    something else. It is not submitted again of itself, since somebody wanted it gone.
    """
  ),
  (
    "slurm-no-result",
    """
    The published result in the store decides whether a stage succeeded, not the exit status of its
    job. Here the job ended with status 0 and the store shows no result after the time that a slow file
    system is given. Nodes must see the same store under the same path.
    """
  ),
  (
    "slurm-job-failed",
    """
    The job ended without a result and without a word of its worker. Often the program could not even
    start: its path is not there on the node (`--program` names another), a library is missing, or the
    processor has fewer instructions than the one it was built on (`PLUMB_MARCH`, see Package.swift).
    """
  ),
]
