// A recipe takes the place of parameters, and nothing that a recipe may not say gets through.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Scheduling
import Testing

@testable import StageLibrary

@Suite struct FineTuneRecipeTests {
  private static let parameters = Parameters(
    JSONObject([
      ("epochs", 5), ("weight_decay", 0.01), ("learning_rate", 5e-5), ("batch_documents", 8),
    ]))

  private func apply(_ recipe: String?) throws -> (parameters: Parameters, log: [String]) {
    let folder = NSTemporaryDirectory() + "/plumb-recipe-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var input: InputArtifact?
    if let recipe {
      try recipe.write(toFile: folder + "/recipe.json", atomically: true, encoding: .utf8)
      input = InputArtifact(
        reference: .blob(Digest.of(Array(recipe.utf8))),
        files: ["recipe.json": folder + "/recipe.json"])
    }
    var log: [String] = []
    let applied = try FineTuneRecipe.apply(input, to: Self.parameters) { log.append($0) }
    return (applied, log)
  }

  @Test func theStudysOverfittingIsExpressed() throws {
    let (parameters, log) = try apply("{\"epochs\": 25, \"weight_decay\": 0}")
    #expect(parameters.integer("epochs") == 25)
    #expect(parameters.number("weight_decay") == 0)
    #expect(parameters.number("learning_rate") == 5e-5)
    #expect(parameters.integer("batch_documents") == 8)
    #expect(log == ["the recipe sets epochs to 25", "the recipe sets weight_decay to 0"])
  }

  @Test func withoutARecipeOrWithAnEmptyOneNothingChanges() throws {
    #expect(try apply(nil).parameters == Self.parameters)
    let empty = try apply("{}")
    #expect(empty.parameters.values.canonical == Self.parameters.values.canonical)
    #expect(empty.log.isEmpty)
  }

  @Test func aSettingThatWasLeftOutCanBeAdded() throws {
    #expect(
      try apply("{\"batch_tokens\": 1024}").parameters.optionalInteger("batch_tokens") == 1024)
  }

  @Test func anEqualBudgetIsAskedFor() throws {
    let (parameters, log) = try apply("{\"budget\": \"equal\", \"weight_decay\": 0}")
    #expect(parameters.optionalString("budget") == "equal" && parameters.integer("epochs") == 5)
    #expect(log.contains("the recipe asks for an equal budget of tokens"))
    #expect(try apply("{\"total_tokens\": 7}").parameters.optionalInteger("total_tokens") == 7)
  }

  @Test(arguments: [
    "", "[]", "3", "{", "{\"epochs\": 0}", "{\"epochs\": -1}", "{\"epochs\": 2.5}",
    "{\"epochs\": \"25\"}", "{\"epochs\": null}", "{\"epochs\": true}", "{\"seed\": 3}",
    "{\"Epochs\": 3}", "{\"dropout\": 1}", "{\"warmup\": 1}", "{\"weight_decay\": -0.1}",
    "{\"max_length\": 1}", "{\"learning_rate\": 0}", "{\"learning_rate\": -1}",
    "{\"total_tokens\": 0}", "{\"budget\": \"own\"}", "{\"budget\": 3}",
  ])
  func refuses(_ recipe: String) {
    let error = #expect(throws: Diagnostic.self) { try apply(recipe) }
    #expect(["recipe-setting", "json-syntax"].contains(error?.id), "\(error?.id ?? "nothing")")
  }
}

extension JSONObject {
  fileprivate var canonical: String { JSONValue.object(self).canonicalText }
}
