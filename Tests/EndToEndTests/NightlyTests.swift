// What a crontab or a timer relies on: silence, one line of news, exit codes, an almost empty
// environment; and the page that shows a program in another language as a stage.

import CanonicalJSON
import Foundation
import Testing

@Suite struct NightlyTests {
  private static let manifest = """
    version: 1
    name: night
    params: {documents: 24, most: 1.0}
    runs: {keep: 1s}
    on_finish: [sh, -c, "cat > told.json"]
    stages:
      real: {uses: compose-corpus, with: {documents: $(params.documents), seed: 1}}
      judge: {uses: train-classifier, inputs: {corpus: real.corpus}, with: {seed: 1}}
      score:
        uses: score-bias
        inputs: {corpus: real.corpus, classifier: judge.classifier}
        with: {seed: 1, bootstrap: 100}
        gate: {share: {max: $(params.most)}}
    """

  /// As cron starts it: HOME, a short PATH, and nothing else.
  @discardableResult
  private func cron(_ work: Workspace, _ words: String...) throws -> Finished {
    let line = "env -i HOME=\"$PWD\" PATH=/usr/bin:/bin LOGNAME=me SHELL=/bin/sh '\(Built.program)'"
    return try work.shell(line + " run plumb.yaml --cron " + words.joined(separator: " "))
  }

  @Test func isSilentWhenNothingChanged() throws {
    let work = try Workspace(Self.manifest)
    let first = try cron(work)
    #expect(first.code == 0, "\(first.errors)")
    let line = try JSONValue(parsing: #require(first.lines.first))
    #expect(first.lines.count == 1)
    #expect(line["produced"]?.integer == 3)
    #expect(line["exit"]?.integer == 0)
    #expect(try JSONValue(parsing: work.read("told.json"))["run"] == line["run"])
    let second = try cron(work)
    #expect(second.code == 0)
    #expect(second.output == "")
    #expect(second.errors == "")
    #expect(
      try JSONValue(parsing: work.read("told.json"))["reused"]?.integer == 3,
      "on_finish hears of every run")
    let third = try cron(work, "--set documents=27")
    #expect(try JSONValue(parsing: #require(third.lines.first))["produced"]?.integer == 3)
  }

  @Test func saysWhatIsWrong() throws {
    let work = try Workspace(Self.manifest)
    let gated = try cron(work, "--set most=-1")
    #expect(gated.code == 4)
    let line = try JSONValue(parsing: #require(gated.lines.first))
    #expect(line["exit"]?.integer == 4)
    #expect(line["problems"]?.array?.first?.string?.contains("'share'") == true)
    #expect(gated.errors.contains("gate-failed"))
    try work.edit("[sh, -c, \"cat > told.json\"]", "[no-such-program]")
    let deaf = try cron(work)
    #expect(deaf.code == 0, "what on_finish does changes nothing")
    #expect(deaf.errors.contains("no-such-program"))
  }

  @Test func recordsOfOldRunsAreForgotten() throws {
    let work = try Workspace(Self.manifest)
    for _ in 0..<3 { try cron(work) }
    Thread.sleep(forTimeInterval: 1.5)
    try cron(work)
    let runs = try FileManager.default.contentsOfDirectory(atPath: work.path("artifacts/runs"))
    #expect(runs.count == 2, "the newest two stay: \(runs)")
    #expect(try work.plumb("status", "--check").code == 0, "results are not touched")
  }

  @Test func statusSaysWhetherItRan() throws {
    let work = try Workspace(Self.manifest)
    let never = try work.plumb("status", "--since", "26h")
    #expect(never.code == 3)
    #expect(never.errors.contains("never ran"))
    try cron(work)
    #expect(try work.plumb("status", "--since", "26h").code == 0)
    try cron(work, "--set most=-1")
    #expect(try work.plumb("status", "--since", "26h").code == 0, "an earlier one ended well")
    Thread.sleep(forTimeInterval: 1.2)
    #expect(try work.plumb("status", "--since", "1s").code == 3)
    for time in ["tomorrow", "", "-1h", "3"] {
      #expect(try work.plumb("status", "--since=\(time)").code == 2, "\(time)")
    }
  }

  @Test func stopsAtATimeOfDay() throws {
    let work = try Workspace(
      """
      version: 1
      name: slow
      stages:
        wait: {uses: wait}
      """)
    try work.write(
      """
      kind: wait
      revision: 1
      summary: Waits.
      command: [sleep, "600"]
      outputs: {metrics: {type: metrics, summary: None}}
      """, to: "stages/wait/stage.yaml")
    // The next full minute: at most a minute from now.
    let start = Date()
    let until = Date(timeIntervalSinceNow: 60)
    let parts = Calendar.current.dateComponents([.hour, .minute], from: until)
    let minute = parts.minute! < 10 ? "0\(parts.minute!)" : "\(parts.minute!)"
    let run = try work.plumb(
      ["run", "--cron", "--until", "\(parts.hour!):\(minute)"], seconds: 100)
    #expect(run.code == 3)
    #expect(Date().timeIntervalSince(start) < 75)
    for time in ["6", "25:00", "06:7", "x:10"] {
      #expect(try work.plumb("run", "--until", time).code == 2, "\(time)")
    }
  }

  /// The crontab line and the units of the page, with this machine's paths in them.
  @Test func pageRunsAsItStands() throws {
    let work = try Workspace(Self.manifest)
    let page = try String(
      contentsOfFile: Built.project + "/Sources/plumb/Documentation.docc/Nightly.md",
      encoding: .utf8)
    let blocks = page.components(separatedBy: "```\n").filter { !$0.hasPrefix("#  ") }
    func adapt(_ text: String) -> String {
      text.replacing("/home/me/plumb/.build/release/plumb", with: Built.program)
        .replacing("/home/me/study/pipelines/nightly.yaml", with: work.path("plumb.yaml"))
        .replacing("--until 06:00", with: "--until 23:59")
    }
    let crontab = try #require(blocks.first { $0.contains("* * *  /home/me") })
    let fields = crontab.trimmingCharacters(in: .whitespacesAndNewlines)
      .split(separator: " ", maxSplits: 5, omittingEmptySubsequences: true)
    #expect(fields.prefix(5) == ["15", "1", "*", "*", "*"])
    let command = adapt(String(fields[5]).trimmingCharacters(in: .whitespaces))
    let bare = "cd / && env -i HOME=\"$PWD\" PATH=/usr/bin:/bin LOGNAME=me SHELL=/bin/sh "
    let first = try work.shell(bare + command)
    #expect(first.code == 0, "\(first.errors)")
    #expect(first.lines.count == 1)

    // Two files in one block, each below a comment with its path.
    let units = try #require(blocks.first { $0.contains("[Timer]") })
    var files: [String: String] = [:]
    for part in units.components(separatedBy: "# ~/.config/systemd/user/").dropFirst() {
      let lines = part.split(separator: "\n", maxSplits: 1).map(String.init)
      files[lines[0]] = adapt(lines[1])
    }
    #expect(files.keys.sorted() == ["plumb-nightly.service", "plumb-nightly.timer"])
    let service = try #require(files["plumb-nightly.service"])
    let start = try #require(service.split(separator: "\n").first { $0.hasPrefix("ExecStart=") })
    let line = start.dropFirst(10)
    #expect(line == command, "the timer does what the crontab does")
    let second = try work.shell(bare + line)
    #expect(second.code == 0)
    #expect(second.output + second.errors == "", "nothing changed")
    let limit = try #require(service.split(separator: "\n").first { $0.hasPrefix("Success") })
    #expect(limit == "SuccessExitStatus=3")
    guard FileManager.default.isExecutableFile(atPath: "/usr/bin/systemd-analyze") else { return }
    for (name, text) in files { try work.write(text, to: "units/" + name) }
    let verified = try work.shell(
      "XDG_RUNTIME_DIR=$PWD systemd-analyze verify --user --man=no --recursive-errors=no units/*.service units/*.timer"
    )
    #expect(verified.code == 0, "\(verified.errors)")
    #expect(!verified.errors.contains("Unknown"), "\(verified.errors)")
  }

  /// pipelines/nightly.yaml, all of it.
  @Test func theNightlyPipelineRuns() throws {
    let work = try Workspace()
    let words = [
      "run", Built.project + "/pipelines/nightly.yaml", "--store", work.path("store"), "--cron",
    ]
    let first = try work.plumb(words, seconds: 240)
    #expect(first.code == 0, "\(first.errors)")
    let second = try work.plumb(words, seconds: 60)
    #expect(second.code == 0)
    #expect(second.output == "")
  }
}

/// The page that shows a program as a stage is run as it stands.
@Suite struct ProgramsPageTests {
  private static let page = Built.project + "/Sources/plumb/Documentation.docc/Programs.md"

  private func blocks(_ language: String) throws -> [String] {
    let text = try String(contentsOfFile: Self.page, encoding: .utf8)
    return text.components(separatedBy: "```\(language)\n").dropFirst().map {
      $0.components(separatedBy: "```")[0]
    }
  }

  private static let python = ["/usr/bin/python3", "/usr/local/bin/python3", "/bin/python3"]
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  /// A Python with scikit-learn: PLUMB_SKLEARN names one, else the system's is tried.
  private static let science: String? = {
    let named = ProcessInfo.processInfo.environment["PLUMB_SKLEARN"]
    return [named, python].compactMap(\.self).first { path in
      let check = try? Running([path, "-c", "import sklearn"], in: NSTemporaryDirectory())
      return (try? check?.wait(seconds: 60))?.code == 0
    }
  }()

  @Test(.enabled(if: science != nil, "no Python here has scikit-learn (PLUMB_SKLEARN names one)"))
  func aModelFromScikitLearnRuns() throws {
    let yaml = try blocks("yaml")
    let programs = try blocks("python")
    let work = try Workspace(yaml[4])
    for (name, file, definition, program) in [
      ("train-sklearn", "train.py", yaml[2], programs[1]),
      ("judge-sklearn", "judge.py", yaml[3], programs[2]),
    ] {
      try work.write(
        definition.replacing("python3", with: Self.science!), to: "stages/\(name)/stage.yaml")
      try work.write(program, to: "stages/\(name)/\(file)")
    }
    let run = try work.plumb(["run"], seconds: 300)
    #expect(run.code == 0, "\(run.errors)")
    let metrics = try work.plumb("metrics", "plumb.yaml", "judge")
    #expect(metrics.output.contains("accuracy"), "\(metrics.output)")
    #expect(try work.plumb("run").summary.contains("4 reused"))
    // The same bytes again: what a program writes is part of what others are made from.
    let again = try work.plumb(["run", "--again", "judge", "--again", "trained"], seconds: 300)
    #expect(again.code == 0)
    #expect(!again.errors.contains("result-differs"), "\(again.errors)")
  }

  @Test(.enabled(if: python != nil, "there is no python3 on this machine"))
  func runsAsItStands() throws {
    let yaml = try blocks("yaml")
    let program = try #require(try blocks("python").first)
    let work = try Workspace(yaml[1])
    try work.write(yaml[0], to: "stages/length-judge/stage.yaml")
    try work.write(program, to: "stages/length-judge/judge.py")
    let run = try work.plumb("run")
    #expect(run.code == 0, "\(run.errors)")
    let metrics = try work.plumb("metrics", "plumb.yaml", "judge")
    #expect(metrics.output.contains("longer"))
    #expect(try work.plumb("run").summary.contains("3 reused"))
    try work.write(program + "# another line\n", to: "stages/length-judge/judge.py")
    let why = try work.plumb("why", "plumb.yaml", "judge")
    #expect(why.output.contains("judge.py changed"), "\(why.output)")
    try work.write("import sys\nsys.exit('no model')\n", to: "stages/length-judge/judge.py")
    let failed = try work.plumb("run")
    #expect(failed.code == 1)
    #expect(failed.errors.contains("command-failed"))
    #expect(failed.errors.contains("no model"))
  }
}
