// Blocks of few bits: against plain loops over bytes, against ggml and bitsandbytes' rules
// (fixtures/quantised_blocks.py), and the bounds of a round trip.

import Foundation
import Kernels
import Networks
import Randomness
import Tensors
import Testing

@Suite struct QuantisedBlocksTests {
  /// One block by the table in QuantisedBlocks.swift, number by number.
  static func plain(_ format: BlockFormat, _ b: [UInt8]) -> [Float] {
    func half(_ at: Int) -> Float {
      Float(Float16(bitPattern: UInt16(b[at]) | UInt16(b[at + 1]) << 8))
    }
    func nibble(_ j: Int, at: Int) -> Int { Int(j < 16 ? b[at + j] & 15 : b[at + j - 16] >> 4) }
    func fifth(_ j: Int, at: Int) -> Int { Int(b[at + j / 8] >> UInt8(j % 8)) & 1 }
    switch format {
    case .float16: return [half(0)]
    case .bfloat16:
      return [Float(bitPattern: UInt32(b[0]) << 16 | UInt32(b[1]) << 24)]
    case .q4_0: return (0..<32).map { half(0) * Float(nibble($0, at: 2) - 8) }
    case .q4_1: return (0..<32).map { half(0) * Float(nibble($0, at: 4)) + half(2) }
    case .q5_0:
      return (0..<32).map { half(0) * Float(nibble($0, at: 6) + 16 * fifth($0, at: 2) - 16) }
    case .q5_1:
      return (0..<32).map { half(0) * Float(nibble($0, at: 8) + 16 * fifth($0, at: 4)) + half(2) }
    case .q8_0: return (0..<32).map { half(0) * Float(Int8(bitPattern: b[2 + $0])) }
    case .q6_K:
      return (0..<256).map { e in
        let (side, run, l) = (e / 128, e % 128 / 32, e % 32)
        let byte = b[64 * side + l + 32 * (run % 2)]
        let low = Int(run < 2 ? byte & 15 : byte >> 4)
        let high = Int(b[128 + 32 * side + l] >> UInt8(2 * run)) & 3
        let scale = Float(Int8(bitPattern: b[192 + e / 16]))
        return half(208) * scale * Float(low + 16 * high - 32)
      }
    case .nf4:
      let bits = (0..<4).reduce(UInt32(0)) { $0 | UInt32(b[$1]) << UInt32(8 * $1) }
      return (0..<64).map { i in
        let byte = b[4 + i / 2]
        return normalFloat4[Int(i % 2 == 0 ? byte >> 4 : byte & 15)] * Float(bitPattern: bits)
      }
    }
  }

  func expanded(_ format: BlockFormat, _ bytes: [UInt8]) -> [Float] {
    let count = bytes.count / format.bytesPerBlock * format.elementsPerBlock
    return [Float](unsafeUninitializedCapacity: count) { target, filled in
      bytes.withUnsafeBytes {
        dequantise(format, $0.baseAddress!, into: target.baseAddress!, count: count)
      }
      filled = count
    }
  }

  func quantised(_ format: BlockFormat, _ values: [Float]) -> [UInt8] {
    let size = format.bytes(columns: values.count)
    return [UInt8](unsafeUninitializedCapacity: size) { target, filled in
      values.withUnsafeBufferPointer {
        quantise(
          format, $0.baseAddress!, into: UnsafeMutableRawPointer(target.baseAddress!),
          count: values.count)
      }
      filled = size
    }
  }

  /// Every byte value at every place of a block, which is every nibble and every scale; the bytes
  /// include NaN and infinite scales.
  @Test(arguments: BlockFormat.allCases) func expandsAnyBytes(_ format: BlockFormat) {
    let size = format.bytesPerBlock
    var stream = RandomStream(seed: 1, name: format.rawValue)
    var bytes: [UInt8] = []
    for value in 0..<256 {
      for place in 0..<(size > 100 ? 8 : size) {
        var block = (0..<size).map { _ in UInt8(truncatingIfNeeded: stream.next()) }
        // A step that is coprime to the size visits every place of large blocks in time.
        block[(place + value * 8) % size] = UInt8(value)
        bytes += block
      }
    }
    let got = expanded(format, bytes)
    let right = (0..<bytes.count / size).flatMap {
      Self.plain(format, Array(bytes[$0 * size..<($0 + 1) * size]))
    }
    #expect(got.count == right.count)
    let differs = zip(got, right).enumerated().first {
      !($1.0 == $1.1 || $1.0.isNaN && $1.1.isNaN)
    }
    #expect(differs == nil, "\(format.rawValue): \(String(describing: differs))")
  }

  /// Reads unaligned blocks, writes no more than asked.
  @Test(arguments: BlockFormat.allCases) func staysInside(_ format: BlockFormat) {
    let (size, count) = (format.bytesPerBlock, format.elementsPerBlock)
    var stream = RandomStream(seed: 2, name: format.rawValue)
    let block = (0..<size).map { _ in UInt8(truncatingIfNeeded: stream.next()) & 0x3B }
    let target = UnsafeMutablePointer<Float>.allocate(capacity: 3 * count + 2)
    defer { target.deallocate() }
    target.update(repeating: 77, count: 3 * count + 2)
    let moved = [UInt8(0)] + block + block + block
    moved.withUnsafeBytes {
      dequantise(format, $0.baseAddress! + 1, into: target + 1, count: 3 * count)
    }
    #expect(target[0] == 77 && target[3 * count + 1] == 77)
    let right = Self.plain(format, block)
    for part in 0..<3 {
      #expect(
        (0..<count).map { target[1 + part * count + $0].bitPattern } == right.map(\.bitPattern))
    }
  }

  /// The inputs of the fixture script.
  static let inputs: [Float] = {
    var state: UInt64 = 12345
    return (0..<6).flatMap { row in
      (0..<256).map { i in
        state = (state * 1_103_515_245 + 12345) % (1 << 31)
        let u = Float(state / 128) / 0x1p23 - 1
        switch row {
        case 1: return u * Float(sign: .plus, exponent: i / 32 - 4, significand: 1)
        case 2: return abs(u)
        case 3: return i % 64 < 32 ? 0.25 : 0
        case 4: return u * u * u
        case 5: return i % 32 == 7 ? u : u * 0.0625
        default: return u
        }
      }
    }
  }()

  struct Fixture {
    let members: [String: Any]
    init() throws {
      let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("fixtures/quantised_blocks.json")
      members =
        try JSONSerialization.jsonObject(with: Data(contentsOf: url)) as? [String: Any] ?? [:]
    }
    func bytes(_ path: String...) throws -> [UInt8] {
      var value: Any = members
      for key in path { value = try #require((value as? [String: Any])?[key]) }
      let text = try #require(value as? String)
      return Array(try #require(Data(base64Encoded: text)))
    }
    func floats(_ format: String, _ name: String) throws -> [Float] {
      try bytes(format, name).withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
  }

  @Test(arguments: [BlockFormat.q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .q6_K])
  func quantisesAsGGML(_ format: BlockFormat) throws {
    let fixture = try Fixture()
    let input = try fixture.bytes("input").withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    #expect(input == Self.inputs)
    let right = try fixture.bytes(format.rawValue, "blocks")
    let got = quantised(format, Self.inputs)
    #expect(
      got == right, "\(format.rawValue): \(zip(got, right).count { $0 != $1 }) bytes differ")
    let values = try fixture.floats(format.rawValue, "values")
    #expect(expanded(format, right).map(\.bitPattern) == values.map(\.bitPattern))
  }

  @Test func quantisesNF4AsBitsandbytes() throws {
    let fixture = try Fixture()
    let blocks = quantised(.nf4, Self.inputs)
    let scales = try fixture.floats("NF4", "absmax")
    var codes: [UInt8] = []
    for block in 0..<Self.inputs.count / 64 {
      let start = block * 36
      let scale = blocks[start..<start + 4].withUnsafeBytes { $0.loadUnaligned(as: Float.self) }
      #expect(scale == scales[block])
      codes += blocks[start + 4..<start + 36]
    }
    #expect(try codes == fixture.bytes("NF4", "codes"))
    #expect(try expanded(.nf4, blocks) == fixture.floats("NF4", "values"))
  }

  @Test func quantisesScalesAsBitsandbytes() throws {
    let fixture = try Fixture()
    #expect(try dynamicMap == fixture.floats("NF4", "map"))
    let nested = NestedScales(try fixture.floats("NF4", "absmax"))
    #expect(try nested.codes == fixture.bytes("NF4", "scales"))
    for (got, right) in zip(nested.magnitudes, try fixture.floats("NF4", "magnitudes")) {
      #expect(abs(got - right) <= 1e-6 * right)
    }
    let matrix = tensor(6, 256)
    matrix.values = Self.inputs
    let stored = QuantisedMatrix(matrix, as: .nf4, doubleQuantised: true)
    let got = tensor(6, 256)
    stored.dequantise(into: got)
    for (got, right) in zip(got.values, try fixture.floats("NF4", "nestedValues")) {
      #expect(abs(got - right) <= 1e-6)
    }
  }

  /// Tie: the lower code. A middle of two entries scaled to a block's greatest magnitude of 1 is exact.
  @Test func nearestCodeTakesTheLowerOfTwo() {
    var values = [Float](repeating: 0, count: 64)
    for code in 0..<15 {
      values[code] = (normalFloat4[code] + normalFloat4[code + 1]) / 2
      values[16 + code] = values[code].nextUp
      values[32 + code] = normalFloat4[code]
    }
    values[63] = 1
    let blocks = quantised(.nf4, values)
    func code(_ i: Int) -> Int { Int(i % 2 == 0 ? blocks[4 + i / 2] >> 4 : blocks[4 + i / 2] & 15) }
    for i in 0..<15 {
      #expect(code(i) == i && code(16 + i) == i + 1 && code(32 + i) == i)
    }
  }

  /// Half a step of each format, relative to the block's range.
  @Test(arguments: BlockFormat.allCases) func roundTripStaysWithinAStep(_ format: BlockFormat) {
    let size = format.elementsPerBlock
    let values = Self.inputs
    let back = expanded(format, quantised(format, values))
    let share: Float =
      switch format {
      case .float16: 0x1p-11
      case .bfloat16: 0x1p-8
      case .q4_0: 1 / 7.9
      case .q4_1: 0.51 / 15 * 2
      case .q5_0: 1 / 15.9
      case .q5_1: 0.51 / 31 * 2
      case .q8_0: 0.51 / 127
      case .q6_K: 1 / 30
      case .nf4: 0.16
      }
    for block in 0..<values.count / size {
      let range = block * size..<(block + 1) * size
      let greatest = values[range].map { abs($0) }.max()!
      // Half-precision scales have subnormal steps of 2⁻²⁴.
      let bound = share * greatest + 0x1p-10 * greatest + 0x1p-20
      let worst = range.map { abs(values[$0] - back[$0]) }.max()!
      #expect(worst <= bound, "\(format.rawValue) block \(block): \(worst) > \(bound)")
    }
  }

  @Test(arguments: BlockFormat.allCases) func hostileNumbersDoNotTrap(_ format: BlockFormat) {
    for value: Float in [
      0, -0, .leastNonzeroMagnitude, -.leastNormalMagnitude / 1000, 3e38, -3e38, .infinity, .nan,
      .leastNormalMagnitude,
    ] {
      var values = [Float](repeating: 0, count: 256)
      values[3] = value
      values[200] = -value / 2
      let back = expanded(format, quantised(format, values))
      #expect(back.count == 256)
      if abs(value) < 1e-30 { #expect(back.allSatisfy { abs($0) < 1e-6 }) }
    }
  }
}
