import Diagnostics
import Foundation
import ModelFiles
import Tensors
import Testing

@testable import LanguageModels

@Suite struct TrainingPathTests {
  @Test func placesCutARunIntoEqualPieces() {
    #expect(TrainingPath.places(0, of: 10) == [])
    #expect(TrainingPath.places(1, of: 10) == [5])
    #expect(TrainingPath.places(3, of: 8) == [2, 4, 6])
    #expect(TrainingPath.places(4, of: 7) == [1, 3, 4, 6])
    #expect(TrainingPath.places(9, of: 4) == [1, 2, 3])
    #expect(TrainingPath.places(.max, of: 3) == [1, 2])
    #expect(TrainingPath.places(2, of: 1) == [])
  }

  /// What was kept at a step is the model that a run of so many steps ends with, in the file's layout.
  @Test(arguments: [TinyFamily.gpt2, .llama])
  func keptWeightsAreThoseOfTheStep(_ family: TinyFamily) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let target = folder + "/path"
    try FileManager.default.createDirectory(atPath: target, withIntermediateDirectories: true)
    let run = settings(epochs: 2, batching: .documents(2))
    let data = sequences([9, 12, 7, 10]).map { TokenSequence($0.tokens.map { $0 % 60 }) }
    let start = { try LanguageModel(ModelSpecification(family.configuration), seed: 1) }
    let trainer = try Trainer(start(), on: data, run)
    let places = TrainingPath.places(2, of: trainer.totalSteps)
    var kept: [[Float]] = []
    while let step = try trainer.step() {
      guard places.contains(step.step) else { continue }
      try trainer.keepWeights(in: folder)
      kept.append(trainer.model.weights.everything.values)
    }
    try TrainingPath.write(places, of: trainer.totalSteps, from: folder, to: target)
    let files = try names(in: target)
    let path = try TrainingPath(files: files)
    #expect(path.steps.map(\.number) == places && path.totalSteps == 4)
    for (step, weights) in zip(path.steps, kept) {
      let model = try start()
      let matched = try Checkpoint(files: ["model.safetensors": step.file])
        .match(model.specification.family.layout)
      for (number, parameter) in model.table.parameters.enumerated() {
        try matched.read(
          number,
          into: UnsafeMutableBufferPointer(
            start: model.weights[parameter.region].data, count: parameter.count))
      }
      #expect(model.weights.everything.values == weights)
    }
  }

  @Test func pathsThatAreNone() throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    func id(_ index: String?, _ steps: [Int] = [3]) throws -> String? {
      for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
        try FileManager.default.removeItem(atPath: folder + "/" + name)
      }
      if let index { try AtomicFile.write(Array(index.utf8), to: folder + "/path.json") }
      for step in steps {
        try AtomicFile.write([], to: folder + "/" + TrainingPath.fileName(step))
      }
      let files = try names(in: folder)
      do throws(Diagnostic) {
        _ = try TrainingPath(files: files)
        return nil
      } catch { return error.id }
    }
    #expect(try id(#"{"steps":[3],"total_steps":4}"#) == nil)
    #expect(try id(#"{"steps":[],"total_steps":0}"#, []) == nil)
    for bad in [
      #"{"steps":[3],"total_steps":3}"#, #"{"steps":[3,3],"total_steps":9}"#,
      #"{"steps":[0],"total_steps":9}"#, #"{"steps":[4],"total_steps":9}"#,
      #"{"steps":["../x"],"total_steps":9}"#, #"{"steps":[3]}"#, "[]", #"{"total_steps":9}"#,
      #"{"steps":[-3],"total_steps":9}"#,
    ] { #expect(try id(bad) == "training-path", "\(bad)") }
    #expect(try id(nil) == "training-path")
    #expect(try id("{") == "json-syntax")
    // A file that was never written.
    #expect(throws: Diagnostic.self) {
      try TrainingPath.write([8], of: 9, from: folder, to: folder + "/nowhere")
    }
  }

  private func names(in folder: String) throws -> [String: String] {
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: folder) {
      files[name] = folder + "/" + name
    }
    return files
  }
}
