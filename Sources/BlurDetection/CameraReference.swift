// A calibrated camera: its markers' references, and where its sharp frames lie under every measure.

import CanonicalJSON
import Diagnostics
import Foundation
import Imaging

/// What frames of one fixed camera are judged against.
public struct CameraReference: Sendable {
  public let name: String
  public let width: Int
  public let height: Int
  public let markers: [MarkerReference]
  public let findings: [CalibrationFinding]
  /// Names of the reference frames behind the first marker.
  public let used: [String]
  /// Mean and standard deviation of the blurriness of the sharp reference frames, by method.
  public let sharp: [(method: JudgingMethod, mean: Double, deviation: Double)]

  public init(
    name: String, width: Int, height: Int, markers: [MarkerReference],
    findings: [CalibrationFinding], used: [String],
    sharp: [(method: JudgingMethod, mean: Double, deviation: Double)]
  ) {
    precondition(!markers.isEmpty, "a camera without a marker")
    self.name = name
    self.width = width
    self.height = height
    self.markers = markers
    self.findings = findings
    self.used = used
    self.sharp = sharp
  }

  /// Mean and three standard deviations: what a sharp frame passes once in hundreds.
  ///
  /// - Returns: nil where the calibration did not measure this method.
  public func threshold(_ method: JudgingMethod) -> Double? {
    sharp.first { $0.method == method }.map { $0.mean + 3 * $0.deviation }
  }

  public func measures(_ image: GrayImage) -> [MarkerMeasures] {
    precondition(
      image.width == width && image.height == height,
      "a frame of \(image.width)×\(image.height) for a camera of \(width)×\(height)")
    return markers.map { $0.measures(of: image) }
  }

  // MARK: Calibrating

  /// - Parameters:
  ///   - frames: known to be sharp, all of one size.
  ///   - methods: whose blurriness is measured on the sharp frames; the reference's always is.
  /// - Returns: nil and the reasons where no marker can be used.
  public static func calibrate(
    name: String, frames: [ReferenceFrame], boxes: [PixelBox], methods: [JudgingMethod]
  ) -> (camera: CameraReference?, findings: [CalibrationFinding]) {
    precondition(!boxes.isEmpty, "a calibration without a marker")
    let calibrations = boxes.enumerated().map { MarkerCalibration(frames, box: $1, marker: $0) }
    let findings = calibrations.flatMap(\.findings)
    guard let first = calibrations.first(where: { $0.reference != nil }) else {
      return (nil, findings)
    }
    var sharp: [(method: JudgingMethod, mean: Double, deviation: Double)] = []
    let sigmas = first.leftOut.compactMap { $0.blur.map { log($0.sigma) } }
    sharp.append(spread(sigmas, JudgingMethod(.markerReference)))
    let used = frames.filter { frame in first.used.contains(frame.name) }
    for method in methods where method.mode != .markerReference {
      let values = used.map {
        method.blurriness(method.measure($0.image, box: first.reference!.box))
      }
      sharp.append(spread(values, method))
    }
    let camera = CameraReference(
      name: name, width: frames[0].image.width, height: frames[0].image.height,
      markers: calibrations.compactMap(\.reference), findings: findings, used: first.used,
      sharp: sharp)
    return (camera, findings)
  }

  private static func spread(
    _ values: [Double], _ method: JudgingMethod
  ) -> (method: JudgingMethod, mean: Double, deviation: Double) {
    let n = Double(max(1, values.count))
    let mean = values.reduce(0, +) / n
    let square = values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
    return (method, mean, values.count > 1 ? (square / (n - 1)).squareRoot() : 0)
  }
}

// MARK: - blur-reference.json and basis.f32

extension CameraReference {
  private static let version = 1

  /// The basis images follow each other in `basis.f32`, little-endian, rows from the top.
  public var files: (json: [UInt8], basis: [UInt8]) {
    var bytes: [UInt8] = []
    for marker in markers {
      for image in marker.basis {
        for value in image.values {
          withUnsafeBytes(of: value.bitPattern.littleEndian) { bytes += $0 }
        }
      }
    }
    let value: JSONValue = .object([
      "version": .integer(Self.version), "name": .string(name), "width": .integer(width),
      "height": .integer(height), "markers": .array(markers.map(\.json)),
      "used": .array(used.map(JSONValue.string)),
      "findings": .array(
        findings.map {
          .object([
            "kind": .string($0.kind.rawValue), "fatal": .boolean($0.isFatal),
            "sentence": .string($0.sentence), "marker": .integer($0.marker),
          ])
        }),
      "sharp": .array(
        sharp.map {
          .object([
            "mode": .string($0.method.mode.rawValue), "region": .string($0.method.region.rawValue),
            "fft_size": .integer($0.method.fftSize), "mean": .number($0.mean),
            "deviation": .number($0.deviation),
          ])
        }),
    ])
    return (Array((value.indentedText + "\n").utf8), bytes)
  }

  /// **Throws**: `json-syntax`, `camera-malformed`.
  public static func read(
    json: [UInt8], basis: [UInt8], shown path: String
  ) throws(Diagnostic) -> CameraReference {
    let value = try JSONValue(parsing: SourceText(path: path, bytes: json))
    func fault(_ reason: String) -> Diagnostic { .cameraMalformed(path, reason) }
    guard value["version"]?.integer == version else { throw fault("it is not of version 1") }
    guard let name = value["name"]?.string, let width = value["width"]?.integer,
      let height = value["height"]?.integer, (1...30_000).contains(width),
      (1...30_000).contains(height)
    else { throw fault("it has no name or no size") }
    var rest = basis[...]
    var markers: [MarkerReference] = []
    for item in value["markers"]?.array ?? [] {
      guard let marker = MarkerReference(item, width: width, height: height, &rest) else {
        throw fault("its marker \(markers.count) does not fit its size or its basis")
      }
      markers.append(marker)
    }
    guard !markers.isEmpty else { throw fault("it has no marker") }
    guard rest.isEmpty else { throw fault("its basis has \(rest.count) bytes too many") }
    let findings = (value["findings"]?.array ?? []).compactMap { item -> CalibrationFinding? in
      guard let kind = item["kind"]?.string.flatMap(CalibrationFinding.Kind.init(rawValue:)),
        let sentence = item["sentence"]?.string
      else { return nil }
      return CalibrationFinding(
        kind: kind, isFatal: item["fatal"]?.boolean ?? false, sentence: sentence,
        marker: item["marker"]?.integer ?? 0)
    }
    let sharp = (value["sharp"]?.array ?? []).compactMap {
      item -> (method: JudgingMethod, mean: Double, deviation: Double)? in
      guard let mode = item["mode"]?.string.flatMap(JudgingMethod.Mode.init(rawValue:)),
        let region = item["region"]?.string.flatMap(JudgingMethod.Region.init(rawValue:)),
        let size = item["fft_size"]?.integer, let mean = item["mean"]?.double,
        let deviation = item["deviation"]?.double
      else { return nil }
      return (JudgingMethod(mode, region: region, fftSize: size), mean, deviation)
    }
    return CameraReference(
      name: name, width: width, height: height, markers: markers, findings: findings,
      used: (value["used"]?.array ?? []).compactMap(\.string), sharp: sharp)
  }
}

extension MarkerReference {
  fileprivate var json: JSONValue {
    .object([
      "box": .object([
        "x": .integer(box.x), "y": .integer(box.y), "width": .integer(box.width),
        "height": .integer(box.height),
      ]),
      "basis": .integer(basis.count),
      "tiles": .array(tiles.corners.map { .array([.integer($0.x), .integer($0.y)]) }),
      "coherence": .number(tiles.coherence), "direction": .number(tiles.direction),
      "threshold": .number(tiles.threshold), "contrast": .number(contrast),
      "acutance": .array(
        acutance.map { .array($0.map { $0.map(JSONValue.number) ?? .null }) }),
    ])
  }

  fileprivate init?(
    _ value: JSONValue, width: Int, height: Int, _ bytes: inout ArraySlice<UInt8>
  ) {
    guard let x = value["box"]?["x"]?.integer, let y = value["box"]?["y"]?.integer,
      let w = value["box"]?["width"]?.integer, let h = value["box"]?["height"]?.integer,
      w >= EdgeTiles.side, h >= EdgeTiles.side, w <= width, h <= height
    else { return nil }
    let box = PixelBox(x: x, y: y, width: w, height: h)
    guard box.isInside(width: width, height: height) else { return nil }
    let window = MarkerWindow(box, imageWidth: width, imageHeight: height)
    var corners: [(x: Int, y: Int)] = []
    for item in value["tiles"]?.array ?? [] {
      guard let pair = item.array, pair.count == 2, let x = pair[0].integer,
        let y = pair[1].integer,
        PixelBox(x: x, y: y, width: EdgeTiles.side, height: EdgeTiles.side)
          .isInside(width: w, height: h)
      else { return nil }
      corners.append((x, y))
    }
    guard !corners.isEmpty, let coherence = value["coherence"]?.double,
      let direction = value["direction"]?.double, let threshold = value["threshold"]?.double,
      let contrast = value["contrast"]?.double, let count = value["basis"]?.integer,
      (1...ReferenceBasis.count).contains(count)
    else { return nil }
    let cells = Acutance.corners(of: box).count
    let rows = (value["acutance"]?.array ?? []).compactMap { $0.array?.map(\.double) }
    guard rows.count == Acutance.smoothing.count, rows.allSatisfy({ $0.count == cells }) else {
      return nil
    }
    let size = window.width * window.height
    guard bytes.count >= 4 * size * count else { return nil }
    var basis: [GrayImage] = []
    for _ in 0..<count {
      let part = bytes.prefix(4 * size)
      bytes = bytes.dropFirst(4 * size)
      let values = part.withUnsafeBytes { raw in
        (0..<size).map {
          Float(
            bitPattern: UInt32(
              littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
        }
      }
      guard values.allSatisfy(\.isFinite) else { return nil }
      basis.append(GrayImage(width: window.width, height: window.height, values: values))
    }
    self.init(
      window: window, basis: basis,
      tiles: EdgeTiles(
        corners: corners, coherence: coherence, direction: direction, threshold: threshold),
      acutance: rows, contrast: contrast)
  }
}
