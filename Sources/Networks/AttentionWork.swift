// Attention of one segment and one key/value head, with all query heads that share it: the unit that
// threads take. All products run in our own kernel, whose bits depend on neither blocks nor
// neighbours; a token's row therefore has the same bits alone, packed, or with another future.

import Foundation
import Kernels
import Tensors

/// One task of `Attention`.
struct AttentionWork {
  /// Queries of a block: small, since a block computes its whole square on the diagonal.
  static let queryBlock = 32
  /// Keys of a block: scores of 32 × 256 fit into the first-level cache.
  static let keyBlock = 256

  let attention: Attention
  let tokens: Range<Int>
  let group: Int
  /// Head size and segment length, up to whole vectors.
  let width: Int
  let length: Int

  init(_ attention: Attention, _ tokens: Range<Int>, group: Int) {
    self.attention = attention
    self.tokens = tokens
    self.group = group
    width = (attention.headSize + 15) & ~15
    length = (tokens.count + 15) & ~15
  }

  private var size: Int { attention.headSize }
  private var headsOfGroup: Range<Int> {
    let shared = attention.heads / attention.keyValueHeads
    return group * shared..<(group + 1) * shared
  }

  /// Rows of one head that a product may read in whole vectors: in place if the head size allows,
  /// else copied into `scratch` with zeros behind.
  private func wholeRows(
    _ tensor: Tensor, head: Int, _ scratch: UnsafeMutablePointer<Float>
  ) -> (start: UnsafeMutablePointer<Float>, step: Int) {
    let start = tensor.row(tokens.lowerBound) + head * size
    if size == width { return (start, tensor.stride) }
    copyRows(
      start, fromStep: tensor.stride, rows: tokens.count, columns: size, to: scratch,
      toStep: width, clearing: true)
    return (scratch, width)
  }

  /// Writes the head's rows as `[D, length]`, zeros behind.
  private func transposed(
    _ tensor: Tensor, head: Int, _ target: UnsafeMutablePointer<Float>
  ) {
    for d in 0..<size {
      for column in tokens.count..<length { target[d * length + column] = 0 }
    }
    transpose(
      tensor.row(tokens.lowerBound) + head * size, fromStep: tensor.stride, rows: tokens.count,
      columns: size, to: target, toStep: length)
  }

  /// Blocks of keys that some of the queries `first..<end` of the segment see.
  private func keyBlocks(_ first: Int, _ end: Int) -> (end: Int, blocks: Range<Int>) {
    let end = attention.isCausal ? end : tokens.count
    let start = attention.window.map { max(0, first - $0 + 1) } ?? 0
    return (end, start / Self.keyBlock..<(end + Self.keyBlock - 1) / Self.keyBlock)
  }

  /// Keys of a block from `firstKey` on that a query sees; perhaps none.
  private func visible(_ query: Int, _ firstKey: Int, _ count: Int) -> Range<Int> {
    guard attention.isCausal else { return 0..<count }
    let end = max(0, min(count, query - firstKey + 1))
    guard let window = attention.window else { return 0..<end }
    return min(end, max(0, query - window + 1 - firstKey))..<end
  }

  private func clear(_ row: UnsafeMutablePointer<Float>, outside seen: Range<Int>, _ count: Int) {
    for column in 0..<seen.lowerBound { row[column] = 0 }
    for column in seen.upperBound..<count { row[column] = 0 }
  }

  private func drop(
    _ row: UnsafeMutablePointer<Float>, head: Int, query: Int, firstKey: Int, _ count: Int
  ) {
    guard let dropout = attention.dropout, dropout.rate > 0 else { return }
    dropout.apply(
      to: row, maskRow: maskRow(dropout, head, query), firstColumn: firstKey, count: count)
  }

  /// Both uses of one mask in the backward pass.
  private func drop(
    _ p: UnsafePointer<Float>, into dropped: UnsafeMutablePointer<Float>,
    andTo dScores: UnsafeMutablePointer<Float>, head: Int, query: Int, firstKey: Int, _ count: Int
  ) {
    guard let dropout = attention.dropout else { return }
    dropout.apply(
      p, into: dropped, andTo: dScores, maskRow: maskRow(dropout, head, query),
      firstColumn: firstKey, count: count)
  }

  private func maskRow(_ dropout: Dropout, _ head: Int, _ query: Int) -> Int {
    (dropout.firstRow + tokens.lowerBound + query) * attention.heads + head
  }

  func forward(q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSumExp: Tensor?) {
    let (block, keys) = (Self.queryBlock, Self.keyBlock)
    let needed = size * length + length * width + block * keys + block * width + 2 * block
    Scratch.with(needed) { memory in
      let keysTransposed = memory
      let valueCopy = keysTransposed + size * length
      let scores = valueCopy + length * width
      let out = scores + block * keys
      let greatest = out + block * width
      let sums = greatest + block
      transposed(k, head: group, keysTransposed)
      let values = wholeRows(v, head: group, valueCopy)
      for head in headsOfGroup {
        for first in stride(from: 0, to: tokens.count, by: block) {
          let rows = min(block, tokens.count - first)
          let queries = Multiplier(
            q.row(tokens.lowerBound + first) + head * size, rowStep: q.stride, columnStep: 1)
          let (end, blocks) = keyBlocks(first, first + rows)
          for index in blocks {
            let firstKey = index * keys
            let count = min(keys, end - firstKey)
            smallProduct(
              queries, keysTransposed + firstKey, bStep: length, into: scores, cStep: keys,
              m: rows, n: count, k: size, accumulate: false)
            for row in 0..<rows {
              let s = scores + row * keys
              let seen = visible(first + row, firstKey, count)
              let blockGreatest = maximum(s + seen.lowerBound, seen.count) * attention.scale
              if index == blocks.lowerBound {
                greatest[row] = blockGreatest
                sums[row] = 0
              } else if blockGreatest > greatest[row] {
                let factor = exp(greatest[row] - blockGreatest)
                greatest[row] = blockGreatest
                sums[row] *= factor
                scale(out + row * width, by: factor, width)
              }
              clear(s, outside: seen, count)
              guard !seen.isEmpty else { continue }
              let visibleScores = s + seen.lowerBound
              expShifted(
                visibleScores, scale: attention.scale, shift: greatest[row], visibleScores,
                seen.count)
              sums[row] += sum(visibleScores, seen.count)
              drop(s, head: head, query: first + row, firstKey: firstKey, seen.upperBound)
            }
            smallProduct(
              Multiplier(scores, rowStep: keys, columnStep: 1),
              values.start + firstKey * values.step, bStep: values.step, into: out,
              cStep: width, m: rows, n: size, k: count, accumulate: index > blocks.lowerBound)
          }
          for row in 0..<rows {
            let token = tokens.lowerBound + first + row
            scale(out + row * width, by: 1 / sums[row], size)
            (o.row(token) + head * size).update(from: out + row * width, count: size)
            if let logSumExp { logSumExp[token, head] = greatest[row] + log(sums[row]) }
          }
        }
      }
    }
  }

  func backward(
    _ dO: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSumExp: Tensor, dQ: Tensor,
    dK: Tensor, dV: Tensor
  ) {
    let (block, keys) = (Self.queryBlock, Self.keyBlock)
    let full = length * width
    Scratch.with(2 * size * length + 5 * full + 3 * block * keys + block * width) { memory in
      let keysTransposed = memory
      let valuesTransposed = keysTransposed + size * length
      let keyCopy = valuesTransposed + size * length
      let queryCopy = keyCopy + full
      let outCopy = queryCopy + full
      let dKeys = outCopy + full
      let dValues = dKeys + full
      let probabilities = dValues + full
      let dropped = probabilities + block * keys
      let dScores = dropped + block * keys
      let dQueries = dScores + block * keys
      let dropsOut = (attention.dropout?.rate ?? 0) > 0
      transposed(k, head: group, keysTransposed)
      transposed(v, head: group, valuesTransposed)
      let wholeKeys = wholeRows(k, head: group, keyCopy)
      dKeys.update(repeating: 0, count: 2 * full)
      for head in headsOfGroup {
        let queries = wholeRows(q, head: head, queryCopy)
        let dOut = wholeRows(dO, head: head, outCopy)
        for first in stride(from: 0, to: tokens.count, by: block) {
          let rows = min(block, tokens.count - first)
          let blockQueries = queries.start + first * queries.step
          let blockOut = dOut.start + first * dOut.step
          let (end, blocks) = keyBlocks(first, first + rows)
          for index in blocks {
            let firstKey = index * keys
            let count = min(keys, end - firstKey)
            smallProduct(
              Multiplier(blockQueries, rowStep: queries.step, columnStep: 1),
              keysTransposed + firstKey, bStep: length, into: probabilities, cStep: keys,
              m: rows, n: count, k: size, accumulate: false)
            smallProduct(
              Multiplier(blockOut, rowStep: dOut.step, columnStep: 1),
              valuesTransposed + firstKey, bStep: length, into: dScores, cStep: keys, m: rows,
              n: count, k: size, accumulate: false)
            for row in 0..<rows {
              let token = tokens.lowerBound + first + row
              let p = probabilities + row * keys
              let ds = dScores + row * keys
              let seen = visible(first + row, firstKey, count)
              expShifted(
                p + seen.lowerBound, scale: attention.scale, shift: logSumExp[token, head],
                p + seen.lowerBound, seen.count)
              if dropsOut {
                let copy = dropped + row * keys
                drop(
                  p, into: copy, andTo: ds, head: head, query: first + row, firstKey: firstKey,
                  seen.upperBound)
                clear(copy, outside: seen, count)
              }
              let product = dot(
                dO.row(token) + head * size, o.row(token) + head * size, size)
              softmaxGradient(
                p + seen.lowerBound, ds + seen.lowerBound, d: product, scale: attention.scale,
                ds + seen.lowerBound, seen.count)
              clear(p, outside: seen, count)
              clear(ds, outside: seen, count)
            }
            let used = dropsOut ? dropped : probabilities
            smallProduct(
              Multiplier(used, rowStep: 1, columnStep: keys), blockOut, bStep: dOut.step,
              into: dValues + firstKey * width, cStep: width, m: count, n: size, k: rows,
              accumulate: true)
            smallProduct(
              Multiplier(dScores, rowStep: 1, columnStep: keys), blockQueries,
              bStep: queries.step, into: dKeys + firstKey * width, cStep: width, m: count,
              n: size, k: rows, accumulate: true)
            smallProduct(
              Multiplier(dScores, rowStep: keys, columnStep: 1),
              wholeKeys.start + firstKey * wholeKeys.step, bStep: wholeKeys.step,
              into: dQueries, cStep: width, m: rows, n: size, k: count,
              accumulate: index > blocks.lowerBound)
          }
          copyRows(
            dQueries, fromStep: width, rows: rows, columns: size,
            to: dQ.row(tokens.lowerBound + first) + head * size, toStep: dQ.stride,
            clearing: false)
        }
      }
      for (source, target) in [(dKeys, dK), (dValues, dV)] {
        copyRows(
          source, fromStep: width, rows: tokens.count, columns: size,
          to: target.row(tokens.lowerBound) + group * size, toStep: target.stride,
          clearing: false)
      }
    }
  }
}
