// Where things are: the manifest, the project's folder, the folders of stage kinds, the store.

import Diagnostics
import Foundation

/// The places that a command works with.
struct Project {
  /// As typed, or as found; nil for commands without one.
  let manifest: String?
  /// Absolute: the nearest folder at or above the manifest (else the working folder) that has
  /// `stages/` or `artifacts/`; where there is none, the manifest's own folder.
  let folder: String

  static var workingFolder: String { FileManager.default.currentDirectoryPath }

  /// - Parameter manifest: as typed; nil looks for one.
  static func withManifest(_ manifest: String?) throws(Diagnostic) -> Project {
    let path: String
    if let manifest { path = manifest } else { path = try defaultManifest() }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw .manifestMissing(path, similar: manifests(in: folder(of: path)))
    }
    guard !isFolder.boolValue else { throw .manifestIsFolder(path, holds: manifests(in: path)) }
    return Project(manifest: path, folder: projectFolder(above: folder(of: absolute(path))))
  }

  static func withoutManifest() -> Project {
    Project(manifest: nil, folder: projectFolder(above: workingFolder))
  }

  /// `plumb.yaml` here, else the only manifest in `pipelines/`.
  private static func defaultManifest() throws(Diagnostic) -> String {
    if FileManager.default.fileExists(atPath: "plumb.yaml") { return "plumb.yaml" }
    let candidates = manifests(in: "pipelines")
    guard candidates.count == 1 else { throw .manifestNotGiven(candidates: candidates) }
    return candidates[0]
  }

  private static func manifests(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".yaml") || $0.hasSuffix(".yml") }.sorted()
      .map { folder == "." ? $0 : folder + "/" + $0 }
  }

  private static func projectFolder(above start: String) -> String {
    var folder = start
    while true {
      for name in ["stages", "artifacts"] where isFolder(folder + "/" + name) { return folder }
      let parent = self.folder(of: folder)
      if parent == folder { return start }
      folder = parent
    }
  }

  /// Folders that hold stage kinds, each once: the project's own and those given with `--stages`;
  /// apart from them those that came with the program.
  func stageFolders(
    given: [String]
  ) throws(Diagnostic) -> (folders: [String], builtIn: String?) {
    var folders: [String] = []
    func add(_ path: String) {
      let real = URL(fileURLWithPath: path).resolvingSymlinksInPath().path
      if !folders.contains(real) { folders.append(real) }
    }
    if Self.isFolder(folder + "/stages") { add(folder + "/stages") }
    for path in given {
      guard Self.isFolder(path) else { throw .stageFolderMissing(path) }
      add(path)
    }
    let builtIn = Self.builtInStages().map {
      URL(fileURLWithPath: $0).resolvingSymlinksInPath().path
    }
    guard builtIn != nil || !folders.isEmpty else { throw .noStageKinds() }
    return (folders, builtIn.flatMap { folders.contains($0) ? nil : $0 })
  }

  /// `stages/` beside or above the program itself, or `share/plumb/stages` above it, known by a kind
  /// that is always there.
  private static func builtInStages() -> String? {
    var folder = self.folder(of: executable)
    while true {
      for name in ["stages", "share/plumb/stages"] {
        let path = folder + "/" + name
        if FileManager.default.fileExists(atPath: path + "/compose-corpus/stage.yaml") {
          return path
        }
      }
      let parent = self.folder(of: folder)
      if parent == folder { return nil }
      folder = parent
    }
  }

  /// Absolute path of the store.
  func storePath(given: String?) -> String {
    if let given { return Self.absolute(given) }
    if let set = ProcessInfo.processInfo.environment["PLUMB_STORE"], !set.isEmpty {
      return Self.absolute(set)
    }
    return folder + "/artifacts"
  }

  // MARK: Paths

  /// The real path of this program.
  static var executable: String {
    (try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe"))
      ?? absolute(CommandLine.arguments[0])
  }

  static func absolute(_ path: String) -> String {
    URL(fileURLWithPath: path).standardizedFileURL.path
  }

  /// A path as a person here would type it: relative where that is shorter.
  static func shown(_ path: String) -> String {
    let base = workingFolder == "/" ? "/" : workingFolder + "/"
    return path.hasPrefix(base) ? String(path.dropFirst(base.count)) : path
  }

  static func folder(of path: String) -> String {
    let parent = (path as NSString).deletingLastPathComponent
    return parent.isEmpty ? "." : parent
  }

  static func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
      && isFolder.boolValue
  }
}
