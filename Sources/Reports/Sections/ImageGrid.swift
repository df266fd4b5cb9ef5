// Small pictures of a report section. Their bytes stand in the page itself (data URIs), so that a
// report stays one file.

import Foundation

/// Pictures with captions in a grid that wraps.
public struct ImageGrid: Sendable, Equatable {
  /// What a picture's frame says beside its words.
  public enum Tone: String, Sendable, CaseIterable {
    case plain, good, bad, doubtful
  }

  public struct Item: Sendable, Equatable {
    /// One short line; may be empty.
    public var title: String
    public var caption: String
    /// What is to be seen, for those who cannot.
    public var alt: String
    public var tone: Tone
    /// A PNG or JPEG file.
    public var bytes: [UInt8]

    /// - Precondition: `bytes` begin like PNG or JPEG and are few enough, `alt` says something.
    public init(
      title: String = "", caption: String = "", alt: String, tone: Tone = .plain, bytes: [UInt8]
    ) {
      precondition(ImageGrid.mediaType(bytes) != nil, "a picture that is neither PNG nor JPEG")
      precondition(
        bytes.count <= ImageGrid.mostBytes,
        "a picture of \(bytes.count) bytes; a report shows at most \(ImageGrid.mostBytes)")
      precondition(!alt.isEmpty, "a picture without a text for those who cannot see it")
      self.title = title
      self.caption = caption
      self.alt = alt
      self.tone = tone
      self.bytes = bytes
    }
  }

  public var title: String
  /// Below the grid: what is shown and how it was chosen.
  public var caption: String
  /// How wide one picture is shown at least where there is room, in CSS pixels.
  public var width: Int
  public var items: [Item]

  /// - Precondition: `width` is 48…1200.
  public init(title: String, caption: String = "", width: Int = 192, items: [Item]) {
    precondition(Self.widths.contains(width), "pictures of \(width) pixels in a report")
    self.title = title
    self.caption = caption
    self.width = width
    self.items = items
  }

  /// Of one picture.
  public static let mostBytes = 1 << 20
  static let mostItems = 400
  static let widths = 48...1200

  /// `image/png` or `image/jpeg`; nil for anything else.
  static func mediaType(_ bytes: [UInt8]) -> String? {
    if bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]) { return "image/png" }
    if bytes.starts(with: [0xff, 0xd8, 0xff]) { return "image/jpeg" }
    return nil
  }
}

extension ImageGrid.Item {
  var base64: String { Data(bytes).base64EncodedString() }

  /// Letters, digits, `+/=;:,` only: safe inside an attribute.
  var dataURI: String { "data:\(ImageGrid.mediaType(bytes)!);base64,\(base64)" }
}
