import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import ModelFiles

/// Four tensors in three files; the names of the files, the index last.
func writeShards(to folder: String) throws -> [String] {
  let values = (0..<24).map { Float($0) }
  return try values.withUnsafeBufferPointer { values in
    try Safetensors.write(
      [("a", 6), ("b", 6), ("c", 24), ("d", 3)].map {
        TensorToWrite(
          name: $0.0, shape: [$0.1], values: UnsafeBufferPointer(rebasing: values[..<$0.1]))
      }, toFolder: folder, maximumBytes: 50)
  }
}

@Suite struct ShardTests {
  private func files(_ folder: String) throws -> [String: String] {
    let names = try FileManager.default.contentsOfDirectory(atPath: folder)
    return Dictionary(uniqueKeysWithValues: names.map { ($0, folder + "/" + $0) })
  }

  private func withShards(_ body: (String, [String: String]) throws -> Void) throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    _ = try writeShards(to: folder)
    try body(folder, try files(folder))
  }

  @Test func packsInOrderAndNeverBeyondTheLimitButForOneTensor() {
    #expect(Safetensors.shards([10, 20, 30, 5], maximumBytes: 30) == [0..<2, 2..<3, 3..<4])
    #expect(Safetensors.shards([100, 1, 1, 100], maximumBytes: 10) == [0..<1, 1..<3, 3..<4])
    #expect(Safetensors.shards([1, 2], maximumBytes: 1 << 40) == [0..<2])
    #expect(Safetensors.shards([], maximumBytes: 10) == [0..<0])
  }

  @Test func writesAndReadsShards() throws {
    try withShards { folder, files in
      #expect(
        files.keys.sorted() == [
          "model-00001-of-00003.safetensors", "model-00002-of-00003.safetensors",
          "model-00003-of-00003.safetensors", "model.safetensors.index.json",
        ])
      let checkpoint = try Checkpoint(files: files)
      #expect(checkpoint.names == ["a", "b", "c", "d"])
      #expect(checkpoint.fileCount == 3)
      #expect(checkpoint["c"]?.floats() == (0..<24).map { Float($0) })
      let index = try JSONValue(
        parsing: SourceText(
          path: "i", bytes: MappedFile(at: folder + "/model.safetensors.index.json").copy()))
      #expect(index["metadata"]?["total_size"] == .integer(4 * 39))
      // No index where one file will do.
      let one = try temporaryFolder()
      defer { try? FileManager.default.removeItem(atPath: one) }
      let names = try [Float(1)].withUnsafeBufferPointer {
        try Safetensors.write(
          [TensorToWrite(name: "a", shape: [1], values: $0)], toFolder: one, maximumBytes: 4)
      }
      #expect(names == ["model.safetensors"])
    }
  }

  @Test func namesAMissingShard() throws {
    try withShards { _, files in
      var files = files
      files["model-00002-of-00003.safetensors"] = nil
      let error = refusal { _ = try Checkpoint(files: files) }
      #expect(error?.id == "model-file-missing")
      #expect(error?.message.contains("model-00002-of-00003.safetensors") == true)
    }
  }

  @Test(arguments: [
    (#"{"weight_map":{"a":"model-00002-of-00003.safetensors"}}"#, "'c'"),
    (
      #"{"weight_map":{"a":"model-00002-of-00003.safetensors","c":"model-00002-of-00003.safetensors"}}"#,
      "'a' is not in"
    ),
    (#"{"weight_map":{"a":"model-00001-of-00003.safetensors"}}"#, "'b'"),
    (#"{"weight_map":{"a":"../x.safetensors"}}"#, "inside the folder"),
    (#"{"weight_map":{"a":"/etc/passwd"}}"#, "inside the folder"),
    (#"{"weight_map":{"a":"x/../../y"}}"#, "inside the folder"),
    (#"{"weight_map":{"a":""}}"#, "inside the folder"),
    (#"{"weight_map":{"a":"x//y"}}"#, "inside the folder"),
    (#"{"weight_map":{"a":1}}"#, "inside the folder"),
    (#"{"weight_map":{}}"#, "no weight_map"),
    (#"{"weight_map":[]}"#, "no weight_map"),
    (#"{"metadata":{}}"#, "no weight_map"),
    (
      #"{"weight_map":{"a":"model-00001-of-00003.safetensors","b":"model-00001-of-00003.safetensors","#
        + #""e":"model-00001-of-00003.safetensors"}}"#, "'e'"
    ),
  ])
  func refusesAnIndexThatLies(text: String, words: String) throws {
    try withShards { folder, files in
      try text.write(
        toFile: folder + "/model.safetensors.index.json", atomically: true, encoding: .utf8)
      let error = refusal { _ = try Checkpoint(files: files) }
      #expect(error?.id == "checkpoint-index")
      #expect(error?.message.contains(words) == true, "\(error?.message ?? "read")")
    }
  }

  @Test func writesSixteenBitsAsTheProcessorRounds() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // Ties to even, a carry into the exponent, the smallest half, zero's sign.
    let values: [Float] = [
      1, -2.5, 1.00390625, 1.01171875, 1.998046875, 3.3895314e38, 0x1p-24, -0.0, 0.1, 65504,
    ]
    for type in [ElementType.float16, .bfloat16] {
      let kept = type == .float16 ? values.filter { abs($0) < 65505 } : values
      try kept.withUnsafeBufferPointer {
        try Safetensors.write(
          [TensorToWrite(name: "a", shape: [kept.count], values: $0, type: type)],
          to: folder + "/x")
      }
      let file = try Safetensors(at: folder + "/x")
      #expect(file.entries[0].type == type)
      let read = file.floats(file.entries[0])
      #expect(read.map(\.bitPattern) == kept.map { type.rounded($0).bitPattern })
      for (value, read) in zip(kept, read) where value != 0 {
        #expect(abs(value - read) <= abs(value) * (type == .float16 ? 0x1p-11 : 0x1p-8))
      }
    }
    let (sent, back): ([Float], [Float]) = ([1, 0.1, 70_000], [1, 0.1, 70_000])
    sent.withUnsafeBufferPointer { sent in
      #expect(ElementType.float16.firstOutOfRange(sent) == 2)
      #expect(ElementType.bfloat16.firstOutOfRange(sent) == nil)
      back.withUnsafeBufferPointer { back in
        #expect(ElementType.float32.compare(sent, with: back).firstDifferent == nil)
        // 0.1 is no half: unrounded, it cannot have come from such a file.
        #expect(ElementType.bfloat16.compare(sent, with: back).firstDifferent == 1)
      }
    }
    #expect(bfloat16Bits(1.00390625) == 0x3F80)
    #expect(bfloat16Bits(1.01171875) == 0x3F82)
    #expect(bfloat16Bits(.infinity) == 0x7F80)
    #expect(bfloat16Bits(.nan) & 0x7F80 == 0x7F80 && bfloat16Bits(.nan) & 0x7F != 0)
  }
}
