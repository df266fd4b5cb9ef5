// What a rendered camera looks at and what happens to its frames. Everything is drawn by us: no
// photograph is needed to try a pipeline or to test a measure against a known truth.

import Imaging
import Randomness

/// Clouds of a frame.
public enum SkyType: String, Sendable, CaseIterable {
  case clear, cumulus, stratus
  /// Wide, smooth clouds without an edge: a sharp picture of them looks defocused.
  case soft
}

/// What stands before the camera and never moves.
public enum MarkerType: String, Sendable, CaseIterable {
  /// An added board: a star of sectors, corner squares.
  case target
  /// A lattice mast, as found on roofs.
  case mast
  /// A bare tree.
  case tree
  /// Nothing but the horizon: no box is given.
  case none
}

/// What spoils a frame's sharpness.
public enum BlurType: String, Sendable, CaseIterable {
  case none, gauss, disc, motion
  /// Water on the dome: a narrow and a very wide Gaussian, and a veil.
  case condens
  /// A drop over the marker: a small inverted view, out of focus, with a soft rim.
  case drop = "drop_on"
}

/// Under what light a frame was taken.
public enum LightType: String, Sendable, CaseIterable {
  case day, dull, dusk, fog, night
  case over
}

/// One camera's sequence.
public struct SkySettings: Sendable, Equatable {
  public var width = 400
  public var height = 300
  public var seed: Int
  public var frames = 60
  /// Sharp daylight frames for calibration, under other skies.
  public var references = 10
  /// Types to take turns.
  public var skies: [SkyType] = SkyType.allCases
  public var marker: MarkerType = .mast
  /// Blurs to take turns.
  public var blurs: [BlurType] = BlurType.allCases.filter { $0 != .none }
  /// Of the frames that can be judged.
  public var blurredShare = 0.5
  /// Standard deviation of the blur in pixels, drawn evenly: a disc has twice this radius, a motion
  /// √12 times this length.
  public var leastBlur = 1.2
  public var mostBlur = 4.0
  public var dullShare = 0.25
  public var duskShare = 0.15
  public var fogShare = 0.05
  public var nightShare = 0.05
  public var overShare = 0.05
  /// Frames that are no pictures: cut short, empty, a second time the frame before; in turns.
  public var broken = 0
  /// The camera moves by up to so many pixels between frames.
  public var shake = 2.5
  /// PNG instead of JPEG.
  public var isLossless = false

  public init(seed: Int) { self.seed = seed }

  /// The side of the marker's box: 0.36 of the shorter side, a multiple of 16, 64 at least.
  public var markerSide: Int {
    max(64, Int((0.36 * Double(min(width, height)) / 16).rounded()) * 16)
  }

  /// Where the marker stands; nil without one.
  public var markerBox: PixelBox? {
    guard marker != .none else { return nil }
    let side = markerSide
    // Left of the middle, high enough that mostly sky is around it.
    return PixelBox(
      x: (width - side) * 2 / 5, y: max(28, (height - side) / 4), width: side, height: side)
  }

  /// Randomness of this camera: cameras of one seed with different markers are different places.
  func random(_ name: String) -> RandomStream {
    RandomStream(seed: seed, name: "\(marker.rawValue)/\(name)")
  }

  /// A picture that holds the marker's box with 24 pixels around it.
  public static let smallest = (width: 160, height: 160)
}
