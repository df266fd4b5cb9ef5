// What is known about the place we write to, and writes that survive a closed pipe or a full one.

import Glibc

/// One of the process's output descriptors.
public struct Terminal: Sendable {
  public let descriptor: Int32
  public let isTerminal: Bool
  /// Whether colours are wanted: a terminal that is not dumb, `NO_COLOR` unset or empty.
  public let colours: Bool

  /// - Parameter colours: false turns them off whatever the terminal says (`--no-color`).
  public init(_ descriptor: Int32, colours: Bool = true) {
    self.descriptor = descriptor
    let dumb = Terminal.environment("TERM").map { $0 == "dumb" } ?? false
    isTerminal = isatty(descriptor) == 1 && !dumb
    let refused = Terminal.environment("NO_COLOR").map { !$0.isEmpty } ?? false
    self.colours = colours && isTerminal && !refused
  }

  public static func output(colours: Bool = true) -> Terminal { Terminal(1, colours: colours) }
  public static func errors(colours: Bool = true) -> Terminal { Terminal(2, colours: colours) }

  /// Whether the locale says that the terminal draws UTF-8 (`LC_ALL`, else `LC_CTYPE`, else `LANG`).
  public static var drawsUnicode: Bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].lazy.compactMap { environment($0) }
      .first { !$0.isEmpty }
    let name = locale?.lowercased() ?? ""
    return name.contains("utf-8") || name.contains("utf8")
  }

  /// Columns and rows now; 80 × 24 where nobody knows.
  public var size: (columns: Int, rows: Int) {
    var size = winsize()
    if ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 {
      return (Int(size.ws_col), max(1, Int(size.ws_row)))
    }
    let columns = Terminal.environment("COLUMNS").flatMap { Int($0) } ?? 80
    return (max(20, columns), 24)
  }

  /// Writes all of the text; a reader that went away ends the process quietly, as `head` expects.
  public func write(_ text: String) {
    var text = text
    text.withUTF8 { bytes in
      var done = 0
      while done < bytes.count {
        let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
        if count > 0 {
          done += count
        } else if errno == EINTR {
          continue
        } else if errno == EAGAIN {
          var wait = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
          poll(&wait, 1, 1000)
        } else {
          return
        }
      }
    }
  }

  private static func environment(_ name: String) -> String? {
    getenv(name).map { String(cString: $0) }
  }
}
