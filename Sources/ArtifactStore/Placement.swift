// Puts a finished temporary file at its place, whole or not at all, without ever overwriting.

import CLinux
import Diagnostics
import Glibc

/// How a name is given to a file; tests put a file system without hard links here.
typealias LinkCall = @Sendable (_ old: String, _ new: String) -> Int32

let systemLink: LinkCall = { link($0, $1) == 0 ? 0 : errno }

enum Placement {
  enum Outcome { case placed, existed }

  /// Gives the temporary file its final name. The temporary name is gone after `placed`, and stays
  /// after `existed`.
  ///
  /// A link is the one call that is atomic, never overwrites and works over NFS; there the answer to
  /// a link that worked can be lost, so the count of the temporary's names is the truth. File
  /// systems without hard links get a rename that refuses to overwrite, where they have it.
  static func place(
    _ temporary: String, at path: String, link: LinkCall
  ) throws(Diagnostic) -> Outcome {
    var failure = link(temporary, path)
    // The folder is missing, or was until another process made it a moment ago: try once more.
    let folder = FileAccess.folder(of: path)
    if failure == ENOENT || (failure != 0 && failure != EEXIST && FileStatus(of: folder) == nil) {
      try FileAccess.makeFolder(folder)
      failure = link(temporary, path)
    }
    if failure != 0, hasTwoNames(temporary, path) { failure = 0 }
    switch failure {
    case 0:
      unlink(temporary)
      return .placed
    case EEXIST: return .existed
    case EPERM, EOPNOTSUPP, ENOSYS, EMLINK: return try rename(temporary, to: path)
    default: throw .io("write", path, failure)
    }
  }

  private static func hasTwoNames(_ temporary: String, _ path: String) -> Bool {
    guard let a = FileStatus(of: temporary), a.links == 2, let b = FileStatus(of: path) else {
      return false
    }
    return a.inode == b.inode && a.device == b.device
  }

  private static func rename(_ temporary: String, to path: String) throws(Diagnostic) -> Outcome {
    if plumb_rename_noreplace(temporary, path) == 0 { return .placed }
    switch errno {
    case EEXIST: return .existed
    case EINVAL, ENOSYS, EOPNOTSUPP:
      // Nothing atomic is left: look, then rename. Objects are equal anyway; of two results in the
      // same instant the later one stays.
      if FileStatus(of: path, followingLinks: false) != nil { return .existed }
      try FileAccess.rename(temporary, path)
      return .placed
    default: throw .io("write", path, errno)
    }
  }
}
