// Gathers the pages of all modules for `plumb explain`.

import ArtifactStore
import ModelFiles
import Pipelines
import Scheduling
import Statistics
import Tokenizers
import YAMLSyntax

enum Explanations {
  /// Every page, sorted by id.
  static let all: [(id: String, text: String)] =
    (commandExplanations + generalExplanations + yamlExplanations + pipelinesExplanations
    + artifactStoreExplanations + schedulingExplanations + modelFilesExplanations
    + tokenizersExplanations
    + statisticsExplanations.map { (id: $0.key, text: $0.value) })
    .sorted { $0.id.utf8.lexicographicallyPrecedes($1.id.utf8) }
}

/// Ids of modules that are too small for a list of their own.
private let generalExplanations: [(id: String, text: String)] = [
  (
    "json-syntax",
    """
    Outside JSON is read strictly (RFC 8259): no comments, no trailing commas, no duplicate keys, no
    lone surrogates, valid UTF-8, nesting up to 128, numbers that fit a double. The message names
    line and column.
    """
  )
]
