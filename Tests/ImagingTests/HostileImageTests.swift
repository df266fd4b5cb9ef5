// Files that are cut, damaged, lying or no pictures at all: a reason each time, a crash never.

import Foundation
import Testing

@testable import Imaging

@Suite struct HostileImageTests {
  /// Cut at 10 … 99 % of their bytes, every kind of file is truncated, and says so.
  @Test(arguments: Picture.all)
  func aPartOfAFileIsTruncated(picture: Picture) {
    let bytes = picture.bytes
    for percent in [1, 5] + Array(stride(from: 10, through: 99, by: 5)) + [97, 98, 99] {
      let part = Array(bytes.prefix(max(1, bytes.count * percent / 100)))
      #expect(defect(part)?.name == "truncated", "\(picture.name) at \(percent) %")
    }
    // The end marker alone is missing.
    #expect(defect(Array(bytes.dropLast(1)))?.name == "truncated")
  }

  @Test func largerFilesToo() {
    let scene = testScene(width: 160, height: 120, channels: 3)
    let files = [
      PNGEncoder().encode(scene), PNGEncoder(isInterlaced: true).encode(scene),
      JPEGEncoder().encode(scene), JPEGEncoder(isProgressive: true).encode(scene),
    ]
    for file in files {
      for percent in 10...99 {
        let part = Array(file.prefix(file.count * percent / 100))
        #expect(defect(part)?.name == "truncated", "\(percent) %")
      }
    }
  }

  /// A transfer that broke off and was filled up with zeros is no whole picture.
  @Test func partsFilledUpAreDefects() {
    for picture in Picture.all {
      for percent in [30, 60, 90] {
        let kept = picture.bytes.count * percent / 100
        let filled =
          Array(picture.bytes.prefix(kept))
          + [UInt8](repeating: 0, count: picture.bytes.count - kept)
        #expect(defect(filled) != nil, "\(picture.name) at \(percent) %")
      }
    }
  }

  /// Every byte of a PNG is under a checksum, so none changes unseen; a JPEG has none, so a changed
  /// sample may pass, with the size its header says.
  @Test(arguments: Picture.all)
  func changedBytesAreFoundOrHarmless(picture: Picture) {
    var dice = Dice(state: UInt64(picture.bytes.count))
    let isPNG = picture.name.hasSuffix(".png")
    let limits = ImageLimits(pixels: 4_000_000, side: 20_000)
    for round in 0..<120 {
      var bytes = picture.bytes
      for _ in 0...round % 3 {
        let place = Int.random(in: 0..<bytes.count, using: &dice)
        bytes[place] ^= 1 << UInt8.random(in: 0..<8, using: &dice)
      }
      if bytes == picture.bytes { continue }
      do throws(ImageDefect) {
        let image = try ImageFile.decode(bytes, limits: limits)
        #expect(image.bitmap.pixels.count <= 3 * limits.pixels)
        // A damaged tRNS chunk is left out with a warning.
        if isPNG { #expect(image.warnings > 0, "\(picture.name), round \(round)") }
      } catch {
        #expect(!error.reason.isEmpty && !error.name.isEmpty)
      }
    }
  }

  @Test func whatIsNoPicture() {
    let texts: [(String, String)] = [
      ("", "empty"), ("GIF89a......", "undecodable"), ("BM........", "undecodable"),
      ("<!DOCTYPE html><p>503</p>", "undecodable"), ("\0", "undecodable"),
      (String(repeating: "x", count: 100_000), "undecodable"),
    ]
    for (text, name) in texts {
      #expect(defect(Array(text.utf8))?.name == name, "\(text.prefix(9))")
    }
    #expect(defect([0xff, 0xd8])?.name == "truncated")
    #expect(defect([0xff, 0xd8, 0xff, 0xd9])?.name == "undecodable")
    #expect(defect([0x89, 0x50])?.name == "truncated")
    #expect(defect([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0b])?.name == "undecodable")
  }

  @Test func sizesAreCheckedBeforeAnythingIsAllocated() {
    for (width, height) in [(2_147_483_647, 2_147_483_647), (2_147_483_647, 1), (30_001, 1)] {
      let file = signature + header(width, height, depth: 8, colour: 2) + chunk("IDAT", [0])
      #expect(defect(file + tail)?.name == "too-large", "\(width)×\(height)")
      #expect(describeDefect(file + tail)?.name == "too-large")
    }
    #expect(defect(signature + header(0, 7, depth: 8, colour: 0) + tail)?.name == "undecodable")
    // A JPEG header that claims 65,500 × 65,500 pixels.
    var jpeg = Picture.named("444.jpg").bytes
    let frame = jpeg.indices.first { jpeg[$0] == 0xff && jpeg[$0 + 1] == 0xc0 }!
    jpeg.replaceSubrange(frame + 5..<frame + 9, with: [0xff, 0xdc, 0xff, 0xdc])
    #expect(defect(jpeg) == .tooLarge(width: 65_500, height: 65_500))
    let limits = ImageLimits(pixels: 17 * 13 - 1, side: 20_000)
    for picture in [Picture.named("rgb8.png"), .named("420.jpg")] {
      #expect(throws: ImageDefect.tooLarge(width: 17, height: 13)) {
        try ImageFile.decode(picture.bytes, limits: limits)
      }
    }
  }

  @Test func chunksOutOfPlace() {
    let ihdr = header(4, 4, depth: 8, colour: 0)
    let table: [(String, [UInt8], String)] = [
      ("no data", signature + ihdr + tail, "undecodable"),
      ("data first", signature + chunk("IDAT", [1, 2, 3]) + ihdr + tail, "undecodable"),
      ("two headers", signature + ihdr + ihdr + tail, "undecodable"),
      ("end first", signature + tail, "undecodable"),
      (
        "no palette", signature + header(4, 4, depth: 8, colour: 3) + chunk("IDAT", [0]),
        "undecodable"
      ),
      ("depth 3", signature + header(4, 4, depth: 3, colour: 0) + tail, "undecodable"),
      ("colour 5", signature + header(4, 4, depth: 8, colour: 5) + tail, "undecodable"),
      (
        "data that is no zlib", signature + ihdr + chunk("IDAT", [9, 9, 9, 9]) + tail, "undecodable"
      ),
      ("unknown critical", signature + ihdr + chunk("ABCD", [1]) + tail, "undecodable"),
      (
        "chunk of 2 GB", signature + ihdr + [0x7f, 0xff, 0xff, 0xff] + Array("IDAT".utf8),
        "truncated"
      ),
    ]
    for (name, bytes, expected) in table { #expect(defect(bytes)?.name == expected, "\(name)") }
    // Too little data behind whole checksums.
    let short = signature + ihdr + chunk("IDAT", storedZlib([0, 1, 2])) + tail
    #expect(defect(short)?.name == "undecodable")
    // A chunk that nobody knows and nobody needs is passed over.
    let whole = chunk("IDAT", storedZlib([UInt8](repeating: 0, count: 20)))
    #expect(defect(signature + ihdr + chunk("abCd", [1, 2]) + whole + tail) == nil)
  }

  @Test func segmentsOutOfPlace() {
    let jpeg = Picture.named("gray.jpg").bytes
    func without(_ marker: UInt8) -> [UInt8] {
      var bytes = jpeg
      var at = 2
      while bytes[at + 1] != 0xda {
        let length = Int(bytes[at + 2]) << 8 | Int(bytes[at + 3])
        if bytes[at + 1] == marker {
          bytes.removeSubrange(at..<at + 2 + length)
        } else {
          at += 2 + length
        }
      }
      return bytes
    }
    #expect(defect(without(0xdb))?.name == "undecodable", "no quantisation")
    #expect(defect(without(0xc0))?.name == "undecodable", "no frame")
    // Without code tables the standard ones are taken, as motion JPEG wants it: no crash is asked.
    _ = defect(without(0xc4))
    var deep = jpeg
    let frame = deep.indices.first { deep[$0] == 0xff && deep[$0 + 1] == 0xc0 }!
    deep[frame + 4] = 12
    #expect(defect(deep)?.name == "unsupported", "12 bits")
    deep[frame + 4] = 8
    deep[frame + 1] = 0xc3
    #expect(defect(deep)?.name == "unsupported", "lossless")
    // An end marker in the middle of the data: rows are missing.
    let scene = JPEGEncoder().encode(testScene(width: 64, height: 64, channels: 1))
    let early = Array(scene.prefix(scene.count * 2 / 3)) + [0xff, 0xd9]
    #expect(defect(early)?.name == "truncated")
  }

  /// A few bytes a scan, a pass over all coefficients each: stopped by their number.
  @Test func scansWithoutEndAreStopped() throws {
    let scene = testScene(width: 64, height: 64, channels: 1)
    let bytes = JPEGEncoder(isProgressive: true).encode(scene)
    let scan = try #require(bytes.indices.last { bytes[$0] == 0xff && bytes[$0 + 1] == 0xda })
    let last = Array(bytes[scan..<bytes.count - 2])
    var bomb = Array(bytes.dropLast(2))
    for _ in 0..<3000 { bomb += last }
    bomb += [0xff, 0xd9]
    #expect(defect(bomb)?.name == "undecodable")
  }

  /// Metadata that lies changes nothing but the orientation.
  @Test func damagedMetadataDoesNotHarm() throws {
    let good = Picture.named("orientation6.jpg").bytes
    let mark = try #require(good.indices.first { good[$0...].starts(with: Array("Exif".utf8)) })
    var dice = Dice(state: 3)
    for _ in 0..<300 {
      var bytes = good
      let place = mark + 6 + Int.random(in: 0..<26, using: &dice)
      bytes[place] = UInt8.random(in: 0...255, using: &dice)
      let image = try ImageFile.decode(bytes)
      #expect(image.bitmap.width * image.bitmap.height == 17 * 13)
      #expect((1...8).contains(image.description.orientation))
    }
  }

  // MARK: Parts of files

  private let signature: [UInt8] = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]
  private var tail: [UInt8] { chunk("IEND", []) }

  private func defect(_ bytes: [UInt8]) -> ImageDefect? {
    do throws(ImageDefect) {
      _ = try ImageFile.decode(bytes)
      return nil
    } catch { return error }
  }

  private func describeDefect(_ bytes: [UInt8]) -> ImageDefect? {
    do throws(ImageDefect) {
      _ = try ImageFile.describe(bytes)
      return nil
    } catch { return error }
  }

  private func header(_ width: Int, _ height: Int, depth: UInt8, colour: UInt8) -> [UInt8] {
    chunk("IHDR", bigEndian(UInt32(width)) + bigEndian(UInt32(height)) + [depth, colour, 0, 0, 0])
  }

  private func bigEndian(_ value: UInt32) -> [UInt8] {
    (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) }
  }

  private func chunk(_ name: String, _ data: [UInt8]) -> [UInt8] {
    let body = Array(name.utf8) + data
    var crc: UInt32 = 0xffff_ffff
    for byte in body {
      crc ^= UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0xedb8_8320 : crc >> 1 }
    }
    return bigEndian(UInt32(data.count)) + body + bigEndian(~crc)
  }

  /// One stored block.
  private func storedZlib(_ data: [UInt8]) -> [UInt8] {
    var (a, b): (UInt32, UInt32) = (1, 0)
    for byte in data {
      a = (a + UInt32(byte)) % 65_521
      b = (b + a) % 65_521
    }
    let count = UInt8(data.count)
    return [0x78, 0x01, 1, count, 0, ~count, 0xff] + data + bigEndian(b << 16 | a)
  }
}
