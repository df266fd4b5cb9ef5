import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import ModelFiles

/// The bytes of a file from its header's text and its data.
private func file(_ header: String, data: Int = 0, length: UInt64? = nil) -> [UInt8] {
  let text = Array(header.utf8)
  return withUnsafeBytes(of: (length ?? UInt64(text.count)).littleEndian) { Array($0) } + text
    + [UInt8](repeating: 7, count: data)
}

/// A header with one tensor.
private func tensor(
  _ dtype: String = "\"F32\"", _ shape: String = "[2,3]", offsets: String = "[0,24]"
) -> String {
  #"{"a":{"dtype":\#(dtype),"shape":\#(shape),"data_offsets":\#(offsets)}}"#
}

private func pair(_ a: String, _ b: String) -> String {
  #"{"a":{"dtype":"U8","shape":[4],"data_offsets":\#(a)},"#
    + #""b":{"dtype":"U8","shape":[4],"data_offsets":\#(b)}}"#
}

private func open(_ bytes: [UInt8]) throws(Diagnostic) -> Safetensors {
  try Safetensors(MappedFile(copying: bytes, shown: "x.safetensors"))
}

/// What is wrong, and words that the message must hold.
private let hostile: [(String, [UInt8], String)] = [
  ("nothing", [], "0 bytes"),
  ("seven bytes", [1, 2, 3, 4, 5, 6, 7], "7 bytes"),
  ("length only", file("", length: 0), "no JSON object"),
  ("length beyond the file", file("{}", length: 3), "claims 3 bytes"),
  ("length far beyond", file("{}", length: 99_999_999), "claims 99999999"),
  ("length at the limit + 1", file("{}", length: 100_000_001), "limit"),
  ("length 2^63", file("{}", length: 1 << 63), "limit"),
  ("length of all ones", file("{}", length: .max), "limit"),
  ("length shorter than the header", file("{}  ", length: 1), "something else"),
  (
    "Git LFS pointer", Array("version https://git-lfs.github.com/spec/v1\noid sha256:0".utf8),
    "limit"
  ),
  ("leading space", file(" {}"), "no JSON object"),
  ("byte order mark", file("\u{FEFF}{}"), "no JSON object"),
  ("a list", file("[]"), "no JSON object"),
  ("a word", file("true"), "no JSON object"),
  ("zero padding", file("{}\u{0}\u{0}"), "padded"),
  ("line break padding", file("{}\n"), "padded"),
  ("open object", file("{ "), "padded"),
  ("text after the object", file("{}{}"), "byte 2"),
  ("trailing comma", file(#"{"a":1,}"#), "of its header"),
  ("invalid UTF-8", file("{\"") + [0xFF], "padded"),
  (
    "invalid UTF-8 in a name",
    withUnsafeBytes(of: UInt64(6)) { Array($0) } + [0x7B, 0x22, 0xFF, 0x22, 0x3A, 0x7D],
    "UTF-8"
  ),
  ("nested deeply", file("{\"a\":" + String(repeating: "[", count: 5000) + "}"), "nested"),
  ("tensor is a number", file(#"{"a":1}"#), "'a' is no object"),
  ("tensor is null", file(#"{"a":null}"#), "'a' is no object"),
  ("tensor is empty", file(#"{"a":{}}"#), "no dtype"),
  (
    "unknown member",
    file(#"{"a":{"dtype":"F32","shape":[],"data_offsets":[0,4],"x":1}}"#, data: 4), "'x'"
  ),
  ("no shape", file(#"{"a":{"dtype":"F32","data_offsets":[0,4]}}"#, data: 4), "no shape"),
  ("no offsets", file(#"{"a":{"dtype":"F32","shape":[1]}}"#, data: 4), "data_offsets"),
  ("type is a number", file(tensor("32"), data: 24), "no dtype"),
  ("type in small letters", file(tensor("\"f32\""), data: 24), "type f32"),
  ("type F8_E4M3", file(tensor("\"F8_E4M3\"", "[24]"), data: 24), "type F8_E4M3"),
  ("type I8", file(tensor("\"I8\"", "[24]"), data: 24), "type I8"),
  ("type of nothing", file(tensor("\"\""), data: 24), "type"),
  ("shape is a number", file(tensor("\"F32\"", "6"), data: 24), "no shape"),
  ("shape is text", file(tensor("\"F32\"", "\"[6]\""), data: 24), "no shape"),
  ("negative size", file(tensor("\"F32\"", "[-2,-3]"), data: 24), "natural"),
  ("fractional size", file(tensor("\"F32\"", "[1.5,4]"), data: 24), "natural"),
  ("size as a power", file(tensor("\"F32\"", "[6e0]"), data: 24), "natural"),
  ("size is text", file(tensor("\"F32\"", "[\"6\"]"), data: 24), "natural"),
  ("size is null", file(tensor("\"F32\"", "[null]"), data: 24), "natural"),
  ("size is a list", file(tensor("\"F32\"", "[[6]]"), data: 24), "natural"),
  ("size 2^64", file(tensor("\"F32\"", "[18446744073709551616]"), data: 24), "natural"),
  ("product overflows", file(tensor("\"F32\"", "[4294967296,4294967296]"), data: 24), "counted"),
  (
    "product overflows to six", file(tensor("\"U8\"", "[9223372036854775807,2,3]"), data: 24),
    "counted"
  ),
  ("bytes overflow", file(tensor("\"F64\"", "[2305843009213693952]"), data: 24), "counted"),
  ("huge but countable", file(tensor("\"F32\"", "[1000000000,1000000000]"), data: 24), "needs"),
  ("shape too small", file(tensor("\"F32\"", "[2,2]"), data: 24), "needs 16 bytes"),
  ("shape too large", file(tensor("\"F32\"", "[2,4]"), data: 24), "needs 32 bytes"),
  ("scalar with 24 bytes", file(tensor("\"F32\"", "[]"), data: 24), "needs 4 bytes"),
  ("empty with 24 bytes", file(tensor("\"F32\"", "[0,6]"), data: 24), "needs 0 bytes"),
  ("wrong width", file(tensor("\"F16\""), data: 24), "needs 12 bytes"),
  ("one offset", file(tensor(offsets: "[24]"), data: 24), "data_offsets"),
  ("three offsets", file(tensor(offsets: "[0,12,24]"), data: 24), "data_offsets"),
  ("offsets as object", file(tensor(offsets: "{}"), data: 24), "data_offsets"),
  ("offsets fall", file(tensor(offsets: "[24,0]"), data: 24), "data_offsets"),
  ("offset negative", file(tensor(offsets: "[-24,0]"), data: 24), "data_offsets"),
  ("offset fractional", file(tensor(offsets: "[0.0,24.0]"), data: 24), "data_offsets"),
  ("offset 2^64", file(tensor(offsets: "[0,18446744073709551640]"), data: 24), "data_offsets"),
  (
    "offset at the largest number", file(tensor(offsets: "[0,9223372036854775807]"), data: 24),
    "ends at"
  ),
  ("data cut short", file(tensor(), data: 23), "ends at byte 24"),
  ("no data", file(tensor()), "ends at byte 24"),
  ("a byte after the data", file(tensor(), data: 25), "1 bytes follow"),
  ("another format after the data", file(tensor(), data: 1000), "976 bytes follow"),
  ("data without tensors", file("{}", data: 8), "8 bytes follow"),
  ("hole at the start", file(tensor(offsets: "[8,32]"), data: 32), "begins at byte 8"),
  ("hole between", file(pair("[0,4]", "[5,9]"), data: 9), "begins at byte 5"),
  ("overlap", file(pair("[0,4]", "[3,7]"), data: 7), "begins at byte 3"),
  ("same bytes twice", file(pair("[0,4]", "[0,4]"), data: 4), "begins at byte 0"),
  (
    "same name twice",
    file(
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
        + #""a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1), "header"
  ),
  (
    "same name twice, once escaped",
    file(
      #"{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"#
        + #""\u0061":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}}"#, data: 1), "header"
  ),
  (
    "dtype twice",
    file(#"{"a":{"dtype":"U8","dtype":"F32","shape":[1],"data_offsets":[0,1]}}"#, data: 1), "header"
  ),
  ("metadata is a list", file(#"{"__metadata__":[]}"#), "__metadata__"),
  ("metadata holds a number", file(#"{"__metadata__":{"format":1}}"#), "'format'"),
  ("metadata holds an object", file(#"{"__metadata__":{"x":{}}}"#), "'x'"),
  ("metadata twice", file(#"{"__metadata__":{},"__metadata__":{}}"#), "header"),
]

@Suite struct SafetensorsTests {
  @Test func refusesHostileFilesWithTheReason() {
    #expect(hostile.count >= 60)
    for (name, bytes, words) in hostile {
      do {
        _ = try open(bytes)
        Issue.record("'\(name)' was read")
      } catch {
        #expect(error.id.hasPrefix("safetensors-"), "\(name): \(error)")
        #expect(error.message.contains(words), "\(name): \(error.message)")
      }
    }
  }

  @Test func readsWhatIsUnusualButLegal() throws {
    let padded = try open(file("{}     "))
    #expect(padded.entries.isEmpty)
    let scalar = try open(file(tensor("\"F32\"", "[]", offsets: "[0,4]"), data: 4))
    #expect(scalar["a"]?.count == 1)
    let empty = try open(
      file(
        #"{"z":{"dtype":"F32","shape":[0,9],"data_offsets":[0,0]},"#
          + #""a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},"#
          + #""e":{"dtype":"F32","shape":[7,0],"data_offsets":[3,3]}}"#, data: 3))
    #expect(empty.entries.map(\.name) == ["a", "e", "z"])
    #expect(empty["z"]?.shape == [0, 9])
    #expect(try open(file(#"{"__metadata__":{"a":"b"}}"#)).metadata.first?.value == "b")
  }

  /// Every byte of a small file is changed in several ways, and the file is cut at every length:
  /// each outcome is a diagnostic or a file whose tensors can be read.
  @Test func survivesMutations() throws {
    let seed =
      file(
        #"{"__metadata__":{"format":"pt"},"#
          + #""a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#
          + #""b":{"dtype":"BF16","shape":[5],"data_offsets":[24,34]}}"#, data: 34)
    var state: UInt64 = 1
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % bound
    }
    var read = 0
    var refused = 0
    func attempt(_ bytes: [UInt8]) {
      do {
        let file = try open(bytes)
        for entry in file.entries { #expect(file.floats(entry).count == entry.count) }
        read += 1
      } catch { refused += 1 }
    }
    for length in 0..<seed.count { attempt(Array(seed[..<length])) }
    for place in seed.indices {
      for value: UInt8 in [0, 0x20, 0x22, 0x2D, 0x30, 0x39, 0x5D, 0x7D, 0x7F, 0xFF] {
        var bytes = seed
        bytes[place] = value
        attempt(bytes)
      }
    }
    for _ in 0..<5000 {
      var bytes = seed
      for _ in 0..<1 + random(4) {
        switch random(4) {
        case 0: bytes[random(bytes.count)] = UInt8(random(256))
        case 1: bytes.remove(at: random(bytes.count))
        case 2: bytes.insert(UInt8(random(256)), at: random(bytes.count))
        default:
          let from = random(bytes.count)
          bytes.insert(
            contentsOf: bytes[from..<min(bytes.count, from + random(12))], at: random(bytes.count))
        }
      }
      attempt(bytes)
    }
    #expect(read > 100 && refused > 4000, "\(read) read, \(refused) refused")
  }

  @Test func convertsEveryFloatingType() throws {
    // 1, -2.5, 65504, 2^-24 (the smallest half), and their halves of bits.
    let values: [Float] = [1, -2.5, 65504, 0x1p-24]
    for (type, bytes): (ElementType, [UInt8]) in [
      (.float32, values.flatMap { withUnsafeBytes(of: $0.bitPattern.littleEndian, Array.init) }),
      (
        .float64,
        values.flatMap { withUnsafeBytes(of: Double($0).bitPattern.littleEndian, Array.init) }
      ),
      (.float16, [0x00, 0x3C, 0x00, 0xC1, 0xFF, 0x7B, 0x01, 0x00]),
    ] {
      var header = tensor("\"\(type.rawValue)\"", "[4]", offsets: "[0,\(4 * type.byteCount)]")
      // An odd start of the data: nothing is aligned.
      while header.utf8.count % 2 == 0 { header += " " }
      let file = try open(file(header) + bytes)
      #expect(file.floats(file.entries[0]) == values, "\(type)")
    }
    let brain = try open(
      file(tensor("\"BF16\"", "[3]", offsets: "[0,6]")) + [0x80, 0x3F, 0x20, 0xC0, 0x80, 0x7F])
    #expect(brain.floats(brain.entries[0]) == [1, -2.5, .infinity])
    let integers = try open(
      file(tensor("\"I64\"", "[1]", offsets: "[0,8]")) + [0xFE] + [UInt8](repeating: 0xFF, count: 7)
    )
    #expect(integers.floats(integers.entries[0]) == [-2])
  }

  @Test func writesWhatItReadsAndTheSameBytesAgain() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let a: [Float] = (0..<35).map { Float($0) / 7 }
    let b: [Float] = [-0.0, .pi]
    func write(_ path: String) throws {
      try a.withUnsafeBufferPointer { a in
        try b.withUnsafeBufferPointer { b in
          try Safetensors.write(
            [
              TensorToWrite(name: "z", shape: [5, 7], values: a),
              TensorToWrite(name: "t", shape: [5, 7], values: a, isTransposed: true),
              TensorToWrite(name: "b", shape: [2], values: b),
            ], metadata: [("note", "é\n")], to: path)
        }
      }
    }
    try write(folder + "/one")
    try write(folder + "/two")
    let one = try [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/one")))
    #expect(try one == [UInt8](Data(contentsOf: URL(fileURLWithPath: folder + "/two"))))
    #expect(try FileManager.default.contentsOfDirectory(atPath: folder).sorted() == ["one", "two"])
    let length = one.withUnsafeBytes { $0.loadUnaligned(as: UInt64.self) }
    #expect(length % 8 == 0)
    let file = try Safetensors(at: folder + "/one")
    #expect(file.entries.map(\.name) == ["b", "t", "z"])
    #expect(file.floats(file["z"]!) == a)
    #expect(file.floats(file["b"]!).map(\.bitPattern) == b.map(\.bitPattern))
    // `a` as a [7, 5] matrix of ours, flipped into the file's [5, 7].
    #expect(file.floats(file["t"]!)[1 * 7 + 2] == a[2 * 5 + 1])
    #expect(file.metadata.map { "\($0.key)=\($0.value)" } == ["format=pt", "note=é\n"])
  }

  @Test func namesAFileThatIsNotThere() throws {
    #expect(throws: Diagnostic.self) { try Safetensors(at: "/nonexistent/model.safetensors") }
    #expect(throws: Diagnostic.self) { try Safetensors(at: "/tmp") }
    #expect(throws: Diagnostic.self) { try AtomicFile.write([1], to: "/nonexistent/x") }
  }
}

func temporaryFolder() throws -> String {
  let path = NSTemporaryDirectory() + "plumb-models-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}
