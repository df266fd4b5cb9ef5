// Runs gnuplot as a child with nothing of the caller's environment, once for all figures of a page.

import Diagnostics
import Foundation
import Glibc

enum Gnuplot {
  /// Draws figures.
  ///
  /// - Returns: an SVG per figure, ready to stand in a page (FigureSVG.swift).
  ///
  /// **Throws**: `gnuplot-missing`, `gnuplot-failed`. **Cost**: about 0.1 s and 10 ms per figure.
  static func draw(
    _ figures: [Figure], path: String = "/usr/local/bin:/usr/bin:/bin"
  ) throws(Diagnostic) -> [String] {
    if figures.isEmpty { return [] }
    let program = try find(in: path)
    var template = Array("\(NSTemporaryDirectory())/plumb-figures-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else {
      throw .gnuplotFailed("no temporary folder: \(String(cString: strerror(errno)))")
    }
    let folder = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    let script =
      "cd \(FigureScript.quote(folder))\n" + FigureScript.text(figures) { "\($0.id).svg" }
    do {
      try Data(script.utf8).write(to: URL(fileURLWithPath: "\(folder)/script.gp"))
    } catch {
      throw .gnuplotFailed("the script could not be written: \(error.localizedDescription)")
    }
    let status = try run(program, in: folder)
    guard status == 0 else {
      let words = (try? String(contentsOfFile: "\(folder)/errors", encoding: .utf8)) ?? ""
      throw .gnuplotFailed("\(ending(status)); it said: \(words.suffix(400))")
    }
    var drawings: [String] = []
    for figure in figures {
      guard let svg = try? String(contentsOfFile: "\(folder)/\(figure.id).svg", encoding: .utf8)
      else { throw .gnuplotFailed("there is no drawing of '\(figure.title)'") }
      drawings.append(FigureSVG.clean(svg, for: figure))
    }
    return drawings
  }

  private static func find(in path: String) throws(Diagnostic) -> String {
    for folder in path.split(separator: ":") {
      let candidate = "\(folder)/gnuplot"
      if access(candidate, X_OK) == 0 { return candidate }
    }
    throw .gnuplotMissing
  }

  /// The raw wait status of `gnuplot -d script.gp`.
  private static func run(_ program: String, in folder: String) throws(Diagnostic) -> Int32 {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0)
    posix_spawn_file_actions_addopen(
      &actions, 2, "\(folder)/errors", O_WRONLY | O_CREAT | O_TRUNC, 0o600)
    // -d: no settings of the user or the site.
    let arguments = cStrings([program, "-d", "\(folder)/script.gp"])
    let environment = cStrings(["PATH=/usr/bin:/bin", "LC_ALL=C.UTF-8", "HOME=/nonexistent"])
    defer { for text in arguments + environment { free(text) } }
    var child: pid_t = 0
    let failure = posix_spawn(&child, program, &actions, nil, arguments, environment)
    guard failure == 0 else {
      throw .gnuplotFailed("it could not be started: \(String(cString: strerror(failure)))")
    }
    var status: Int32 = 0
    while waitpid(child, &status, 0) < 0 {
      guard errno == EINTR else {
        throw .gnuplotFailed("it could not be waited for: \(String(cString: strerror(errno)))")
      }
    }
    return status
  }

  private static func cStrings(_ texts: [String]) -> [UnsafeMutablePointer<CChar>?] {
    texts.map { strdup($0) } + [nil]
  }

  private static func ending(_ status: Int32) -> String {
    let signal = status & 0x7F
    return signal == 0 ? "exit code \(status >> 8 & 0xFF)" : "ended by signal \(signal)"
  }
}
