// Rows of a table picked by number; tokens and learned positions are two of them.
//
//   y[n] = E[i[n]]        dE[i[n]] += dy[n], in order of n for every row of E

import Kernels
import Tensors

/// A table of vectors, one for each token of a vocabulary or each position.
public struct Embedding: Sendable {
  /// `[V, C]`; of a table in blocks only the rows asked for are expanded.
  public var weight: WeightStore
  /// `[V, C]`; nil if frozen.
  public var gradient: Tensor?

  public init(weight: WeightStore, gradient: Tensor? = nil) {
    if case .blocks = weight {
      precondition(gradient == nil, "a quantised table is frozen and has no gradient")
    }
    self.weight = weight
    self.gradient = gradient
  }

  public init(table: Tensor, gradient: Tensor? = nil) {
    self.init(weight: .f32(table), gradient: gradient)
  }

  /// V
  public var rows: Int { weight.outputs }
  /// C
  public var columns: Int { weight.inputs }

  /// - Parameters:
  ///   - indices: N rows of the table.
  ///   - y: `[N, C]`, overwritten, or added to if `accumulate` (positions on top of tokens).
  public func forward(_ indices: [Int32], into y: Tensor, accumulate: Bool = false) {
    y.require(indices.count, columns, "y", in: "Embedding.forward")
    check(indices)
    indices.withUnsafeBufferPointer { indices in
      parallelRows(of: y) { rows in
        for row in rows {
          let index = Int(indices[row])
          switch weight {
          case .f32(let table) where accumulate:
            add(table.row(index), into: y.row(row), y.columns)
          case .f32(let table): y.row(row).update(from: table.row(index), count: y.columns)
          case .blocks(let matrix) where accumulate:
            Scratch.with(y.columns) { memory in
              matrix.dequantise(
                rows: index..<index + 1, into: Tensor(memory, rows: 1, columns: y.columns))
              add(memory, into: y.row(row), y.columns)
            }
          case .blocks(let matrix):
            matrix.dequantise(rows: index..<index + 1, into: y.slice(rows: row..<row + 1))
          }
        }
      }
    }
  }

  /// Adds into the gradient; nothing happens if the table is frozen.
  ///
  /// - Parameters:
  ///   - dy: `[N, C]`
  ///   - indices: N rows of the table, as in the forward pass.
  public func backward(_ dy: Tensor, indices: [Int32]) {
    guard let gradient else { return }
    dy.require(indices.count, columns, "dy", in: "Embedding.backward")
    gradient.require(rows, columns, "gradient", in: "Embedding.backward")
    check(indices)
    let (order, groups) = grouped(indices)
    order.withUnsafeBufferPointer { order in
      groups.withUnsafeBufferPointer { groups in
        parallelFor(groups.count - 1, by: 32) { range in
          for group in range {
            let members = groups[group]..<groups[group + 1]
            let target = gradient.row(Int(indices[order[members.lowerBound]]))
            for member in members { add(dy.row(order[member]), into: target, dy.columns) }
          }
        }
      }
    }
  }

  private func check(_ indices: [Int32]) {
    for index in indices {
      precondition(
        index >= 0 && index < rows, "embedding \(index) of a table of \(rows) rows")
    }
  }

  /// Tokens sorted by table row (in order of n within a row), and where each row's tokens begin.
  private func grouped(_ indices: [Int32]) -> (order: [Int], starts: [Int]) {
    var next = [Int](repeating: 0, count: rows + 1)
    for index in indices { next[Int(index) + 1] += 1 }
    var starts: [Int] = []
    for row in 0..<rows {
      if next[row + 1] > 0 { starts.append(next[row]) }
      next[row + 1] += next[row]
    }
    starts.append(indices.count)
    var order = [Int](repeating: 0, count: indices.count)
    for (token, index) in indices.enumerated() {
      order[next[Int(index)]] = token
      next[Int(index)] += 1
    }
    return (order, starts)
  }
}
