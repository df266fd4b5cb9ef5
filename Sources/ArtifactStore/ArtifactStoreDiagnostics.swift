// Every sentence that the store says to a person; the pages behind the ids are in
// ArtifactStoreExplanations.swift.

import Diagnostics
import Glibc

extension Diagnostic {
  // MARK: The file system

  /// A system call that failed, with the way out that fits the reason.
  static func io(_ doing: String, _ path: String, _ error: Int32) -> Diagnostic {
    let reason = String(cString: strerror(error))
    let message = "cannot \(doing) '\(path)': \(reason)"
    switch error {
    case ENOSPC, EDQUOT:
      return Diagnostic(
        "store-full", message,
        help: "free some space or raise the quota, then run again: nothing finished is lost",
        consequence: .stageFailed)
    case EACCES, EPERM, EROFS:
      return Diagnostic(
        "store-no-permission", message,
        help: "check the owner and mode of the folder, or use another store with --store")
    default:
      return Diagnostic(
        "store-io", message, help: "check the path and the file system, then run again",
        consequence: .stageFailed)
    }
  }

  // MARK: The store as a whole

  static func notAStore(_ path: String, found: String?) -> Diagnostic {
    let what = found.map { "it holds '\($0)' and no file 'format'" } ?? "it is not a folder"
    return Diagnostic(
      "store-not-a-store", "'\(path)' is not an artifact store: \(what)",
      help: "name a store, or a folder that is empty or absent, with --store")
  }

  static func formatUnknown(_ path: String, version: Int, digest: String) -> Diagnostic {
    Diagnostic(
      "store-format-unknown",
      "the store '\(path)' has format \(version) with digests '\(digest)'; this version of plumb"
        + " knows format 1 with 'sha256'",
      help: "use a newer plumb for this store, or another store with --store")
  }

  static func formatDamaged(_ path: String) -> Diagnostic {
    Diagnostic(
      "store-format-damaged", "the file 'format' of the store '\(path)' cannot be understood",
      help:
        "restore it from a copy; a store of format 1 holds exactly \(Store.formatText.dropLast())",
      consequence: .storeDamaged)
  }

  // MARK: Objects

  static func objectMissing(_ hex: String) -> Diagnostic {
    Diagnostic(
      "store-object-missing", "the object \(hex) is not in the store",
      help: "run `plumb store verify --repair`, then run again: what is missing is made again",
      consequence: .storeDamaged)
  }

  static func objectDamaged(_ hex: String) -> Diagnostic {
    Diagnostic(
      "store-object-damaged", "the bytes of the object \(hex) do not have this digest",
      help: "run `plumb store verify --repair`, then run again: what is damaged is made again",
      consequence: .storeDamaged)
  }

  static func treeDamaged(_ fault: String) -> Diagnostic {
    Diagnostic(
      "store-tree-damaged", "this is no listing of a folder: \(fault)",
      help:
        "run `plumb store verify --repair`, or rename the files of the folder that was to be kept",
      consequence: .storeDamaged)
  }

  // MARK: Records and results

  static func recordValue(_ fault: String, kind: String) -> Diagnostic {
    let what = kind.isEmpty ? "the result" : "the action record of '\(kind)'"
    return Diagnostic(
      "store-record-value", "\(what) cannot be written: \(fault)",
      help: "give a value that has an exact text, each once")
  }

  static func recordDamaged(_ fault: String) -> Diagnostic {
    Diagnostic(
      "store-record-damaged", "this is no action record: \(fault)",
      help: "run `plumb store verify --repair`, then run again: the action is made again",
      consequence: .storeDamaged)
  }

  static func resultIncomplete(_ port: String, _ reference: ObjectReference) -> Diagnostic {
    Diagnostic(
      "store-result-incomplete",
      "the result is not published: '\(port)' names \(reference), which is not in the store",
      help: "run again: finished stages are reused and this one is made again",
      consequence: .stageFailed)
  }

  static func rootDamaged(_ path: String) -> Diagnostic {
    Diagnostic(
      "store-root-damaged", "the root '\(path)' cannot be read, so what it keeps is unknown",
      help: "restore the file from a copy, or remove it if nothing of it must be kept",
      consequence: .storeDamaged)
  }

  // MARK: Outside files

  static func inputMissing(_ path: String, _ error: Int32) -> Diagnostic {
    let reason = String(cString: strerror(error))
    return Diagnostic(
      "store-input-missing", "cannot find '\(path)': \(reason)", help: "check the path")
  }

  static func inputSpecial(_ path: String, _ status: FileStatus) -> Diagnostic {
    let what =
      switch status.mode & S_IFMT {
      case S_IFDIR: "a folder where a file is needed"
      case S_IFIFO: "a pipe"
      case S_IFSOCK: "a socket"
      case S_IFCHR, S_IFBLK: "a device"
      default: "a file where a folder is needed"
      }
    return Diagnostic(
      "store-input-special", "'\(path)' is \(what)",
      help: "give regular files and folders; write what a pipe delivers to a file first")
  }

  static func inputName(_ path: String, _ fault: String) -> Diagnostic {
    Diagnostic(
      "store-input-name", "the folder '\(path)' cannot be kept: \(fault)",
      help: "rename the file; names are UTF-8 text without null bytes, at most 255 bytes each")
  }

  static func inputLink(_ path: String, _ target: String) -> Diagnostic {
    Diagnostic(
      "store-input-link", "the link '\(path)' leads \(target)",
      help: "remove it or replace it by what it should stand for; links to files are followed")
  }

  static func inputChanged(_ path: String) -> Diagnostic {
    Diagnostic(
      "store-input-changed", "'\(path)' changed while it was being read",
      help: "wait until whatever writes there has finished, then run again",
      consequence: .stageFailed)
  }

  // MARK: Looking after the store

  static func noRoots(_ path: String) -> Diagnostic {
    Diagnostic(
      "store-no-roots", "nothing in the store '\(path)' says what must be kept",
      help: "run the pipelines whose results are wanted once more, or keep results with store pin")
  }

  // MARK: Other stores

  static func copyDamaged(_ hex: String, _ place: String) -> Diagnostic {
    Diagnostic(
      "store-copy-damaged", "the object \(hex) in '\(place)' does not have this digest",
      help: "mend the other store first: plumb store verify --repair --store \(place)",
      consequence: .storeDamaged)
  }

  static func upstreamMissing(_ path: String, reason: String) -> Diagnostic {
    Diagnostic(
      "store-upstream-missing", "the upstream store '\(path)' cannot be used: \(reason)",
      help: "mount it, or take it off the list with: plumb store upstreams --remove \(path)",
      severity: .warning)
  }

  static func upstreamsDamaged(_ path: String, _ fault: String) -> Diagnostic {
    Diagnostic(
      "store-upstreams-damaged", "the file '\(path)' cannot be understood: \(fault)",
      help: "it holds a JSON list of absolute paths; remove it to use no other store",
      consequence: .storeDamaged)
  }

  static func bundleRefused(_ path: String, _ fault: String) -> Diagnostic {
    Diagnostic(
      "store-bundle-refused", "'\(path)' is not taken in: \(fault)",
      help: "ask for a new bundle, made with: plumb bundle FILE; nothing of this one was kept",
      consequence: .refused)
  }

  static func wouldOverwrite(_ path: String) -> Diagnostic {
    Diagnostic(
      "store-would-overwrite", "'\(path)' is there already, and nothing is ever overwritten",
      help: "name another file, or move it away")
  }

  static func remoteFailed(_ command: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "store-remote-failed", "'\(command)' failed: \(reason)",
      help:
        "try the same command by hand; what arrived stays, so the next attempt goes on from there",
      consequence: .stageFailed)
  }
}
