// How people name runs: `latest`, `latest~2`, a date, an id or a part of one; and runs of other stores
// as `STORE:RUN`. Every command that takes a run reads it here.

import ArtifactStore
import Diagnostics
import Foundation
import Glibc
import Scheduling

/// The name of a run within one store.
public enum RunName: Sendable, Equatable {
  /// The newest run, or one so many before it.
  case latest(back: Int)
  /// The newest run that began then, as the beginning of an id: `20261122`, `20261122T0830`.
  case begun(String)
  /// An id, its beginning, or the digits at its end.
  case part(String)

  /// Dates are in UTC, as the ids of runs are: `2026-11-22`, `2026-11-22T08`, `2026-11-22T08:30`.
  ///
  /// **Throws**: `run-name-malformed`.
  public init(_ text: String) throws(Diagnostic) {
    if text == "latest" {
      self = .latest(back: 0)
    } else if text.hasPrefix("latest~") {
      guard let back = Int(text.dropFirst(7)), back >= 0, text.utf8.count < 16 else {
        throw .runNameMalformed(text)
      }
      self = .latest(back: back)
    } else if let begin = Self.date(text) {
      self = .begun(begin)
    } else {
      let isName = text.utf8.allSatisfy { byte in
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
          UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
          UInt8(ascii: "."), UInt8(ascii: "%"):
          true
        default: false
        }
      }
      guard isName, text.utf8.count >= 4, text.first != "." else { throw .runNameMalformed(text) }
      self = .part(text)
    }
  }

  /// `2026-11-22T08:30` as the beginning of an id: `20261122T0830`.
  static func date(_ text: String) -> String? {
    let bytes = Array(text.utf8)
    let form = Array("0000-00-00T00:00".utf8)
    guard [10, 13, 16].contains(bytes.count) else { return nil }
    for (byte, wanted) in zip(bytes, form) {
      switch wanted {
      case UInt8(ascii: "0"): guard (0x30...0x39).contains(byte) else { return nil }
      case UInt8(ascii: "T"): guard byte == wanted || byte == 0x20 else { return nil }
      default: guard byte == wanted else { return nil }
      }
    }
    let digits = text.filter { $0.isNumber }
    return digits.count > 8 ? "\(digits.prefix(8))T\(digits.dropFirst(8))" : digits
  }
}

/// A run here or in another store: `latest~1`, `../lab/artifacts:latest`, `artifacts/runs/<id>`.
public struct RunAddress: Sendable, Equatable {
  /// The folder of another store; nil is the one at hand.
  public var store: String?
  /// As typed.
  public var run: String

  public init(store: String? = nil, run: String) {
    self.store = store
    self.run = run
  }

  /// What has a slash is a path: of a store, of a store and a run behind a colon, or of a run's folder.
  public init(_ text: String) {
    if let own = Self.runFolder(text) {
      self = own
    } else if text.contains("/") || text == "." || text == ".." {
      self.init(against: text)
    } else if RunName.date(text) == nil, let colon = text.lastIndex(of: ":") {
      self.init(store: String(text[..<colon]), run: String(text[text.index(after: colon)...]))
    } else {
      self.init(run: text)
    }
  }

  /// `STORE[:RUN]`; without a run the newest one is meant.
  public init(against text: String) {
    if let own = Self.runFolder(text) {
      self = own
    } else if !Self.isFolder(text), let colon = text.lastIndex(of: ":") {
      let run = String(text[text.index(after: colon)...])
      self.init(store: String(text[..<colon]), run: run.isEmpty ? "latest" : run)
      // A date with a time of day has a colon of its own.
      if let store, !Self.isFolder(store), let first = store.lastIndex(of: ":") {
        let date = store[store.index(after: first)...] + ":" + run
        if RunName.date(String(date)) != nil {
          self.init(store: String(store[..<first]), run: String(date))
        }
      }
    } else {
      self.init(store: text, run: "latest")
    }
    // The folder of a project stands for the store in it.
    if let store, !Self.isFile(store + "/format"), Self.isFile(store + "/artifacts/format") {
      self.store = store + "/artifacts"
    }
  }

  private static func runFolder(_ text: String) -> RunAddress? {
    guard text.contains("/"), isFile(text + "/run.json") else { return nil }
    let path = URL(fileURLWithPath: text).standardizedFileURL
    return RunAddress(
      store: path.deletingLastPathComponent().deletingLastPathComponent().path,
      run: path.lastPathComponent)
  }

  private static func isFile(_ path: String) -> Bool { access(path, F_OK) == 0 }

  private static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}

/// The runs of a store, newest first.
public struct RunShelf: Sendable {
  public let store: Store
  /// Only runs of this pipeline answer to `latest` and to dates; nil: of all.
  public let pipeline: String?
  private let folders: [RunFolder]

  public init(_ store: Store, pipeline: String?) throws(Diagnostic) {
    self.store = store
    self.pipeline = pipeline
    folders = try store.runs()
  }

  /// Every run of the pipeline whose record can be read. Records are read one by one, as they are
  /// asked for.
  public var runs: some Sequence<RunReport> {
    folders.lazy.compactMap { try? RunReport(readingRunFolder: $0.path) }
      .filter { [pipeline] in pipeline == nil || $0.pipeline == pipeline }
  }

  /// Runs whose records cannot be read, among the newest.
  public func damaged(among count: Int) -> [Diagnostic] {
    folders.prefix(count).compactMap { folder in
      do throws(Diagnostic) {
        _ = try RunReport(readingRunFolder: folder.path)
        return nil
      } catch {
        return error
      }
    }
  }

  /// **Throws**: `run-name-malformed`, `run-unknown`, `run-ambiguous`, `run-record-unreadable`.
  public func find(_ text: String) throws(Diagnostic) -> RunReport {
    switch try RunName(text) {
    case .latest(let back):
      var passed = 0
      for run in runs {
        if passed == back { return run }
        passed += 1
      }
      throw .runTooFarBack(text, there: passed, pipeline: pipeline, store: store.path)
    case .begun(let begin):
      for folder in folders where folder.id.hasPrefix(begin) {
        guard let run = try? RunReport(readingRunFolder: folder.path) else { continue }
        if pipeline == nil || run.pipeline == pipeline { return run }
      }
      throw .runUnknown(text, newest: folders.prefix(5).map(\.id), store: store.path)
    case .part(let part):
      if let exact = folders.first(where: { $0.id == part }) {
        return try RunReport(readingRunFolder: exact.path)
      }
      let found = folders.filter { $0.id.hasPrefix(part) || $0.id.hasSuffix("-" + part) }
      guard found.count < 2 else { throw .runAmbiguous(text, matches: found.map(\.id)) }
      guard let one = found.first else {
        throw .runUnknown(text, newest: folders.prefix(5).map(\.id), store: store.path)
      }
      return try RunReport(readingRunFolder: one.path)
    }
  }
}
