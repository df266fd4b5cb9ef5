// From a few frames that are known to be sharp to a reference of each marker, with checks of what it
// can and cannot see. No label of blurred frames is needed.

import Foundation
import Imaging

/// Something about a camera that its owner should know.
public struct CalibrationFinding: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    case fewEdges = "few-edges"
    case oneDirection = "one-direction"
    case disagreement = "reference-disagrees"
    case lowContrast = "low-contrast"
    case fewReferences = "few-references"
    case movedFar = "reference-moved"
  }

  public let kind: Kind
  /// Nothing can be judged by this marker.
  public let isFatal: Bool
  public let sentence: String
  /// Index of the marker.
  public let marker: Int
}

/// One sharp frame of a camera.
public struct ReferenceFrame: Sendable {
  public let name: String
  public let image: GrayImage

  public init(name: String, image: GrayImage) {
    self.name = name
    self.image = image
  }
}

/// The calibration of one marker.
public struct MarkerCalibration: Sendable {
  public static let leastReferences = 3
  /// Cells with edges below which a blur cannot be measured.
  public static let leastTiles = 6
  public static let mostCoherence = 0.9
  /// Range of the marker in a reference frame, in DN.
  public static let leastContrast = 8.0
  /// Extra blur above which a reference frame is not believed, in pixels.
  public static let mostBlur = 1.0

  /// Nil where a finding is fatal.
  public let reference: MarkerReference?
  public let findings: [CalibrationFinding]
  /// Names of reference frames that were used.
  public let used: [String]
  /// Measures of each used frame against the reference made of the others.
  public let leftOut: [MarkerMeasures]

  /// - Precondition: all frames have one size, in which the box lies.
  public init(_ frames: [ReferenceFrame], box: PixelBox, marker: Int = 0) {
    precondition(!frames.isEmpty, "a calibration needs frames")
    let first = frames[0].image
    let window = MarkerWindow(box, imageWidth: first.width, imageHeight: first.height)
    var names = frames.map(\.name)
    var windows = frames.map { window.cut($0.image) }
    var findings: [CalibrationFinding] = []
    func find(_ kind: CalibrationFinding.Kind, fatal: Bool, _ sentence: String) {
      findings.append(
        CalibrationFinding(kind: kind, isFatal: fatal, sentence: sentence, marker: marker))
    }
    func refuse(_ findings: [CalibrationFinding]) -> MarkerCalibration {
      MarkerCalibration(reference: nil, findings: findings, used: names, leftOut: [])
    }

    let base = windows[Self.base(windows, window)]
    var tiles = EdgeTiles(base: base, window: window)
    let boxed = base.cropped(
      to: PixelBox(x: window.boxX, y: window.boxY, width: box.width, height: box.height))
    let range = quantile(0.97, of: boxed.values) - quantile(0.03, of: boxed.values)
    if range < Self.leastContrast {
      find(
        .lowContrast, fatal: true,
        "the marker spans \(decimal(range)) of 255 grey levels; at least "
          + "\(decimal(Self.leastContrast)) are needed")
    }
    if tiles.count < Self.leastTiles {
      find(
        .fewEdges, fatal: true,
        "\(tiles.count) of its cells of 16×16 pixels hold edges; at least \(Self.leastTiles) are "
          + "needed")
    }
    if windows.count < Self.leastReferences {
      find(
        .fewReferences, fatal: true,
        "there are \(windows.count) reference frames; at least \(Self.leastReferences) are needed, "
          + "8 to 12 under different skies are better")
    }
    if findings.contains(where: \.isFatal) {
      self = refuse(findings)
      return
    }
    if tiles.coherence > Self.mostCoherence {
      find(
        .oneDirection, fatal: false,
        "nearly all its edges run at \(Int(tiles.direction.rounded()))° from the horizontal "
          + "(coherence \(decimal(tiles.coherence))): blur by motion along them cannot be seen")
    }

    let template = MarkerTemplates([base], tiles: tiles, window: window)
    var shifts = windows.map { template.find(in: $0, range: MarkerTemplates.wideRange) }
    // The middle of the frames is where the marker is, not where it happens to be in the base.
    let middle = Self.centre(&shifts)
    tiles = EdgeTiles(base: base.moved(x: middle.x, y: middle.y), window: window)
    // What one frame does not show (an edge as bright as the sky behind it) the others do.
    for _ in 0..<3 {
      let basis = ReferenceBasis.of(
        MarkerReference.aligned(windows, shifts), at: MarkerReference.places(tiles, window))
      let template = MarkerTemplates(basis, tiles: tiles, window: window)
      shifts = windows.map { template.find(in: $0, range: MarkerTemplates.wideRange) }
      _ = Self.centre(&shifts)
    }
    func drop(_ doomed: [(index: Int, reason: String, kind: CalibrationFinding.Kind)]) {
      for item in doomed.sorted(by: { $0.index > $1.index }) {
        names.remove(at: item.index)
        windows.remove(at: item.index)
        shifts.remove(at: item.index)
      }
      for item in doomed { find(item.kind, fatal: false, item.reason) }
    }
    drop(
      shifts.indices.filter { shifts[$0].isAtEdge }.map {
        (
          $0,
          "\(names[$0]) is left out: the marker is moved by \(MarkerTemplates.wideRange) pixels or "
            + "more", .movedFar
        )
      })
    guard windows.count >= Self.leastReferences else {
      find(
        .fewReferences, fatal: true,
        "only \(windows.count) reference frames show the marker in one place; at least "
          + "\(Self.leastReferences) are needed")
      self = refuse(findings)
      return
    }

    // Frames that are blurred themselves: judged against the others, the worst leaves, and again.
    var leftOut = Self.leftOut(windows, shifts, tiles, window)
    while let worst = leftOut.indices.max(by: { Self.blur(leftOut[$0]) < Self.blur(leftOut[$1]) }),
      Self.blur(leftOut[worst]) > Self.mostBlur
    {
      let sigma = Self.blur(leftOut[worst])
      let name = names[worst]
      drop([
        (
          worst,
          sigma.isFinite
            ? "\(name) is left out: it is \(decimal(sigma)) pixels more blurred than the others"
            : "\(name) is left out: nothing of the marker can be compared",
          .disagreement
        )
      ])
      guard windows.count >= Self.leastReferences else {
        find(
          .fewReferences, fatal: true,
          "only \(windows.count) reference frames agree; at least \(Self.leastReferences) are "
            + "needed")
        self = refuse(findings)
        return
      }
      leftOut = Self.leftOut(windows, shifts, tiles, window)
    }
    reference = MarkerReference.build(windows, shifts: shifts, tiles: tiles, window: window)
    self.findings = findings
    used = names
    self.leftOut = leftOut
  }

  private init(
    reference: MarkerReference?, findings: [CalibrationFinding], used: [String],
    leftOut: [MarkerMeasures]
  ) {
    self.reference = reference
    self.findings = findings
    self.used = used
    self.leftOut = leftOut
  }

  /// The frame that the others agree with best: the one to begin with.
  private static func base(_ windows: [GrayImage], _ window: MarkerWindow) -> Int {
    var best = 0
    var bestScore = -1.0
    for (index, candidate) in windows.enumerated() {
      let tiles = EdgeTiles(base: candidate, window: window)
      guard tiles.count >= leastTiles else { continue }
      let template = MarkerTemplates([candidate], tiles: tiles, window: window)
      let score = windows.reduce(0.0) { $0 + template.find(in: $1, range: 8).correlation }
      if score > bestScore {
        best = index
        bestScore = score
      }
    }
    return best
  }

  /// Takes the median out of the shifts, and returns it.
  private static func centre(_ shifts: inout [MarkerShift]) -> (x: Double, y: Double) {
    let middle = (x: median(shifts.map(\.x)), y: median(shifts.map(\.y)))
    for index in shifts.indices {
      shifts[index].x -= middle.x
      shifts[index].y -= middle.y
    }
    return middle
  }

  private static func blur(_ measures: MarkerMeasures) -> Double {
    measures.blur?.sigma ?? .infinity
  }

  private static func leftOut(
    _ frames: [GrayImage], _ shifts: [MarkerShift], _ tiles: EdgeTiles, _ window: MarkerWindow
  ) -> [MarkerMeasures] {
    frames.indices.map { index in
      var others = frames
      var otherShifts = shifts
      others.remove(at: index)
      otherShifts.remove(at: index)
      let reference = MarkerReference.build(
        others, shifts: otherShifts, tiles: tiles, window: window)
      return reference.measures(ofWindow: frames[index])
    }
  }
}

/// Two digits after the point, for sentences.
func decimal(_ value: Double) -> String {
  guard value.isFinite else { return "∞" }
  let hundredths = Int((abs(value) * 100).rounded())
  let digits = hundredths % 100
  let sign = value < 0 && hundredths > 0 ? "−" : ""
  if digits == 0 { return "\(sign)\(hundredths / 100)" }
  let text = digits < 10 ? "0\(digits)" : "\(digits)"
  return "\(sign)\(hundredths / 100).\(text.hasSuffix("0") ? String(text.prefix(1)) : text)"
}
