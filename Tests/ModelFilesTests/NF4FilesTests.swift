// bitsandbytes' layout: round trips, blocks that cross rows, and files that lie.

import CanonicalJSON
import Diagnostics
import Foundation
import Kernels
import Testing

@testable import ModelFiles

@Suite struct NF4FilesTests {
  static func matrix(_ rows: Int, _ columns: Int, nested: Bool) -> NF4Matrix {
    let count = rows * columns
    let blocks = (count + 63) / 64
    let codes = (0..<(count + 1) / 2).map { UInt8(truncatingIfNeeded: $0 &* 151 &+ 7) }
    let scales: NF4Matrix.Scales =
      nested
      ? .nested(
        codes: (0..<blocks).map { UInt8(truncatingIfNeeded: $0 &* 37) },
        magnitudes: (0..<(blocks + 255) / 256).map { 0.25 + Float($0) }, map: dynamicMap,
        offset: 0.5)
      : .single((0..<blocks).map { 0.5 + Float($0) })
    return NF4Matrix(shape: [rows, columns], codes: codes, scales: scales)
  }

  private func withFile(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "plumb-nf4-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder + "/model.safetensors")
  }

  @Test(arguments: [false, true]) func roundTrip(nested: Bool) throws {
    try withFile { path in
      let small = Self.matrix(3, 50, nested: nested)
      let large = Self.matrix(300, 128, nested: nested)
      try NF4Files.write([("b.weight", large), ("a.weight", small)], to: path)
      let file = try Safetensors(at: path)
      #expect(NF4Files.names(in: file) == ["a.weight", "b.weight"])
      #expect(try NF4Files.read("a.weight", in: file) == small)
      #expect(try NF4Files.read("b.weight", in: file) == large)
      #expect(file["b.weight"]?.shape == [300 * 64, 1])
    }
  }

  /// Number by number: high half first, blocks along the flattened matrix.
  @Test func expandsAcrossRows() {
    let matrix = Self.matrix(3, 50, nested: false)
    let values = matrix.expanded()
    #expect(values.count == 150)
    for index in [0, 1, 49, 50, 63, 64, 127, 128, 149] {
      let byte = UInt8(truncatingIfNeeded: (index / 2) &* 151 &+ 7)
      let code = index % 2 == 0 ? byte >> 4 : byte & 15
      #expect(values[index] == normalFloat4[Int(code)] * (0.5 + Float(index / 64)))
    }
    let nested = Self.matrix(2, 64, nested: true).expanded()
    #expect(nested[0] == normalFloat4[0] * (dynamicMap[0] * 0.25 + 0.5))
    #expect(
      nested[64] == normalFloat4[Int((UInt8(32 * 151 & 255) &+ 7) >> 4)]
        * (dynamicMap[37] * 0.25 + 0.5))
  }

  @Test(arguments: [false, true]) func everyPartIsNeeded(nested: Bool) throws {
    try withFile { path in
      try NF4Files.write([("w", Self.matrix(4, 64, nested: nested))], to: path)
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      // Behind the length of the header, which is no text.
      let text = String(decoding: bytes[8...], as: UTF8.self)
      for name in ["\"w\"", "w.absmax", "w.quant_map"] + (nested ? ["w.nested_quant_map"] : []) {
        guard let range = text.range(of: name) else {
          Issue.record("\(name) is not in the header")
          continue
        }
        var changed = bytes
        // Another name of the same length.
        changed[8 + text.utf8.distance(from: text.startIndex, to: range.lowerBound) + 1] ^= 1
        let error = #expect(throws: Diagnostic.self) {
          try NF4Files.read(
            "w", in: Safetensors(MappedFile(copying: changed, shown: "changed")))
        }
        #expect(error?.id == "nf4-malformed", "\(name)")
      }
      #expect(throws: Diagnostic.self) { try NF4Files.read("other", in: Safetensors(at: path)) }
    }
  }

  /// Changed files are read or refused with a name, never more.
  @Test(arguments: [false, true]) func mutatedFiles(nested: Bool) throws {
    try withFile { path in
      try NF4Files.write([("w", Self.matrix(4, 64, nested: nested))], to: path)
      let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
      let result = MutationTable(base: bytes, count: 1000).run { changed throws(Diagnostic) in
        let file = try Safetensors(MappedFile(copying: changed, shown: "changed"))
        for name in NF4Files.names(in: file) {
          let values = try NF4Files.read(name, in: file).expanded()
          precondition(values.count <= 2 * changed.count + 1)
        }
      }
      #expect(result.refused > 500)
    }
  }

  private static let layout = CheckpointLayout(
    tensors: [
      .init(name: "a.weight", shape: [3, 50]), .init(name: "b.weight", shape: [4, 64]),
      .init(name: "c.weight", shape: [2, 2]),
    ], prefix: "model.", ignored: [], tied: nil)

  /// A checkpoint with two quantised matrices and a plain one, in two shards.
  private func withCheckpoint(
    nested: Bool, _ body: (_ parts: [Safetensors]) throws -> Void
  ) throws {
    try withFile { path in
      let plain: [Float] = [1, 2, 3, 4]
      try NF4Files.write(
        [
          ("model.a.weight", Self.matrix(3, 50, nested: nested)),
          ("model.b.weight", Self.matrix(4, 64, nested: nested)),
        ], to: path)
      try plain.withUnsafeBufferPointer { values in
        try Safetensors.write(
          [TensorToWrite(name: "model.c.weight", shape: [2, 2], values: values)],
          to: path + ".plain")
      }
      try body([Safetensors(at: path), Safetensors(at: path + ".plain")])
    }
  }

  @Test(arguments: [false, true]) func checkpointsGatherTheirParts(nested: Bool) throws {
    try withCheckpoint(nested: nested) { parts in
      let checkpoint = try Checkpoint(parts, shown: "folder")
      #expect(checkpoint.names == ["model.a.weight", "model.b.weight", "model.c.weight"])
      let matched = try checkpoint.match(Self.layout)
      #expect(matched.stored(0).floats() == Self.matrix(3, 50, nested: nested).expanded())
      #expect(matched.stored(1).floats() == Self.matrix(4, 64, nested: nested).expanded())
      #expect(matched.stored(2).floats() == [1, 2, 3, 4])
      #expect((0..<3).map { matched.stored($0).typeName } == ["NF4", "NF4", "F32"])
      // Their blocks may cross rows, so none is used as it lies there.
      #expect((0..<3).allSatisfy { matched.blockFormat($0) == nil })
    }
  }

  /// A matrix with other sizes than config.json's is named, not read.
  @Test func checkpointsCompareShapesOfMatricesAndNotOfCodes() throws {
    try withCheckpoint(nested: false) { parts in
      var tensors = Self.layout.tensors
      tensors[1] = .init(name: "b.weight", shape: [64, 4])
      let other = CheckpointLayout(tensors: tensors, prefix: "model.", ignored: [], tied: nil)
      let checkpoint = try Checkpoint(parts, shown: "folder")
      let problem = #expect(throws: Diagnostic.self) { try checkpoint.match(other) }
      #expect(problem?.id == "checkpoint-tensors")
      #expect(problem?.description.contains("[4, 64]") == true)
    }
  }
}
