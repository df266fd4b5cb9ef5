// The attack on every reader of outside bytes: the same changes in every run, of a file that is valid.
// A reader may read the changed file or refuse it with a diagnostic; anything else is a fault.

import Diagnostics
import Testing

/// Changes of a valid file, by number.
struct MutationTable {
  let base: [UInt8]
  /// Changes that are tried beside cutting.
  let count: Int

  private static let numbers: [UInt64] = [
    0, 1, 2, 7, 31, 32, 63, 64, 255, 256, 0xFFFF, 0x1_0000, 1 << 24, 0x7FFF_FFFF, 0x8000_0000,
    0xFFFF_FFFF, 1 << 32, 1 << 40, 1 << 53, 1 << 62, .max >> 1, 1 << 63, .max - 7, .max,
  ]

  /// The file with a number of changes that its index determines.
  func mutated(_ index: Int) -> [UInt8] {
    var state = UInt64(index + 1) &* 0x9E37_79B9_7F4A_7C15
    func random(_ bound: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return bound > 0 ? Int(state >> 33) % bound : 0
    }
    var bytes = base
    for _ in 0...random(3) where !bytes.isEmpty {
      let place = random(bytes.count)
      switch random(8) {
      case 0: bytes[place] = UInt8(random(256))
      case 1: bytes[place] ^= 1 << UInt8(random(8))
      case 2: bytes.removeSubrange(place..<min(bytes.count, place + 1 + random(9)))
      case 3: bytes.insert(UInt8(random(256)), at: place)
      case 4:
        bytes.insert(
          contentsOf: bytes[place..<min(bytes.count, place + random(40))], at: random(bytes.count))
      case 5: bytes.removeLast(random(bytes.count))
      // Numbers of four and eight bytes: counts, lengths, offsets, types.
      case 6: write(Self.numbers[random(Self.numbers.count)], 8, at: place, to: &bytes)
      default: write(Self.numbers[random(Self.numbers.count)], 4, at: place, to: &bytes)
      }
    }
    return bytes
  }

  private func write(_ number: UInt64, _ size: Int, at place: Int, to bytes: inout [UInt8]) {
    for byte in 0..<size where place + byte < bytes.count {
      bytes[place + byte] = UInt8(truncatingIfNeeded: number >> UInt64(8 * byte))
    }
  }

  /// Tries all changes, and the file cut at `cuts` places.
  ///
  /// - Parameter attempt: reads everything that can be read; throws nothing but diagnostics.
  /// - Returns: how many files were read, how many refused, and the ids of the refusals.
  func run(
    cuts: Int = 200, _ attempt: ([UInt8]) throws(Diagnostic) -> Void
  ) -> (read: Int, refused: Int, ids: Set<String>) {
    var read = 0
    var ids: [String] = []
    func attemptOne(_ bytes: [UInt8]) {
      do {
        try attempt(bytes)
        read += 1
      } catch { ids.append(error.id) }
    }
    attemptOne(base)
    for cut in 0..<cuts { attemptOne(Array(base.prefix(base.count * cut / cuts))) }
    for index in 0..<count { attemptOne(mutated(index)) }
    return (read, ids.count, Set(ids))
  }
}
