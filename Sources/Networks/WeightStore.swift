// How the numbers of a weight matrix are stored. Linear.swift is the only place that asks.

import Tensors

/// A weight matrix `[out, in]` in one of the storage forms.
///
/// Only single precision so far; `f16`, `q8_0`, `q4_0`, `q4_1`, `q6_K` and `nf4` join here as frozen
/// forms, and the switches of `Linear` and `PackedLinear` are all that has to learn them.
public enum WeightStore: Sendable {
  case f32(Tensor)

  public var outputs: Int {
    switch self {
    case .f32(let tensor): tensor.rows
    }
  }
  public var inputs: Int {
    switch self {
    case .f32(let tensor): tensor.columns
    }
  }
}
