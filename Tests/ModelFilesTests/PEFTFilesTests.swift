// Adapter folders from outside: what is refused, and by which name.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import ModelFiles

@Suite struct PEFTFilesTests {
  static let plain: [(String, JSONValue)] = [
    ("peft_type", "LORA"), ("r", 2), ("lora_alpha", 4), ("target_modules", ["q_proj"]),
    ("bias", "none"), ("modules_to_save", .null),
  ]

  static func json(_ name: String, _ value: JSONValue) -> JSONValue {
    .object(JSONObject(plain.filter { $0.0 != name } + [(name, value)]))
  }

  struct Refusal: Sendable, CustomTestStringConvertible {
    let name: String
    let value: JSONValue
    let id: String
    var testDescription: String { "\(name) = \(value.shortText)" }
    init(_ name: String, _ value: JSONValue, _ id: String) {
      (self.name, self.value, self.id) = (name, value, id)
    }
  }

  static let refusals: [Refusal] = [
    Refusal("peft_type", "IA3", "adapter-feature"), Refusal("peft_type", 1, "adapter-config"),
    Refusal("peft_type", .null, "adapter-config"),
    Refusal("r", 0, "adapter-config"), Refusal("r", -1, "adapter-config"),
    Refusal("r", .integer(1 << 40), "adapter-config"), Refusal("r", 2.5, "adapter-config"),
    Refusal("r", "2", "adapter-config"), Refusal("lora_alpha", "x", "adapter-config"),
    Refusal("lora_alpha", .number(1e300), "adapter-config"),
    Refusal("lora_dropout", 1.0, "adapter-config"), Refusal("lora_dropout", -0.1, "adapter-config"),
    Refusal("use_rslora", "yes", "adapter-config"), Refusal("use_dora", true, "adapter-feature"),
    Refusal("bias", "all", "adapter-feature"), Refusal("bias", "lora_only", "adapter-feature"),
    Refusal("modules_to_save", ["lm_head"], "adapter-feature"),
    Refusal("layers_to_transform", [0, 1], "adapter-feature"),
    Refusal("layers_to_transform", 3, "adapter-feature"),
    Refusal("layer_replication", [[0, 2]], "adapter-feature"),
    Refusal("lora_bias", true, "adapter-feature"), Refusal("use_qalora", true, "adapter-feature"),
    Refusal("trainable_token_indices", [1], "adapter-feature"),
    Refusal("target_parameters", ["experts"], "adapter-feature"),
    Refusal("exclude_modules", ["v_proj"], "adapter-feature"),
    Refusal("init_lora_weights", "pissa", "adapter-feature"),
    Refusal("init_lora_weights", "olora", "adapter-feature"),
    Refusal("init_lora_weights", "loftq", "adapter-feature"),
    Refusal("something_new", true, "adapter-feature"),
    Refusal("target_modules", ".*proj", "adapter-feature"),
    Refusal("target_modules", ["q_proj", ".*"], "adapter-feature"),
    Refusal("target_modules", ["q_proj", 1], "adapter-feature"),
    Refusal("target_modules", [""], "adapter-feature"),
    Refusal("target_modules", 3, "adapter-feature"),
    Refusal("rank_pattern", .object(["^model.*": 4]), "adapter-feature"),
    Refusal("rank_pattern", .object(["q_proj": 0]), "adapter-config"),
    Refusal("rank_pattern", [1], "adapter-config"),
    Refusal("alpha_pattern", .object(["q_proj": "x"]), "adapter-config"),
  ]

  @Test(arguments: refusals) func refusesByName(_ refusal: Refusal) throws {
    let error = #expect(throws: Diagnostic.self) {
      try LowRankConfiguration(json: Self.json(refusal.name, refusal.value), shown: "x.json")
    }
    #expect(error?.id == refusal.id)
    #expect(error?.message.contains(refusal.name) ?? false, "\(error?.message ?? "")")
  }

  @Test func takesWhatChangesNothing() throws {
    for (name, value) in [
      ("init_lora_weights", "gaussian"), ("loftq_config", .object([:])), ("layers_pattern", .null),
      ("eva_config", .null), ("megatron_core", "megatron.core"), ("target_modules", "all-linear"),
      ("inference_mode", false), ("revision", "main"), ("layers_to_transform", .null),
    ] as [(String, JSONValue)] {
      let read = try LowRankConfiguration(json: Self.json(name, value), shown: "x.json")
      #expect(read.rank == 2 && read.alpha == 4)
    }
  }

  @Test func exceptionsFitWholeParts() {
    var configuration = LowRankConfiguration(rank: 8, alpha: 16)
    configuration.rankExceptions = [.init("0.q_proj", 2), .init("q_proj", 4)]
    configuration.alphaExceptions = [.init("q_proj", 3)]
    #expect(configuration.values(of: "layers.0.q_proj").rank == 2)
    #expect(configuration.values(of: "layers.1.q_proj").rank == 4)
    #expect(configuration.values(of: "layers.1.xq_proj").rank == 8)
    #expect(configuration.scale(of: "layers.1.q_proj") == 0.75)
    configuration.usesRankStabilisedScale = true
    #expect(configuration.scale(of: "layers.1.q_proj") == 1.5)
    #expect(configuration.scale(of: "v_proj") == 16 / 8.0.squareRoot())
  }

  /// Writes, changes the bytes, reads.
  private func withFolder(_ body: (String) throws -> Void) throws {
    let folder = NSTemporaryDirectory() + "plumb-peft-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try body(folder)
  }

  private static let factors: [(PEFTFiles.Factor, [Int])] = [
    (.init(module: "m.q_proj", side: .a), [2, 6]), (.init(module: "m.q_proj", side: .b), [4, 2]),
  ]

  private func write(
    _ folder: String, _ factors: [(PEFTFiles.Factor, [Int])] = Self.factors, value: Float = 1
  ) throws {
    let numbers = [Float](repeating: value, count: 64)
    try numbers.withUnsafeBufferPointer { buffer throws(Diagnostic) in
      try PEFTFiles.write(
        configuration: LowRankConfiguration(rank: 2, alpha: 4, targets: ["q_proj"])
          .json(baseName: "a/b", fansInFirst: false, task: "CAUSAL_LM"),
        factors: factors.map {
          ($0.0, $0.1, UnsafeBufferPointer(rebasing: buffer[..<$0.1.reduce(1, *)]))
        }, baseChecksum: "abc", to: folder)
    }
  }

  private func open(_ folder: String) throws -> PEFTFiles {
    try PEFTFiles(files: [
      "adapter_config.json": folder + "/adapter_config.json",
      "adapter_model.safetensors": folder + "/adapter_model.safetensors",
    ])
  }

  private var expected: [(factor: PEFTFiles.Factor, alternative: PEFTFiles.Factor, shape: [Int])] {
    Self.factors.map { ($0.0, .init(module: "q_proj", side: $0.0.side), $0.1) }
  }

  @Test func roundTrip() throws {
    try withFolder { folder in
      try write(folder)
      let files = try open(folder)
      #expect(files.baseName == "a/b" && files.baseChecksum == "abc")
      #expect(files.configuration == LowRankConfiguration(rank: 2, alpha: 4, targets: ["q_proj"]))
      #expect(try files.match(expected).map(\.shape) == [[2, 6], [4, 2]])
    }
  }

  @Test func missingFilesAndStrangeTensors() throws {
    #expect(throws: Diagnostic.self) { try PEFTFiles(files: [:]) }
    let a = Self.factors[0]
    let strange: [([(PEFTFiles.Factor, [Int])], String)] = [
      ([a], "adapter-tensors"),
      ([a, (Self.factors[1].0, [5, 2])], "adapter-tensors"),
      (Self.factors + [(.init(module: "m.v_proj", side: .a), [2, 2])], "adapter-tensors"),
      (Self.factors + [(.init(module: "x.lora_embedding_A", side: .a), [2])], "adapter-feature"),
      (
        Self.factors + [(.init(module: "q.lora_magnitude_vector", side: .a), [2])],
        "adapter-feature"
      ),
    ]
    for (factors, id) in strange {
      try withFolder { folder in
        try write(folder, factors)
        let files = try open(folder)
        let error = #expect(throws: Diagnostic.self) { try files.match(expected) }
        #expect(error?.id == id)
      }
    }
    try withFolder { folder in
      try write(folder, value: .nan)
      let files = try open(folder)
      let entry = try files.match(expected)[0]
      var numbers = [Float](repeating: 0, count: 12)
      let error = #expect(throws: Diagnostic.self) {
        try numbers.withUnsafeMutableBufferPointer { buffer throws(Diagnostic) in
          try files.read(entry, into: buffer)
        }
      }
      #expect(error?.id == "checkpoint-not-finite")
    }
  }

  /// Every cut and many flips of either file: a diagnostic or an adapter, never a trap.
  @Test func mutatedFilesGiveDiagnostics() throws {
    try withFolder { folder in
      try write(folder)
      var refused = 0
      for name in ["adapter_config.json", "adapter_model.safetensors"] {
        let url = URL(fileURLWithPath: folder + "/" + name)
        let whole = try [UInt8](Data(contentsOf: url))
        var cases: [[UInt8]] = (0..<min(whole.count, 200)).map { Array(whole[..<$0]) }
        for place in 0..<min(whole.count, 300) {
          for mask: UInt8 in [0x01, 0x80, 0xFF] {
            var changed = whole
            changed[place] ^= mask
            cases.append(changed)
          }
        }
        for bytes in cases {
          try Data(bytes).write(to: url)
          do { _ = try open(folder).match(expected) } catch is Diagnostic { refused += 1 }
        }
        try Data(whole).write(to: url)
      }
      #expect(refused > 1000)
    }
  }
}
