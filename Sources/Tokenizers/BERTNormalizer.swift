// BERT's normaliser: cleaning, ideographs apart, accents off, lower case, in this order and in one pass
// over UTF-8. What it does to a character is in BERTCharacters.swift; WordPiece.swift cuts the result.

/// The steps of Hugging Face's `BertNormalizer`.
public struct BERTNormalizer: Sendable, Hashable {
  /// Control characters are dropped, white space becomes U+0020.
  public var cleansText: Bool
  public var isolatesIdeographs: Bool
  /// Canonical decomposition without non-spacing marks.
  public var stripsAccents: Bool
  public var lowercases: Bool

  /// - Parameter stripsAccents: nil: as `lowercases`.
  public init(
    cleansText: Bool = true, isolatesIdeographs: Bool = true, stripsAccents: Bool? = nil,
    lowercases: Bool = true
  ) {
    self.cleansText = cleansText
    self.isolatesIdeographs = isolatesIdeographs
    self.stripsAccents = stripsAccents ?? lowercases
    self.lowercases = lowercases
  }

  /// Appends the normalised text; bytes that are not UTF-8 count as U+FFFD.
  func append(_ text: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
    var pass = BERTNormalization(self)
    // Beyond twice the text grows nothing but runs of ideographs; the array grows with them.
    var at = 0
    while at < text.count {
      if text[at] < 0x80 {
        // A run of ASCII: no marks, one byte each.
        pass.settle(to: &out)
        var end = at + 1
        while end < text.count, text[end] < 0x80 { end += 1 }
        appendASCII(UnsafeBufferPointer(rebasing: text[at..<end]), to: &out)
        at = end
      } else if let scalar = UTF8Scalar(text, at) {
        pass.take(scalar.value, to: &out)
        at += scalar.length
      } else {
        pass.take(0xFFFD, to: &out)
        at += 1
      }
    }
    pass.settle(to: &out)
  }

  private func appendASCII(_ run: UnsafeBufferPointer<UInt8>, to out: inout [UInt8]) {
    let start = out.count
    out.append(contentsOf: run)
    let cleans = cleansText
    let lowercases = lowercases
    let kept = out.withUnsafeMutableBufferPointer { out in
      var write = start
      for read in start..<start + run.count {
        var byte = out[read]
        if byte < 0x20 || byte == 0x7F {
          if cleans {
            guard byte == 0x09 || byte == 0x0A || byte == 0x0D else { continue }
            byte = 0x20
          }
        } else if lowercases, byte &- 0x41 < 26 {
          byte |= 0x20
        }
        out[write] = byte
        write += 1
      }
      return write
    }
    out.removeLast(out.count - kept)
  }
}

/// One pass: marks that stay wait until their run ends, then stand in the order of their classes.
private struct BERTNormalization {
  private let steps: BERTNormalizer
  private var marks: [UInt32] = []

  init(_ steps: BERTNormalizer) { self.steps = steps }

  mutating func take(_ point: UInt32, to out: inout [UInt8]) {
    let flags = BERTFlags(point)
    var point = point
    if steps.cleansText {
      if flags.contains(.dropped) { return }
      if flags.contains(.space) { point = 0x20 }
    }
    if steps.isolatesIdeographs, flags.contains(.ideograph) {
      settle(to: &out)
      out.append(0x20)
      decompose(point, flags, to: &out)
      settle(to: &out)
      out.append(0x20)
    } else {
      decompose(point, flags, to: &out)
    }
  }

  private mutating func decompose(_ point: UInt32, _ flags: BERTFlags, to out: inout [UInt8]) {
    guard steps.stripsAccents else {
      lower(point, to: &out)
      return
    }
    if flags.contains(.mapped) {
      var parts = BERTCharacters.decomposition(of: point)
      while parts > 0 {
        let part = UInt32(parts & 0x1F_FFFF)
        place(part, BERTFlags(part), to: &out)
        parts >>= 21
      }
    } else if point >= 0xAC00, point < 0xD7A4 {
      // Hangul syllables: The Unicode Standard, section 3.12.
      let index = point - 0xAC00
      settle(to: &out)
      lower(0x1100 + index / 588, to: &out)
      lower(0x1161 + index % 588 / 28, to: &out)
      if index % 28 > 0 { lower(0x11A7 + index % 28, to: &out) }
    } else {
      place(point, flags, to: &out)
    }
  }

  private mutating func place(_ point: UInt32, _ flags: BERTFlags, to out: inout [UInt8]) {
    if flags.contains(.nonStarter) {
      if !flags.contains(.mark) { marks.append(point) }
      return
    }
    settle(to: &out)
    if !flags.contains(.mark) { lower(point, to: &out) }
  }

  /// Ends a run of marks.
  mutating func settle(to out: inout [UInt8]) {
    guard !marks.isEmpty else { return }
    let ordered = marks.enumerated().sorted {
      (BERTCharacters.combiningClass(of: $0.element), $0.offset)
        < (BERTCharacters.combiningClass(of: $1.element), $1.offset)
    }
    marks.removeAll(keepingCapacity: true)
    for mark in ordered { lower(mark.element, to: &out) }
  }

  private func lower(_ point: UInt32, to out: inout [UInt8]) {
    if steps.lowercases {
      if point == 0x130 {
        // The one character whose lower case is two.
        append(0x69, to: &out)
        append(0x307, to: &out)
        return
      }
      append(
        point < 0x80
          ? (point &- 0x41 < 26 ? point | 0x20 : point)
          : BERTCharacters.lowercase(point), to: &out)
    } else {
      append(point, to: &out)
    }
  }

  private func append(_ point: UInt32, to out: inout [UInt8]) {
    func tail(_ shift: UInt32) -> UInt8 { UInt8(0x80 | point >> shift & 0x3F) }
    switch point {
    case 0..<0x80: out.append(UInt8(point))
    case 0x80..<0x800:
      out.append(UInt8(0xC0 | point >> 6))
      out.append(tail(0))
    case 0x800..<0x10000:
      out.append(UInt8(0xE0 | point >> 12))
      out.append(tail(6))
      out.append(tail(0))
    default:
      out.append(UInt8(0xF0 | point >> 18))
      out.append(tail(12))
      out.append(tail(6))
      out.append(tail(0))
    }
  }
}
