// `include:` — params and stages of other files, merged into one space of names. Relative paths in an
// included file start from that file's own folder. Files that are included come first, in order.

import Diagnostics
import YAMLSyntax

struct ManifestIncludes {
  let problems: Problems
  static let limit = 64

  private final class Merged {
    var params: [ParamDeclaration] = []
    var stages: [StageDeclaration] = []
    /// Absolute paths: a file that two others include is read once.
    var seen: Set<String> = []
  }

  /// The manifest with everything that it includes.
  func merge(_ manifest: Manifest, at path: String) -> Manifest {
    if manifest.includes.isEmpty { return manifest }
    let merged = Merged()
    merged.seen.insert(path)
    for include in manifest.includes {
      read(include, from: Paths.folder(of: path), open: [path], into: merged)
    }
    add(manifest.params, manifest.stages, to: merged)
    var whole = manifest
    whole.params = merged.params
    whole.stages = merged.stages
    return whole
  }

  private func read(
    _ include: Located<String>, from folder: String, open: [String], into merged: Merged
  ) {
    let path = Paths.absolute(include.value, from: folder)
    if let start = open.firstIndex(of: path) {
      let names = (open[start...] + [path]).map {
        $0.split(separator: "/").last.map(String.init) ?? $0
      }
      problems.add(.includeCycle(names, at: include.span))
      return
    }
    guard merged.seen.insert(path).inserted else { return }
    guard merged.seen.count <= Self.limit else {
      if merged.seen.count == Self.limit + 1 {
        problems.add(.tooManyIncludes(Self.limit, at: include.span))
      }
      return
    }
    let source = problems.attempt { () throws(Diagnostic) in
      try Paths.read(path, shown: include.value, at: include.span)
    }
    guard let source else { return }
    let (root, syntax) = YAMLNode.read(source)
    problems.add(syntax)
    if syntax.contains(where: { $0.id != "yaml-duplicate-key" }) { return }
    let own = Paths.folder(of: path)
    guard let root,
      let fragment = ManifestReader(problems: problems, folder: own).readFragment(root)
    else { return }
    for deeper in fragment.includes {
      read(deeper, from: own, open: open + [path], into: merged)
    }
    add(fragment.params, fragment.stages, to: merged)
  }

  private func add(
    _ params: [ParamDeclaration], _ stages: [StageDeclaration], to merged: Merged
  ) {
    for param in params {
      if let first = merged.params.first(where: { $0.name.value == param.name.value }) {
        problems.add(
          .nameTakenByInclude(
            "the parameter", param.name.value, first: first.name.span, at: param.name.span))
      } else {
        merged.params.append(param)
      }
    }
    for stage in stages {
      if let first = merged.stages.first(where: { $0.name.value == stage.name.value }) {
        problems.add(
          .nameTakenByInclude(
            "the stage", stage.name.value, first: first.name.span, at: stage.name.span))
      } else {
        merged.stages.append(stage)
      }
    }
  }
}
