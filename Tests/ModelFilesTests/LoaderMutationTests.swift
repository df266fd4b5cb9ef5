// Every loader against its table of mutations: never a crash, never memory by a number of the file,
// always a diagnostic or a model that can be read to the end.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import ModelFiles

@Suite struct LoaderMutationTests {
  /// Address space that the process has had at most, bytes.
  private static var peak: Int {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmPeak:") } ?? ""
    return 1024 * (Int(line.filter(\.isNumber)) ?? 0)
  }

  private func attack(
    _ base: [UInt8], count: Int, ids: Set<String>, reads: ClosedRange<Int>,
    _ attempt: ([UInt8]) throws(Diagnostic) -> Void
  ) {
    let before = Self.peak
    let result = MutationTable(base: base, count: count).run(attempt)
    #expect(result.read + result.refused >= 700)
    #expect(reads.contains(result.read), "\(result.read) read, \(result.refused) refused")
    #expect(result.ids.isSubset(of: ids), "\(result.ids)")
    // Claims in the files go up to 2^64; other suites run meanwhile and take some.
    #expect(Self.peak - before < 3 << 30)
  }

  @Test func safetensors() {
    let header =
      #"{"__metadata__":{"format":"pt"},"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"#
      + #""b":{"dtype":"BF16","shape":[5],"data_offsets":[24,34]}}"#
    let base = little(UInt64(header.utf8.count)) + Array(header.utf8) + [UInt8](1...34)
    attack(
      base, count: 2000, ids: ["safetensors-malformed", "safetensors-type"], reads: 50...1500
    ) { bytes throws(Diagnostic) in
      let file = try Safetensors(MappedFile(copying: bytes, shown: "x"))
      for entry in file.entries { precondition(file.floats(entry).count == entry.count) }
    }
  }

  @Test func shardIndex() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let names = try writeShards(to: folder)
    let files = Dictionary(uniqueKeysWithValues: names.map { ($0, folder + "/" + $0) })
    let index = try MappedFile(at: folder + "/model.safetensors.index.json").copy()
    attack(
      index, count: 1000,
      ids: ["json-syntax", "checkpoint-index", "model-file-missing"], reads: 20...700
    ) { bytes throws(Diagnostic) in
      let json = try JSONValue(parsing: SourceText(path: "i", bytes: bytes), depth: 4)
      let parts = try ShardIndex(json: json, shown: "i").open(files: files)
      let checkpoint = try Checkpoint(parts, shown: "i")
      precondition(checkpoint.tensors.count == 4)
    }
  }

  /// Header, metadata, tensors and, where all that holds, every number of every tensor.
  private func readAll(_ bytes: [UInt8]) throws(Diagnostic) {
    let gguf = try GGUFFile(MappedFile(copying: bytes, shown: "x.gguf"))
    for key in gguf.keys {
      _ = (gguf.integer(key), gguf.number(key), gguf.boolean(key), gguf.text(key))
      _ = (gguf.texts(key), gguf.integers(key), gguf.numbers(key))
    }
    let configuration = try LlamaConfiguration(gguf: gguf)
    let checkpoint = try Checkpoint(gguf)
    for tensor in checkpoint.tensors { precondition(tensor.floats().count == tensor.count) }
    let matched = try checkpoint.match(configuration.layout)
    for number in 0..<matched.count { _ = try matched.block(number) }
    _ = try LlamaConfiguration(json: configuration.json, shown: "config.json")
  }

  private static let ggufIDs: Set<String> = [
    "gguf-malformed", "gguf-type", "model-family", "model-config", "model-feature",
    "checkpoint-tensors", "checkpoint-index", "checkpoint-not-finite",
  ]

  @Test func ggufHeaders() {
    // Almost no data: most changes hit the header.
    var writer = GGUFWriter.tinyLlama()
    writer.tensors = [
      .init("token_embd.weight", rows: 2, columns: 4, [Float](repeating: 1, count: 8))
    ]
    attack(writer.bytes, count: 4000, ids: Self.ggufIDs, reads: 0...0) {
      bytes throws(Diagnostic) in try readAll(bytes)
    }
  }

  @Test func ggufModels() {
    attack(GGUFWriter.tinyLlama().bytes, count: 1000, ids: Self.ggufIDs, reads: 20...900) {
      bytes throws(Diagnostic) in try readAll(bytes)
    }
  }

  @Test func ggufVocabularies() {
    var writer = GGUFWriter.tinyLlama()
    writer.tensors = []
    attack(
      writer.bytes, count: 2000, ids: ["gguf-malformed", "gguf-vocabulary"], reads: 50...1900
    ) { bytes throws(Diagnostic) in
      let vocabulary = try StoredVocabulary(
        GGUFFile(MappedFile(copying: bytes, shown: "x.gguf")))
      precondition(vocabulary.types.isEmpty || vocabulary.types.count == vocabulary.tokens.count)
    }
  }

  @Test(arguments: ["gpt2", "llama", "llama3", "mistral", "bert", "roberta-classes"])
  func configurations(name: String) throws {
    let fixture = try #require(layouts[name])
    let base = try #require(fixture["config"]).canonicalBytes
    attack(
      base, count: 800, ids: ["json-syntax", "model-config", "model-family", "model-feature"],
      reads: 20...700
    ) { bytes throws(Diagnostic) in
      let json = try JSONValue(parsing: SourceText(path: "config.json", bytes: bytes))
      let configuration = try ModelConfiguration(json: json, shown: "config.json")
      precondition(!configuration.layout.tensors.isEmpty)
      // What is written is what was read.
      let again = try ModelConfiguration(json: configuration.json, shown: "again")
      precondition(again.json == configuration.json)
    }
  }
}
