// Every sentence that reading and writing model files can say; the pages behind the ids are in
// ModelFilesExplanations.swift.

import CanonicalJSON
import Diagnostics

extension Diagnostic {
  static func fileUnreadable(_ path: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "file-unreadable", "cannot read '\(path)': \(reason)",
      help: "check the path and that you may read it")
  }

  static func fileUnwritable(_ path: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "file-unwritable", "cannot write '\(path)': \(reason)",
      help: "check that the folder exists, that you may write there and that the disk is not full")
  }

  static func safetensorsMalformed(_ path: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "safetensors-malformed", "'\(path)' is not a whole safetensors file: \(reason)",
      help: "fetch or export the file again; compare its size with the source's")
  }

  static func safetensorsType(_ path: String, tensor: String, type: String) -> Diagnostic {
    Diagnostic(
      "safetensors-type", "tensor '\(tensor)' of '\(path)' has the type \(type)",
      help:
        "weights may be F32, F16, BF16 or F64, other tensors also I64, I32, U8 or BOOL: convert "
        + "the model before")
  }

  static func ggufMalformed(_ path: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "gguf-malformed", "'\(path)' is not a whole GGUF file: \(reason)",
      help: "fetch the file again; compare its size with the source's")
  }

  static func ggufType(_ path: String, tensor: String, type: String) -> Diagnostic {
    Diagnostic(
      "gguf-type", "tensor '\(tensor)' of '\(path)' has the type \(type)",
      help:
        "read here: F32, F16, BF16, Q4_0, Q4_1, Q5_0, Q5_1, Q8_0 and Q6_K; take a file in one of "
        + "these, such as Q4_1 or Q8_0")
  }

  static func ggufVocabulary(_ path: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "gguf-vocabulary", "'\(path)' has no vocabulary that can be read: \(reason)",
      help: "take another conversion of the model, or give the tokenizer.json as a file of its own")
  }

  static func modelFileMissing(_ name: String, among names: [String]) -> Diagnostic {
    Diagnostic(
      "model-file-missing", "the model has no '\(name)'",
      help: names.isEmpty
        ? "the folder is empty" : suggestion(for: name, among: names, called: "a file"))
  }

  static func checkpointIndex(_ path: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "checkpoint-index", "'\(path)' does not say where the weights are: \(reason)",
      help: "fetch the model again, or save it as one model.safetensors")
  }

  static func checkpointTensors(
    _ path: String, missing: [String], misshapen: [String], unknown: [String]
  ) -> Diagnostic {
    Diagnostic(
      "checkpoint-tensors", "the weights in '\(path)' are not those of the model in config.json",
      notes: tensorNotes(missing, misshapen, unknown),
      help: "use the config.json that was saved together with the weights")
  }

  /// How tensors of a file differ from those that a layout asks for.
  static func tensorNotes(
    _ missing: [String], _ misshapen: [String], _ unknown: [String]
  ) -> [Diagnostic.Note] {
    func list(_ names: [String]) -> String {
      names.prefix(8).joined(separator: ", ")
        + (names.count > 8 ? " and \(names.count - 8) more" : "")
    }
    return [("missing", missing), ("wrong shape", misshapen), ("unknown", unknown)]
      .filter { !$1.isEmpty }.map { Diagnostic.Note("\($0): \(list($1))") }
  }

  static func checkpointUntied(_ path: String, _ name: String, from original: String) -> Diagnostic
  {
    Diagnostic(
      "checkpoint-untied",
      "'\(name)' in '\(path)' differs from '\(original)', though config.json ties them",
      help: "models with an output matrix of their own are not supported for this family")
  }

  static func checkpointNotFinite(
    _ path: String, tensor: String, index: Int, value: Float
  ) -> Diagnostic {
    Diagnostic(
      "checkpoint-not-finite", "'\(tensor)' in '\(path)' holds \(value) at element \(index)",
      help: "the training that made it diverged: go back to an earlier checkpoint")
  }

  static func modelConfiguration(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "model-config", "'\(path)' cannot be a model's configuration: \(reason)",
      help: "use the config.json that was saved together with the weights")
  }

  static func modelFamily(_ path: String, _ family: String) -> Diagnostic {
    Diagnostic(
      "model-family", "'\(path)' describes a model of the family '\(family)'",
      help: "supported here: gpt2, llama, mistral, bert, roberta; in GGUF files: llama")
  }

  static func modelFeature(_ path: String, _ name: String, _ value: JSONValue) -> Diagnostic {
    Diagnostic(
      "model-feature",
      "'\(path)' asks for \(name) = \(value.shortText), which is not supported",
      help: "computing without it would give other numbers, so the model is refused")
  }
}
