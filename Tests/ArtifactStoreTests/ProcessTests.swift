// The same store used by several processes at once, some of which are killed.

import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct ProcessTests {
  /// What every child does: make or reuse twenty keys, some of them shared by all children.
  static func work(_ workspace: String, _ number: Int) throws {
    let store = try Store(at: workspace + "/store", cacheFolder: nil)
    for round in 0..<20 {
      let record = try ActionRecord(
        kind: "shared", revision: 1, engine: 1, parameters: [("round", .integer(round))],
        inputs: [], files: [])
      if case .hit = store.lookUp(record.key) { continue }
      guard let lease = try store.claim(record.key, label: "\(number)") else { continue }
      if case .hit = store.lookUp(record.key) { continue }
      let folder = try store.temporaryFolder()
      for part in 0..<4 {
        let path = "\(folder)/\(part)"
        let file = open(path, O_WRONLY | O_CREAT, 0o644)
        let bytes = [UInt8](repeating: UInt8(part), count: 1000 * (round % 3 + 1))
        try #require(write(file, bytes, bytes.count) == bytes.count)
        close(file)
      }
      let output = try store.put(folderAt: folder, consuming: true)
      let result = ActionResult(
        key: record.key, outputs: [("out", output)], record: try store.put(record),
        provenance: .object(["child": .integer(number)]))
      let outcome = try store.publish(result)
      try #require(outcome == .published || outcome == .identical)
      lease.release()
    }
  }

  @Test func manyProcessesPublishAtOnce() async throws {
    let space = try Workspace()
    let path = space.path
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<4 {
        group.addTask {
          await #expect(processExitsWith: .success) {
            [path = path as String, number = number as Int] in
            try ProcessTests.work(path, number)
          }
        }
      }
      try await group.waitForAll()
    }
    try ProcessTests.work(path, 99)
    let report = try space.store.verify()
    #expect(report.isClean && report.results == 20 && report.evidence == 0, "\(report.problems)")
    #expect(try space.files("leases") == [])
    _ = try space.reopened()
    #expect(try space.files("tmp") == [])
  }

  /// Processes that are killed at any moment leave a store in which the next one succeeds at once.
  @Test func killedProcessesHarmNothing() async throws {
    let space = try Workspace()
    let path = space.path
    for delay in [500, 3000, 8000, 20_000, 45_000] {
      await #expect(processExitsWith: .signal(SIGKILL)) {
        [path = path as String, delay = delay as Int] in
        let box = UnsafeMutablePointer<Int>.allocate(capacity: 1)
        box.pointee = delay
        var thread = pthread_t()
        pthread_create(
          &thread, nil,
          { box in
            usleep(useconds_t(box!.load(as: Int.self)))
            kill(getpid(), SIGKILL)
            return nil
          }, box)
        while true { try ProcessTests.work(path, delay) }
      }
      let report = try space.store.verify()
      #expect(report.isClean, "\(report.problems)")
    }
    // The dead hold no key and no temporary file.
    try ProcessTests.work(path, 0)
    #expect(try space.store.verify().results == 20)
    _ = try space.reopened()
    #expect(try space.files("tmp") == [])
  }

  /// A holder that is stopped, not dead, loses its key in time; awake again, it leaves the new
  /// holder alone.
  @Test func aStoppedHolderIsReplacedInTime() throws {
    let space = try Workspace()
    let sleeper = try Shell("exec sleep 60")
    defer {
      kill(sleeper.pid, SIGKILL)
      sleeper.wait()
    }
    let key = Digest.of("stopped")
    let identity = try #require(ProcessIdentity(of: Int(sleeper.pid)))
    let claim = LeaseClaim(process: identity, label: "sleeper", ttl: 0.2)
    try space.write("store/leases/\(key)", String(decoding: claim.bytes, as: UTF8.self))
    #expect(space.store.holder(of: key)?.isAlive == true)
    #expect(try space.store.claim(key, label: "waiter") == nil)
    usleep(320_000)
    #expect(try space.store.claim(key, label: "waiter") != nil)
  }

  /// A killed holder is replaced at once, even before anybody has waited for it.
  @Test func aKilledHolderIsReplacedAtOnce() throws {
    let space = try Workspace()
    let sleeper = try Shell("exec sleep 60")
    let key = Digest.of("killed")
    let identity = try #require(ProcessIdentity(of: Int(sleeper.pid)))
    let claim = LeaseClaim(process: identity, label: "sleeper", ttl: 60)
    try space.write("store/leases/\(key)", String(decoding: claim.bytes, as: UTF8.self))
    #expect(try space.store.claim(key, label: "waiter") == nil)
    kill(sleeper.pid, SIGKILL)
    while space.store.holder(of: key)?.isAlive == true { usleep(1000) }
    let lease = try space.store.claim(key, label: "waiter")
    #expect(lease != nil)
    sleeper.wait()
    #expect(lease?.isLost == false)
  }
}
