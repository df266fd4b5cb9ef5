// Stores beyond the file system, by rclone: the same layout in a bucket, on a server, in a folder.
// rclone sends files in parallel, skips what is there, and renames when a file is whole; what arrives
// here is hashed before it counts. Objects go before results, so that an interrupted push leaves objects
// without results and never the other way round.

import CLinux
import Diagnostics
import Glibc

/// `rclone:remote:path` as a place for results.
public struct RemoteStore: Sendable {
  /// As rclone writes it: `lab:bucket/artifacts`, `:webdav:…`.
  public let address: String
  /// The program, and options before its command.
  let program: [String]
  let lanes: Int

  public init(address: String, program: [String] = ["rclone"], lanes: Int = 8) {
    var address = address
    while address.hasSuffix("/") { address.removeLast() }
    self.address = address
    self.program = program
    self.lanes = lanes
  }

  // MARK: rclone

  /// What the command writes to its standard output.
  private func run(
    _ words: [String], in store: Store, isVisible: Bool = false
  ) throws(Diagnostic) -> String {
    let shown = (["rclone"] + words.prefix(1) + [address]).joined(separator: " ")
    // Files, not pipes: nothing must be drained, whatever it says.
    let output = try store.temporaryFile([], mode: 0o600, durable: false)
    let errors = try store.temporaryFile([], mode: 0o600, durable: false)
    defer {
      FileAccess.remove(output)
      FileAccess.remove(errors)
    }
    let nothing = try Descriptor(opening: "/dev/null", O_RDONLY)
    let out = try Descriptor(opening: output, O_WRONLY)
    let err = try Descriptor(opening: errors, O_WRONLY)
    let descriptors = [
      plumb_descriptor(source: nothing.number, target: 0),
      plumb_descriptor(source: isVisible ? 2 : out.number, target: 1),
      plumb_descriptor(source: isVisible ? 2 : err.number, target: 2),
    ]
    var pid: pid_t = 0
    var arguments = (["/usr/bin/env"] + program + words).map { strdup($0) } + [nil]
    defer { for argument in arguments { free(argument) } }
    let failure = plumb_spawn("/usr/bin/env", &arguments, environ, descriptors, 3, &pid)
    guard failure == 0 else {
      throw .remoteFailed(shown, "it cannot be started: \(String(cString: strerror(failure)))")
    }
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    guard status == 0 else {
      let code = status & 0x7F == 0 ? status >> 8 & 0xFF : 128 + (status & 0x7F)
      if code == 127 {
        throw .remoteFailed(shown, "\(program[0]) is not installed (apt-get install rclone)")
      }
      let said = (try? FileAccess.read(errors)) ?? nil
      let lines = String(decoding: said ?? [], as: UTF8.self).split(separator: "\n")
      throw .remoteFailed(shown, lines.last.map(String.init) ?? "it ended with \(code)")
    }
    return String(decoding: try FileAccess.read(output) ?? [], as: UTF8.self)
  }

  private func file(_ name: String) -> String {
    address.hasSuffix(":") ? address + name : address + "/" + name
  }

  /// Sizes by path.
  private func list(_ area: String, in store: Store) throws(Diagnostic) -> [String: Int] {
    let text: String
    do throws(Diagnostic) {
      text = try run(
        [
          "lsf", "--recursive", "--files-only", "--format", "sp", "--separator", "\t", file(area),
        ], in: store)
    } catch {
      if error.message.contains("directory not found") { return [:] }
      throw error
    }
    var sizes: [String: Int] = [:]
    for line in text.split(separator: "\n") {
      let parts = line.split(separator: "\t", maxSplits: 1)
      if parts.count == 2, let size = Int(parts[0]) { sizes[area + "/" + parts[1]] = size }
    }
    return sizes
  }

  private func copy(
    _ names: [String], from source: String, to target: String, in store: Store, isVisible: Bool
  ) throws(Diagnostic) {
    guard !names.isEmpty else { return }
    let text = Array((names.joined(separator: "\n") + "\n").utf8)
    let list = try store.temporaryFile(text, mode: 0o600, durable: false)
    defer { FileAccess.remove(list) }
    _ = try run(
      [
        "copy", "--files-from-raw", list, "--no-traverse", "--size-only", "--immutable",
        "--copy-links", "--transfers", "\(lanes)", "--checkers", "\(lanes)", "--retries", "3",
      ] + (isVisible ? ["--progress"] : []) + [source, target],
      in: store, isVisible: isVisible)
  }

  // MARK: Push

  /// Sends results with all that they name.
  public func push(
    _ keys: [Digest], from store: Store, anonymous: Bool = false, isVisible: Bool = false
  ) throws(Diagnostic) -> TransferReport {
    var report = TransferReport()
    let format = try? run(["cat", file("format")], in: store)
    if let format, !format.isEmpty, format != Store.formatText {
      throw .remoteFailed("rclone cat \(address)", "it is no store of a format that is known here")
    }
    let there = try list("actions", in: store)
    var results: [StoredResult] = []
    var objects: Set<Digest> = []
    for key in Set(keys).sorted() {
      guard let stored = store.foundResult(key), let named = store.objects(of: stored),
        (try? store.record(stored.result.record))?.key == key
      else {
        report.damaged.append(key)
        continue
      }
      let hex = key.hex
      if there["actions/\(hex.prefix(2))/\(hex)"] != nil {
        let bytes = Array(
          try run(["cat", file("actions/\(hex.prefix(2))/\(hex)")], in: store).utf8)
        if StoredResult(parsing: bytes, key: key)?.result.hasSameOutputs(as: stored.result) == true
        {
          report.known += 1
          continue
        }
        report.differing.append(key)
        continue
      }
      results.append(anonymous ? stored.anonymous : stored)
      objects.formUnion(named)
    }
    // Sent from a folder of links, so that objects of stores behind this one go too.
    let folder = try store.temporaryFolder()
    defer { store.removeTemporary(folder) }
    let present = try list("objects", in: store)
    var names: [String] = []
    for digest in objects.sorted() {
      let name = "objects/\(digest.hex.prefix(2))/\(digest.hex)"
      let size = store.objectSize(digest) ?? 0
      if present[name] == size { continue }
      // rclone would call a half object changed and refuse it.
      if present[name] != nil { _ = try run(["deletefile", file(name)], in: store) }
      // What is damaged here must not spread.
      guard try store.hasDigest(digest) else { throw .objectDamaged(digest.hex) }
      try FileAccess.makeFolder(FileAccess.folder(of: "\(folder)/\(name)"))
      symlink(store.objectPath(digest), "\(folder)/\(name)")
      names.append(name)
      report.objects += 1
      report.bytes += size
    }
    if format == nil || format == "" {
      try write(Array(Store.formatText.utf8), to: "\(folder)/format")
      names.insert("format", at: 0)
    }
    try copy(
      names, from: folder, to: address, in: store, isVisible: isVisible)
    let arrived = try list("objects", in: store)
    for name in names where name != "format" {
      let size = FileStatus(of: "\(folder)/\(name)")?.size
      guard let found = arrived[name], found == size else {
        throw .remoteFailed("rclone copy \(address)", "'\(name)' did not arrive whole")
      }
    }
    var last: [String] = []
    for stored in results {
      let hex = stored.result.key.hex
      let name = "actions/\(hex.prefix(2))/\(hex)"
      try FileAccess.makeFolder(FileAccess.folder(of: "\(folder)/\(name)"))
      try write(Array(stored.text.utf8), to: "\(folder)/\(name)")
      last.append(name)
      report.results += 1
    }
    try copy(last, from: folder, to: address, in: store, isVisible: false)
    return report
  }

  private func write(_ bytes: [UInt8], to path: String) throws(Diagnostic) {
    let file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL, mode: 0o644)
    try file.write(bytes, path)
  }

  // MARK: Pull

  /// Fetches results with all that they name; all of the remote's where no keys are given. What arrives
  /// is checked in a store of its own before it lands.
  public func pull(
    _ keys: [Digest]?, to store: Store, isVisible: Bool = false
  ) throws(Diagnostic) -> TransferReport {
    let there = try list("actions", in: store)
    let wanted = Set(keys ?? [])
    var fetched: [Digest] = []
    var report = TransferReport()
    for name in there.keys.sorted() {
      guard let key = Digest(hex: FileAccess.name(of: name)),
        name == "actions/\(key.hex.prefix(2))/\(key.hex)", keys == nil || wanted.contains(key)
      else { continue }
      if case .hit = store.lookUp(key) { report.known += 1 } else { fetched.append(key) }
    }
    let staging = try Store(
      at: "\(store.path)/tmp/pull-\(Digest.of(address).hex.prefix(16))", cacheFolder: nil)
    do throws(Diagnostic) {
      try fetch(fetched, &report, staging, to: store, isVisible: isVisible)
    } catch {
      // What arrived is kept for the next attempt, unless it was wrong.
      if error.id != "store-remote-failed" { FileAccess.remove(staging.path) }
      throw error
    }
    FileAccess.remove(staging.path)
    return report
  }

  private func fetch(
    _ fetched: [Digest], _ report: inout TransferReport, _ staging: Store, to store: Store,
    isVisible: Bool
  ) throws(Diagnostic) {
    try copy(
      fetched.map { "actions/\($0.hex.prefix(2))/\($0.hex)" }, from: address, to: staging.path,
      in: store, isVisible: false)
    var trees: [String] = []
    var blobs: [String] = []
    func name(_ digest: Digest) -> String { "objects/\(digest.hex.prefix(2))/\(digest.hex)" }
    var whole: [Digest] = []
    for key in fetched {
      guard let stored = staging.storedResult(key) else {
        report.damaged.append(key)
        continue
      }
      whole.append(key)
      blobs.append(name(stored.result.record))
      for (_, reference) in stored.result.outputs {
        if case .tree(let digest) = reference { trees.append(name(digest)) }
        if case .blob(let digest) = reference { blobs.append(name(digest)) }
      }
    }
    try copy(trees, from: address, to: staging.path, in: store, isVisible: false)
    for key in whole {
      for (_, reference) in staging.storedResult(key)?.result.outputs ?? [] {
        guard case .tree(let digest) = reference, let tree = try? staging.tree(digest) else {
          continue
        }
        blobs += tree.entries.map { name($0.digest) }
      }
    }
    let missing = Set(blobs).filter { path in
      guard let digest = Digest(hex: FileAccess.name(of: path)), let size = store.objectSize(digest)
      else { return true }
      // It is here already: what is to be checked is linked, not fetched.
      FileAccess.prepareFolder(of: "\(staging.path)/\(path)")
      return size < 0 || link(store.objectPath(digest), "\(staging.path)/\(path)") != 0
    }
    try copy(
      missing.sorted(), from: address, to: staging.path, in: store, isVisible: isVisible)
    let copied = try staging.copy(whole, to: store, lanes: lanes)
    report.results += copied.results
    report.objects += copied.objects
    report.bytes += copied.bytes
    report.known += copied.known
    report.differing += copied.differing
    report.damaged += copied.damaged
  }
}

extension Store {
  /// Whether the bytes of an object, wherever it is read, have its digest.
  func hasDigest(_ digest: Digest) throws(Diagnostic) -> Bool {
    let path = objectPath(digest)
    let file = try Descriptor(opening: path, O_RDONLY | O_NONBLOCK)
    return try hash(file, path, copyTo: nil).0 == digest
  }
}

extension FileAccess {
  /// The folder of a file, as far as it can be made.
  static func prepareFolder(of path: String) { try? makeFolder(folder(of: path)) }
}
