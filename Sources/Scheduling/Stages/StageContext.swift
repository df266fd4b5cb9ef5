// What a stage body sees: its parameters, inputs, outputs, declared files, and ways to report and to
// resume. Everything that can change what it makes stands in its action record. Built by Worker.swift.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Randomness
import Synchronization

public final class StageContext: Sendable {
  public let parameters: Parameters
  /// How many threads the body may use. Bits must not depend on it.
  public let threads: Int
  /// Files of the kind's folder that its `stage.yaml` declares: relative path → absolute path.
  public let declaredFiles: [String: String]
  /// A folder that survives a kill until the stage is published. Write temp + fsync + rename.
  public let resumeFolder: String

  private let inputArtifacts: [String: [InputArtifact]]
  private let outputArtifacts: [String: OutputArtifact]
  private let store: Store?
  private let reporter: ProgressReporter
  private let stop: StopFlag
  private let lastCheckpoint: Mutex<ContinuousClock.Instant>
  private let checkpointSeconds: Double

  /// The worker makes contexts; tests of stage bodies may too.
  ///
  /// - Parameters:
  ///   - inputs: every input port of the definition, with no item where it is left empty.
  ///   - store: where `memo` looks; nil makes every memo anew in `resumeFolder`.
  public init(
    parameters: Parameters, inputs: [String: [InputArtifact]], outputs: [String: OutputArtifact],
    declaredFiles: [String: String] = [:], resumeFolder: String, threads: Int = 1,
    store: Store? = nil, reporter: ProgressReporter = ProgressReporter(descriptor: nil),
    stop: StopFlag = StopFlag(), checkpointSeconds: Double = 60
  ) {
    self.parameters = parameters
    inputArtifacts = inputs
    outputArtifacts = outputs
    self.declaredFiles = declaredFiles
    self.resumeFolder = resumeFolder
    self.threads = threads
    self.store = store
    self.reporter = reporter
    self.stop = stop
    self.checkpointSeconds = checkpointSeconds
    lastCheckpoint = Mutex(.now)
  }

  // MARK: Inputs and outputs

  /// The artifact of a single port.
  public func input(_ port: String) -> InputArtifact {
    guard let artifact = optionalInput(port) else {
      preconditionFailure("the input '\(port)' is empty: its stage.yaml must not make it optional")
    }
    return artifact
  }

  /// The artifact of a single port, nil where it is left empty.
  public func optionalInput(_ port: String) -> InputArtifact? {
    let items = inputs(port)
    precondition(items.count <= 1, "the port '\(port)' is a list of \(items.count): use inputs(_:)")
    return items.first
  }

  /// The items of a list port in the order of the record.
  public func inputs(_ port: String) -> [InputArtifact] {
    guard let items = inputArtifacts[port] else {
      preconditionFailure(
        "the stage body asks for the input '\(port)', its stage.yaml gives "
          + inputArtifacts.keys.sorted(by: bytesPrecede).joined(separator: ", "))
    }
    return items
  }

  public func output(_ port: String) -> OutputArtifact {
    guard let output = outputArtifacts[port] else {
      preconditionFailure(
        "the stage body writes the output '\(port)', its stage.yaml gives "
          + outputArtifacts.keys.sorted(by: bytesPrecede).joined(separator: ", "))
    }
    return output
  }

  /// The absolute path of a file that `stage.yaml` declares under `files:`.
  ///
  /// **Throws**: `declared-file-missing`.
  public func declaredFile(_ path: String) throws(Diagnostic) -> String {
    guard let absolute = declaredFiles[path] else {
      throw .declaredFileMissing(path, existing: declaredFiles.keys.sorted(by: bytesPrecede))
    }
    return absolute
  }

  /// Sizes and digests of an artifact's files as its listing has them, by logical path: nothing is
  /// read. nil without a store.
  ///
  /// **Throws**: `store-object-missing`, `store-tree-damaged`.
  public func listing(
    of artifact: InputArtifact
  ) throws(Diagnostic) -> [String: (size: Int, digest: Digest)]? {
    guard let store, case .tree(let digest) = artifact.reference else { return nil }
    let entries = try store.tree(digest).entries
    return Dictionary(uniqueKeysWithValues: entries.map { ($0.path, ($0.size, $0.digest)) })
  }

  /// Makes an object of the store a file of an output: nothing is copied, hashed or written.
  ///
  /// - Parameter file: of `listing(of:)`.
  /// - Returns: false where there is no store or it lacks the object; then write the file.
  public func link(
    _ file: (size: Int, digest: Digest), as name: String, of output: OutputArtifact
  ) -> Bool {
    guard let store, store.contains(.blob(file.digest)) else { return false }
    output.link(Tree.Entry(path: name, size: file.size, digest: file.digest))
    return true
  }

  // MARK: Randomness

  /// A named stream of the parameter `seed`: a new draw elsewhere moves nothing here.
  public func random(_ name: String) -> RandomStream {
    RandomStream(seed: parameters.integer("seed"), name: name)
  }

  // MARK: Reporting

  /// Says how far the body is; call it as often as you like, about ten a second get through.
  ///
  /// - Parameters:
  ///   - rate: in `unit` per second.
  public func progress(
    step: Int, of total: Int?, loss: Double? = nil, rate: Double? = nil, unit: String? = nil,
    note: String? = nil
  ) {
    reporter.report(
      Progress(step: step, of: total, loss: loss, rate: rate, unit: unit, note: note))
  }

  /// A line into the instance's log.
  public func log(_ line: String) { reporter.log(line) }

  // MARK: Stopping and resuming

  /// True once the worker was asked to end: save a checkpoint and throw `.interrupted`.
  public var isStopping: Bool { stop.isSet }

  /// True when `PLUMB_CHECKPOINT_SECONDS` (60) have passed since it was last true or since the
  /// start, and always while stopping.
  public func checkpointDue() -> Bool {
    if isStopping { return true }
    return lastCheckpoint.withLock { last in
      guard last.duration(to: .now) >= .seconds(checkpointSeconds) else { return false }
      last = .now
      return true
    }
  }

  // MARK: Inner actions

  /// An inner action: the same records and the same cache as stages have, for a part of the work
  /// that other runs may share (one image of ten thousand).
  ///
  /// - Parameters:
  ///   - facts: everything but `inputs` that decides what `make` writes.
  ///   - make: writes files into the empty folder it is given.
  /// - Returns: the folder's files, from the store.
  public func memo(
    kind: String, revision: Int, facts: [(String, JSONValue)], inputs: [ObjectReference],
    make: (_ folder: String) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> InputArtifact {
    guard let store else { return try memoWithoutStore(kind: kind, make: make) }
    return try InnerAction(
      kind: kind, revision: revision, facts: facts, inputs: inputs, store: store
    ).result(make)
  }

  private func memoWithoutStore(
    kind: String, make: (String) throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> InputArtifact {
    let folder = resumeFolder + "/memo-" + kind + "-" + UUID().uuidString
    try createFolder(folder)
    try make(folder)
    var files: [String: String] = [:]
    for name in FileManager.default.enumerator(atPath: folder)?.compactMap({ $0 as? String }) ?? []
    {
      var isFolder: ObjCBool = false
      let path = folder + "/" + name
      if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), !isFolder.boolValue {
        files[name] = path
      }
    }
    return InputArtifact(
      port: kind, reference: .tree(Digest.of(Array(folder.utf8))), files: files)
  }
}

/// Set once, from any thread: the worker was asked to end.
public final class StopFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  public init() {}

  public var isSet: Bool { flag.load(ordering: .relaxed) }
  public func set() { flag.store(true, ordering: .relaxed) }
}
