// Gathers the pages of all modules for `plumb explain`.

import ArtifactStore
import CanonicalJSON
import Corpora
import LanguageModels
import ModelFiles
import Pipelines
import Reports
import RunHistory
import Scheduling
import StageLibrary
import Statistics
import Tokenizers
import YAMLSyntax

enum Explanations {
  /// Every page, sorted by id.
  static let all: [(id: String, text: String)] = {
    var pages = commandExplanations + generalExplanations
    // Engine.
    pages += yamlExplanations
    pages += pipelinesExplanations
    pages += artifactStoreExplanations
    pages += runHistoryExplanations
    pages += schedulingExplanations
    pages += slurmExplanations
    // Learning.
    pages += corporaExplanations
    pages += tokenizersExplanations
    pages += modelFilesExplanations
    pages += languageModelsExplanations
    pages += modelStagesExplanations
    pages += modelExchangeExplanations
    pages += theoryExplanations
    pages += neuronStagesExplanations
    pages += studyStagesExplanations
    pages += framesExplanations
    pages += opinionExplanations
    pages += traitModelExplanations
    pages += editingExplanations
    pages += skyExplanations
    for table in [statisticsExplanations, reportsExplanations, scoringExplanations] {
      pages += table.map { (id: $0.key, text: $0.value) }
    }
    return pages.sorted { bytesPrecede($0.id, $1.id) }
  }()
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
