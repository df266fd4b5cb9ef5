// Pipelines from text, for the tests of this module.

import Diagnostics
import Foundation
import Testing

@testable import Pipelines

enum Fixtures {
  static let folder = String(#filePath.dropLast("/Support.swift".count))

  /// The stage kinds under fixtures/stages; a problem there is a mistake of the tests.
  static let catalog: StageCatalog = {
    let (catalog, problems) = StageCatalog.load(folders: [folder + "/fixtures/stages"])
    precondition(problems.isEmpty, DiagnosticPrinter().text(of: problems))
    return catalog
  }()

  static func text(_ path: String) throws -> String {
    try String(contentsOfFile: folder + "/" + path, encoding: .utf8)
  }

  static func resolve(
    _ text: String, set assignments: [String] = [], params: [String] = [],
    workingFolder: String = "/elsewhere"
  ) -> (Pipeline?, [Diagnostic]) {
    PipelineResolver.resolve(
      SourceText(path: "manifest.yaml", text: text), at: "/study/manifest.yaml", catalog: catalog,
      overrides: ManifestOverrides(
        assignments: assignments, files: params, workingFolder: workingFolder))
  }

  /// A pipeline that must be without problems.
  static func pipeline(
    _ text: String, set assignments: [String] = [], params: [String] = [],
    workingFolder: String = "/elsewhere", at location: SourceLocation = #_sourceLocation
  ) throws -> Pipeline {
    let (pipeline, problems) = resolve(
      text, set: assignments, params: params, workingFolder: workingFolder)
    #expect(
      problems.isEmpty, Comment(rawValue: DiagnosticPrinter().text(of: problems)),
      sourceLocation: location)
    return try #require(pipeline, sourceLocation: location)
  }

  /// A manifest around some stages, with a corpus `real` and a model `base`.
  static func manifest(_ stages: String, params: String = "") -> String {
    """
    version: 1
    name: test
    \(params.isEmpty ? "" : "params:\n" + indented(params, by: 2))
    stages:
      base: {uses: import-model, inputs: {files: {file: inputs/gpt2}}}
      real: {uses: compose-corpus, with: {seed: 1}}
    \(indented(stages, by: 2))
    """
  }

  private static func indented(_ text: String, by count: Int) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false)
      .map { String(repeating: " ", count: count) + $0 }.joined(separator: "\n")
  }
}

extension SourceSpan {
  /// `line:column`.
  var shown: String { "\(start.line):\(start.column)" }
}

extension Pipeline {
  func instance(
    _ id: String, at location: SourceLocation = #_sourceLocation
  ) throws -> Instance {
    try #require(instances.first { $0.id.description == id }, sourceLocation: location)
  }

  /// What an input receives: `train[…].model`, `file PATH`.
  func sources(of id: String, _ port: String) throws -> [String] {
    let instance = try instance(id)
    let binding = try #require(instance.inputs.first { $0.port.name == port })
    return binding.items.map { item in
      switch item.source {
      case .output(let producer, let port): "\(instances[producer].id).\(port)"
      case .file(let path, _, _): "file \(path)"
      }
    }
  }

  func parameters(of id: String) throws -> [String] {
    try instance(id).parameters.map { "\($0.name)=\($0.value)" }
  }
}
