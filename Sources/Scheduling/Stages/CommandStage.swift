// A stage whose body is a program (`command:` in stage.yaml). It runs in an empty folder that holds its
// own files and its inputs, read-only; it sees the environment that the kind declares and nothing else.
// No shell. Its words come from the record; the values of secrets from Plumb's own environment.

import ArtifactStore
import CLinux
import CanonicalJSON
import Diagnostics
import Foundation
import Glibc

struct CommandStage {
  let order: WorkerOrder
  let files: WorkerFiles
  let store: Store
  /// Temporary, on the store's file system; the program's working folder is `.program` in it: no port can
  /// be called so.
  let folder: String
  let reporter: ProgressReporter
  let stop: StopFlag
  let threads: Int
  let resumeFolder: String

  private var room: String { folder + "/.program" }
  private var checkpoint: String { resumeFolder + "/checkpoint" }

  /// Runs the program to its end.
  ///
  /// **Throws**: `command-failed`, `program-missing`, `secret-missing`, `secret-in-output`, `interrupted`.
  func run(_ inputs: [String: [InputArtifact]]) throws(Diagnostic) {
    try createFolder(room)
    // Read-only folders cannot be removed with what is in them.
    defer { Self.unlock(room) }
    try layOutCode()
    var places: [String: [String]] = [:]
    for port in order.inputs {
      places[port.name] = try layOut(inputs[port.name] ?? [], of: port)
    }
    if files.program.hasCheckpoint { try createFolder(checkpoint) }
    try writeOrder(inputs, places)
    let words = try words(places)
    guard !words.isEmpty else { throw .commandEmpty(order.record.kind) }
    let secrets = try secrets()
    var environment = files.program.environment.map { "\($0.name)=\($0.value)" }
    environment += secrets.map { "\($0.name)=\($0.value)" }
    let path = files.program.environment.first { $0.name == "PATH" }?.value
    let program = try Program.find(words[0], path: path, kind: order.record.kind)
    reporter.log("$ " + words.joined(separator: " "))
    try carryOut(program, words, environment, secrets)
    try checkForSecrets(secrets)
  }

  // MARK: What it finds

  private func layOutCode() throws(Diagnostic) {
    for (path, source) in files.declared().sorted(by: { bytesPrecede($0.key, $1.key) }) {
      let target = room + "/" + path
      try createFolder((target as NSString).deletingLastPathComponent)
      try Self.copy(source, to: target, mode: 0o555)
    }
  }

  /// Paths of the items, as the program gets them: of the file for a single-file type or a single
  /// outside file, else of the folder.
  private func layOut(
    _ items: [InputArtifact], of port: WorkerOrder.InputPort
  ) throws(Diagnostic) -> [String] {
    var paths: [String] = []
    for (position, item) in items.enumerated() {
      let base = "inputs/\(port.name)" + (port.isList ? "/\(position)" : "")
      for name in item.names {
        let target = room + "/" + base + "/" + name
        try createFolder((target as NSString).deletingLastPathComponent)
        try Self.copy(try item.path(name), to: target, mode: 0o444)
      }
      let isFile = item.names == [port.fileName]
      paths.append(isFile ? base + "/" + port.fileName : base)
    }
    Self.lock(room + "/inputs/" + port.name)
    return paths
  }

  private func writeOrder(
    _ inputs: [String: [InputArtifact]], _ places: [String: [String]]
  ) throws(Diagnostic) {
    let ports = order.inputs.map { port -> (String, JSONValue) in
      let items = zip(inputs[port.name] ?? [], places[port.name] ?? []).map {
        item, path -> JSONValue in
        .object(["path": .string(path), "coordinates": .object(item.coordinates)])
      }
      return (port.name, .array(items))
    }
    let json: JSONValue = .object([
      "kind": .string(order.record.kind),
      "parameters": .object(JSONObject(files.parameterFacts)),
      "inputs": .object(JSONObject(ports)),
      "outputs": .object(JSONObject(order.outputs.map { ($0.name, .string(outputPath($0))) })),
    ])
    try writeFile(room + "/order.json", Array(json.indentedText.utf8)) {
      .runFolderUnwritable(room + "/order.json", reason: $0)
    }
  }

  private func outputPath(_ port: WorkerOrder.OutputPort) -> String {
    folder + "/" + port.name + (port.fileName.map { "/" + $0 } ?? "")
  }

  private func secrets() throws(Diagnostic) -> [(name: String, value: String)] {
    var secrets: [(name: String, value: String)] = []
    for name in order.secrets {
      guard let value = getenv(name), value[0] != 0 else {
        throw .secretMissing(name, kind: order.record.kind)
      }
      secrets.append((name, String(cString: value)))
    }
    return secrets
  }

  // MARK: Its words

  private func words(_ places: [String: [String]]) throws(Diagnostic) -> [String] {
    var words: [String] = []
    for group in files.program.words {
      var given: [String] = []
      var isWhole = true
      for word in group {
        let values = values(of: word, places)
        if values.isEmpty { isWhole = false }
        given += values
      }
      // A flag without its value is left out with it.
      if isWhole || group.count == 1 { words += given }
    }
    return words
  }

  /// None where an optional thing is absent, several for a list.
  private func values(of word: [ProgramFacts.Piece], _ places: [String: [String]]) -> [String] {
    if word.count == 1 { return values(of: word[0], places) }
    var text = ""
    for piece in word {
      guard let value = values(of: piece, places).first else { return [] }
      text += value
    }
    return [text]
  }

  private func values(of piece: ProgramFacts.Piece, _ places: [String: [String]]) -> [String] {
    switch piece {
    case .text(let text): return [text]
    case .name("order"): return ["order.json"]
    case .name("checkpoint"): return [checkpoint]
    case .name("threads"): return [String(threads)]
    case .name(let name):
      let parts = name.split(separator: ".", maxSplits: 1).map(String.init)
      guard parts.count == 2 else { return [] }
      switch parts[0] {
      case "inputs": return places[parts[1]] ?? []
      case "outputs":
        return order.outputs.filter { $0.name == parts[1] }.map(outputPath)
      case "parameters":
        guard let value = files.parameterFacts.first(where: { $0.0 == parts[1] })?.1 else {
          return []
        }
        return (value.array ?? [value]).map { $0.string ?? $0.canonicalText }
      default: return []
      }
    }
  }

  // MARK: Running

  private func carryOut(
    _ program: String, _ words: [String], _ environment: [String],
    _ secrets: [(name: String, value: String)]
  ) throws(Diagnostic) {
    var (readEnd, writeEnd): (Int32, Int32) = (-1, -1)
    let pipeError = plumb_pipe(&readEnd, &writeEnd)
    guard pipeError == 0 else { throw .launchFailed("pipe", error: pipeError) }
    let nothing = open("/dev/null", O_RDONLY | O_CLOEXEC)
    let descriptors = [
      plumb_descriptor(source: nothing, target: 0), plumb_descriptor(source: writeEnd, target: 1),
      plumb_descriptor(source: writeEnd, target: 2),
    ]
    var pid: pid_t = 0
    let error = withCStrings(words) { words in
      withCStrings(environment) {
        plumb_spawn_in(
          room, program, words, $0, descriptors, Int32(descriptors.count), &pid)
      }
    }
    close(writeEnd)
    close(nothing)
    guard error == 0 else {
      close(readEnd)
      throw .commandNotStarted(words[0], kind: order.record.kind, error: error)
    }
    let log = RedactedLog(secrets.map(\.value))
    var tail: [String] = []
    var isTold = false
    var waits = pollfd(fd: readEnd, events: Int16(POLLIN), revents: 0)
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    var lines = LineSplitter(limit: 1 << 20)
    while true {
      // Its group is the worker's: who ends the worker for good ends the program too.
      if stop.isSet, !isTold {
        isTold = true
        kill(pid, SIGTERM)
      }
      let ready = poll(&waits, 1, 200)
      if ready == 0 || (ready < 0 && errno == EINTR) { continue }
      let count = read(readEnd, &buffer, buffer.count)
      if count < 0, errno == EINTR { continue }
      if count <= 0 { break }
      for line in lines.add(buffer[..<count]) { tail = say(line, log, after: tail) }
    }
    if let rest = lines.unended { tail = say(rest, log, after: tail) }
    close(readEnd)
    var status: Int32 = 0
    // It may have closed its streams and go on.
    while true {
      let answer = waitpid(pid, &status, WNOHANG)
      if answer == pid || (answer < 0 && errno != EINTR) { break }
      if stop.isSet, !isTold {
        isTold = true
        kill(pid, SIGTERM)
      }
      usleep(20_000)
    }
    let signal = status & 0x7f
    let code = (status >> 8) & 0xff
    if signal == 0, code == 0 { return }
    // A cluster's TERM goes to all processes of a job at once: the program may hear it before us.
    for _ in 0..<10 where !stop.isSet { usleep(10_000) }
    if stop.isSet { throw .interrupted }
    throw .commandFailed(
      words[0], kind: order.record.kind, status: signal == 0 ? code : nil, signal: signal,
      lastLines: tail)
  }

  private func say(_ line: [UInt8], _ log: RedactedLog, after tail: [String]) -> [String] {
    let text = log.cleaned(line)
    reporter.log(text)
    return Array((tail + [text]).suffix(5))
  }

  /// A secret in an artifact would be handed on with it: nothing is published then.
  private func checkForSecrets(_ secrets: [(name: String, value: String)]) throws(Diagnostic) {
    guard !secrets.isEmpty else { return }
    for port in order.outputs {
      // Hidden files too: they are part of a folder artifact.
      let walk = FileManager.default.enumerator(atPath: folder + "/" + port.name)
      while let file = walk?.nextObject() as? String {
        guard
          let data = try? Data(
            contentsOf: URL(fileURLWithPath: folder + "/" + port.name + "/" + file),
            options: .mappedIfSafe)
        else { continue }
        for (name, value) in secrets where data.range(of: Data(value.utf8)) != nil {
          throw .secretInOutput(name, file: "\(port.name)/\(file)", kind: order.record.kind)
        }
      }
    }
  }

  // MARK: Files

  /// Never a hard link: a writer through it would change the object.
  private static func copy(
    _ source: String, to target: String, mode: mode_t
  ) throws(Diagnostic) {
    let from = open(source, O_RDONLY | O_CLOEXEC)
    guard from >= 0 else { throw .commandFolder(source, error: errno) }
    defer { close(from) }
    let to = open(target, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
    guard to >= 0 else { throw .commandFolder(target, error: errno) }
    defer { close(to) }
    if plumb_clone(to, from) != 0 {
      var buffer = [UInt8](repeating: 0, count: 1 << 20)
      while true {
        let count = read(from, &buffer, buffer.count)
        if count < 0, errno == EINTR { continue }
        if count < 0 { throw .commandFolder(source, error: errno) }
        if count == 0 { break }
        guard writeAll(Array(buffer[..<count]), to: to) else {
          throw .commandFolder(target, error: errno)
        }
      }
    }
    fchmod(to, mode)
  }

  private static func lock(_ folder: String) { setModes(folder, 0o555) }
  private static func unlock(_ folder: String) { setModes(folder, 0o755) }

  private static func setModes(_ folder: String, _ mode: mode_t) {
    // From above when unlocking, so that what is below can be seen.
    if mode == 0o755 { chmod(folder, mode) }
    for name in (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? [] {
      var status = stat()
      let path = folder + "/" + name
      if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { setModes(path, mode) }
    }
    if mode != 0o755 { chmod(folder, mode) }
  }
}

/// Lines without the values of secrets.
private struct RedactedLog {
  let secrets: [String]

  init(_ secrets: [String]) { self.secrets = secrets.sorted { $0.utf8.count > $1.utf8.count } }

  func cleaned(_ line: [UInt8]) -> String {
    var text = String(decoding: line, as: UTF8.self)
    for secret in secrets { text = text.replacing(secret, with: "***") }
    return text
  }
}

/// What a record says about the program of a command stage.
struct ProgramFacts {
  enum Piece {
    case text(String)
    case name(String)
  }

  /// Groups of words; empty for a native stage.
  var words: [[[Piece]]] = []
  var environment: [(name: String, value: String)] = []
  var hasCheckpoint = false

  init(_ parameters: [(String, JSONValue)]) {
    for (name, value) in parameters {
      switch name {
      case "$command":
        words = (value.array ?? []).map { group in
          (group.array ?? [group]).map { Self.pieces(of: $0.string ?? "") }
        }
      case "$checkpoint": hasCheckpoint = value.boolean ?? false
      default:
        if name.hasPrefix("$environment ") {
          environment.append((String(name.dropFirst(13)), value.string ?? ""))
        }
      }
    }
  }

  /// The reader of stage.yaml has checked all of it.
  private static func pieces(of word: String) -> [Piece] {
    var pieces: [Piece] = []
    var plain = ""
    var rest = word[...]
    while !rest.isEmpty {
      if rest.hasPrefix("$$(") {
        plain += "$("
        rest = rest.dropFirst(3)
      } else if rest.hasPrefix("$("), let end = rest.firstIndex(of: ")") {
        if !plain.isEmpty { pieces.append(.text(plain)) }
        plain = ""
        pieces.append(.name(String(rest[rest.index(rest.startIndex, offsetBy: 2)..<end])))
        rest = rest[rest.index(after: end)...]
      } else {
        plain.append(rest.removeFirst())
      }
    }
    if !plain.isEmpty || pieces.isEmpty { pieces.append(.text(plain)) }
    return pieces
  }
}
