// camera.yaml, as people write it beside a folder of frames:
//
//     name: roof
//     marker: {x: 130, y: 90, width: 128, height: 128}
//
// or `markers:` with a list of boxes.

import Diagnostics
import Imaging
import YAMLSyntax

extension MarkerFile {
  /// **Throws**: what YAMLSyntax finds; `camera-file`.
  init(yaml bytes: [UInt8], shown: String) throws(Diagnostic) {
    let node = try YAMLNode.parse(SourceText(path: shown, bytes: bytes))
    let camera = try node.members("a camera")
    if let unknown = camera.unknownKeys(of: "a camera", known: ["name", "marker", "markers"]).first
    {
      throw unknown
    }
    var boxes: [PixelBox] = []
    if let one = camera["marker"] { boxes.append(try PixelBox(one)) }
    if let list = camera["markers"] {
      guard boxes.isEmpty else {
        throw .cameraFile("both 'marker' and 'markers' stand there", at: list.span)
      }
      for item in try list.items("'markers'") { boxes.append(try PixelBox(item)) }
    }
    guard !boxes.isEmpty else { throw .cameraFile("it names no marker", at: node.span) }
    let name = try camera["name"].map { node throws(Diagnostic) in try node.text("the name") }
    self.init(name: name ?? "", boxes: boxes)
  }
}

extension PixelBox {
  fileprivate init(_ node: YAMLNode) throws(Diagnostic) {
    let members = try node.members("a box")
    let known = ["x", "y", "width", "height"]
    if let unknown = members.unknownKeys(of: "a box", known: known).first { throw unknown }
    var values: [Int] = []
    for key in known {
      guard let value = members[key] else {
        throw .cameraFile("a box has no '\(key)'", at: node.span)
      }
      let number = try value.integer("'\(key)'")
      let least = key == "x" || key == "y" ? 0 : 1
      guard (least...1_000_000).contains(number) else {
        throw .cameraFile("a box has the \(key) \(number)", at: value.span)
      }
      values.append(number)
    }
    self.init(x: values[0], y: values[1], width: values[2], height: values[3])
  }
}
