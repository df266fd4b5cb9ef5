import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles
import Tensors
import Testing

@testable import LanguageModels

@Suite struct LanguageModelTests {
  @Test func beginsAsGPT2Does() throws {
    let model = try tinyModel(layers: 8)
    #expect(
      model.table.weightCount
        == 97 * 24 + 32 * 24 + 8 * (4 * 24 + 24 * 72 + 72 + 24 * 24 + 24 + 2 * 24 * 40 + 40 + 24)
        + 48)
    func deviation(_ role: ParameterRole) -> Double {
      let values = model.tensor(role).values
      return (values.reduce(0) { $0 + Double($1) * Double($1) } / Double(values.count)).squareRoot()
    }
    #expect(abs(deviation(.tokenEmbedding) - 0.02) < 0.001)
    #expect(abs(deviation(.block(5, .queryKeyValueWeight)) - 0.02) < 0.001)
    #expect(abs(deviation(.block(5, .downWeight)) - 0.02 / 4) < 0.0005)
    #expect(abs(deviation(.block(0, .attentionOutputWeight)) - 0.02 / 4) < 0.0005)
    #expect(model.tensor(.block(2, .attentionNormGain)).values.allSatisfy { $0 == 1 })
    #expect(model.tensor(.block(2, .upBias)).values.allSatisfy { $0 == 0 })
    #expect(
      model.tensor(.block(2, .upWeight)).values != model.tensor(.block(3, .upWeight)).values)
    // Views do not keep a model alive, so it needs a name.
    let other = try tinyModel(layers: 8, seed: 2)
    #expect(other.tensor(.tokenEmbedding).values != model.tensor(.tokenEmbedding).values)
  }

  @Test func onlyMatricesDecay() throws {
    let table = try tinyModel().table
    for parameter in table.parameters {
      let isNormOrBias = parameter.name.contains("ln_") || parameter.name.hasSuffix(".bias")
      #expect(parameter.decays == !isNormOrBias, "\(parameter.name)")
    }
  }

  @Test func foldersComeBackAsTheyWentAndHaveOneForm() throws {
    let (a, b) = (try temporaryFolder(), try temporaryFolder())
    defer { [a, b].forEach(removeFolder) }
    let model = try formulaModel()
    try model.write(to: a, tokenizerJSON: Array("{\"any\": 1}".utf8))
    let read = try LanguageModel(folder: a)
    #expect(read.specification == model.specification)
    #expect(allValues(read.weights, read) == allValues(model.weights, model))
    try read.write(to: b, tokenizerJSON: Array("{\"any\": 1}".utf8))
    let names = try FileManager.default.contentsOfDirectory(atPath: a).sorted()
    #expect(
      names == ["config.json", "generation_config.json", "model.safetensors", "tokenizer.json"])
    for name in names {
      #expect(FileManager.default.contentsEqual(atPath: a + "/" + name, andPath: b + "/" + name))
    }
    let file = try Safetensors(at: a + "/model.safetensors")
    #expect(file["transformer.h.0.attn.c_attn.weight"]?.shape == [24, 72])
    #expect(file["lm_head.weight"] == nil)
  }

  /// A configuration that promises more than the file holds costs no memory.
  @Test func refusesBeforeItTakesMemory() throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try tinyModel().write(to: folder, tokenizerJSON: nil)
    var huge = tinyConfiguration()
    huge.width = 65_536
    huge.heads = 64
    huge.inner = 1 << 20
    huge.layers = 500
    huge.vocabularySize = 1 << 24
    try AtomicFile.write(huge.json.canonicalBytes, to: folder + "/config.json")
    #expect(throws: Diagnostic.self) { try LanguageModel(folder: folder) }
  }

  /// What transformers computes from a folder of ours; PLUMB_TEST_PYTHON names the interpreter.
  @Test func transformersComputesTheSameFromOurFolder() throws {
    let python = ProcessInfo.processInfo.environment["PLUMB_TEST_PYTHON"] ?? "python3"
    guard run(python, ["-c", "import torch, transformers"]) != nil else {
      print("skipped: '\(python)' has no transformers (set PLUMB_TEST_PYTHON)")
      return
    }
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let model = try formulaModel()
    try model.write(to: folder, tokenizerJSON: nil)
    let ids = tokens(32, seed: 9)
    let script = """
      import json, sys, torch, transformers
      model = transformers.GPT2LMHeadModel.from_pretrained(sys.argv[1]).eval()
      with torch.no_grad():
        print(json.dumps(model(torch.tensor([json.loads(sys.argv[2])])).logits[0].flatten().tolist()))
      """
    let output = try #require(run(python, ["-c", script, folder, "\(ids)"]))
    let theirs = try #require(
      try JSONValue(parsing: output.split(separator: "\n").last.map(String.init) ?? "").array)
    var plan = ArenaPlan()
    let region = plan.add("logits", rows: 32, columns: 97)
    let arena = Arena(plan)
    Transformer(model, capacity: 32, trains: false)
      .logits(Batch([TokenSequence(ids)]), into: arena[region])
    let worst = zip(arena[region].values, theirs).map { abs(Double($0) - $1.double!) }.max()!
    print("largest difference to transformers: \(worst)")
    #expect(theirs.count == 32 * 97 && worst <= 1e-3)
  }

  @Test func everyDiagnosticHasItsPage() {
    let ids = Set(languageModelsExplanations.map(\.id))
    #expect(ids.count == languageModelsExplanations.count)
    for problem: Diagnostic in [
      .modelIsAnEncoder(""), .weightsFrozen("", storage: ""), .weightsNotFinite(""),
      .tokenOutsideVocabulary(1, vocabulary: 1),
      .exampleLength(1, context: 1), .endOfTextMissing, .nothingToLearn(documents: 1),
      .trainingDiverged(step: 1, loss: 1, norm: nil), .checkpointOfAnotherRun(""),
      .evaluationWindow(1, context: 1), .evaluationStride(1, window: 1),
      .promptLength(1, length: 1, context: 1), .blockLength(1, context: 1), .logitsNotFinite,
    ] { #expect(ids.contains(problem.id), "\(problem.id)") }
  }
}

/// The standard output of a command, nil if it fails or does not exist.
private func run(_ command: String, _ arguments: [String]) -> String? {
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
