// What one submission asks for, and the words of Slurm's commands. Only options are used that every
// Slurm since 20.02 has; what is printed back is read by SlurmAnswers.swift.

/// What a job may use. Jobs with equal requests can be one array.
public struct SlurmRequest: Hashable, Sendable {
  public var cpus: Int
  /// Bytes; nil leaves it to the partition.
  public var memory: Int?
  /// Seconds; nil leaves it to the partition.
  public var time: Double?
  /// Further words, such as `--partition=gpu`.
  public var options: [String]

  public init(cpus: Int, memory: Int? = nil, time: Double? = nil, options: [String] = []) {
    precondition(cpus >= 1, "a job of \(cpus) processors")
    self.cpus = cpus
    self.memory = memory
    self.time = time
    self.options = options
  }

  /// Slurm counts memory in MiB.
  var memoryOption: String? { memory.map { "--mem=\(max(1, ($0 + 1 << 20 - 1) >> 20))M" } }

  /// Slurm counts time in minutes. The grace comes on top: TERM is sent that long before the end.
  func timeOption(grace: Double) -> String? {
    time.map { time in
      let minutes = Int(min(((time + grace) / 60).rounded(.up), 1e8))
      return "--time=\(max(1, minutes))"
    }
  }
}

/// Words of commands, the name of the program first.
public enum SlurmCommand {
  /// Submits `count` tasks under one name; more than one are an array.
  ///
  /// - Parameters:
  ///   - folder: on the shared file system; output that comes before the stage's own log lands there.
  ///   - grace: seconds that a stage may save before its time is over.
  public static func submit(
    _ request: SlurmRequest, name: String, comment: String, tasks count: Int, script: String,
    folder: String, grace: Double
  ) -> [String] {
    precondition(count >= 1, "a submission of nothing")
    let place = folder.replacing("%", with: "%%")
    var words = [
      "sbatch", "--parsable", "--job-name=\(name)", "--comment=\(comment)", "--no-requeue",
      "--export=ALL", "--open-mode=append", "--chdir=\(folder)",
      "--output=\(place)/\(name)\(count > 1 ? "-%a" : "").out", "--ntasks=1",
      "--cpus-per-task=\(request.cpus)",
    ]
    if let option = request.memoryOption { words.append(option) }
    if let option = request.timeOption(grace: grace) {
      words += [option, "--signal=B:TERM@\(Int(min(max(1, grace.rounded(.up)), 65_535)))"]
    }
    if count > 1 { words.append("--array=0-\(count - 1)") }
    return words + request.options + [script]
  }

  /// Every job of a user, ended ones too for as long as the controller remembers them.
  public static func queue(user: UInt32) -> [String] {
    ["squeue", "--noheader", "--array", "--states=all", "--user=\(user)", "--format=%i|%T|%j|%r"]
  }

  /// What the accounting knows of jobs.
  public static func accounting(_ jobs: [String]) -> [String] {
    [
      "sacct", "--noheader", "--parsable2", "--allocations",
      "--jobs=\(jobs.joined(separator: ","))",
      "--format=JobID,State,ExitCode",
    ]
  }

  public static func describe(_ job: String) -> [String] {
    ["scontrol", "--oneliner", "show", "job", job]
  }

  public static func configuration() -> [String] { ["scontrol", "show", "config"] }

  /// TERM to a job's script and all its processes; jobs that wait are not touched by it.
  public static func terminate(_ jobs: [String]) -> [String] {
    ["scancel", "--quiet", "--full", "--signal=TERM"] + jobs
  }

  public static func cancel(_ jobs: [String]) -> [String] { ["scancel", "--quiet"] + jobs }
}
