// Models in and out of files, on every family and in every form of storage.

import CanonicalJSON
import Diagnostics
import Foundation
import Kernels
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

/// A folder whose matrices are in 16 bits and whose vectors are in 32.
func writeHalfPrecision(_ model: LanguageModel, to folder: String) throws {
  var members: [(String, JSONValue)] = []
  var data: [UInt8] = []
  for parameter in model.table.parameters {
    let isMatrix = parameter.file.shape.count == 2
    let start = data.count
    // `ours` is its own inverse but for the shape, which only GPT-2 needs.
    precondition(!parameter.file.isTransposed, "only families without Conv1D are written here")
    for value in model.weights[parameter.region].values {
      if isMatrix {
        withUnsafeBytes(of: Float16(value).bitPattern.littleEndian) { data += $0 }
      } else {
        withUnsafeBytes(of: value.bitPattern.littleEndian) { data += $0 }
      }
    }
    members.append(
      (
        model.table.fullName(parameter),
        .object([
          "dtype": isMatrix ? "F16" : "F32",
          "shape": .array(parameter.file.shape.map { .integer($0) }),
          "data_offsets": [.integer(start), .integer(data.count)],
        ])
      ))
  }
  var header = JSONValue.object(JSONObject(members)).canonicalBytes
  while header.count % 8 != 0 { header.append(0x20) }
  let size = withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) }
  try AtomicFile.write(size + header + data, to: folder + "/model.safetensors")
  try AtomicFile.write(
    model.specification.family.json.canonicalBytes, to: folder + "/config.json")
}

@Suite struct StorageTests {
  @Test(arguments: TinyFamily.allCases) func foldersComeBackAsTheyWentAndHaveOneForm(
    family: TinyFamily
  ) throws {
    let (a, b) = (try temporaryFolder(), try temporaryFolder())
    defer { [a, b].forEach(removeFolder) }
    let model = try family.model()
    try model.write(to: a, tokenizerJSON: nil)
    let read = try LanguageModel(folder: a)
    #expect(read.specification == model.specification)
    #expect(allValues(read.weights, read) == allValues(model.weights, model))
    try read.write(to: b, tokenizerJSON: nil)
    let names = try FileManager.default.contentsOfDirectory(atPath: a).sorted()
    #expect(
      names
        == (family.specification.isEncoder ? [] : ["generation_config.json"]).reduce(
          into: ["config.json", "model.safetensors"]
        ) { $0.insert($1, at: 1) })
    for name in names {
      #expect(FileManager.default.contentsEqual(atPath: a + "/" + name, andPath: b + "/" + name))
    }
  }

  /// Weights that stay as the file has them give the very numbers of their expansion, forward and
  /// backward, embedding and head included.
  @Test(arguments: TinyFamily.allCases.filter { $0 != .gpt2 })
  func storedWeightsEqualTheirExpansion(family: TinyFamily) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try writeHalfPrecision(family.model(), to: folder)
    let stored = try LanguageModel(folder: folder, storage: .asStored)
    let expanded = try LanguageModel(folder: folder)
    #expect(!stored.isExpanded && expanded.isExpanded)
    for parameter in stored.table.parameters {
      #expect(parameter.storage == (parameter.file.shape.count == 2 ? .float16 : nil))
      #expect(parameter.isTrainable == (parameter.storage == nil))
    }
    #expect(stored.table.weightCount == expanded.table.weightCount)
    #expect(stored.table.weightBytes < 3 * expanded.table.weightBytes / 4)
    #expect(
      allValues(stored.expanded().weights, expanded) == allValues(expanded.weights, expanded))

    let batch = Batch(family.sequences([19, 7, 32]))
    #expect(outputs(stored, batch) == outputs(expanded, batch))
    func learnt(_ model: LanguageModel) throws -> [Float] {
      let adapter = try formulaAdapter(model)
      let learner = Learner(model, capacity: 64, adapter: adapter)
      _ = learner.learn(batch, count: learner.count([batch]))
      return adapter.parameters.flatMap { learner.gradients[$0.region].values }
    }
    #expect(try learnt(stored) == learnt(expanded))
  }

  @Test func linearLayersOfTheBlocksAreQuantisedWhileReading() throws {
    var wide = LlamaConfiguration()
    (wide.vocabularySize, wide.context, wide.width, wide.layers) = (61, 32, 64, 2)
    (wide.heads, wide.keyValueHeads, wide.headSize, wide.inner) = (4, 2, 16, 128)
    (wide.beginOfText, wide.endsOfText) = (0, [60])
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let model = try LanguageModel(ModelSpecification(wide), seed: 3)
    try model.write(to: folder, tokenizerJSON: nil)
    for doubleQuantised in [false, true] {
      let small = try LanguageModel(
        folder: folder, storage: .nf4(doubleQuantised: doubleQuantised))
      let whole = small.expanded()
      for (parameter, wide) in zip(small.table.parameters, whole.table.parameters) {
        #expect(parameter.storage == (parameter.isLinearWeight ? .nf4 : nil), "\(parameter.name)")
        guard parameter.isLinearWeight else { continue }
        let distance = relativeDistance(
          whole.weights[wide.region].values, model.tensor(parameter.role).values)
        // 16 levels for normal numbers: about a tenth.
        #expect(distance > 0.02 && distance < 0.15, "\(parameter.name): \(distance)")
      }
      let batch = Batch(TinyFamily.llama.sequences([19, 7]))
      #expect(outputs(small, batch) == outputs(whole, batch))
    }
  }

  /// What transformers computes from a folder of ours; PLUMB_TEST_PYTHON names the interpreter.
  @Test(arguments: TinyFamily.allCases.filter { $0 != .gpt2 })
  func transformersComputesTheSameFromOurFolder(family: TinyFamily) throws {
    let python = ProcessInfo.processInfo.environment["PLUMB_TEST_PYTHON"] ?? "python3"
    guard output(of: python, ["-c", "import torch, transformers"]) != nil else {
      print("skipped: '\(python)' has no transformers (set PLUMB_TEST_PYTHON)")
      return
    }
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let model = try family.model()
    try model.write(to: folder, tokenizerJSON: nil)
    let ids = tokens(32, seed: 9, below: 58).map { $0 + 3 }
    let script = """
      import json, sys, torch, transformers
      kind = transformers.AutoModel if sys.argv[3] == "true" else transformers.AutoModelForCausalLM
      model, told = kind.from_pretrained(sys.argv[1], output_loading_info=True)
      assert not told["unexpected_keys"] and not told["mismatched_keys"], told
      assert all("pooler" in key for key in told["missing_keys"]), told
      with torch.no_grad():
        out = model.eval()(torch.tensor([json.loads(sys.argv[2])]))
        print(json.dumps(out[0][0].flatten().tolist()))
      """
    let text = try #require(
      output(of: python, ["-c", script, folder, "\(ids)", "\(family.specification.isEncoder)"]))
    let theirs = try #require(
      try JSONValue(parsing: text.split(separator: "\n").last.map(String.init) ?? "").array)
    let got = outputs(model, Batch([TokenSequence(ids)]))
    #expect(theirs.count == got.count)
    let worst = zip(got, theirs).map { abs(Double($0) - $1.double!) }.max()!
    #expect(worst <= 1e-3, "\(family): differs by \(worst)")
  }
}

/// The standard output of a command, nil if it fails or does not exist.
func output(of command: String, _ arguments: [String]) -> String? {
  let process = Process()
  process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
  process.arguments = [command] + arguments
  let pipe = Pipe()
  process.standardOutput = pipe
  process.standardError = FileHandle.nullDevice
  guard (try? process.run()) != nil else { return nil }
  let data = pipe.fileHandleForReading.readDataToEndOfFile()
  process.waitUntilExit()
  return process.terminationStatus == 0 ? String(decoding: data, as: UTF8.self) : nil
}
