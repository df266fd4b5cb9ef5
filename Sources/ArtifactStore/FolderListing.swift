// What lies in a folder outside the store: regular files, by relative path. The rule for links: one
// that leads to a file stands for that file's bytes; one that leads to a folder or nowhere is
// refused, because it could loop or mean another folder tomorrow.

import Diagnostics
import Glibc

/// The files of a folder and of the folders in it, sorted by the bytes of their paths.
struct FolderListing {
  struct File {
    let path: String
    /// Of the file itself, also where a link leads to it.
    let status: FileStatus
    let isThroughLink: Bool
  }

  let files: [File]

  /// **Throws**: `store-input-missing`, `store-input-special`, `store-input-name`,
  /// `store-input-link`.
  init(of root: String) throws(Diagnostic) {
    guard let status = FileStatus(of: root) else { throw .inputMissing(root, errno) }
    guard status.isFolder else { throw .inputSpecial(root, status) }
    var files: [File] = []
    var waiting = [""]
    while let folder = waiting.popLast() {
      let place = folder.isEmpty ? root : root + "/" + folder
      for name in try FileAccess.names(in: place) {
        guard let name else { throw .inputName(place, "the name of a file in it is not UTF-8") }
        let path = folder.isEmpty ? name : folder + "/" + name
        if let fault = Tree.fault(inPath: path) { throw .inputName(place, fault) }
        let absolute = root + "/" + path
        guard let status = FileStatus(of: absolute, followingLinks: false) else {
          // Gone since the folder was listed.
          throw .inputChanged(absolute)
        }
        if status.isFolder {
          waiting.append(path)
        } else if status.isLink {
          guard let target = FileStatus(of: absolute) else { throw .inputLink(absolute, "nowhere") }
          guard !target.isFolder else { throw .inputLink(absolute, "to a folder") }
          guard target.isRegular else { throw .inputSpecial(absolute, target) }
          files.append(File(path: path, status: target, isThroughLink: true))
        } else {
          guard status.isRegular else { throw .inputSpecial(absolute, status) }
          files.append(File(path: path, status: status, isThroughLink: false))
        }
      }
    }
    self.files = files.sorted { $0.path.utf8.lexicographicallyPrecedes($1.path.utf8) }
  }

  /// Whether a second look finds the same files unchanged.
  func isSame(as other: FolderListing) -> Bool {
    files.count == other.files.count
      && zip(files, other.files).allSatisfy {
        $0.path.utf8.elementsEqual($1.path.utf8) && $0.status.isSameContent(as: $1.status)
      }
  }
}
