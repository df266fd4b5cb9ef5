// Answers of Slurm's commands as they are, and as they must never be trusted to be.

import Testing

@testable import Slurm

@Suite struct SlurmAnswersTests {
  @Test(arguments: [
    ("123\n", "123"), ("123;cluster\n", "123"), ("  77  \n\n", "77"),
    ("lua: hello from the site's plugin\n4711\n", "4711"),
    ("", nil), ("\n", nil), ("Submitted batch job\n", nil), ("12a\n", nil), ("-1\n", nil),
    ("12_3\n", nil), ("1234567890123456789\n", nil), ("१२३\n", nil), (";cluster\n", nil),
    ("sbatch: error: 5 times\n", nil),
  ])
  func submissions(output: String, job: String?) {
    #expect(SlurmAnswers.submitted(output) == job)
  }

  @Test func queueIsReadLineByLine() {
    let jobs = SlurmAnswers.queue(
      """
      1_0|FAILED|plumb-ab|NonZeroExitCode
      1_1|RUNNING|plumb-ab|None
      12|PENDING|other|Priority
      13|PENDING|plumb-cd|(Resources) of | a kind
      """)
    #expect(
      jobs == [
        SlurmJob(id: "1_0", name: "plumb-ab", state: .ended(.failed), reason: "NonZeroExitCode"),
        SlurmJob(id: "1_1", name: "plumb-ab", state: .running, reason: ""),
        SlurmJob(id: "12", name: "other", state: .waiting, reason: "Priority"),
        SlurmJob(id: "13", name: "plumb-cd", state: .waiting, reason: "(Resources) of | a kind"),
      ])
    #expect(jobs.map(\.task) == [0, 1, 0, 0])
    #expect(jobs.map(\.number) == ["1", "1", "12", "13"])
  }

  @Test(arguments: [
    "", "\n\n", "|", "|||", "1|RUNNING", "1|RUNNING|name", "x|RUNNING|name|None",
    "1_|RUNNING|name|None", "_1|RUNNING|name|None", "1_[3-9]|PENDING|name|None",
    "1_2_3|RUNNING|name|None", "1||name|None", "1|123|name|None", "-1|RUNNING|name|None",
    "1+0|RUNNING|het|None", "99999999999999999999|RUNNING|name|None",
    "slurm_load_jobs error: Unable to contact slurm controller (connect failure)",
    "JOBID PARTITION NAME USER ST TIME NODES NODELIST(REASON)", "\u{0}\u{1}\u{7F}|\u{0}|x|y",
    String(repeating: "|", count: 100_000), String(repeating: "1", count: 100_000),
  ])
  func garbageInTheQueueIsNoJob(output: String) {
    #expect(SlurmAnswers.queue(output).isEmpty)
    #expect(SlurmAnswers.queue(output + "\n5|RUNNING|n|None\n").map(\.id) == ["5"])
  }

  @Test(arguments: [
    ("PENDING", SlurmState.waiting), ("CONFIGURING", .waiting), ("REQUEUED", .waiting),
    ("RUNNING", .running), ("COMPLETING", .running), ("SUSPENDED", .running),
    ("COMPLETED", .ended(.completed)), ("FAILED", .ended(.failed)), ("TIMEOUT", .ended(.overTime)),
    ("DEADLINE", .ended(.overTime)), ("OUT_OF_MEMORY", .ended(.outOfMemory)),
    ("NODE_FAIL", .ended(.lostNode("NODE_FAIL"))), ("BOOT_FAIL", .ended(.lostNode("BOOT_FAIL"))),
    ("PREEMPTED", .ended(.lostNode("PREEMPTED"))), ("CANCELLED", .ended(.cancelled)),
    ("CANCELLED by 1000", .ended(.cancelled)), ("CANCELLED+", .ended(.cancelled)),
    ("SOMETHING_OF_SLURM_30", .running),
  ])
  func statesAreMapped(word: String, state: SlurmState) {
    #expect(SlurmState(word) == state)
  }

  @Test(arguments: ["", " ", "1", "|", "\u{e9}", "+RUNNING"])
  func noStates(word: String) { #expect(SlurmState(word) == nil) }

  @Test func accountingTellsTheLastEnd() {
    let found = SlurmAnswers.accounting(
      """
      1_0|NODE_FAIL|0:0|
      1_0|FAILED|3:0|
      2|OUT_OF_MEMORY|0:125
      3|RUNNING|0:0
      4|CANCELLED by 0|0:15
      garbage
      5|COMPLETED|x:y
      """)
    #expect(
      found == [
        "1_0": SlurmObituary(job: "1_0", end: .failed, exitStatus: 3),
        "2": SlurmObituary(job: "2", end: .outOfMemory, exitStatus: 0, signal: 125),
        "4": SlurmObituary(job: "4", end: .cancelled, exitStatus: 0, signal: 15),
        "5": SlurmObituary(job: "5", end: .completed),
      ])
    #expect(SlurmAnswers.accounting("").isEmpty)
    #expect(SlurmAnswers.accounting("Slurm accounting storage is disabled\n").isEmpty)
  }

  /// As Slurm 22.05 prints them, shortened.
  private static let shown = """
    JobId=1 ArrayJobId=1 ArrayTaskId=2 JobName=plumb-ab JobState=COMPLETED Reason=None ExitCode=0:0 BatchHost=n1
    JobId=3 ArrayJobId=1 ArrayTaskId=1 JobName=plumb-ab JobState=FAILED Reason=JobLaunchFailure ExitCode=0:9 BatchHost=n2
    JobId=2 ArrayJobId=1 ArrayTaskId=0 JobName=plumb-ab JobState=RUNNING Reason=None ExitCode=0:0 JobState=FAILED
    """

  @Test func descriptionsAreFoundByTask() {
    #expect(
      SlurmAnswers.description(Self.shown, of: "1_1")
        == SlurmObituary(
          job: "1_1", end: .failed, exitStatus: 0, signal: 9, reason: "JobLaunchFailure",
          node: "n2"))
    #expect(SlurmAnswers.description(Self.shown, of: "1_2")?.end == .completed)
    #expect(SlurmAnswers.description(Self.shown, of: "1_2")?.reason == nil)
    #expect(SlurmAnswers.description(Self.shown, of: "1_0") == nil, "it has not ended")
    #expect(SlurmAnswers.description(Self.shown, of: "1_7") == nil)
    #expect(SlurmAnswers.description(Self.shown, of: "3")?.signal == 9)
  }

  @Test(arguments: [
    "", "=", "JobId", "JobId=", "JobId=1", "JobId=1 JobState=", "JobState=FAILED",
    "JobId=1 JobState=!",
    "slurm_load_jobs error: Invalid job id specified", "JobId=11 JobState=FAILED",
  ])
  func noDescriptions(output: String) {
    #expect(SlurmAnswers.description(output, of: "1") == nil)
  }

  @Test func configuration() {
    #expect(SlurmAnswers.largestArray("x\nMaxArraySize            = 1001\n") == 1001)
    #expect(SlurmAnswers.largestArray("MaxArraySize = many\n") == nil)
    #expect(SlurmAnswers.largestArray("MaxArraySize = -5\n") == nil)
    #expect(SlurmAnswers.largestArray("") == nil)
  }

  @Test(arguments: [
    (
      SlurmReply.Ending.status(1),
      "sbatch: error: invalid partition specified: x\nsbatch: error: Batch job submission failed: Invalid partition name specified",
      true
    ),
    (
      .status(1),
      "sbatch: error: Batch job submission failed: Requested node configuration is not available",
      true
    ),
    (.status(1), "sbatch: unrecognized option '--foo'", true),
    (
      .status(1),
      "sbatch: error: Batch job submission failed: Unable to contact slurm controller (connect failure)",
      false
    ),
    (
      .status(1),
      "sbatch: error: Batch job submission failed: Socket timed out on send/recv operation", false
    ),
    (
      .status(1), "sbatch: error: Slurm temporarily unable to accept job, sleeping and retrying",
      false
    ),
    (
      .status(1),
      "sbatch: error: Batch job submission failed: Zero Bytes were transmitted or received", false
    ),
    (.status(1), "", false), (.status(0), "Batch job submission failed", false),
    (.signal(11), "invalid", false), (.timeIsUp, "", false),
  ])
  func refusalsAreForGood(ending: SlurmReply.Ending, errors: String, isRefusal: Bool) {
    #expect(SlurmReply(ending, errors: errors).isRefusal == isRefusal)
  }

  @Test func aNoIsAnAnswerToo() {
    #expect(SlurmReply(.status(0)).wasHeard)
    #expect(
      SlurmReply(
        .status(1),
        errors: "scancel: error: Kill job error on job id 7: Job/step already completing"
      ).wasHeard)
    #expect(
      !SlurmReply(.status(1), errors: "scancel: error: Unable to contact slurm controller").wasHeard
    )
    #expect(!SlurmReply(.timeIsUp).wasHeard)
  }

  @Test func complaintsAreOneLine() {
    #expect(
      SlurmReply(
        .status(1),
        errors: "sbatch: error: a\nsbatch: error: Batch job submission failed: b\n\n"
      ).complaint
        == "Batch job submission failed: b")
    #expect(SlurmReply(.timeIsUp).complaint == "no answer in time")
    #expect(SlurmReply(.status(1)).complaint == "it ended without a word")
  }
}
