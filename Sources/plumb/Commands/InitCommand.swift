// plumb init: a small pipeline that works, to be changed into one's own.

import ArgumentParser
import Diagnostics
import Foundation

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Begin a project: a small pipeline that works, and its folders.",
    discussion: "Nothing that is there already is overwritten.")

  @Argument(help: "The project's folder; made if it is not there.") var folder: String = "."

  func run() throws {
    let manager = FileManager.default
    func path(_ name: String) -> String { folder == "." ? name : folder + "/" + name }
    for (name, _) in Self.files where manager.fileExists(atPath: path(name)) {
      throw Diagnostic.wouldOverwrite(path(name))
    }
    var output = Output()
    for (name, text) in Self.files {
      let path = path(name)
      do {
        try manager.createDirectory(
          atPath: Project.folder(of: path), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: URL(fileURLWithPath: path), options: .withoutOverwriting)
      } catch {
        throw Diagnostic.cannotWrite(path, reason: error.localizedDescription)
      }
      output.line("wrote \(path)")
    }
    output.line()
    output.line("Next:  " + (folder == "." ? "" : "cd \(folder) && ") + "plumb run")
    output.write()
  }

  private static let files: [(name: String, text: String)] = [
    (
      "plumb.yaml",
      """
      # A small study: articles with a known leaning, a judge that learns to tell leanings apart, and
      # what the judge says about articles that it has not seen.
      #
      #   plumb check     names, types, ranges, references
      #   plumb run       make what is missing
      #   plumb metrics   the figures
      #   plumb stages    everything that `uses:` may name
      version: 1
      name: first-steps
      summary: A judge of political leaning, and what it says about other articles.

      params:                      # change them here, or with: plumb run --set documents=200
        documents: 90
        seed: 42

      stages:
        training:
          uses: compose-corpus
          with: {grammar: news, documents: $(params.documents), seed: $(params.seed)}

        judge:
          uses: train-classifier
          inputs: {corpus: training.corpus}
          with: {seed: $(params.seed)}

        others:
          uses: compose-corpus
          matrix: {seed: [1, 2, 3]}
          with: {grammar: news, documents: 30, seed: $(matrix.seed)}

        score:
          uses: score-bias
          matrix: {seed: others.seed}
          inputs: {corpus: others.corpus, classifier: judge.classifier}
          with: {seed: $(params.seed)}

      """
    ),
    (
      "artifacts/README.md",
      """
      # Artifacts

      Results, logs and reports that `plumb` makes. May be deleted: the next run makes them again.

      """
    ),
    (
      "inputs/README.md",
      """
      # Inputs

      Files from outside. A manifest names them under `inputs` of a stage:

          articles:
            uses: import-corpus
            inputs: {files: {file: inputs/articles.jsonl}}
            with: {format: jsonl}

      """
    ),
    ("stages/README.md", "# Stage kinds of this project: one folder each, with a `stage.yaml`\n"),
    (".gitignore", "artifacts/*\n!artifacts/README.md\n"),
  ]
}
