// What a worker says while it runs, one JSON object per line: into a pipe on this machine, into a file of
// the run's folder from a cluster's node.

import CanonicalJSON

enum WorkerMessage {
  case begin(WorkerBeginning)
  case progress(Progress)
  case problem(WorkerProblem)
  case end(WorkerStatement)
  case exit(WorkerExit)

  /// nil for lines that are not ours: bodies are not trusted to write sense.
  init?(line: [UInt8]) {
    let parsed = line.withUnsafeBufferPointer { try? JSONValue(parsing: $0, depth: 16) }
    guard let json = parsed else { return nil }
    if let problem = WorkerProblem(json) {
      self = .problem(problem)
    } else if let statement = WorkerStatement(json) {
      self = .end(statement)
    } else if let beginning = WorkerBeginning(json) {
      self = .begin(beginning)
    } else if let exit = WorkerExit(json) {
      self = .exit(exit)
    } else if let progress = Progress(json) {
      self = .progress(progress)
    } else {
      return nil
    }
  }
}

/// The first word of a worker that nobody here has started: `{"begin":{…}}`.
struct WorkerBeginning: Sendable, Equatable {
  var host: String
  var pid: Int32

  var json: JSONValue {
    .object(["begin": .object(["host": .string(host), "pid": .integer(Int(pid))])])
  }

  init(host: String, pid: Int32) {
    self.host = host
    self.pid = pid
  }

  init?(_ json: JSONValue) {
    guard let json = json["begin"], let pid = json["pid"]?.integer else { return nil }
    self.init(host: json["host"]?.string ?? "", pid: Int32(clamping: pid))
  }
}

/// The very last word of a worker whose exit status nobody here can collect: `{"exit":{…}}`.
struct WorkerExit: Sendable, Equatable {
  var status: Int32
  var seconds: Double
  var cpuSeconds: Double
  /// Bytes.
  var peakMemory: Int

  var json: JSONValue {
    .object([
      "exit": .object([
        "status": .integer(Int(status)), "seconds": .number(rounded(seconds)),
        "cpu_seconds": .number(rounded(cpuSeconds)), "peak_memory": .integer(peakMemory),
      ])
    ])
  }

  init(status: Int32, seconds: Double, cpuSeconds: Double, peakMemory: Int) {
    self.status = status
    self.seconds = seconds
    self.cpuSeconds = cpuSeconds
    self.peakMemory = peakMemory
  }

  init?(_ json: JSONValue) {
    guard let json = json["exit"], let status = json["status"]?.integer else { return nil }
    self.init(
      status: Int32(clamping: status), seconds: json["seconds"]?.double ?? 0,
      cpuSeconds: json["cpu_seconds"]?.double ?? 0,
      peakMemory: json["peak_memory"]?.integer ?? 0)
  }
}
