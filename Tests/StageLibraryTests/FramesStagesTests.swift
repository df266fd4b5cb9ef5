// import-frames and render-sky through the bodies that workers run; patterns and cameras with what may
// be wrong about them.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Imaging
import Pipelines
import Scheduling
import SkyRendering
import Tensors
import Testing

@testable import StageLibrary

@Suite struct FramesStagesTests {
  private func write(_ place: Workplace, _ files: [(String, String)], in folder: String) throws {
    for (name, text) in files {
      let path = place.folder + "/" + folder + "/" + name
      try FileManager.default.createDirectory(
        atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
      try Data(text.utf8).write(to: URL(fileURLWithPath: path))
    }
  }

  private func outside(_ place: Workplace, _ folder: String, port: String) throws -> InputArtifact {
    let root = place.folder + "/" + folder
    var files: [String: String] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: root) {
      var isFolder: ObjCBool = false
      _ = FileManager.default.fileExists(atPath: root + "/" + name, isDirectory: &isFolder)
      if !isFolder.boolValue { files[name] = root + "/" + name }
    }
    return InputArtifact(
      port: port, reference: .tree(Digest.of(Array(folder.utf8))), files: files)
  }

  private func importing(
    _ place: Workplace, _ parameters: [(String, JSONValue)] = [],
    _ more: [String: [InputArtifact]] = [:]
  ) throws {
    try place.run(
      ImportFramesStage.self, parameters,
      ["files": [outside(place, "in", port: "files")]].merging(more) { $1 },
      ["frames": "frames", "labels": "labels", "marker": "marker"])
  }

  private func names(_ place: Workplace) throws -> [String] {
    try place.bytes("frames/frames.jsonl").split(separator: 10).map {
      try JSONValue(parsing: SourceText(path: "frames.jsonl", bytes: Array($0)))["name"]!.string!
    }
  }

  @Test func filesAreTakenAsTheyAreInTheOrderOfTheirBytes() throws {
    let place = try Workplace()
    try write(
      place,
      [
        ("b.jpg", "two"), ("a.PNG", ""), ("B.jpg", "three"), ("night-2/é.jpeg", "four"),
        ("night-10/x.jpg", "two"), ("notes.txt", "no"), ("x.jpg.part", "no"),
      ], in: "in")
    try importing(place)
    #expect(try names(place) == ["B.jpg", "a.PNG", "b.jpg", "night-10/x.jpg", "night-2/é.jpeg"])
    #expect(try place.bytes("frames/frames/night-2/é.jpeg") == Array("four".utf8))
    #expect(try place.bytes("frames/frames/a.PNG").isEmpty, "a broken file stays a file")
    let lines = try place.bytes("frames/frames.jsonl").split(separator: 10)
    let same = [lines[2], lines[3]].map { String(decoding: $0, as: UTF8.self).suffix(66) }
    #expect(same[0] == same[1], "a frozen frame is to be seen")
    #expect(
      String(decoding: lines[1], as: UTF8.self)
        == #"{"bytes":0,"name":"a.PNG","sha256":"\#(Digest.of([]).hex)"}"#)
    #expect(try place.bytes("labels/labels.csv") == Array("file,label,blur,light\n".utf8))
    #expect(try place.bytes("marker/marker.json") == Array("{\"boxes\":[],\"name\":\"\"}\n".utf8))
  }

  @Test func choosing() throws {
    let files = (0..<10).map { ("n\($0 % 2)/\($0).jpg", "\($0)") } + [("9.png", "p")]
    for (parameters, expected) in [
      ([("every", 4)], ["9.png", "n0/6.jpg", "n1/5.jpg"]),
      ([("limit", 2)], ["9.png", "n0/0.jpg"]),
      ([("include", ["n1/*"])], ["n1/1.jpg", "n1/3.jpg", "n1/5.jpg", "n1/7.jpg", "n1/9.jpg"]),
      (
        [("include", ["*.JPG"]), ("exclude", ["[0-9].jpg", "n1/*", "0.jpg"])],
        [
          "n0/2.jpg", "n0/4.jpg", "n0/6.jpg", "n0/8.jpg",
        ]
      ),
    ] as [([(String, JSONValue)], [String])] {
      let place = try Workplace()
      try write(place, files, in: "in")
      try importing(place, parameters)
      #expect(try names(place) == expected)
    }
    let place = try Workplace()
    try write(place, files, in: "in")
    #expect(throws: Diagnostic.self) { try importing(place, [("include", ["*.tif"])]) }
    do {
      try importing(place, [("include", ["*.tif"])])
    } catch let error as Diagnostic {
      #expect(error.id == "frames-none-match" && error.notes[0].message.contains("9.png"))
    }
  }

  @Test(arguments: [
    ("*.jpg", "a.jpg", true), ("*.jpg", "x/y/a.JPG", true), ("*.jpg", "a.jpeg", false),
    ("a?.png", "ab.png", true), ("a?.png", "a.png", false), ("x/*.jpg", "x/a.jpg", true),
    ("x/*.jpg", "x/y/a.jpg", false), ("x/**/*.jpg", "x/y/z/a.jpg", true),
    ("x/**/*.jpg", "x/a.jpg", true), ("**", "anything/at.all", true), ("*", "a/b", true),
    ("", "a", false), ("*", "", true), ("**/b", "a/b", true), ("**/b", "b", true),
    ("a*b*c*d*e*f*g*h*", String(repeating: "ab", count: 2000), false),
    ("é*", "é1.jpg", true), ("[a].jpg", "a.jpg", false), ("*.*", "noextension", false),
  ])
  func patterns(pattern: String, name: String, matches: Bool) {
    #expect(NamePattern(pattern).matches(name) == matches)
  }

  @Test func labelsAndTheBoxComeAlong() throws {
    let place = try Workplace()
    try write(place, [("0.jpg", "a"), ("1.jpg", "b"), ("2,x.jpg", "c")], in: "in")
    try write(
      place,
      [
        (
          "file",
          "file,label,blur,light,note\r\n1.jpg,blurred,gauss,day,\"a, b\"\r\n"
            + "\"2,x.jpg\",sharp,,,\r\n9.jpg,sharp,,,\r\n"
        )
      ], in: "labels-in")
    try write(
      place, [("camera.yaml", "name: roof\nmarkers:\n  - {x: 1, y: 2, width: 64, height: 65}\n")],
      in: "camera-in")
    try importing(
      place, [],
      [
        "labels": [outside(place, "labels-in", port: "labels")],
        "camera": [outside(place, "camera-in", port: "camera")],
      ])
    #expect(
      String(decoding: try place.bytes("labels/labels.csv"), as: UTF8.self)
        == "file,label,blur,light,note\n1.jpg,blurred,gauss,day,\"a, b\"\n\"2,x.jpg\",sharp,,,\n")
    #expect(
      String(decoding: try place.bytes("marker/marker.json"), as: UTF8.self)
        == "{\"boxes\":[{\"height\":65,\"width\":64,\"x\":1,\"y\":2}],\"name\":\"roof\"}\n")
    let foreign = try Workplace()
    try write(foreign, [("0.jpg", "a")], in: "in")
    try write(foreign, [("l.csv", "file,label\nframes/0.jpg,sharp\n")], in: "labels-in")
    do {
      try importing(
        foreign, [], ["labels": [outside(foreign, "labels-in", port: "labels")]])
      Issue.record("labels of other files were taken")
    } catch let error as Diagnostic {
      #expect(error.id == "frame-labels-foreign" && error.message.contains("frames/0.jpg"))
    }
  }

  @Test(arguments: [
    ("", "yaml"), ("7", "yaml-kind"), ("name: x", "names no marker"),
    ("marker: {x: 1, y: 1, width: 9}", "'height'"),
    ("marker: {x: -1, y: 1, width: 9, height: 9}", "the x -1"),
    ("marker: {x: 1, y: 1, width: 0, height: 9}", "the width 0"),
    ("marker: {x: 1, y: 1, width: 1.5, height: 9}", "whole"),
    ("marker: {x: 99999999999, y: 1, width: 1, height: 9}", "99999999999"),
    ("marker: [1, 2, 3, 4]", "a box"), ("markers: {x: 1}", "'markers'"),
    ("marker: {x: 1, y: 1, width: 9, height: 9}\nmarkers: []", "both"),
    ("markers: []", "names no marker"), ("box: 1\nmarker: 2", "'box'"),
    ("marker: {x: 1, y: 1, w: 9, height: 9}", "'w'"), ("marker: {x: 1", "yaml"), ("\0", "yaml"),
  ])
  func hostileCameras(text: String, words: String) {
    do throws(Diagnostic) {
      _ = try MarkerFile(yaml: Array(text.utf8), shown: "camera")
      Issue.record("\(text) was taken")
    } catch {
      let all = "\(error.id) \(error.message) \(error.help ?? "")"
      #expect(all.contains(words) || words == "whole", "\(all)")
    }
  }

  private static func drawn(_ place: Workplace, _ more: [(String, JSONValue)] = []) throws {
    try place.run(
      RenderSkyStage.self,
      [
        ("frames", 8), ("references", 2), ("width", 160), ("height", 160), ("broken", 3),
        ("seed", 5),
      ] + more, [:],
      ["frames": "frames", "reference": "reference", "labels": "labels", "marker": "marker"])
  }

  /// Equal bytes on one thread and on more; what the labels call broken is broken.
  @Test func aDrawnCameraIsTheSameOnEveryNumberOfThreads() throws {
    let threads = Parallelism.threads
    defer { Parallelism.threads = threads }
    var listings: [[UInt8]] = []
    for count in [1, 3] {
      Parallelism.threads = count
      let place = try Workplace()
      try Self.drawn(place)
      listings.append(
        try place.bytes("frames/frames.jsonl") + place.bytes("reference/frames.jsonl")
          + place.bytes("labels/labels.csv") + place.bytes("marker/marker.json"))
      #expect(try names(place) == (0..<8).map { "00\($0).jpg" })
      let rows = String(decoding: try place.bytes("labels/labels.csv"), as: UTF8.self)
        .split(separator: "\n").dropFirst().map { $0.split(separator: ",").map(String.init) }
      #expect(rows.count == 8 && rows.count { $0[1] == "corrupt" } == 3)
      for row in rows where row[1] != "corrupt" || row[2] != "frozen-duplicate" {
        let isWhole = (try? ImageFile.decode(place.bytes("frames/frames/" + row[0]))) != nil
        #expect(isWhole == (row[1] != "corrupt"), "\(row)")
      }
      let marker = try MarkerFile(place.input("marker"))
      #expect(marker.boxes.count == 1 && marker.boxes[0].isInside(width: 160, height: 160))
    }
    #expect(listings[0] == listings[1])
  }

  @Test(
    arguments: [
      [("least_blur", 5.0), ("most_blur", 2.0)], [("dull_share", 0.6), ("dusk_share", 0.6)],
      [("broken", 5)], [("skies", ["rainbow"])], [("blurs", [])], [("blurs", ["none"])],
    ] as [[(String, JSONValue)]])
  func settingsThatContradictAreRefused(parameters: [(String, JSONValue)]) throws {
    let given = Set(parameters.map(\.0))
    let base: [(String, JSONValue)] = [("frames", 8), ("seed", 1), ("references", 1)]
    do throws(Diagnostic) {
      _ = try RenderSkyStage.settings(
        StagePorts.parameters(
          RenderSkyStage.self, base.filter { !given.contains($0.0) } + parameters))
      Issue.record("\(parameters) was taken")
    } catch {
      #expect(error.id == "sky-settings" && error.help != nil)
    }
  }

  @Test func defaultsOfTheStageAreThoseOfTheSettings() throws {
    let settings = try RenderSkyStage.settings(
      StagePorts.parameters(RenderSkyStage.self, [("seed", 1)]))
    #expect(settings == SkySettings(seed: 1))
  }
}
