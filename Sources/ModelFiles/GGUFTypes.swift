// Numbers that GGUF files name types by.

import Kernels

/// Types of metadata values.
enum GGUFValueType: UInt32 {
  case uint8, int8, uint16, int16, uint32, int32, float32, boolean, text, array, uint64, int64
  case float64

  /// Bytes of a value; of strings and lists those of the length alone.
  var leastBytes: Int {
    switch self {
    case .uint8, .int8, .boolean: 1
    case .uint16, .int16: 2
    case .uint32, .int32, .float32: 4
    case .uint64, .int64, .float64, .text: 8
    case .array: 12
    }
  }

  var isInteger: Bool {
    switch self {
    case .uint8, .int8, .uint16, .int16, .uint32, .int32, .uint64, .int64: true
    default: false
    }
  }

  var isNumber: Bool { isInteger || self == .float32 || self == .float64 }
}

/// Types of tensors that are read here.
public enum GGUFTensorType: Sendable, Equatable {
  case float32
  case blocks(BlockFormat)

  public var name: String {
    switch self {
    case .float32: "F32"
    case .blocks(let format): format.rawValue
    }
  }

  var elementsPerBlock: Int {
    switch self {
    case .float32: 1
    case .blocks(let format): format.elementsPerBlock
    }
  }

  var bytesPerBlock: Int {
    switch self {
    case .float32: 4
    case .blocks(let format): format.bytesPerBlock
    }
  }

  init?(number: UInt32) {
    switch number {
    case 0: self = .float32
    case 1: self = .blocks(.float16)
    case 2: self = .blocks(.q4_0)
    case 3: self = .blocks(.q4_1)
    case 6: self = .blocks(.q5_0)
    case 7: self = .blocks(.q5_1)
    case 8: self = .blocks(.q8_0)
    case 14: self = .blocks(.q6_K)
    case 30: self = .blocks(.bfloat16)
    default: return nil
    }
  }

  /// The names of the others, for refusing them.
  static func name(of number: UInt32) -> String {
    let names: [UInt32: String] = [
      4: "Q4_2", 5: "Q4_3", 9: "Q8_1", 10: "Q2_K", 11: "Q3_K", 12: "Q4_K", 13: "Q5_K", 15: "Q8_K",
      16: "IQ2_XXS", 17: "IQ2_XS", 18: "IQ3_XXS", 19: "IQ1_S", 20: "IQ4_NL", 21: "IQ3_S",
      22: "IQ2_S", 23: "IQ4_XS", 24: "I8", 25: "I16", 26: "I32", 27: "I64", 28: "F64", 29: "IQ1_M",
      34: "TQ1_0", 35: "TQ2_0", 39: "MXFP4",
    ]
    return names[number] ?? "number \(number)"
  }
}
