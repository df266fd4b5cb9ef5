// What is known about a rendered frame, since we made it so.

/// A frame of the plan: everything that decides its bytes together with the settings.
public struct FrameTruth: Sendable, Equatable {
  public enum Label: String, Sendable {
    case sharp, blurred, indeterminate, corrupt
  }

  /// How a file is broken.
  public enum Fault: String, Sendable, CaseIterable {
    case truncated, empty
    case duplicate = "frozen-duplicate"
  }

  /// `000.jpg`, in the order of the sequence.
  public let file: String
  /// Names the frame's random streams.
  public let stream: String
  public let label: Label
  public let blur: BlurType
  /// Standard deviation of the blur in pixels; 0 where it has none (sharp, drop).
  public let sigma: Double
  public let light: LightType
  public let sky: SkyType
  /// Since the beginning of the sequence, 0…1: clouds drift, the sun moves.
  public let time: Double
  public let fault: Fault?

  static let header = "file,label,blur,light,sky,sigma"

  /// A line of labels.csv. What is broken has its fault in the place of the blur.
  var row: String {
    let hundredths = Int((sigma * 100).rounded())
    let digits = String(hundredths % 100)
    let amount = "\(hundredths / 100)." + (digits.count == 1 ? "0" : "") + digits
    return [
      file, label.rawValue, fault?.rawValue ?? blur.rawValue, light.rawValue, sky.rawValue, amount,
    ].joined(separator: ",")
  }

  /// The bytes of labels.csv.
  public static func table(_ frames: [FrameTruth]) -> String {
    ([header] + frames.map(\.row)).map { $0 + "\n" }.joined()
  }
}
