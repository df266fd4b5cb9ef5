// Bundles: what goes in comes out; what was tampered with is refused whole, and the store stays as it was.

import CanonicalJSON
import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

/// A bundle taken apart.
private struct Parts {
  var members: [(name: String, bytes: [UInt8])]

  init(_ archive: [UInt8]) {
    members = []
    var at = 0
    while at + 512 <= archive.count {
      guard case .success(let member) = BundleArchive.read(Array(archive[at..<at + 512])) else {
        break
      }
      members.append((member.name, Array(archive[at + 512..<at + 512 + member.size])))
      at += 512 + member.size + BundleArchive.padding(member.size)
    }
  }

  var bytes: [UInt8] {
    var out: [UInt8] = []
    for (name, bytes) in members {
      out += BundleArchive.header(name, size: bytes.count) + bytes
      out += [UInt8](repeating: 0, count: BundleArchive.padding(bytes.count))
    }
    return out + [UInt8](repeating: 0, count: 1024)
  }

  func index(_ prefix: String) -> Int { members.firstIndex { $0.name.hasPrefix(prefix) }! }

  /// Puts an object in under its true name.
  mutating func add(object text: String) -> Digest {
    let digest = Digest.of(text)
    members.append(("objects/\(digest.hex.prefix(2))/\(digest.hex)", Array(text.utf8)))
    return digest
  }

  /// Sorted, with a fitting head.
  mutating func settle() {
    members.sort { a, b in
      func place(_ name: String) -> String {
        name == "bundle.json" ? "" : name.hasPrefix("objects/") ? "0" + name : "1" + name
      }
      return bytesPrecede(place(a.name), place(b.name))
    }
    let objects = members.filter { $0.name.hasPrefix("objects/") }
    let head: JSONValue = .object([
      "bundle": 1, "objects": .integer(objects.count),
      "bytes": .integer(objects.reduce(0) { $0 + $1.bytes.count }),
      "results": .integer(members.count { $0.name.hasPrefix("actions/") }),
    ])
    members[0].bytes = head.canonicalBytes
  }

  /// Replaces the result by one that says something else, under a key that may be chosen.
  mutating func forge(_ change: (String) -> String) {
    let index = index("actions/")
    members[index].bytes = Array(
      change(String(decoding: members[index].bytes, as: UTF8.self)).utf8)
  }

  /// A result for a tree object with these bytes, with a record of its own.
  mutating func addResult(tree text: String) {
    let record = try! ActionRecord(
      kind: "forged", revision: 1, engine: 1, parameters: [("n", .string(text))], inputs: [],
      files: [])
    let digest = add(object: text)
    let recordDigest = add(object: record.text)
    let stored = StoredResult(
      ActionResult(
        key: record.key, outputs: [("out", .tree(digest))], record: recordDigest,
        provenance: .object([:])),
      sizes: [text.utf8.count], recordSize: record.text.utf8.count)
    members.append(
      ("actions/\(record.key.hex.prefix(2))/\(record.key.hex)", Array(stored.text.utf8)))
    settle()
  }

  /// Changes a byte of a header and mends its checksum.
  func header(_ member: String, _ change: (inout [UInt8]) -> Void) -> [UInt8] {
    var out: [UInt8] = []
    for (name, bytes) in members {
      var header = BundleArchive.header(name, size: bytes.count)
      if name.hasPrefix(member), out.isEmpty || !member.isEmpty {
        change(&header)
        for index in 148..<156 { header[index] = 32 }
        let sum = String(header.reduce(0) { $0 + Int($1) }, radix: 8)
        let text = String(repeating: "0", count: 6 - sum.count) + sum + "\0 "
        for (index, byte) in text.utf8.enumerated() { header[148 + index] = byte }
      }
      out += header + bytes + [UInt8](repeating: 0, count: BundleArchive.padding(bytes.count))
    }
    return out + [UInt8](repeating: 0, count: 1024)
  }
}

@Suite struct BundleTests {
  @Test func whatGoesInComesOut() throws {
    let space = try Workspace()
    let other = try Workspace()
    let keys = try ["a", "b"].map { try space.publishExample($0) }
    let file = space.path + "/hand-over.tar"
    let made = try space.store.bundle(keys, to: file, anonymous: true)
    #expect(made.results == 2 && made.damaged.isEmpty)
    #expect(id { _ = try space.store.bundle(keys, to: file) } == "store-would-overwrite")
    let taken = try other.store.unbundle(file)
    #expect(taken.results == 2 && taken.objects == made.objects && taken.bytes == made.bytes)
    for key in keys { #expect(other.store.lookUp(key).isHit) }
    #expect(try other.store.verify().isClean)
    #expect(try other.store.unbundle(file).known == 2)
    #expect(try other.files("tmp") == [])
    // Any tar can look into it, and the same results give the same bytes.
    #expect(try Shell("tar tf \(file) > /dev/null").wait() == 0)
    _ = try space.store.bundle(keys.reversed(), to: file + "2", anonymous: true)
    #expect(try space.read(file) == space.read(file + "2"))
  }

  private static let tree = "plumb.tree/1\n"
  private static func line(_ path: String, _ type: String = "file", _ size: Int = 1) -> String {
    tree + "[\"\(path)\",\"\(type)\",\(size),\"\(Digest.of("x"))\"]\n"
  }

  /// Each turns a good bundle into a bad one.
  private static let attacks:
    [(name: String, attack: @Sendable (inout Parts, [UInt8]) -> [UInt8])] = [
      ("empty file", { _, _ in [] }),
      ("one byte", { _, _ in [0] }),
      ("only zeros", { _, _ in [UInt8](repeating: 0, count: 1024) }),
      ("text", { _, _ in Array(String(repeating: "hello\n", count: 256).utf8) }),
      ("gzip", { _, good in [0x1F, 0x8B] + good.dropFirst(2) }),
      ("bzip2", { _, good in Array("BZh".utf8) + good.dropFirst(3) }),
      ("xz", { _, good in [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0] + good.dropFirst(6) }),
      ("zstd", { _, good in [0x28, 0xB5, 0x2F, 0xFD] + good.dropFirst(4) }),
      ("zip", { _, good in [0x50, 0x4B, 3, 4] + good.dropFirst(4) }),
      ("cut in the middle", { _, good in Array(good[..<(good.count / 1024 * 512)]) }),
      ("cut within a block", { _, good in Array(good.dropLast(100)) }),
      ("without its end", { _, good in Array(good.dropLast(1024)) }),
      ("something after its end", { _, good in good + [UInt8](repeating: 7, count: 512) }),
      ("zeros after its end", { _, good in good + [UInt8](repeating: 0, count: 10240) }),
      (
        "a wrong checksum",
        { _, good in
          var bytes = good
          bytes[150] ^= 1
          return bytes
        }
      ),
      (
        "another mode", { parts, _ in parts.header("objects/") { $0[100 + 4] = UInt8(ascii: "7") } }
      ),
      ("an owner", { parts, _ in parts.header("objects/") { $0[108 + 6] = UInt8(ascii: "1") } }),
      ("a hard link", { parts, _ in parts.header("objects/") { $0[156] = UInt8(ascii: "1") } }),
      (
        "a symbolic link",
        { parts, _ in
          parts.header("objects/") {
            $0[156] = UInt8(ascii: "2")
            for (index, byte) in "/etc/passwd".utf8.enumerated() { $0[157 + index] = byte }
          }
        }
      ),
      ("a device", { parts, _ in parts.header("objects/") { $0[156] = UInt8(ascii: "3") } }),
      ("a folder", { parts, _ in parts.header("objects/") { $0[156] = UInt8(ascii: "5") } }),
      ("a pipe", { parts, _ in parts.header("objects/") { $0[156] = UInt8(ascii: "6") } }),
      ("a long name", { parts, _ in parts.header("objects/") { $0[156] = UInt8(ascii: "L") } }),
      ("a pax header", { parts, _ in parts.header("objects/") { $0[156] = UInt8(ascii: "x") } }),
      ("a sparse file", { parts, _ in parts.header("objects/") { $0[156] = UInt8(ascii: "S") } }),
      (
        "a prefix of the name",
        { parts, _ in
          parts.header("objects/") { $0[345] = UInt8(ascii: "/") }
        }
      ),
      (
        "a bomb: a size beyond the archive",
        { parts, _ in
          parts.header("objects/") { for index in 124..<135 { $0[index] = UInt8(ascii: "7") } }
        }
      ),
      (
        "a size of 2^62",
        { parts, _ in
          parts.header("objects/") {
            for index in 124..<136 { $0[index] = 0 }
            $0[124] = 0x80
            $0[128] = 0x40
          }
        }
      ),
      (
        "a negative size",
        { parts, _ in
          parts.header("objects/") { for index in 124..<136 { $0[index] = 0xFF } }
        }
      ),
      (
        "a size that is no number",
        { parts, _ in
          parts.header("objects/") { $0[130] = UInt8(ascii: "x") }
        }
      ),
      (
        "a name with ..",
        { parts, _ in
          parts.members[1].name = "objects/../../../../tmp/evil"
          return parts.bytes
        }
      ),
      (
        "an absolute name",
        { parts, _ in
          parts.members[1].name = "/tmp/evil"
          return parts.bytes
        }
      ),
      ("a name that is not UTF-8", { parts, _ in parts.header("objects/") { $0[3] = 0xFF } }),
      (
        "an object on a wrong shelf",
        { parts, _ in
          let hex = parts.members[1].name.suffix(64)
          parts.members[1].name = "objects/zz/\(hex)"
          return parts.bytes
        }
      ),
      (
        "capital digits",
        { parts, _ in
          parts.members[1].name = parts.members[1].name.uppercased().replacing(
            "OBJECTS", with: "objects")
          return parts.bytes
        }
      ),
      (
        "a root smuggled in",
        { parts, _ in
          parts.members.append(("roots/p/last", Array("{}".utf8)))
          return parts.bytes
        }
      ),
      (
        "format replaced",
        { parts, _ in
          parts.members.append(("format", Array("{}".utf8)))
          return parts.bytes
        }
      ),
      (
        "upstreams smuggled in",
        { parts, _ in
          parts.members.append(("upstreams", Array("[\"/\"]".utf8)))
          return parts.bytes
        }
      ),
      (
        "an object twice",
        { parts, _ in
          parts.members.insert(parts.members[1], at: 1)
          return parts.bytes
        }
      ),
      (
        "objects out of order",
        { parts, _ in
          parts.members.swapAt(1, 2)
          return parts.bytes
        }
      ),
      (
        "a result before its objects",
        { parts, _ in
          parts.members.insert(parts.members.remove(at: parts.index("actions/")), at: 1)
          return parts.bytes
        }
      ),
      (
        "a tampered object",
        { parts, _ in
          let index = parts.members.firstIndex { $0.bytes == Array("text of a".utf8) }!
          parts.members[index].bytes[0] ^= 1
          return parts.bytes
        }
      ),
      (
        "a shorter object",
        { parts, _ in
          let index = parts.members.firstIndex { $0.bytes == Array("text of a".utf8) }!
          parts.members[index].bytes.removeLast()
          parts.settle()
          return parts.bytes
        }
      ),
      (
        "an object left out",
        { parts, _ in
          parts.members.removeAll { $0.bytes == Array("text of a".utf8) }
          parts.settle()
          return parts.bytes
        }
      ),
      (
        "a file of a folder left out",
        { parts, _ in
          parts.members.removeAll { $0.bytes == Array("two of a".utf8) }
          parts.settle()
          return parts.bytes
        }
      ),
      (
        "an object that nothing names",
        { parts, _ in
          _ = parts.add(object: "stowaway")
          parts.settle()
          return parts.bytes
        }
      ),
      (
        "no head",
        { parts, _ in
          parts.members.removeFirst()
          return parts.bytes
        }
      ),
      (
        "a head that is no JSON",
        { parts, _ in
          parts.members[0].bytes = Array("{".utf8)
          return parts.bytes
        }
      ),
      (
        "a head of another version",
        { parts, _ in
          parts.members[0].bytes = Array(#"{"bundle":2,"objects":0,"bytes":0,"results":0}"#.utf8)
          return parts.bytes
        }
      ),
      (
        "a head that lies",
        { parts, _ in
          parts.members[0].bytes = Array(#"{"bundle":1,"objects":0,"bytes":0,"results":0}"#.utf8)
          return parts.bytes
        }
      ),
      (
        "a head with negative counts",
        { parts, _ in
          parts.members[0].bytes = Array(#"{"bundle":1,"objects":-1,"bytes":0,"results":0}"#.utf8)
          return parts.bytes
        }
      ),
      (
        "a result of another key",
        { parts, _ in
          let index = parts.index("actions/")
          let key = Digest.of("other")
          let old = parts.members[index].name.suffix(64)
          parts.members[index].name = "actions/\(key.hex.prefix(2))/\(key.hex)"
          parts.forge { $0.replacing(old, with: key.hex) }
          return parts.bytes
        }
      ),
      (
        "a result whose name is not its key",
        { parts, _ in
          let key = Digest.of("other")
          parts.members[parts.index("actions/")].name = "actions/\(key.hex.prefix(2))/\(key.hex)"
          return parts.bytes
        }
      ),
      (
        "a result that points nowhere",
        { parts, _ in
          parts.forge { $0.replacing(Digest.of("text of a").hex, with: Digest.of("nothing").hex) }
          return parts.bytes
        }
      ),
      (
        "a result with wrong sizes",
        { parts, _ in
          parts.forge { $0.replacing("\"size\": 9", with: "\"size\": 8") }
          return parts.bytes
        }
      ),
      (
        "a blob called a tree",
        { parts, _ in
          parts.forge {
            $0.replacing(
              "blob:sha256:\(Digest.of("text of a"))", with: "tree:sha256:\(Digest.of("text of a"))"
            )
          }
          return parts.bytes
        }
      ),
      (
        "a result that is no JSON",
        { parts, _ in
          parts.forge { _ in "{" }
          return parts.bytes
        }
      ),
      (
        "a result in another form",
        { parts, _ in
          parts.forge { $0 + " " }
          return parts.bytes
        }
      ),
      (
        "a record that is none",
        { parts, _ in
          let fake = parts.add(object: "[]\n")
          parts.forge { text in
            let value = try! JSONValue(parsing: text)
            let old = value["record"]!["digest"]!.string!
            let size = value["record"]!["size"]!.integer!
            return text.replacing(old, with: fake.hex)
              .replacing("\"size\": \(size)\n  }", with: "\"size\": 3\n  }")
          }
          parts.members.removeAll {
            $0.name.hasPrefix("objects/") && $0.bytes.starts(with: #"["kind""#.utf8)
          }
          parts.settle()
          return parts.bytes
        }
      ),
      (
        "a folder with ..",
        { parts, _ in
          parts.addResult(tree: line("../../../etc/cron.d/evil"))
          return parts.bytes
        }
      ),
      (
        "a folder with an absolute path",
        { parts, _ in
          parts.addResult(tree: line("/etc/evil"))
          return parts.bytes
        }
      ),
      (
        "a folder with an empty name",
        { parts, _ in
          parts.addResult(tree: line("a//b"))
          return parts.bytes
        }
      ),
      (
        "a folder with a link",
        { parts, _ in
          parts.addResult(tree: line("a", "link"))
          return parts.bytes
        }
      ),
      (
        "a folder with a negative size",
        { parts, _ in
          parts.addResult(tree: line("a", "file", -1))
          return parts.bytes
        }
      ),
      (
        "a folder whose sizes overflow",
        { parts, _ in
          parts.addResult(
            tree: line("a", "file", .max) + "[\"b\",\"file\",\(Int.max),\"\(Digest.of("x"))\"]\n")
          return parts.bytes
        }
      ),
      (
        "a folder that names what is not there",
        { parts, _ in
          parts.addResult(tree: line("a"))
          return parts.bytes
        }
      ),
    ]

  @Test func hostileBundlesAreRefusedWhole() throws {
    let space = try Workspace()
    let key = try space.publishExample("a")
    let file = space.path + "/good.tar"
    _ = try space.store.bundle([key], to: file)
    let good = try #require(try FileAccess.read(file))
    let victim = try Workspace()
    let known = try victim.publishExample("mine")
    let before = try victim.store.verify()
    #expect(Self.attacks.count >= 40)
    for (name, attack) in Self.attacks {
      var parts = Parts(good)
      let bad = attack(&parts, good)
      #expect(bad != good, "\(name) changes nothing")
      let path = victim.path + "/bad.tar"
      unlink(path)
      let descriptor = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0o644)
      #expect(write(descriptor, bad, bad.count) == bad.count)
      close(descriptor)
      var message = ""
      let refusal = id {
        do { _ = try victim.store.unbundle(path) } catch {
          message = (error as? Diagnostic)?.message ?? ""
          throw error
        }
      }
      #expect(refusal == "store-bundle-refused", "\(name): \(refusal ?? "taken in") \(message)")
      #expect(try victim.files("tmp") == [], "\(name)")
    }
    let after = try victim.store.verify()
    #expect(after.isClean && after.objects == before.objects && after.results == before.results)
    #expect(victim.store.lookUp(known).isHit && victim.store.lookUp(key).isMiss)
    #expect(access("/tmp/evil", F_OK) != 0)
    print("\(Self.attacks.count) hostile bundles refused")
  }

  /// A store that was tampered with is refused too, or says so: hits never use what does not fit.
  @Test func hostileStoresAreNotBelieved() throws {
    let attacks: [(String, (Workspace, Digest) throws -> Void)] = [
      (
        "an object that is a link out of the store",
        { space, _ in
          let path = space.store.objectPath(.of("text of a"))
          try space.write("outside", "text of a")
          unlink(path)
          symlink(space.path + "/outside", path)
        }
      ),
      (
        "an object that is a folder",
        { space, _ in
          let path = space.store.objectPath(.of("text of a"))
          unlink(path)
          mkdir(path, 0o755)
        }
      ),
      (
        "an object that is a pipe",
        { space, _ in
          let path = space.store.objectPath(.of("text of a"))
          unlink(path)
          mkfifo(path, 0o644)
        }
      ),
      (
        "an object of another length",
        { space, _ in
          let path = space.store.objectPath(.of("text of a"))
          chmod(path, 0o644)
          truncate(path, 3)
        }
      ),
      (
        "a result that is a link",
        { space, key in
          let path = space.store.resultPath(key)
          rename(path, space.path + "/elsewhere")
          symlink(space.path + "/nowhere", path)
        }
      ),
      (
        "a result of another key",
        { space, key in
          let other = try space.publishExample("b")
          rename(space.store.resultPath(other), space.store.resultPath(key))
        }
      ),
      (
        "a tree that leads out",
        { space, key in
          let text = Self.line("../../evil")
          let tree = try space.store.put(Array(text.utf8))
          let stored = try #require(space.store.storedResult(key))
          let forged = StoredResult(
            ActionResult(
              key: key, outputs: [("folder", .tree(tree.digest))], record: stored.result.record,
              provenance: .object([:])),
            sizes: [text.utf8.count], recordSize: stored.recordSize)
          unlink(space.store.resultPath(key))
          try space.write("store/actions/\(key.hex.prefix(2))/\(key)", forged.text, mode: 0o444)
        }
      ),
      (
        "a record of another action",
        { space, key in
          let stored = try #require(space.store.storedResult(key))
          let other = try space.store.put(try space.record("other"))
          let forged = StoredResult(
            ActionResult(
              key: key, outputs: stored.result.outputs, record: other, provenance: .object([:])),
            sizes: stored.sizes, recordSize: space.store.objectSize(other)!)
          unlink(space.store.resultPath(key))
          try space.write("store/actions/\(key.hex.prefix(2))/\(key)", forged.text, mode: 0o444)
        }
      ),
    ]
    for (name, attack) in attacks {
      let space = try Workspace()
      let key = try space.publishExample("a")
      try attack(space, key)
      #expect(try !space.store.verify().isClean, "\(name)")
      let other = try Workspace()
      // It does not travel, and does not come in from behind.
      let copied = Result { try space.store.copy([key], to: other.store) }
      if case .success(let report) = copied { #expect(report.results == 0, "\(name)") }
      #expect(other.store.lookUp(key).isMiss, "\(name)")
      #expect(try other.store.verify().isClean, "\(name)")
    }
  }
}
