// The batch script: which task carries out which order. Plain sh, to be read by people who wonder what
// their cluster runs.

public enum SlurmScript {
  /// - Parameters:
  ///   - program: path on the nodes and its first arguments; the order's path is appended.
  ///   - environment: set on top of what sbatch hands on.
  public static func text(
    of batch: SlurmBatch, program: [String], environment: [String: String], cpus: Int
  ) -> String {
    var text = """
      #!/bin/sh
      # \(batch.name): \(batch.tasks.count) of Plumb's stages. Written by `plumb run --executor slurm`.
      unset PLUMB_EVENTS_FD PLUMB_LIFELINE_FD
      export LC_ALL=C.UTF-8 TZ=UTC OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1
      export PLUMB_THREADS="${SLURM_CPUS_PER_TASK:-\(cpus)}"

      """
    for (name, value) in environment.sorted(by: { $0.key < $1.key }) {
      text += "export \(name)=\(quoted(value))\n"
    }
    text += "case \"${SLURM_ARRAY_TASK_ID:-0}\" in\n"
    for (number, task) in batch.tasks.enumerated() {
      text +=
        "\(number)) set -- \(quoted(task.order)) \(quoted(task.log)) \(quoted(task.events)) ;;\n"
    }
    text += """
      *) echo "no task ${SLURM_ARRAY_TASK_ID}" >&2; exit 2 ;;
      esac
      export PLUMB_EVENTS_FILE="$3"
      exec >>"$2" 2>&1 </dev/null
      exec \(program.map(quoted).joined(separator: " ")) "$1"

      """
    return text
  }

  /// For sh: nothing in it means anything.
  static func quoted(_ text: String) -> String {
    "'" + text.replacing("'", with: "'\\''") + "'"
  }
}
