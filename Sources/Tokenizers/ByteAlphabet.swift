// The alphabet in which files of byte-level tokenizers spell bytes: every byte has one printable
// character, so that a vocabulary is readable JSON. Inside Plumb tokens are bytes; only
// TokenizerJSON.swift and VocabularyFiles.swift use this map.

/// GPT-2's map between bytes and characters: bytes 33–126, 161–172 and 174–255 stand for
/// themselves, the other 68 for U+0100 onwards in byte order (space is Ġ, line break Ċ).
enum ByteAlphabet {
  static let scalars: [Unicode.Scalar] = {
    var next: UInt32 = 0x100
    return (UInt8(0)...255).map { byte in
      switch byte {
      case 33...126, 161...172, 174...255: return Unicode.Scalar(byte)
      default:
        defer { next += 1 }
        return Unicode.Scalar(next)!
      }
    }
  }()

  private static let bytes: [Int16] = {
    var bytes = [Int16](repeating: -1, count: 0x144)
    for (byte, scalar) in scalars.enumerated() { bytes[Int(scalar.value)] = Int16(byte) }
    return bytes
  }()

  static func text(of bytes: some Sequence<UInt8>) -> String {
    var view = String.UnicodeScalarView()
    for byte in bytes { view.append(scalars[Int(byte)]) }
    return String(view)
  }

  /// The bytes that a text of this alphabet spells, or the first character that is not in it.
  static func bytes(of text: String) -> Result<[UInt8], ForeignCharacter> {
    var out: [UInt8] = []
    out.reserveCapacity(text.utf8.count)
    for scalar in text.unicodeScalars {
      guard scalar.value < bytes.count, bytes[Int(scalar.value)] >= 0 else {
        return .failure(ForeignCharacter(scalar: scalar))
      }
      out.append(UInt8(bytes[Int(scalar.value)]))
    }
    return .success(out)
  }

  struct ForeignCharacter: Error {
    let scalar: Unicode.Scalar
  }
}
