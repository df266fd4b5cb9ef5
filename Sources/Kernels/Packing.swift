// Copies that change the layout for the products of SmallProduct.swift: transposes and panels.

/// Writes the transpose: `to[c·toStep + r] = from[r·fromStep + c]`.
public func transpose(
  _ from: UnsafePointer<Float>, fromStep: Int, rows: Int, columns: Int,
  to: UnsafeMutablePointer<Float>, toStep: Int
) {
  // Blocks of 16 rows: writes fill whole cache lines, reads come from 16 streams.
  var r = 0
  while r < rows {
    let end = min(r + 16, rows)
    for c in 0..<columns {
      let target = to + c * toStep
      for i in r..<end { target[i] = from[i * fromStep + c] }
    }
    r = end
  }
}

/// Copies rows into rows of another distance; `clearing` sets the numbers between to zero.
public func copyRows(
  _ from: UnsafePointer<Float>, fromStep: Int, rows: Int, columns: Int,
  to: UnsafeMutablePointer<Float>, toStep: Int, clearing: Bool
) {
  for r in 0..<rows {
    let target = to + r * toStep
    let source = from + r * fromStep
    for c in 0..<columns { target[c] = source[c] }
    if clearing { for c in columns..<toStep { target[c] = 0 } }
  }
}
