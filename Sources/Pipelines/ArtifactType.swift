// The closed list of what may pass between stages. A new type is added here and nowhere else.

/// What an artifact is: decides which ports fit together and how its bytes lie in the store.
public struct ArtifactType: Sendable, Hashable {
  /// One file with a fixed name, or a folder of files.
  public enum Content: Sendable, Hashable {
    case file(name: String)
    case folder
  }

  public let name: String
  public let content: Content
  public let summary: String

  private init(_ name: String, _ content: Content, _ summary: String) {
    self.name = name
    self.content = content
    self.summary = summary
  }

  /// Every type, sorted by name.
  public static let all: [ArtifactType] = [
    .init("adapter", .folder, "weights that adapt a language model (PEFT layout)"),
    .init("blur-weights", .file(name: "weights.json"), "how measures become a probability of blur"),
    .init("camera", .folder, "what a fixed camera sees of its marker when it is sharp"),
    .init("classifier", .folder, "features and weights that tell classes apart"),
    .init("corpus", .folder, "documents with ids, texts and labels"),
    .init("encoder", .folder, "a text encoder (Hugging Face layout)"),
    .files,
    .init("frame-labels", .file(name: "labels.csv"), "what is known about frames: file, label, …"),
    .init("frames", .folder, "pictures of one camera, sorted by name"),
    .init("language-model", .folder, "weights, configuration, tokenizer (Hugging Face layout)"),
    .init("marker", .file(name: "marker.json"), "boxes around what never moves before a camera"),
    .init("metrics", .file(name: "metrics.json"), "named figures with units and intervals"),
    .init("neuron-table", .file(name: "neurons.jsonl"), "one row for each unit"),
    .init("prompt-context", .file(name: "context.json"), "what a model reads before a question"),
    .init("report", .file(name: "report.html"), "one self-contained page"),
    .init("scores", .file(name: "scores.jsonl"), "one row for each document"),
    .init("section", .file(name: "section.json"), "figures, tables and claims for a report"),
    .init("tokenizer", .file(name: "tokenizer.json"), "how text becomes tokens"),
    .init("training-history", .file(name: "history.jsonl"), "one row for each training step"),
    .init("training-path", .folder, "weights at some steps of a training run"),
    .init("training-recipe", .file(name: "recipe.json"), "settings that override a training stage"),
    .init("verdicts", .folder, "a verdict for each frame"),
  ]

  /// Bytes of any form: the only type that a `file:` reference binds to. An output of it is a folder.
  public static let files = ArtifactType(
    "files", .folder, "any files: from outside the store, or made by a program")

  public static func named(_ name: String) -> ArtifactType? { all.first { $0.name == name } }
}
