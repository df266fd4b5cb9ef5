import CanonicalJSON
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct LeaseTests {
  private let key = Digest.of("key")

  @Test func oneMakerAtATime() throws {
    let space = try Workspace()
    let lease = try #require(try space.store.claim(key, label: "train[seed=1]"))
    #expect(try space.store.claim(key, label: "second") == nil)
    #expect(try space.reopened().claim(key, label: "third") == nil)
    #expect(try space.store.claim(.of("other"), label: "other key") != nil)
    let holder = try #require(space.store.holder(of: key))
    #expect(holder.label == "train[seed=1]")
    #expect(holder.pid == Int(getpid()) && holder.isAlive == true)
    #expect(!lease.isLost)
    lease.release()
    lease.release()
    #expect(space.store.holder(of: key) == nil)
    #expect(try space.store.claim(key, label: "next") != nil)
  }

  @Test func aForgottenLeaseIsReleased() throws {
    let space = try Workspace()
    do { _ = try #require(try space.store.claim(key, label: "short")) }
    #expect(try space.store.claim(key, label: "next") != nil)
  }

  @Test func onlyOneOfManyWins() async throws {
    let space = try Workspace()
    for round in 0..<20 {
      let key = Digest.of("round \(round)")
      // Half of the rounds begin with the lease of a dead process.
      if round % 2 == 0 { try writeLease(space, key, dead()) }
      let leases = try await withThrowingTaskGroup(of: Lease?.self) { group in
        for index in 0..<8 {
          group.addTask { try space.reopened().claim(key, label: "\(index)") }
        }
        return try await group.reduce(into: [Lease]()) { if let lease = $1 { $0.append(lease) } }
      }
      #expect(leases.count <= 1)
      #expect(leases.filter { !$0.isLost }.count == leases.count)
      // Who breaks a dead lease may have told all others to wait; the next one who asks gets it.
      if leases.isEmpty { #expect(try space.store.claim(key, label: "late") != nil) }
    }
  }

  /// A worker that is killed between publishing and tidying up.
  @Test func whatTheDeadLeftIsSwept() throws {
    let space = try Workspace()
    let (published, _) = try space.publish(
      "e", outputs: [("out", try space.store.put(Array("text".utf8)))])
    for key in [published, key] {
      try writeLease(space, key, dead())
      _ = try space.store.workFolder(for: key)
    }
    let living = try #require(try space.store.claim(.of("living"), label: "living"))
    space.store.sweepLeases()
    #expect(try space.files("leases") == [living.key.hex])
    let work = { (key: Digest) in "\(space.store.path)/work/\(key.hex.prefix(2))/\(key.hex)" }
    #expect(FileStatus(of: work(published)) == nil)
    #expect(FileStatus(of: work(key)) != nil, "what is not finished goes on from there")
    living.release()
  }

  /// Same host and boot, but the process has gone, or its number belongs to another one.
  @Test func deadHoldersAreReplacedAtOnce() throws {
    let space = try Workspace()
    let here = ProcessIdentity.current
    let reused = ProcessIdentity(
      host: here.host, boot: here.boot, namespace: here.namespace, pid: here.pid,
      start: here.start - 1)
    for process in [dead(), reused] {
      try writeLease(space, key, process)
      #expect(space.store.holder(of: key)?.isAlive == false)
      let lease = try #require(try space.store.claim(key, label: "next"))
      #expect(!lease.isLost)
      lease.release()
    }
    #expect(try space.files("leases") == [])
  }

  /// A process of another host: time alone decides, on the waiter's own clock.
  @Test(arguments: ["host", "boot", "namespace"])
  func silentHoldersAreReplacedInTime(_ what: String) throws {
    let space = try Workspace()
    let here = ProcessIdentity.current
    let other = ProcessIdentity(
      host: what == "host" ? "elsewhere" : here.host, boot: what == "boot" ? "b" : here.boot,
      namespace: what == "namespace" ? "n" : here.namespace, pid: here.pid, start: here.start)
    let file = try writeLease(space, key, other, ttl: 0.2)
    // The file's own times mean nothing: clocks of two hosts are never compared.
    space.age(file, seconds: 86_400)
    #expect(space.store.holder(of: key)?.isAlive == nil)
    #expect(try space.store.claim(key, label: "first look") == nil)
    usleep(200_000)
    #expect(try space.store.claim(key, label: "too early") == nil)
    // A heartbeat starts the time anew.
    space.age(file, seconds: 86_399)
    usleep(150_000)
    #expect(try space.store.claim(key, label: "alive again") == nil)
    usleep(320_000)
    #expect(try space.store.claim(key, label: "now") != nil)
  }

  @Test func theHeartBeats() throws {
    let space = try Workspace()
    let lease = try #require(try space.store.claim(key, label: "beating", ttl: 0.15))
    let waiter = try space.reopened()
    for _ in 0..<20 {
      #expect(try waiter.claim(key, label: "waiter") == nil)
      usleep(30_000)
    }
    #expect(!lease.isLost)
  }

  /// Somebody took the key over: release must not remove what is now another's.
  @Test func aLostLeaseLeavesTheNewOneAlone() throws {
    let space = try Workspace()
    let lost = try #require(try space.store.claim(key, label: "lost"))
    unlink(space.store.leasePath(key))
    let new = try #require(try space.reopened().claim(key, label: "new"))
    #expect(lost.isLost && !new.isLost)
    lost.release()
    #expect(!new.isLost)
    #expect(space.store.holder(of: key)?.label == "new")
  }

  /// The later of two waiters that both saw the same dead lease must not break the fresh one.
  @Test func aMarkerKeepsTheSecondBreakerOut() throws {
    let space = try Workspace()
    let file = try writeLease(space, key, dead())
    let nonce = try #require(try LeaseLook(at: file)).nonce
    let marker = "\(file).\(Digest.of(nonce).hex.prefix(16)).breaking"
    // Another waiter that lives is breaking it.
    let living = LeaseClaim(process: .current, label: "breaking", ttl: 60)
    try space.write(
      "store/leases/" + FileAccess.name(of: marker), String(decoding: living.bytes, as: UTF8.self))
    #expect(try space.store.claim(key, label: "second breaker") == nil)
    #expect(FileStatus(of: marker) != nil)
    // It died before it was done.
    let gone = LeaseClaim(process: dead(), label: "breaking", ttl: 60)
    try space.write(
      "store/leases/" + FileAccess.name(of: marker), String(decoding: gone.bytes, as: UTF8.self))
    _ = try space.store.claim(key, label: "removes the marker")
    #expect(try space.store.claim(key, label: "breaks the lease") != nil)
    #expect(try space.files("leases").filter { $0.hasSuffix("breaking") } == [])
  }

  @Test(arguments: [
    "", "{", "null", "{\"host\":1}", "{\"pid\":1e300}", String(repeating: "x", count: 100_000),
  ])
  func hostileLeasesOnlyCostTime(_ text: String) throws {
    let space = try Workspace()
    try space.write("store/leases/\(key)", text)
    #expect(space.store.holder(of: key)?.isAlive == nil)
    #expect(try space.store.claim(key, label: "x") == nil)
    // 90 s on the waiter's clock; here the clock is helped along.
    let path = space.store.leasePath(key)
    space.store.sightings.withLock {
      $0[path] = LeaseSighting(look: $0[path]!.look, since: $0[path]!.since - 91)
    }
    #expect(try space.store.claim(key, label: "x") != nil)
  }

  @Test func aHostileTimeToLiveIsBounded() throws {
    for (written, read) in [(1e300, 600.0), (-5, 0.05), (0, 0.05), (60, 60)] {
      let claim = LeaseClaim(process: .current, label: "", ttl: written)
      #expect(LeaseClaim(parsing: claim.bytes)?.ttl == read)
    }
    for pid in [0, -1, Int.min, Int.max] {
      let here = ProcessIdentity.current
      let process = ProcessIdentity(
        host: here.host, boot: here.boot, namespace: here.namespace, pid: pid, start: 1)
      #expect(process.isAlive == false)
    }
  }

  /// A process number beyond the largest that Linux gives.
  private func dead() -> ProcessIdentity {
    let here = ProcessIdentity.current
    return ProcessIdentity(
      host: here.host, boot: here.boot, namespace: here.namespace, pid: 4_194_305, start: 1)
  }

  @discardableResult
  private func writeLease(
    _ space: Workspace, _ key: Digest, _ process: ProcessIdentity, ttl: Double = 60
  ) throws -> String {
    let claim = LeaseClaim(process: process, label: "fake", ttl: ttl)
    return try space.write("store/leases/\(key)", String(decoding: claim.bytes, as: UTF8.self))
  }
}
