// A network that turns the gradient of one example into an edit of a weight: two low-rank layers, each
// added to what it reads, that begin as the identity. Shared by all layers of one shape; each of them
// has a scale and a shift of its own.
//
//   x₀ = [norm(u) | norm(δ)]     pre = (x·Vᵀ)·Uᵀ + b     y = x + act(scaleₘ ⊙ pre + shiftₘ)
//
// act is the rectifier in the first layer and nothing in the second.
// Mitchell et al. 2022 (arXiv 2110.11309), "IDMLP" of the authors' code.

import Kernels
import Randomness
import Tensors

/// Parameters of a gradient transform and what it needs to be run forward and backward.
public final class EditNetwork {
  /// Low-rank layers, one hidden and the last.
  static let depth = 2

  /// Numbers of an input: in + out of the edited layers.
  public let width: Int
  public let rank: Int
  /// Layers that share it.
  public let modes: Int
  /// Rows that a pass may have.
  public let capacity: Int
  let plan: ArenaPlan
  public let weights: Arena
  public let gradients: Arena
  let layers: [Layer]
  private let work: Arena
  private let projected: ArenaPlan.Region
  private let signal: ArenaPlan.Region

  /// Places of one layer's parameters.
  struct Layer {
    /// [D, r]
    let u: ArenaPlan.Region
    /// [r, D]
    let v: ArenaPlan.Region
    /// [1, D]
    let bias: ArenaPlan.Region
    /// [modes, D]
    let scale: ArenaPlan.Region
    let shift: ArenaPlan.Region

    var all: [ArenaPlan.Region] { [u, v, bias, scale, shift] }
  }

  /// What a forward pass leaves for the backward pass of the same rows.
  public final class Trace {
    let arena: Arena
    /// Input of each layer, then the output.
    let states: [ArenaPlan.Region]
    let pres: [ArenaPlan.Region]
    fileprivate(set) var rows = 0
    fileprivate(set) var mode = 0

    public init(_ network: EditNetwork) {
      var plan = ArenaPlan()
      states = (0...EditNetwork.depth).map {
        plan.add("state-\($0)", rows: network.capacity, columns: network.width)
      }
      pres = (0..<EditNetwork.depth).map {
        plan.add("pre-\($0)", rows: network.capacity, columns: network.width)
      }
      arena = Arena(plan)
    }

    func state(_ layer: Int) -> Tensor { arena[states[layer]].slice(rows: 0..<rows) }
    func pre(_ layer: Int) -> Tensor { arena[pres[layer]].slice(rows: 0..<rows) }
  }

  /// - Parameters:
  ///   - rank: at most `width`.
  ///   - random: draws V; U, biases and shifts are 0 and scales 1, so that the network is the identity.
  public init(width: Int, rank: Int, modes: Int, capacity: Int, random: RandomStream) {
    precondition(width > 0 && rank > 0 && modes > 0 && capacity > 0, "an empty network")
    self.width = width
    self.rank = min(rank, width)
    self.modes = modes
    self.capacity = capacity
    var plan = ArenaPlan()
    var layers: [Layer] = []
    for layer in 0..<Self.depth {
      func add(_ name: String, _ rows: Int, _ columns: Int) -> ArenaPlan.Region {
        plan.add("\(layer)/\(name)", rows: rows, columns: columns)
      }
      layers.append(
        Layer(
          u: add("u", width, self.rank), v: add("v", self.rank, width), bias: add("bias", 1, width),
          scale: add("scale", modes, width), shift: add("shift", modes, width)))
    }
    self.plan = plan
    self.layers = layers
    weights = Arena(plan)
    gradients = Arena(plan)
    var work = ArenaPlan()
    projected = work.add("projected", rows: capacity, columns: self.rank)
    signal = work.add("signal", rows: capacity, columns: width)
    self.work = Arena(work)
    var random = random
    for layer in layers {
      weights[layer.scale].fill(1)
      let v = weights[layer.v]
      for index in 0..<v.count { v.data[index] = Float(random.normal()) }
    }
  }

  /// How many numbers learn.
  public var weightCount: Int { plan.regions.reduce(0) { $0 + $1.shape.count } }

  /// - Parameters:
  ///   - input: [n, D], n at most `capacity`.
  ///   - mode: which of the sharing layers this is.
  /// - Returns: [n, D], valid until the trace is used again.
  public func forward(_ input: Tensor, mode: Int, trace: Trace) -> Tensor {
    precondition(
      input.columns == width && input.rows <= capacity && mode < modes,
      "\(input.shape) of mode \(mode) for a network of width \(width), \(modes) modes")
    trace.rows = input.rows
    trace.mode = mode
    trace.state(0).copy(from: input)
    for (number, layer) in layers.enumerated() {
      let (x, pre, y) = (trace.state(number), trace.pre(number), trace.state(number + 1))
      let t = work[projected].slice(rows: 0..<input.rows)
      matmul(x, weights[layer.v], .second, into: t)
      matmul(t, weights[layer.u], .second, into: pre, rowBias: weights[layer.bias])
      let (scale, shift) = (weights[layer.scale].row(mode), weights[layer.shift].row(mode))
      let isRectified = number + 1 < Self.depth
      parallelRows(of: x) { rows in
        for row in rows {
          let (from, raw, to) = (x.row(row), pre.row(row), y.row(row))
          for column in 0..<width {
            let value = (raw[column] * scale[column]) + shift[column]
            to[column] = from[column] + (isRectified ? max(0, value) : value)
          }
        }
      }
    }
    return trace.state(Self.depth)
  }

  /// Adds into the gradients; of the inputs there is none, since nothing before them learns.
  ///
  /// - Parameter dOutput: [n, D] of the trace's pass; destroyed.
  public func backward(_ dOutput: Tensor, trace: Trace) {
    let mode = trace.mode
    dOutput.require(trace.rows, width, "dOutput", in: "EditNetwork.backward")
    for (number, layer) in layers.enumerated().reversed() {
      let (x, pre) = (trace.state(number), trace.pre(number))
      let d = work[signal].slice(rows: 0..<trace.rows)
      let (scale, shift) = (weights[layer.scale].row(mode), weights[layer.shift].row(mode))
      let (dScale, dShift) = (gradients[layer.scale].row(mode), gradients[layer.shift].row(mode))
      let dBias = gradients[layer.bias].data
      let isRectified = number + 1 < Self.depth
      // By columns: every sum over rows is made in one fixed order.
      parallelColumns(of: d) { columns in
        for row in 0..<trace.rows {
          let (raw, from, to) = (pre.row(row), dOutput.row(row), d.row(row))
          for column in columns {
            let value = (raw[column] * scale[column]) + shift[column]
            // At 0 the gradient goes through: all begins there.
            let passes = !isRectified || value >= 0
            let gradient = passes ? from[column] : 0
            dScale[column] += gradient * raw[column]
            dShift[column] += gradient
            dBias[column] += gradient * scale[column]
            to[column] = gradient * scale[column]
          }
        }
      }
      let t = work[projected].slice(rows: 0..<trace.rows)
      matmul(x, weights[layer.v], .second, into: t)
      matmul(d, t, .first, into: gradients[layer.u], accumulate: true)
      matmul(d, weights[layer.u], .none, into: t)
      matmul(t, x, .first, into: gradients[layer.v], accumulate: true)
      // What goes down: along the shortcut as it is, through the layer by V.
      if number > 0 { matmul(t, weights[layer.v], .none, into: dOutput, accumulate: true) }
    }
  }
}
