// What a store needs of its folder, tried out in a folder inside it: hard links, atomic renames,
// fsync, space, inodes, and a clock that agrees with ours.

import ArtifactStore
import Console
import Diagnostics
import Foundation
import Glibc

enum StoreTrials {
  /// - Parameter store: its path; where it is not there yet the nearest folder above is examined.
  static func findings(store: String) -> [Finding] {
    var folder = store
    while !Project.isFolder(folder), folder != "/" { folder = Project.folder(of: folder) }
    let note = folder == store ? "" : " (not made yet; examined: \(Project.shown(folder)))"
    let place = Finding(.good, "store", Project.shown(store) + note)
    var template = Array((folder + "/.plumb-doctor-XXXXXX").utf8CString)
    guard mkdtemp(&template) != nil else {
      return [
        place,
        Finding(
          .bad, "store", "no folder can be made in it: \(reason)",
          help: "name another place with --store or PLUMB_STORE"),
      ]
    }
    let trial = String(decoding: template.dropLast().map(UInt8.init(bitPattern:)), as: UTF8.self)
    defer { try? FileManager.default.removeItem(atPath: trial) }
    return [place, writing(trial), links(trial), renames(trial), leases(trial), clock(trial)]
      + room(trial)
  }

  private static var reason: String { String(cString: strerror(errno)) }

  private static func create(_ path: String) -> Int32 {
    open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
  }

  /// Durable writes: the median of five, since each object of a result waits for one.
  private static func writing(_ folder: String) -> Finding {
    var seconds: [Double] = []
    let bytes = [UInt8](repeating: 7, count: 4096)
    for number in 0..<5 {
      let path = folder + "/write-\(number)"
      let file = create(path)
      guard file >= 0 else { return Finding(.bad, "writing", reason) }
      defer { close(file) }
      let start = ContinuousClock.now
      guard write(file, bytes, bytes.count) == bytes.count, fsync(file) == 0 else {
        return Finding(.bad, "writing", "write and fsync: \(reason)")
      }
      let spent = start.duration(to: .now).components
      seconds.append(Double(spent.seconds) + Double(spent.attoseconds) * 1e-18)
    }
    let median = seconds.sorted()[2]
    let text = "4 KiB are durable after \(Figures.duration(median)) (median of 5)"
    return Finding(
      median > 0.1 ? .poor : .good, "writing", text,
      help: median > 0.1 ? "many small artifacts will be slow here; a local disk is faster" : nil)
  }

  private static func links(_ folder: String) -> Finding {
    let path = folder + "/link"
    close(create(path))
    chmod(path, 0o444)
    guard link(path, path + "-2") == 0 else {
      return Finding(.poor, "hard links", "refused (\(reason)); objects are renamed into place")
    }
    var status = stat()
    guard stat(path, &status) == 0, status.st_nlink == 2 else {
      return Finding(.poor, "hard links", "made, but not counted; renames are used")
    }
    guard link(path, path + "-2") != 0, errno == EEXIST else {
      return Finding(.bad, "hard links", "a link replaced a file that was there")
    }
    return Finding(.good, "hard links", "made, counted, and never over a file that is there")
  }

  private static func renames(_ folder: String) -> Finding {
    let path = folder + "/rename"
    close(create(path))
    close(create(path + "-2"))
    guard rename(path, path + "-2") == 0, access(path, F_OK) != 0 else {
      return Finding(.bad, "renames", reason)
    }
    let descriptor = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    defer { close(descriptor) }
    guard descriptor >= 0, fsync(descriptor) == 0 else {
      return Finding(.poor, "renames", "work, but folders cannot be made durable: \(reason)")
    }
    return Finding(.good, "renames", "replace a file at once, and folders can be made durable")
  }

  /// Leases are judged by the file server's clock.
  private static func clock(_ folder: String) -> Finding {
    let path = folder + "/clock"
    close(create(path))
    var status = stat()
    guard stat(path, &status) == 0 else { return Finding(.bad, "clock", reason) }
    var now = timespec()
    clock_gettime(CLOCK_REALTIME, &now)
    let offset =
      Double(now.tv_sec - status.st_mtim.tv_sec)
      + Double(now.tv_nsec - status.st_mtim.tv_nsec) * 1e-9
    let text = "differs from the file system's by \(Figures.fixed(abs(offset), 2)) s"
    return Finding(
      abs(offset) > 5 ? .poor : .good, "clock", text,
      help: abs(offset) > 5 ? "set this machine's clock (NTP)" : nil)
  }

  // MARK: Two processes

  private static let key = Digest.of("plumb doctor")

  /// A store in the folder, and one key that two processes want.
  private static func leases(_ folder: String) -> Finding {
    do {
      let store = try Store(at: folder + "/store")
      guard let lease = try store.claim(key, label: "doctor") else {
        return Finding(.bad, "leases", "a key that nobody holds could not be claimed")
      }
      let whileHeld = claimByAnother(store.path)
      lease.release()
      let afterwards = claimByAnother(store.path)
      guard whileHeld == "busy", afterwards == "held" else {
        return Finding(
          .bad, "leases",
          "a second process said '\(whileHeld)' while the key was held, '\(afterwards)' afterwards",
          help: "work may be done twice here; results stay right")
      }
      return Finding(.good, "leases", "a second process waits for the first, then gets the key")
    } catch {
      return Finding(.bad, "leases", "\(error)")
    }
  }

  private static func claimByAnother(_ store: String) -> String {
    func quoted(_ text: String) -> String { "'" + text.replacing("'", with: "'\\''") + "'" }
    return Shell.firstLine(
      "\(quoted(Project.executable)) doctor --claim-in \(quoted(store)) 2>&1") ?? "nothing"
  }

  static func claim(in path: String) throws {
    let lease = try Store(at: path).claim(key, label: "doctor's second process")
    Terminal.output().write(lease == nil ? "busy\n" : "held\n")
    lease?.release()
  }

  private static func room(_ folder: String) -> [Finding] {
    var status = statvfs()
    guard statvfs(folder, &status) == 0 else { return [Finding(.bad, "space", reason)] }
    let bytes = Int(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    let space = Finding(
      bytes < 1 << 30 ? .poor : .good, "space", "\(Figures.bytes(bytes)) free")
    // Some file systems (btrfs) make inodes as needed and count none.
    guard status.f_files > 0 else { return [space] }
    let inodes = Int(status.f_favail)
    return [
      space,
      Finding(
        inodes < 100_000 ? .poor : .good, "inodes", "\(Figures.short(Double(inodes))) free"),
    ]
  }
}
