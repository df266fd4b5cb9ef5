// Slurm's commands as small shell scripts that really run the jobs, in the background of this machine,
// and can be told to misbehave: files in `mood/` say how.

import Foundation
import Glibc

@testable import Scheduling

final class FakeCluster: Sendable {
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "/plumb-cluster-" + UUID().uuidString
    for name in ["bin", "jobs", "mood"] {
      try FileManager.default.createDirectory(
        atPath: folder + "/" + name, withIntermediateDirectories: true)
    }
    for (name, text) in [
      ("sbatch", Self.sbatch), ("squeue", Self.squeue), ("scontrol", Self.scontrol),
      ("sacct", Self.sacct), ("scancel", Self.scancel), ("task", Self.task),
    ] {
      let path = folder + "/bin/" + name
      try ("#!/bin/bash\nC=\(folder)\n" + text).write(
        toFile: path, atomically: false, encoding: .utf8)
      chmod(path, 0o755)
    }
  }

  deinit {
    // Jobs of a test that failed.
    for job in jobs { if let pid = Int32(read("jobs/\(job)/pid")), pid > 1 { kill(-pid, SIGKILL) } }
    try? FileManager.default.removeItem(atPath: folder)
  }

  var environment: [String: String] {
    var variables = ProcessInfo.processInfo.environment
    variables["PATH"] = folder + "/bin:" + (variables["PATH"] ?? "/usr/bin:/bin")
    variables["SLURM_ARRAY_TASK_ID"] = nil
    return variables
  }

  /// `lose`: sbatch submits and never answers, once.
  func be(_ mood: String, _ text: String = "") throws {
    try text.write(toFile: folder + "/mood/" + mood, atomically: false, encoding: .utf8)
  }

  func stopBeing(_ mood: String) {
    try? FileManager.default.removeItem(atPath: folder + "/mood/" + mood)
  }

  func read(_ name: String) -> String {
    ((try? String(contentsOfFile: folder + "/" + name, encoding: .utf8)) ?? "")
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }

  /// Words of each call of sbatch that reached the cluster.
  var submissions: [String] { read("submissions").split(separator: "\n").map(String.init) }
  var cancellations: [String] { read("cancellations").split(separator: "\n").map(String.init) }
  var calls: [String] { read("calls").split(separator: "\n").map(String.init) }

  /// `1_0`.
  var jobs: [String] {
    ((try? FileManager.default.contentsOfDirectory(atPath: folder + "/jobs")) ?? []).sorted()
  }

  /// What really runs: whole environment of a job is that of sbatch.
  private static let sbatch = """
    echo sbatch >> $C/calls
    while [ -e $C/mood/think ]; do sleep 0.05; done
    if [ -e $C/mood/refuse ]; then
      echo "sbatch: error: Batch job submission failed: Invalid partition name specified" >&2; exit 1
    fi
    if [ -e $C/mood/down ]; then
      echo "sbatch: error: Batch job submission failed: Unable to contact slurm controller" >&2; exit 1
    fi
    exec 9>$C/lock; flock 9
    n=$(( $(cat $C/last 2>/dev/null || echo 0) + 1 )); echo $n > $C/last
    exec 9>&-
    echo "$n $*" >> $C/submissions
    tasks=plain
    for word in "$@"; do
      case $word in
      --array=0-*) tasks=$(seq 0 ${word#--array=0-}) ;;
      --job-name=*) name=${word#--job-name=} ;;
      --output=*) output=${word#--output=} ;;
      --cpus-per-task=*) export SLURM_CPUS_PER_TASK=${word#--cpus-per-task=} ;;
      esac
      script=$word
    done
    for t in $tasks; do
      if [ $t = plain ]; then id=$n; unset SLURM_ARRAY_TASK_ID; else id=${n}_$t; export SLURM_ARRAY_TASK_ID=$t; fi
      mkdir -p $C/jobs/$id
      echo $name > $C/jobs/$id/name
      echo PENDING > $C/jobs/$id/state
      setsid $C/bin/task $id $script "${output//%a/$t}" </dev/null >/dev/null 2>&1 3>&- &
    done
    if [ -e $C/mood/lose ]; then rm $C/mood/lose; sleep 600; fi
    if [ -e $C/mood/garble ]; then rm $C/mood/garble; echo "Submitted, somehow"; exit 0; fi
    if [ -e $C/mood/crash ]; then rm $C/mood/crash; kill -SEGV $$; fi
    echo "$n"
    """

  /// One job: `mood/fate` names an end that its node meets instead of running it, once.
  private static let task = """
    id=$1; script=$2; output=$3; J=$C/jobs/$id
    echo $$ > $J/pid
    while [ -e $C/mood/hold ]; do sleep 0.05; done
    case $id in *_0) ;; *) while [ -e $C/mood/hold-after ]; do sleep 0.05; done ;; esac
    echo RUNNING > $J/state
    fate=$(cat $C/mood/fate 2>/dev/null)
    if [ -n "$fate" ] && [ ! -e $J/name.spared ]; then
      [ -e $C/mood/always ] || rm -f $C/mood/fate
      case $fate in
      *:late) fate=${fate%:late}; timeout -s KILL 0.7 /bin/sh $script >>"$output" 2>&1 ;;
      VANISH) rm -rf $J; exit ;;
      esac
      [ $fate = FAILED ] && echo "the node has no such program" >> "$output"
      echo 1:0 > $J/code
      echo $fate > $J/state
      exit
    fi
    /bin/sh $script >>"$output" 2>&1
    status=$?
    if [ -e $J/cancelled ]; then state=CANCELLED
    elif [ $status = 0 ]; then state=COMPLETED
    else state=FAILED; fi
    if [ $status -gt 128 ] && [ $status != 130 ]; then echo 0:$((status - 128)) > $J/code; else echo $status:0 > $J/code; fi
    echo $state > $J/state
    [ -e $C/mood/forget ] && rm -rf $J
    true
    """

  private static let squeue = """
    echo squeue >> $C/calls
    if [ -e $C/mood/down ]; then
      echo "slurm_load_jobs error: Unable to contact slurm controller (connect failure)" >&2; exit 1
    fi
    [ -e $C/mood/slow ] && sleep 1
    [ -e $C/mood/garbage ] && { echo "|||"; echo "JOBID|ST"; echo "9_[1-3]|PENDING|plumb-x|None"; }
    for J in $C/jobs/*/; do
      [ -e $J/name ] || continue
      echo "$(basename $J)|$(cat $J/state)|$(cat $J/name)|None"
    done 2>/dev/null
    exit 0
    """

  private static let scontrol = """
    echo scontrol >> $C/calls
    [ -e $C/mood/down ] && exit 1
    [ "$2" = config ] && { echo "MaxArraySize = $(cat $C/mood/array 2>/dev/null || echo 1001)"; exit; }
    id=$4; J=$C/jobs/$id
    [ -e $J/state ] || { echo "slurm_load_jobs error: Invalid job id specified" >&2; exit 1; }
    echo "JobId=77 ArrayJobId=${id%_*} ArrayTaskId=${id#*_} JobState=$(cat $J/state) Reason=NonZeroExitCode ExitCode=$(cat $J/code 2>/dev/null || echo 0:0) BatchHost=node7" | sed "s/JobId=77 ArrayJobId=$id ArrayTaskId=$id/JobId=$id/"
    """

  private static let sacct = """
    echo sacct >> $C/calls
    if [ -e $C/mood/accounted ]; then cat $C/mood/accounted; exit; fi
    echo "Slurm accounting storage is disabled" >&2; exit 1
    """

  private static let scancel = """
    echo scancel >> $C/calls
    [ -e $C/mood/down ] && { echo "scancel: error: Unable to contact slurm controller" >&2; exit 1; }
    echo "$*" >> $C/cancellations
    signal=KILL
    for word in "$@"; do
      case $word in
      --signal=*) signal=${word#--signal=} ;;
      --name=*) for J in $C/jobs/*/; do [ "$(cat $J/name)" = ${word#--name=} ] && set -- "$@" $(basename $J); done ;;
      esac
    done
    for id in "$@"; do
      J=$C/jobs/$id; [ -e $J/pid ] || continue
      [ $signal = KILL ] && { touch $J/cancelled; echo CANCELLED > $J/state; }
      # The batch shell itself must live to tell the end, like slurmstepd.
      pkill -$signal -P $(cat $J/pid) 2>/dev/null
      [ $signal = KILL ] && kill -KILL -- -$(cat $J/pid) 2>/dev/null
    done
    exit 0
    """
}

extension Laboratory {
  /// Options for a cluster that answers at once.
  func slurm(
    _ cluster: FakeCluster, _ change: (inout RunOptions.SlurmOptions) -> Void = { _ in }
  ) -> RunOptions.SlurmOptions {
    var slurm = RunOptions.SlurmOptions()
    slurm.environment = cluster.environment
    slurm.gathering = 0.1
    slurm.shortestPause = 0.1
    slurm.longestPause = 0.3
    slurm.patience = 0.5
    // A loaded machine takes its time to start a shell.
    slurm.commandTime = 20
    slurm.settling = 0.5
    slurm.silence = 0.5
    change(&slurm)
    return slurm
  }
}
