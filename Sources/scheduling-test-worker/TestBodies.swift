// Stage bodies that behave, misbehave and end in every way a body can.

import CanonicalJSON
import Diagnostics
import Foundation
import Scheduling

let testBodies: [any StageBody.Type] = [ActStage.self, CopyStage.self]

/// Writes one metric: `value` plus the sum of its inputs; before that it does what `act` says.
enum ActStage: StageBody {
  static let kind = "act"

  static func memory(for order: StageSizes) -> Int { 16 << 20 }

  static func run(_ stage: StageContext) throws(Diagnostic) {
    countRun(stage.parameters.string("tag"))
    switch stage.parameters.string("act") {
    case "abort": abort()
    case "trap": preconditionFailure("a precondition of the test")
    case "exit": exit(17)
    case "fail":
      stage.log("about to fail")
      throw Diagnostic("test-failure", "the value is wrong", help: "choose another")
        .about(parameter: "value")
    case "blame": throw Diagnostic("test-failure", "bad item").about(input: "from")
    case "flaky", "flaky-fail":
      // The resume folder outlives a crash: it works at its third attempt.
      let tries = stage.resumeFolder + "/tries"
      let before = (try? String(contentsOfFile: tries, encoding: .utf8))?.count ?? 0
      write(String(repeating: "x", count: before + 1), to: tries)
      if before < 2 {
        if stage.parameters.string("act") == "flaky" { abort() }
        throw Diagnostic("test-failure", "not yet")
      }
    case "silent": return
    case "extra": write("x", to: stage.output("metrics").path("more.txt"))
    case "allocate":
      var blocks: [[UInt8]] = []
      for _ in 0..<600 {
        blocks.append([UInt8](repeating: 1, count: 1 << 20))
        usleep(10_000)
      }
      stage.log("\(blocks.count)")
    case "hang": while true { sleep(1) }
    case "patient":
      // Notices TERM, saves, stops; the second time it goes on.
      let saved = stage.resumeFolder + "/saved"
      if !FileManager.default.fileExists(atPath: saved) {
        write("half", to: stage.resumeFolder + "/started")
        while !stage.isStopping { usleep(5_000) }
        write("half", to: saved)
        throw .interrupted
      }
    case "await":
      // Until the test says so.
      let go = (ProcessInfo.processInfo.environment["TEST_COUNT_FILE"] ?? "") + ".go"
      while !FileManager.default.fileExists(atPath: go) && !stage.isStopping { usleep(10_000) }
    case "close": close(3)
    case "babble":
      let garbage = [UInt8]((0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 7 + 1) })
      for _ in 0..<30 {
        _ = garbage.withUnsafeBytes { Foundation.write(3, $0.baseAddress!, $0.count) }
        _ = garbage.withUnsafeBytes { Foundation.write(1, $0.baseAddress!, $0.count) }
      }
      stage.log("")
      for line in ["{\"step\":\"no\"}", "[1,2]", "{\"end\":{\"outcome\":\"published\"}}", "{"] {
        _ = (line + "\n").withCString { Foundation.write(3, $0, strlen($0)) }
      }
    case "talk": for line in 1...50 { stage.log("line \(line)") }
    case "progress":
      for step in 1...5 { stage.progress(step: step, of: 5, loss: 1 / Double(step)) }
    case "random":
      // Not a function of its record: what --recheck is there to find.
      write("[]", to: stage.output("metrics").path("metrics.json"))
      try writeMetric(Double(getpid()), tolerance: 0, stage)
      return
    case "noisy":
      try writeMetric(1 + Double(getpid()) * 1e-9, tolerance: 0.5, stage)
      return
    case "memo":
      let memo = try stage.memo(
        kind: "piece", revision: 1, facts: [("value", .integer(stage.parameters.integer("value")))],
        inputs: []
      ) { folder in
        countRun("piece")
        write("piece", to: folder + "/piece.txt")
      }
      precondition(try! memo.bytes("piece.txt") == Array("piece".utf8))
    case "pieces":
      // Many small results of one worker: most of its time is publishing.
      for number in 0..<6 {
        let facts: [(String, JSONValue)] = [
          ("value", .integer(stage.parameters.integer("value"))), ("number", .integer(number)),
        ]
        _ = try stage.memo(kind: "piece", revision: 1, facts: facts, inputs: []) { folder in
          write("piece \(stage.parameters.integer("value")) \(number)", to: folder + "/piece.txt")
          write("same everywhere", to: folder + "/same.txt")
        }
      }
    default: break
    }
    sleepStoppably(stage)
    if stage.isStopping { throw .interrupted }
    var sum = Double(stage.parameters.integer("value") / stage.parameters.integer("divisor"))
    for input in stage.inputs("from") {
      let bytes = try input.bytes("metrics.json")
      let metrics = try JSONValue(parsing: SourceText(path: "metrics.json", bytes: bytes))
      sum += metrics.array?.first?["value"]?.double ?? 0
    }
    try writeMetric(sum, tolerance: 0, stage)
  }

  private static func writeMetric(
    _ value: Double, tolerance: Double, _ stage: StageContext
  ) throws(Diagnostic) {
    let metrics: JSONValue = [
      .object(["name": "sum", "value": .number(value), "tolerance": .number(tolerance)])
    ]
    write(metrics.canonicalText, to: stage.output("metrics").path("metrics.json"))
  }

  private static func sleepStoppably(_ stage: StageContext) {
    let end = Date() + stage.parameters.number("seconds")
    while Date() < end && !stage.isStopping { usleep(5_000) }
  }
}

/// Copies an outside file, slowly, so that a test can change it meanwhile.
enum CopyStage: StageBody {
  static let kind = "copy"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    countRun("copy")
    let bytes = try stage.input("files").bytes("file")
    usleep(UInt32(stage.parameters.number("seconds") * 1_000_000))
    let text = String(decoding: bytes, as: UTF8.self)
    let metrics: JSONValue = [.object(["name": .string(text), "value": 1])]
    write(metrics.canonicalText, to: stage.output("metrics").path("metrics.json"))
  }
}

/// How often a body really ran is not part of any record, so it goes through the environment.
private func countRun(_ tag: String) {
  guard let path = ProcessInfo.processInfo.environment["TEST_COUNT_FILE"] else { return }
  let descriptor = open(path, O_WRONLY | O_CREAT | O_APPEND, 0o666)
  let line = tag + "\n"
  _ = line.withCString { Foundation.write(descriptor, $0, strlen($0)) }
  close(descriptor)
}

private func write(_ text: String, to path: String) {
  guard FileManager.default.createFile(atPath: path, contents: Data(text.utf8)) else {
    preconditionFailure("cannot write \(path)")
  }
}
