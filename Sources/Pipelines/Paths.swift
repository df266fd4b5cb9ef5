// Paths as text: what is relative to what, and reading a small file.

import Diagnostics
import Foundation
import YAMLSyntax

enum Paths {
  static var workingFolder: String { FileManager.default.currentDirectoryPath }

  /// An absolute path without `.` and `..`, by text alone: links are not followed.
  static func absolute(_ path: String, from folder: String) -> String {
    let whole = path.hasPrefix("/") ? path : folder + "/" + path
    var parts: [Substring] = []
    for part in whole.split(separator: "/") where part != "." {
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "" }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  /// A text file of the user's.
  ///
  /// **Throws**: `unreadable-file`.
  static func read(
    _ path: String, shown: String, at span: SourceSpan?
  ) throws(Diagnostic) -> SourceText {
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .unreadableFile(shown, why: "there is no such file", at: span)
    }
    if isFolder.boolValue { throw .unreadableFile(shown, why: "it is a folder", at: span) }
    let size = (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
    if size > YAMLLimits.bytes {
      throw .unreadableFile(
        shown, why: "it has \(size) bytes; the limit is \(YAMLLimits.bytes)", at: span)
    }
    guard let data = FileManager.default.contents(atPath: path) else {
      throw .unreadableFile(shown, why: "it cannot be read", at: span)
    }
    return SourceText(path: shown, bytes: Array(data))
  }
}
