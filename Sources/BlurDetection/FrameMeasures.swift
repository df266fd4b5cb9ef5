// Measures of one frame as JSON: what an inner action keeps, so that no pixel is read twice.

import CanonicalJSON
import Imaging

/// What was measured of one frame, or why nothing was.
public enum FrameMeasures: Sendable, Equatable {
  case corrupt(FrameState.Corruption, reason: String)
  /// One for each marker of the camera.
  case markers([MarkerMeasures])
  /// In the method's own unit.
  case value(Double)

  /// Decodes and measures.
  ///
  /// - Parameter bytes: a file, whatever is in it.
  public init(
    _ bytes: [UInt8], camera: CameraReference, method: JudgingMethod,
    limits: ImageLimits = ImageLimits()
  ) {
    let bitmap: Bitmap
    do {
      let description = try ImageFile.describe(bytes, limits: limits)
      guard description.width == camera.width, description.height == camera.height else {
        self = .corrupt(
          .wrongSize,
          reason: "it has \(description.width)×\(description.height) pixels, the camera "
            + "\(camera.width)×\(camera.height)")
        return
      }
      bitmap = try ImageFile.decode(bytes, limits: limits).bitmap
    } catch {
      self = .corrupt(FrameState.Corruption(error), reason: error.reason)
      return
    }
    // A transfer that broke off and was filled up: a quarter of the rows, and more than any border.
    let constant = bitmap.constantBottomRows
    if constant < bitmap.height, 4 * constant >= bitmap.height {
      self = .corrupt(
        .truncated, reason: "its last \(constant) of \(bitmap.height) rows are of one colour")
      return
    }
    if method.mode == .markerReference {
      self = .markers(
        camera.markers.map { marker in
          marker.measures(ofWindow: GrayImage.luma(bitmap, in: marker.window.part))
        })
    } else {
      self = .value(method.measure(GrayImage.luma(bitmap), box: camera.markers[0].box))
    }
  }

  public var json: JSONValue {
    switch self {
    case .corrupt(let corruption, let reason):
      .object(["corrupt": .string(corruption.rawValue), "reason": .string(reason)])
    case .value(let value):
      .object(["value": value.isFinite ? .number(value) : .null])
    case .markers(let markers):
      .object(["markers": .array(markers.map(\.json))])
    }
  }

  public init?(_ value: JSONValue) {
    if let name = value["corrupt"]?.string {
      guard let corruption = FrameState.Corruption(rawValue: name) else { return nil }
      self = .corrupt(corruption, reason: value["reason"]?.string ?? "")
    } else if let items = value["markers"]?.array {
      let markers = items.compactMap(MarkerMeasures.init)
      guard markers.count == items.count, !markers.isEmpty else { return nil }
      self = .markers(markers)
    } else if let measure = value["value"] {
      // Only one measure is ever infinite: −∞ for a picture without high frequencies.
      self = .value(measure.double ?? -.infinity)
    } else {
      return nil
    }
  }
}

extension MarkerMeasures {
  public var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("mean", .number(mean)), ("noise", .number(noise)), ("clipped", .number(clipped)),
      ("usable", .number(usable)), ("contrasted", .number(contrasted)),
      ("expected_signal", .number(expectedSignal)), ("shift_x", .number(shiftX)),
      ("shift_y", .number(shiftY)), ("correlation", .number(correlation)),
      ("shift_at_edge", .boolean(isShiftAtEdge)),
    ]
    if let acutance { members.append(("acutance", .number(acutance))) }
    if let blur {
      members += [
        ("sigma", .number(blur.sigma)), ("sigma_low", .number(blur.sigmaLow)),
        ("sigma_high", .number(blur.sigmaHigh)), ("explained", .number(blur.explained)),
        ("signal_to_noise", .number(blur.signalToNoise)),
        (
          "tiles",
          .array(
            blur.tiles.map { tile in
              tile.map { .array([.number($0.sigma), .number($0.explained)]) } ?? .null
            })
        ),
      ]
    }
    return .object(JSONObject(members))
  }

  public init?(_ value: JSONValue) {
    func number(_ key: String) -> Double? { value[key]?.double }
    guard let mean = number("mean"), let noise = number("noise"), let clipped = number("clipped"),
      let usable = number("usable"), let contrasted = number("contrasted"),
      let expected = number("expected_signal"), let x = number("shift_x"),
      let y = number("shift_y"), let correlation = number("correlation"),
      let atEdge = value["shift_at_edge"]?.boolean
    else { return nil }
    var blur: BlurEstimate?
    if let sigma = number("sigma") {
      guard let low = number("sigma_low"), let high = number("sigma_high"),
        let explained = number("explained"), let signal = number("signal_to_noise"),
        let tiles = value["tiles"]?.array
      else { return nil }
      blur = BlurEstimate(
        sigma: sigma, sigmaLow: low, sigmaHigh: high, explained: explained, signalToNoise: signal,
        tiles: tiles.map { tile in
          guard let pair = tile.array, pair.count == 2, let sigma = pair[0].double,
            let explained = pair[1].double
          else { return nil }
          return BlurEstimate.Tile(sigma: sigma, explained: explained)
        })
    }
    self.init(
      mean: mean, noise: noise, clipped: clipped, usable: usable, contrasted: contrasted,
      expectedSignal: expected, shiftX: x, shiftY: y, correlation: correlation,
      isShiftAtEdge: atEdge, acutance: number("acutance"), blur: blur)
  }
}
