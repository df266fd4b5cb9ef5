// What import-frames and render-sky say to a person, and the pages behind the ids.

import Diagnostics

extension Diagnostic {
  static func framesNoneMatch(_ patterns: [String], among names: [String]) -> Diagnostic {
    let shown = names.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
    let others = names.count > 5 ? " and \(names.count - 5) more" : ""
    return Diagnostic(
      "frames-none-match",
      "no file is called like " + patterns.map { "'\($0)'" }.joined(separator: " or "),
      notes: [.init(names.isEmpty ? "there is no file" : "there are \(shown)\(others)")],
      help: "give the folder of the frames, or set 'include' to patterns that fit",
      consequence: .stageFailed)
  }

  static func framesUnwritable(_ name: String, because reason: String) -> Diagnostic {
    Diagnostic(
      "frames-unwritable", "the frame '\(name)' cannot be taken: \(reason)",
      help: "look at the disk and at the file's rights", consequence: .stageFailed)
  }

  static func framesOneFile(_ port: String, count: Int) -> Diagnostic {
    Diagnostic(
      "frames-one-file", "'\(port)' is a folder of \(count) files, one file is wanted",
      help: "name the file itself", consequence: .stageFailed)
  }

  static func frameLabelsForeign(example: String, frame: String) -> Diagnostic {
    Diagnostic(
      "frame-labels-foreign",
      "no label is of a frame that was taken: labels are of files like '\(example)', frames are "
        + "called like '\(frame)'",
      help: "write names in the column 'file' as they stand below the folder of the frames",
      consequence: .stageFailed)
  }

  static func cameraFile(_ what: String, at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "camera-file", "the camera's file is no description of a camera: \(what)", at: span,
      help: "write 'marker: {x: 130, y: 90, width: 128, height: 128}'", consequence: .stageFailed)
  }

  static func skySettings(_ what: String, help: String) -> Diagnostic {
    Diagnostic("sky-settings", what, help: help, consequence: .stageFailed)
  }
}

/// Diagnostic id and its page.
public let framesExplanations: [(id: String, text: String)] = [
  (
    "camera-file",
    """
    A camera is described by a YAML file with 'name' and either 'marker', one box, or 'markers', a list of
    boxes. A box has x and y of its upper left pixel, width and height, in pixels of the frames as they are
    shown (after EXIF orientation). It should stand around something that never moves, has edges in more
    than one direction, and has 24 pixels of picture on each side; suggest-marker proposes boxes.
    """
  ),
  (
    "frame-labels-foreign",
    """
    Labels are rows of a CSV file whose column 'file' holds the frame's name below the folder, with its
    folders: 'night-1/000.jpg', not 'frames/night-1/000.jpg' if 'frames' is the folder that was given. Rows
    of frames that were not taken are left out, but some must remain.
    """
  ),
  (
    "frames-none-match",
    """
    import-frames takes the files whose names match one of 'include' and none of 'exclude'. '*' and '?' stay
    inside a name, '**' crosses folders, upper and lower case are the same. A pattern without '/' is held
    against the last part of a path. A single file has no name in the store: give the folder.
    """
  ),
  (
    "frames-one-file",
    """
    The ports 'labels' and 'camera' of import-frames take one file each.
    """
  ),
  (
    "frames-unwritable",
    """
    A frame could not be read or written: the disk is full, the file has no rights to be read, or it went
    while the stage ran. Files that are read but hold no picture are no reason: they are taken and judged
    corrupt.
    """
  ),
  (
    "sky-settings",
    """
    The settings of render-sky contradict each other, or a list names something that it cannot draw.
    """
  ),
]
