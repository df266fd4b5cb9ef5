// Stores reached by rclone: its local file system, its own WebDAV and SFTP servers on the loopback
// device, and S3 as moto plays it.
// Without rclone the tests are skipped.

import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

private let hasRclone = (["/usr/bin/rclone", "/usr/local/bin/rclone"] as [String]).contains {
  path in
  Glibc.access(path, X_OK) == 0
}

@Suite(.serialized, .enabled(if: hasRclone, "rclone is not installed")) struct RemoteTests {
  private func exchange(_ remote: RemoteStore, _ space: Workspace) throws {
    let keys = try ["a", "b", "c"].map { try space.publishExample($0) }
    let sent = try remote.push(keys, from: space.store, anonymous: true)
    #expect(sent.results == 3 && sent.damaged.isEmpty)
    let again = try remote.push(keys, from: space.store)
    #expect(again.results == 0 && again.objects == 0 && again.known == 3)

    let other = try Workspace()
    let one = try remote.pull([keys[1]], to: other.store)
    #expect(one.results == 1 && other.store.lookUp(keys[1]).isHit)
    let rest = try remote.pull(nil, to: other.store)
    #expect(rest.results == 2 && rest.known == 1)
    for key in keys { #expect(other.store.lookUp(key).isHit) }
    #expect(try other.store.verify().isClean)
    #expect(try other.files("tmp") == [])
  }

  @Test func aFolder() throws {
    let space = try Workspace()
    let remote = RemoteStore(address: space.path + "/remote/")
    try exchange(remote, space)
    // What lies there is a store.
    let there = try Store(at: space.path + "/remote", cacheFolder: nil)
    let report = try there.verify(repair: true)
    #expect(report.isClean && report.results == 3)
  }

  @Test func whatWasTamperedWithDoesNotLand() throws {
    let space = try Workspace()
    let key = try space.publishExample("a")
    let good = try space.publishExample("b")
    let remote = RemoteStore(address: space.path + "/remote")
    _ = try remote.push([key, good], from: space.store)
    let hex = Digest.of("text of a").hex
    let path = "remote/objects/\(hex.prefix(2))/\(hex)"
    chmod(space.path + "/" + path, 0o644)
    try space.write(path, "TEXT of a")
    let other = try Workspace()
    let refusal = id { _ = try remote.pull([key], to: other.store) }
    #expect(refusal == "store-copy-damaged")
    #expect(other.store.lookUp(key).isMiss)
    #expect(try remote.pull([good], to: other.store).results == 1)
    // Half an object that an interrupted push left is sent anew; a result without it does not land.
    unlink(space.path + "/" + path)
    try space.write(path, "TEX")
    #expect(try remote.pull([key], to: other.store).damaged == [key])
    #expect(try other.store.verify().isClean)
  }

  @Test func anInterruptedPushGoesOn() throws {
    let space = try Workspace()
    let key = try space.publishExample("a")
    let remote = RemoteStore(address: space.path + "/remote")
    _ = try remote.push([key], from: space.store)
    // As if it had ended before the result and in the middle of an object.
    let text = Digest.of("text of a").hex
    unlink("\(space.path)/remote/actions/\(key.hex.prefix(2))/\(key)")
    unlink("\(space.path)/remote/objects/\(text.prefix(2))/\(text)")
    try space.write("remote/objects/\(text.prefix(2))/\(text)", "te")
    let report = try remote.push([key], from: space.store)
    #expect(report.results == 1 && report.objects == 1)
    let other = try Workspace()
    #expect(try remote.pull(nil, to: other.store).results == 1)
  }

  /// Starts a server, waits until it answers rclone, exchanges results through it, and ends it.
  private func exchange(
    through server: String, _ address: String, _ flags: [String], _ space: Workspace
  ) throws {
    let server = try Shell("exec \(server) > \(space.path)/server.log 2>&1")
    defer {
      // moto does not hear SIGTERM.
      kill(server.pid, SIGKILL)
      server.wait()
    }
    let bucket = address.prefix(while: { $0 != "/" })
    let words = flags.map { "'\($0)'" }.joined(separator: " ")
    // rclone 1.60 cannot reach S3 where this variable is set.
    let program = ["env", "-u", "AWS_CA_BUNDLE", "rclone"]
    let question = "\(program.joined(separator: " ")) mkdir '\(bucket)' \(words) --retries 1"
    var answers = false
    for _ in 0..<200 where !answers {
      answers = try Shell(question + " > /dev/null 2>&1").wait() == 0
      if !answers { usleep(50_000) }
    }
    try #require(answers, "the server does not answer: see \(space.path)/server.log")
    try exchange(RemoteStore(address: address, program: program + flags), space)
  }

  private static func port(_ offset: Int) -> Int { 20_000 + (Int(getpid()) * 4 + offset) % 20_000 }

  @Test func aWebDAVServer() throws {
    let space = try Workspace()
    mkdir(space.path + "/served", 0o755)
    let port = Self.port(0)
    try exchange(
      through: "rclone serve webdav \(space.path)/served --addr 127.0.0.1:\(port)",
      ":webdav:artifacts",
      ["--webdav-url", "http://127.0.0.1:\(port)", "--webdav-vendor", "other"], space)
  }

  @Test func anSFTPServer() throws {
    let space = try Workspace()
    mkdir(space.path + "/served", 0o755)
    let port = Self.port(1)
    // rclone wants the password in its own disguise; this is "secret".
    let disguised = try Shell("rclone obscure secret > \(space.path)/disguised").wait()
    #expect(disguised == 0)
    let password = try space.read(space.path + "/disguised").split(separator: "\n")[0]
    try exchange(
      through: "rclone serve sftp \(space.path)/served --addr 127.0.0.1:\(port) "
        + "--user someone --pass secret --cache-dir \(space.path)/cache",
      ":sftp:group/artifacts",
      [
        "--sftp-host", "127.0.0.1", "--sftp-port", "\(port)", "--sftp-user", "someone",
        "--sftp-pass", String(password),
      ], space)
  }

  /// moto stands in for Amazon's S3: `pip install 'moto[server]'`, and PLUMB_MOTO names moto_server.
  @Test(.enabled(if: getenv("PLUMB_MOTO") != nil, "PLUMB_MOTO names no moto_server"))
  func anS3Bucket() throws {
    let space = try Workspace()
    let port = Self.port(2)
    try exchange(
      through: "\(String(cString: getenv("PLUMB_MOTO"))) -H 127.0.0.1 -p \(port)",
      ":s3:group-bucket/artifacts",
      [
        "--s3-provider", "Other", "--s3-endpoint", "http://127.0.0.1:\(port)",
        "--s3-access-key-id", "some", "--s3-secret-access-key", "secret",
        "--s3-force-path-style",
      ], space)
  }

  @Test func failuresAreSaid() throws {
    let space = try Workspace()
    let key = try space.publishExample("a")
    let absent = RemoteStore(address: "nowhere-at-all:bucket")
    #expect(id { _ = try absent.push([key], from: space.store) } == "store-remote-failed")
    let missing = RemoteStore(address: "x:", program: ["no-such-program-here"])
    #expect(id { _ = try missing.pull(nil, to: space.store) } == "store-remote-failed")
  }
}
