// Small files of a run folder: read whole, written whole (temporary + rename, no fsync: they are
// records, not results, and a run in which everything is reused must not wait for a disk).

import Diagnostics
import Foundation
import Glibc

func readFile(
  _ path: String, _ problem: (String) -> Diagnostic
) throws(Diagnostic) -> [UInt8] {
  do {
    return [UInt8](try Data(contentsOf: URL(fileURLWithPath: path)))
  } catch {
    throw problem(reason(of: error))
  }
}

func writeFile(
  _ path: String, _ bytes: [UInt8], _ problem: (String) -> Diagnostic
) throws(Diagnostic) {
  let temporary = path + ".\(getpid()).tmp"
  let descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o666)
  guard descriptor >= 0 else { throw problem(String(cString: strerror(errno))) }
  let isWritten = writeAll(bytes, to: descriptor)
  let error = errno
  close(descriptor)
  guard isWritten else {
    unlink(temporary)
    throw problem(String(cString: strerror(error)))
  }
  guard rename(temporary, path) == 0 else { throw problem(String(cString: strerror(errno))) }
}

func createFolder(_ path: String) throws(Diagnostic) {
  do {
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  } catch {
    throw .runFolderUnwritable(path, reason: reason(of: error))
  }
}

/// What the system said, without Foundation's frame around it.
private func reason(of error: any Error) -> String {
  let underlying = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError
  if let underlying, underlying.domain == NSPOSIXErrorDomain {
    return String(cString: strerror(Int32(underlying.code)))
  }
  return error.localizedDescription
}
