// What is asked of Slurm, the script of a batch, and the record that is written before.

import CanonicalJSON
import Foundation
import Testing

@testable import Slurm

@Suite struct SlurmCommandTests {
  @Test func submissionsSayWhatTheStageMayUse() {
    let words = SlurmCommand.submit(
      SlurmRequest(
        cpus: 4, memory: 2 << 30 + 1, time: 5400, options: ["--partition=gpu", "--exclusive"]),
      name: "plumb-1", comment: "run", tasks: 3, script: "/s/b.sh", folder: "/s/50%", grace: 10)
    #expect(words.first == "sbatch")
    #expect(words.last == "/s/b.sh")
    for word in [
      "--parsable", "--job-name=plumb-1", "--no-requeue", "--cpus-per-task=4", "--mem=2049M",
      "--time=91", "--signal=B:TERM@10", "--array=0-2", "--partition=gpu", "--exclusive",
      "--output=/s/50%%/plumb-1-%a.out", "--chdir=/s/50%",
    ] { #expect(words.contains(word), "\(word) in \(words)") }
    let plain = SlurmCommand.submit(
      SlurmRequest(cpus: 1), name: "n", comment: "", tasks: 1, script: "s", folder: "/f", grace: 0)
    #expect(!plain.contains { $0.hasPrefix("--array") || $0.hasPrefix("--mem") })
    #expect(!plain.contains { $0.hasPrefix("--time") || $0.hasPrefix("--signal") })
  }

  static func batch(_ count: Int, name: String = SlurmBatch.randomName()) -> SlurmBatch {
    SlurmBatch(
      name: name, owner: "me", host: "here", written: 12.5, script: "/r/x.sh",
      tasks: (0..<count).map {
        .init(
          key: String(repeating: "a", count: 64), instance: "train[n=\($0)]",
          order: "/r/it's \($0).json", log: "/r/$HOME \($0).log", events: "/r/\($0).jsonl",
          again: $0 == 1)
      })
  }

  /// The shell itself says whether each task gets its own order, whatever its path holds.
  @Test func scriptsGiveEachTaskItsOrder() throws {
    let folder = NSTemporaryDirectory() + "/plumb-slurm-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var batch = Self.batch(3)
    for number in 0..<3 { batch.tasks[number].log = folder + "/it's $HOME `x` \(number)" }
    let script = SlurmScript.text(
      of: batch,
      program: ["/bin/sh", "-c", "echo \"$0|$PLUMB_EVENTS_FILE|$PLUMB_THREADS|$LC_ALL|$Q\""],
      environment: ["Q": "a 'b' $c"], cpus: 7)
    let path = folder + "/script"
    try script.write(toFile: path, atomically: false, encoding: .utf8)
    let tool = SlurmTool(
      environment: ["PATH": "/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": "2", "PLUMB_EVENTS_FD": "3"])
    let reply = tool.run(["sh", path], seconds: 20)
    #expect(reply.isGood, "\(reply)")
    let log = try String(contentsOfFile: batch.tasks[2].log, encoding: .utf8)
    #expect(log == "/r/it's 2.json|/r/2.jsonl|7|C.UTF-8|a 'b' $c\n")
    let none = SlurmTool(environment: ["PATH": "/usr/bin:/bin", "SLURM_ARRAY_TASK_ID": "9"])
    #expect(none.run(["sh", path], seconds: 20).ending == .status(2))
  }

  @Test func recordsComeBackWhole() throws {
    let folder = NSTemporaryDirectory() + "/plumb-slurm-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var batch = Self.batch(2)
    #expect(batch.write(into: folder) == 0)
    let path = "\(folder)/\(batch.name).json"
    #expect(SlurmBatch.read(path) == batch)
    batch.job = "77"
    #expect(batch.write(into: folder) == 0)
    #expect(SlurmBatch.read(path)?.job == "77")
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == 1)
    #expect(batch.write(into: folder + "/none") == ENOENT)
    let text = batch.json.indentedText
    for broken in [
      "", "{", "[]", "null", "{}", String(text.prefix(text.count / 2)),
      text.replacing("\"name\"", with: "\"nam\""), text.replacing(batch.name, with: "../x"),
      text.replacing("\"key\"", with: "\"kee\""), text.replacing("\"tasks\"", with: "\"task\""),
    ] {
      try broken.write(toFile: path, atomically: false, encoding: .utf8)
      #expect(SlurmBatch.read(path) == nil, "\(broken)")
    }
    #expect(SlurmBatch.read(folder) == nil)
    #expect(SlurmBatch.read(folder + "/none") == nil)
  }

  @Test func namesAreUnmistakable() {
    #expect(SlurmBatch.isName(SlurmBatch.randomName()))
    #expect(SlurmBatch.randomName() != SlurmBatch.randomName())
    for name in [
      "", "plumb-", "plumb-012345678901234g", "plumb-0123456789ABCDEF", "../../etc/passwd",
    ] {
      #expect(!SlurmBatch.isName(name))
    }
  }

  @Test func lockLivesAsLongAsTheCommand() throws {
    let script = NSTemporaryDirectory() + "/plumb-lock-" + UUID().uuidString
    try "x".write(toFile: script, atomically: false, encoding: .utf8)
    defer { try? FileManager.default.removeItem(atPath: script) }
    #expect(!SubmissionLock.isTaken(script: script))
    let lock = try #require(SubmissionLock(script: script))
    #expect(SubmissionLock.isTaken(script: script))
    let tool = SlurmTool(environment: ["PATH": "/usr/bin:/bin"])
    // A child that outlives the command holds the inherited descriptor, as sbatch would whose
    // controller was killed.
    let reply = tool.run(
      ["sh", "-c", "sleep 1 >/dev/null 2>&1 & exit 0"], seconds: 10, holding: lock.descriptor)
    #expect(reply.isGood)
    lock.release()
    #expect(SubmissionLock.isTaken(script: script), "the child has it still")
    Thread.sleep(forTimeInterval: 1.5)
    #expect(!SubmissionLock.isTaken(script: script))
    #expect(!SubmissionLock.isTaken(script: script + "-none"))
  }

  @Test func commandsThatHangAreEnded() {
    let tool = SlurmTool(environment: ["PATH": "/usr/bin:/bin"])
    let start = Date()
    let reply = tool.run(["sh", "-c", "echo half; sleep 60"], seconds: 0.5)
    #expect(reply.ending == .timeIsUp)
    #expect(reply.output == "half\n")
    #expect(Date().timeIntervalSince(start) < 10)
    #expect(
      tool.run(["no-such-program"], seconds: 1).ending
        == .notStarted("there is no program 'no-such-program' in PATH"))
    let both = tool.run(["sh", "-c", "echo out; echo err >&2; kill -9 $$"], seconds: 10)
    #expect(both == SlurmReply(.signal(9), output: "out\n", errors: "err\n"))
    let long = tool.run(["sh", "-c", "yes | head -c 3000000"], seconds: 20)
    #expect(long.output.utf8.count == 3_000_000)
  }

  @Test func variablesOfAnEnclosingJobAreNotHandedOn() {
    let inside = SlurmTool(
      environment: [
        "SLURM_JOB_ID": "1", "SLURM_MEM_PER_CPU": "1", "SLURM_CONF": "/c", "SBATCH_X": "1",
        "HOME": "/h",
      ])
    #expect(inside.environment == ["SLURM_CONF": "/c", "HOME": "/h"])
    let outside = SlurmTool(environment: ["SBATCH_PARTITION": "gpu"])
    #expect(outside.environment == ["SBATCH_PARTITION": "gpu"])
  }
}
