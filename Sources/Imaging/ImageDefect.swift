// Why bytes are not a picture, and how large pictures may be.

/// Why a file could not be read as a picture: the `corrupt:` states of a frame.
public enum ImageDefect: Error, Sendable, Hashable {
  /// No bytes at all.
  case empty
  /// The bytes end before the picture does; `reason` is the library's sentence.
  case truncated(reason: String)
  /// Damaged, or no PNG or JPEG.
  case undecodable(reason: String)
  /// More pixels than the limits allow; nothing was allocated.
  case tooLarge(width: Int, height: Int)
  /// Whole, but of a kind that is not read.
  case unsupported(reason: String)

  /// The state's name in tables: `truncated`, `undecodable`, `empty`, `too-large`, `unsupported`.
  public var name: String {
    switch self {
    case .empty: "empty"
    case .truncated: "truncated"
    case .undecodable: "undecodable"
    case .tooLarge: "too-large"
    case .unsupported: "unsupported"
    }
  }

  /// One clause for a person.
  public var reason: String {
    switch self {
    case .empty: "the file has no bytes"
    case .truncated(let reason), .undecodable(let reason), .unsupported(let reason): reason
    case .tooLarge(let width, let height): "it has \(width)×\(height) pixels"
    }
  }
}

/// What may be decoded: checked against the header before anything is allocated.
public struct ImageLimits: Sendable, Hashable {
  /// Width times height.
  public var pixels: Int
  /// Longest side.
  public var side: Int

  /// 100 megapixels and 30,000 pixels a side: larger than whole-sky cameras, smaller than a bomb.
  public init(pixels: Int = 100_000_000, side: Int = 30_000) {
    precondition(pixels > 0 && side > 0, "limits of \(pixels) pixels and \(side) a side")
    self.pixels = pixels
    self.side = side
  }
}
