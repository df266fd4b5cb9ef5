// A layer that is edited: where its gradient's factors are kept, what became of them, and the network
// that transforms them.

import LanguageModels
import Tensors

/// One linear layer of a feed-forward part with the memory of an edit.
final class EditSite {
  /// As `Parameter.module` names it.
  let module: String
  let inputs: Int
  let outputs: Int
  let network: EditNetwork
  /// Which of the network's layers this is.
  let mode: Int
  let trace: EditNetwork.Trace
  var norm: RunningNorm
  /// Rows that were kept of the last backward pass.
  private(set) var rows = 0
  private let arena: Arena
  private let factors: ArenaPlan.Region
  private let normalised: ArenaPlan.Region
  private let gradient: ArenaPlan.Region

  init(module: String, inputs: Int, outputs: Int, network: EditNetwork, mode: Int) {
    self.module = module
    self.inputs = inputs
    self.outputs = outputs
    self.network = network
    self.mode = mode
    trace = EditNetwork.Trace(network)
    norm = RunningNorm(width: inputs + outputs)
    var plan = ArenaPlan()
    factors = plan.add("factors", rows: network.capacity, columns: inputs + outputs)
    normalised = plan.add("normalised", rows: network.capacity, columns: inputs + outputs)
    gradient = plan.add("gradient", rows: network.capacity, columns: inputs + outputs)
    arena = Arena(plan)
  }

  /// Keeps the rows that matter, [u | δ] side by side.
  ///
  /// - Parameter isKept: one mark per row of the batch.
  func keep(input: Tensor, gradient: Tensor, where isKept: [Bool]) {
    precondition(
      input.columns == inputs && gradient.columns == outputs,
      "\(module): \(input.shape) and \(gradient.shape), not \(inputs) and \(outputs) columns")
    rows = 0
    let target = arena[factors]
    for row in 0..<input.rows where isKept[row] {
      precondition(rows < network.capacity, "\(module): more rows than \(network.capacity)")
      target.row(rows).update(from: input.row(row), count: inputs)
      (target.row(rows) + inputs).update(from: gradient.row(row), count: outputs)
      rows += 1
    }
  }

  /// Transforms what was kept and writes it as A = ũ and B = −a·δ̃ᵀ; rows that no token has are 0.
  ///
  /// - Parameters:
  ///   - learnsNorm: whether what was kept is added to the norm's figures first.
  ///   - rate: a
  func write(rate: Float, learnsNorm: Bool, into edit: (a: Tensor, b: Tensor)) {
    let (kept, input) = (arena[factors], arena[normalised].slice(rows: 0..<rows))
    if learnsNorm { for row in 0..<rows { norm.add(kept.row(row)) } }
    for row in 0..<rows { norm.apply(kept.row(row), into: input.row(row)) }
    let output = network.forward(input, mode: mode, trace: trace)
    edit.a.fill(0)
    edit.b.fill(0)
    for row in 0..<rows {
      let values = output.row(row)
      edit.a.row(row).update(from: values, count: inputs)
      for column in 0..<outputs { edit.b[column, row] = -rate * values[inputs + column] }
    }
  }

  /// From the gradients of A and B to those of the network; returns that of the rate.
  func learn(rate: Float, dA: Tensor, dB: Tensor) -> Double {
    let output = trace.state(EditNetwork.depth)
    let d = arena[gradient].slice(rows: 0..<rows)
    var dRate = 0.0
    for row in 0..<rows {
      let (values, target) = (output.row(row), d.row(row))
      target.update(from: dA.row(row), count: inputs)
      for column in 0..<outputs {
        let value = dB[column, row]
        target[inputs + column] = -rate * value
        dRate -= Double(values[inputs + column]) * Double(value)
      }
    }
    network.backward(d, trace: trace)
    return dRate
  }
}
