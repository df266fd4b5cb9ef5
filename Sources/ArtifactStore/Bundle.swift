// One file to hand over: results with everything that they name. `unbundle` reads all of it into a
// temporary folder, checks every byte, and only then lets anything land.
//
// Members, in this order: `bundle.json` {"bundle":1,"objects":…,"bytes":…,"results":…}, `objects/ab/<digest>`
// sorted, `actions/ab/<key>` sorted.

import CanonicalJSON
import Diagnostics
import Glibc

extension Store {
  private static let headName = "bundle.json"

  /// Writes results with all that they name into one file, which must not be there.
  ///
  /// - Returns: what went in; results that are not whole here stand in `damaged` and are left out.
  public func bundle(
    _ keys: [Digest], to file: String, anonymous: Bool = false,
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws(Diagnostic) -> TransferReport {
    let path = FileAccess.absolute(file)
    if FileStatus(of: path, followingLinks: false) != nil { throw .wouldOverwrite(path) }
    var report = TransferReport()
    var results: [StoredResult] = []
    var objects: Set<Digest> = []
    for key in Set(keys).sorted() {
      guard let stored = foundResult(key), let named = self.objects(of: stored),
        (try? record(stored.result.record))?.key == key
      else {
        report.damaged.append(key)
        continue
      }
      results.append(anonymous ? stored.anonymous : stored)
      objects.formUnion(named)
    }
    let digests = objects.sorted()
    let total = digests.reduce(0) { $0 + (objectSize($1) ?? 0) }
    let part = "\(path).\(FileAccess.randomName()).part"
    do throws(Diagnostic) {
      let out = try Descriptor(opening: part, O_WRONLY | O_CREAT | O_EXCL, mode: 0o666)
      let head: JSONValue = .object([
        "bundle": 1, "objects": .integer(digests.count), "bytes": .integer(total),
        "results": .integer(results.count),
      ])
      try out.member(Self.headName, head.canonicalBytes + [UInt8(ascii: "\n")], part)
      for digest in digests {
        try member(digest, to: out, part)
        report.objects += 1
        report.bytes += objectSize(digest) ?? 0
        progress(report.bytes, total)
      }
      for stored in results {
        let hex = stored.result.key.hex
        try out.member("actions/\(hex.prefix(2))/\(hex)", Array(stored.text.utf8), part)
        report.results += 1
      }
      try out.write([UInt8](repeating: 0, count: 2 * BundleArchive.block), part)
      try out.synchronise(part)
      if try Placement.place(part, at: path, link: link) == .existed {
        throw Diagnostic.wouldOverwrite(path)
      }
    } catch {
      FileAccess.remove(part)
      throw error
    }
    return report
  }

  /// Appends an object, hashed on its way.
  private func member(
    _ digest: Digest, to out: borrowing Descriptor, _ part: String
  ) throws(Diagnostic) {
    let source = try Descriptor(opening: objectPath(digest), O_RDONLY | O_NONBLOCK)
    let size = try source.status(objectPath(digest)).size
    let hex = digest.hex
    try out.write(BundleArchive.header("objects/\(hex.prefix(2))/\(hex)", size: size), part)
    let (found, read) = try hash(source, objectPath(digest), copyTo: (out.number, part))
    guard found == digest, read == size else { throw .objectDamaged(hex) }
    try out.write([UInt8](repeating: 0, count: BundleArchive.padding(size)), part)
  }

  /// Takes a bundle in: everything or nothing of it.
  ///
  /// **Throws**: `store-bundle-refused`, with the reason.
  public func unbundle(
    _ file: String, progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws(Diagnostic) -> TransferReport {
    let path = FileAccess.absolute(file)
    guard let status = FileStatus(of: path) else { throw .inputMissing(path, errno) }
    guard status.isRegular else { throw .inputSpecial(path, status) }
    let folder = try temporaryFolder()
    defer { removeTemporary(folder) }
    var reader = BundleReader(
      path: path, size: status.size, input: try Descriptor(opening: path, O_RDONLY),
      staging: try Store(at: folder + "/store", cacheFolder: nil, link: link))
    let keys: [Digest]
    switch try reader.readAll(progress) {
    case .success(let found): keys = found
    case .failure(let fault): throw .bundleRefused(path, fault.text)
    }
    return try reader.staging.copy(keys, to: self)
  }
}

extension Descriptor {
  fileprivate borrowing func member(
    _ name: String, _ bytes: [UInt8], _ path: String
  ) throws(Diagnostic) {
    try write(BundleArchive.header(name, size: bytes.count), path)
    try write(bytes, path)
    try write([UInt8](repeating: 0, count: BundleArchive.padding(bytes.count)), path)
  }
}

extension StoredResult {
  /// Without the names of hosts and users.
  var anonymous: StoredResult {
    StoredResult(result.anonymous, sizes: sizes, recordSize: recordSize)
  }
}

/// Reads a bundle into a store of its own, which is thrown away if anything is wrong.
private struct BundleReader: ~Copyable {
  let path: String
  let size: Int
  let input: Descriptor
  let staging: Store
  private var at = 0

  init(path: String, size: Int, input: consuming Descriptor, staging: Store) {
    self.path = path
    self.size = size
    self.input = input
    self.staging = staging
  }

  private mutating func bytes(_ count: Int) throws(Diagnostic) -> [UInt8]? {
    guard count <= size - at else { return nil }
    var bytes = [UInt8](repeating: 0, count: count)
    var filled = 0
    while filled < count {
      let read = bytes.withUnsafeMutableBytes { buffer in
        repeated { Glibc.read(input.number, buffer.baseAddress! + filled, count - filled) }
      }
      guard read >= 0 else { throw .io("read", path, errno) }
      if read == 0 { return nil }
      filled += read
    }
    at += count
    return bytes
  }

  /// A member's bytes into a temporary file of the staging store.
  private mutating func draft(_ size: Int) throws(Diagnostic) -> Draft? {
    let name = try staging.temporaryName()
    let file = try Descriptor(opening: name, O_WRONLY | O_CREAT | O_EXCL)
    var stream = DigestStream()
    var left = size
    while left > 0 {
      guard let piece = try bytes(min(left, 1 << 20)) else { return nil }
      piece.withUnsafeBytes { stream.update($0) }
      try file.write(piece, name)
      left -= piece.count
    }
    guard fchmod(file.number, 0o444) == 0 else { throw .io("protect", name, errno) }
    return Draft(path: name, digest: stream.finish(), size: size, source: nil)
  }

  mutating func readAll(
    _ progress: (Int, Int) -> Void
  ) throws(Diagnostic) -> Result<[Digest], BundleFault> {
    guard size % BundleArchive.block == 0 else { return .failure("it is cut, or not a bundle") }
    guard size > 0 else { return .failure("it is empty") }
    var head: (objects: Int, bytes: Int, results: Int)?
    var objects: [Digest: Int] = [:]
    var results: [(key: Digest, stored: StoredResult)] = []
    var last = ""
    while true {
      guard let header = try bytes(BundleArchive.block) else { return .failure("it is cut") }
      if header.allSatisfy({ $0 == 0 }) { break }
      let name: String
      let length: Int
      switch BundleArchive.read(header) {
      case .success(let member): (name, length) = member
      case .failure(let fault): return .failure(fault)
      }
      guard length <= size - at else { return .failure("'\(name)' is longer than the archive") }
      if head == nil {
        guard name == "bundle.json", length < 1 << 16, let text = try bytes(length) else {
          return .failure("it does not begin with bundle.json")
        }
        let value = text.withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
        guard let value, let version = value["bundle"]?.integer else {
          return .failure("bundle.json cannot be understood")
        }
        guard version == 1 else { return .failure("it has version \(version), which is unknown") }
        guard let count = value["objects"]?.integer, let sum = value["bytes"]?.integer,
          let made = value["results"]?.integer, count >= 0, sum >= 0, made >= 0
        else { return .failure("bundle.json cannot be understood") }
        head = (count, sum, made)
      } else {
        // One order, so that nothing can stand twice.
        guard bytesPrecede(Self.place(last), Self.place(name)) else {
          return .failure("'\(name)' stands after '\(last)'")
        }
        last = name
        if let fault = try member(name, length, &objects, &results) { return .failure(fault) }
      }
      guard let padding = try bytes(BundleArchive.padding(length)), padding.allSatisfy({ $0 == 0 })
      else { return .failure("'\(name)' does not end as it should") }
      progress(at, size)
    }
    guard let end = try bytes(BundleArchive.block), end.allSatisfy({ $0 == 0 }), at == size else {
      return .failure("something stands after its end")
    }
    guard let head else { return .failure("it is empty") }
    guard head.objects == objects.count, head.results == results.count,
      head.bytes == objects.values.reduce(0, +)
    else { return .failure("it holds other things than bundle.json says") }
    return try check(objects, results)
  }

  /// Objects come first.
  private static func place(_ name: String) -> String {
    name.hasPrefix("objects/") ? "0" + name : name.isEmpty ? "" : "1" + name
  }

  private mutating func member(
    _ name: String, _ length: Int, _ objects: inout [Digest: Int],
    _ results: inout [(key: Digest, stored: StoredResult)]
  ) throws(Diagnostic) -> BundleFault? {
    let parts = name.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 3, parts[0] == "objects" || parts[0] == "actions",
      let digest = Digest(hex: String(parts[2])), parts[2].hasPrefix(parts[1]),
      parts[1].utf8.count == 2
    else { return "'\(name)' is neither an object nor a result" }
    if parts[0] == "objects" {
      guard let draft = try draft(length) else { return "it is cut" }
      guard draft.digest == digest else { return "the bytes of '\(name)' have another digest" }
      try staging.place([draft])
      objects[digest] = length
      return nil
    }
    guard length < 1 << 26, let text = try bytes(length) else { return "'\(name)' is too long" }
    guard let stored = StoredResult(parsing: text, key: digest) else {
      return "'\(name)' is no whole result of this key"
    }
    guard stored.text.utf8.elementsEqual(text) else {
      return "'\(name)' is not in the form that plumb writes"
    }
    results.append((digest, stored))
    return nil
  }

  /// Results follow from their records, name only what is here, and everything here is named.
  private func check(
    _ objects: [Digest: Int], _ results: [(key: Digest, stored: StoredResult)]
  ) throws(Diagnostic) -> Result<[Digest], BundleFault> {
    var named: Set<Digest> = []
    for (key, stored) in results {
      if let absent = staging.missing(stored).first {
        return .failure("the result \(key) names \(absent), which is not in it or has another size")
      }
      for (_, reference) in stored.result.outputs {
        guard case .tree(let digest) = reference else { continue }
        do throws(Diagnostic) {
          _ = try staging.tree(digest)
        } catch {
          return .failure("the result \(key) names a folder that is none: \(error.message)")
        }
      }
      do throws(Diagnostic) {
        let record = try staging.record(stored.result.record)
        guard record.key == key else {
          return .failure("the result \(key) belongs to another record: \(record.key)")
        }
      } catch {
        return .failure("the record of the result \(key) cannot be read: \(error.message)")
      }
      named.formUnion(staging.objects(of: stored) ?? [])
    }
    if let stray = objects.keys.filter({ !named.contains($0) }).min() {
      return .failure("no result names the object \(stray)")
    }
    for (_, stored) in results where try staging.publish(stored.result) != .published {
      return .failure("a result cannot be published")
    }
    return .success(results.map(\.key))
  }
}
