// Parameters of generate-corpus as a stage takes them: beams, stop texts, repetition.

import ArtifactStore
import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import Scheduling
import Testing

@testable import StageLibrary

private let example =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path + "/stages/import-model/example"

@Suite struct GenerationStageTests {
  private let folder = NSTemporaryDirectory() + "/plumb-generation-" + UUID().uuidString

  private func artifact(_ path: String) throws -> InputArtifact {
    let names = try FileManager.default.subpathsOfDirectory(atPath: path)
    return InputArtifact(
      reference: .tree(Digest.of(Array(path.utf8))),
      files: Dictionary(uniqueKeysWithValues: names.map { ($0, path + "/" + $0) }))
  }

  /// Runs the stage until its end, stopped whenever it can be if so wanted.
  ///
  /// - Returns: bodies of the articles, and how often it was stopped.
  private func write(
    _ name: String, stopped: Bool = false, _ changes: [String: JSONValue]
  ) throws -> (bodies: [String], stops: Int) {
    let (prompts, output) = (folder + "/prompts", folder + "/\(name)")
    for path in [prompts, output + "/corpus", output + "/resume"] {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    }
    try Corpus(
      documents: (0..<9).map {
        Document(
          id: "text-\($0)", text: "title: day \($0)\nbody: the news of \($0)", source: "here")
      }
    ).write(to: prompts)
    var parameters: [(String, JSONValue)] = [
      ("form", "continuation"), ("decoding", "greedy"), ("block", 12), ("title_prompt", "heading"),
      ("temperature", .number(1)), ("top_p", .number(0.9)), ("top_k", 50), ("beams", 3),
      ("length_penalty", .number(1)), ("early_stopping", "when-unlikely"),
      ("repetition_penalty", .number(1)), ("stop_texts", []), ("storage", "float32"),
      ("batch", 4), ("seed", 3),
    ]
    for index in parameters.indices {
      if let value = changes[parameters[index].0] { parameters[index].1 = value }
    }
    var stops = 0
    while true {
      let stop = StopFlag()
      if stopped { stop.set() }
      do throws(Diagnostic) {
        try GenerateCorpusStage.run(
          StageContext(
            parameters: StagePorts.parameters(GenerateCorpusStage.self, parameters),
            inputs: [
              "model": [try! artifact(example)], "prompts": [try! artifact(prompts)], "adapter": [],
            ],
            outputs: ["corpus": OutputArtifact(folder: output + "/corpus")],
            resumeFolder: output + "/resume", stop: stop))
        break
      } catch {
        guard error.id == Diagnostic.interrupted.id, stops < 100 else { throw error }
        stops += 1
      }
    }
    let corpus = try Corpus.read(files: artifact(output + "/corpus").files)
    return (corpus.documents.map(\.text), stops)
  }

  /// A stop loses no article that was finished, though beams are searched together.
  @Test func beamsGoOnAfterEveryStop() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let whole = try write("whole", ["decoding": "beam"])
    let stopped = try write("stopped", stopped: true, ["decoding": "beam"])
    #expect(stopped.bodies == whole.bodies)
    #expect(stopped.stops >= 6, "\(stopped.stops) stops: articles were searched anew")
    let one = try write("one", ["decoding": "beam", "beams": 1])
    #expect(one.bodies == (try write("greedy", [:])).bodies)
    #expect(one.bodies != whole.bodies)
  }

  @Test func beamsBeyondTheVocabularyAreTheUsersMistake() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let many = #expect(throws: Diagnostic.self) {
      try write("many", ["decoding": "beam", "beams": 100_000])
    }
    #expect(many?.id == "beams")
    let both = #expect(throws: Diagnostic.self) {
      try write("both", ["decoding": "beam", "stop_texts": ["."]])
    }
    #expect(both?.id == "generation-setting")
  }

  @Test func stopTextsAndRepetitionReachTheWriting() throws {
    defer { try? FileManager.default.removeItem(atPath: folder) }
    // Drawn, since this model repeats itself where it takes the likeliest.
    let plain = try write("plain", ["decoding": "top-p"]).bodies
    // Any letter that is not a text's first.
    let stop = String(
      try #require(
        plain.lazy.compactMap { $0.dropFirst().first { $0.isASCII && $0.isLetter } }.first))
    let cut = try write("cut", ["decoding": "top-p", "stop_texts": [.string(stop)]]).bodies
    #expect(!cut.contains { $0.contains(stop) })
    for (short, long) in zip(cut, plain) { #expect(long.hasPrefix(short)) }
    #expect(cut != plain)
    #expect(
      try write("penalised", ["decoding": "top-p", "repetition_penalty": .number(5)]).bodies
        != plain)
  }
}
