// What reading adapters can say; the pages behind the ids are in ModelFilesExplanations.swift.

import CanonicalJSON
import Diagnostics

extension Diagnostic {
  static func adapterFileMissing(_ name: String, among names: [String]) -> Diagnostic {
    Diagnostic(
      "adapter-file-missing", "the adapter has no '\(name)'",
      help: names.isEmpty
        ? "the folder is empty" : suggestion(for: name, among: names, called: "a file"))
  }

  static func adapterConfiguration(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "adapter-config", "'\(path)' cannot be an adapter's configuration: \(reason)",
      help: "use the adapter_config.json that was saved together with the weights")
  }

  static func adapterFeature(_ path: String, _ name: String, _ value: JSONValue) -> Diagnostic {
    Diagnostic(
      "adapter-feature", "'\(path)' asks for \(name) = \(value.shortText), which is not supported",
      help: "merge the adapter with peft and import the merged model")
  }

  static func adapterTensors(
    _ path: String, missing: [String], misshapen: [String], unknown: [String]
  ) -> Diagnostic {
    Diagnostic(
      "adapter-tensors",
      "the tensors in '\(path)' are not those of this adapter on this base model",
      notes: tensorNotes(missing, misshapen, unknown),
      help: "use the base model that the adapter was trained on, and its own adapter_config.json")
  }

  static func nf4Malformed(
    _ path: String, tensor: String, because reason: String
  ) -> Diagnostic {
    Diagnostic(
      "nf4-malformed", "'\(tensor)' in '\(path)' is no NF4 matrix: \(reason)",
      help: "save the model again with bitsandbytes (nf4, block size 64), or in single precision")
  }
}
