// Attention of one segment: forward for one query head, backward for one key/value head with all query
// heads that share it; the units that threads take. Scores lie transposed, one row for each key, in
// blocks of 32 queries (Kernels/ScoreBlocks.swift). All products run in our own kernel, whose bits
// depend on neither blocks nor neighbours; a token's row therefore has the same bits alone, packed, or
// with another future.

import Foundation
import Kernels
import Tensors

/// One task of `Attention`.
struct AttentionWork {
  /// Queries of a block.
  static let queryBlock = ScoreBlock.queries
  /// Keys of a block: its scores take half of a first-level cache. A multiple of 128 for dropout.
  static let keyBlock = 128

  let attention: Attention
  let tokens: Range<Int>
  let group: Int
  /// Head size up to whole vectors.
  let width: Int

  init(_ attention: Attention, _ tokens: Range<Int>, group: Int) {
    self.attention = attention
    self.tokens = tokens
    self.group = group
    width = (attention.headSize + 15) & ~15
  }

  private var size: Int { attention.headSize }
  private var dropsOut: Bool { (attention.dropout?.rate ?? 0) > 0 }
  private var headsOfGroup: Range<Int> {
    let shared = attention.heads / attention.keyValueHeads
    return group * shared..<(group + 1) * shared
  }

  /// Copies some of the segment's rows of one head, close together and with zeros behind.
  private func copy(
    _ tensor: Tensor, head: Int, _ rows: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) {
    copyRows(
      tensor.row(tokens.lowerBound + rows.lowerBound) + head * size, fromStep: tensor.stride,
      rows: rows.count, columns: size, to: target, toStep: width, clearing: true)
  }

  /// Writes a block of queries as `[D, 32]`, zeros behind.
  private func transposed(
    _ tensor: Tensor, head: Int, _ rows: Range<Int>, to target: UnsafeMutablePointer<Float>
  ) {
    let block = Self.queryBlock
    if rows.count < block { target.update(repeating: 0, count: size * block) }
    transpose(
      tensor.row(tokens.lowerBound + rows.lowerBound) + head * size, fromStep: tensor.stride,
      rows: rows.count, columns: size, to: target, toStep: block)
  }

  /// Keys that some of the queries see, in blocks that begin at multiples of `keyBlock`.
  private func keyBlocks(_ queries: Range<Int>) -> [Range<Int>] {
    let end = attention.isCausal ? queries.upperBound : tokens.count
    let start = attention.window.map { max(0, queries.lowerBound - $0 + 1) } ?? 0
    return stride(from: start / Self.keyBlock * Self.keyBlock, to: end, by: Self.keyBlock).map {
      $0..<min(end, $0 + Self.keyBlock)
    }
  }

  /// Scores of some keys, unseen ones −∞.
  private func scores(
    _ keys: Range<Int>, _ keyRows: UnsafePointer<Float>, _ queries: Range<Int>,
    _ queriesTransposed: UnsafePointer<Float>, into scores: UnsafeMutablePointer<Float>
  ) {
    product(keyRows, keys, queriesTransposed, into: scores)
    if attention.isCausal {
      ScoreBlock.hide(
        scores, count: keys.count, offset: keys.lowerBound - queries.lowerBound,
        window: attention.window)
    }
  }

  /// Rows of keys or values times a block of 32 columns `[D, 32]`.
  private func product(
    _ rows: UnsafePointer<Float>, _ keys: Range<Int>, _ columns: UnsafePointer<Float>,
    into result: UnsafeMutablePointer<Float>
  ) {
    let block = Self.queryBlock
    smallProduct(
      Multiplier(rows + keys.lowerBound * width, rowStep: width, columnStep: 1), columns,
      bStep: block, into: result, cStep: block, m: keys.count, n: block, k: size,
      accumulate: false)
  }

  /// Writes the mask of a block as factors `[keys, 32]`.
  private func mask(
    _ keys: Range<Int>, _ queries: Range<Int>, head: Int, rows: UnsafeMutablePointer<Float>,
    to mask: UnsafeMutablePointer<Float>
  ) {
    guard let dropout = attention.dropout else { return }
    for (index, query) in queries.enumerated() {
      let row = rows + index * Self.keyBlock
      row.update(repeating: 1, count: keys.count)
      dropout.apply(
        to: row,
        maskRow: (dropout.firstRow + tokens.lowerBound + query) * attention.heads + head,
        firstColumn: keys.lowerBound, count: keys.count)
    }
    if queries.count < Self.queryBlock {
      mask.update(repeating: 0, count: keys.count * Self.queryBlock)
    }
    transpose(
      rows, fromStep: Self.keyBlock, rows: queries.count, columns: keys.count, to: mask,
      toStep: Self.queryBlock)
  }

  private func queryBlocks() -> [Range<Int>] {
    stride(from: 0, to: tokens.count, by: Self.queryBlock).map {
      $0..<min(tokens.count, $0 + Self.queryBlock)
    }
  }

  func forward(head: Int, q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSumExp: Tensor?) {
    let (block, area) = (Self.queryBlock, Self.queryBlock * Self.keyBlock)
    let full = tokens.count * width
    let needed = 2 * full + 2 * block * width + area + (dropsOut ? 2 * area : 0) + 3 * block
    Scratch.with(needed) { memory in
      let keyRows = memory
      let valueRows = keyRows + full
      let queriesTransposed = valueRows + full
      let out = queriesTransposed + block * width
      let greatest = out + block * width
      let sums = greatest + block
      let factors = sums + block
      let scores = factors + block
      let maskRows = scores + area
      let mask = maskRows + area
      copy(k, head: group, 0..<tokens.count, to: keyRows)
      copy(v, head: group, 0..<tokens.count, to: valueRows)
      for queries in queryBlocks() {
        transposed(q, head: head, queries, to: queriesTransposed)
        greatest.update(repeating: -.infinity, count: block)
        sums.update(repeating: 0, count: block)
        for (index, keys) in keyBlocks(queries).enumerated() {
          self.scores(keys, keyRows, queries, queriesTransposed, into: scores)
          ScoreBlock.softmax(
            scores, count: keys.count, scale: attention.scale, greatest: greatest, sums: sums,
            factors: factors)
          if dropsOut {
            self.mask(keys, queries, head: head, rows: maskRows, to: mask)
            multiply(mask, into: scores, keys.count * block)
          }
          if index > 0 {
            for row in 0..<queries.count where factors[row] != 1 {
              scale(out + row * width, by: factors[row], width)
            }
          }
          smallProduct(
            Multiplier(scores, rowStep: 1, columnStep: block),
            valueRows + keys.lowerBound * width, bStep: width, into: out, cStep: width,
            m: queries.count, n: size, k: keys.count, accumulate: index > 0)
        }
        for (row, query) in queries.enumerated() {
          let token = tokens.lowerBound + query
          scale(out + row * width, by: 1 / sums[row], size)
          (o.row(token) + head * size).update(from: out + row * width, count: size)
          if let logSumExp { logSumExp[token, head] = greatest[row] + log(sums[row]) }
        }
      }
    }
  }

  func backward(
    _ dO: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSumExp: Tensor, dQ: Tensor,
    dK: Tensor, dV: Tensor
  ) {
    let (block, area) = (Self.queryBlock, Self.queryBlock * Self.keyBlock)
    let full = tokens.count * width
    let needed = 4 * full + 5 * block * width + 2 * area + (dropsOut ? 3 * area : 0) + 2 * block
    Scratch.with(needed) { memory in
      let keyRows = memory
      let valueRows = keyRows + full
      let dKeys = valueRows + full
      let dValues = dKeys + full
      let queryRows = dValues + full
      let outRows = queryRows + block * width
      let dQueries = outRows + block * width
      let queriesTransposed = dQueries + block * width
      let outTransposed = queriesTransposed + block * width
      let sums = outTransposed + block * width
      let products = sums + block
      let probabilities = products + block
      let dScores = probabilities + area
      let maskRows = dScores + area
      let mask = maskRows + area
      let dropped = mask + area
      copy(k, head: group, 0..<tokens.count, to: keyRows)
      copy(v, head: group, 0..<tokens.count, to: valueRows)
      dKeys.update(repeating: 0, count: 2 * full)
      for head in headsOfGroup {
        for queries in queryBlocks() {
          transposed(q, head: head, queries, to: queriesTransposed)
          transposed(dO, head: head, queries, to: outTransposed)
          copy(q, head: head, queries, to: queryRows)
          copy(dO, head: head, queries, to: outRows)
          sums.update(repeating: 0, count: 2 * block)
          for (row, query) in queries.enumerated() {
            let token = tokens.lowerBound + query
            sums[row] = logSumExp[token, head]
            products[row] = dot(dO.row(token) + head * size, o.row(token) + head * size, size)
          }
          for (index, keys) in keyBlocks(queries).enumerated() {
            scores(keys, keyRows, queries, queriesTransposed, into: probabilities)
            product(valueRows, keys, outTransposed, into: dScores)
            var used = probabilities
            if dropsOut {
              self.mask(keys, queries, head: head, rows: maskRows, to: mask)
              multiply(mask, into: dScores, keys.count * block)
              used = dropped
            }
            ScoreBlock.gradients(
              probabilities, dScores, count: keys.count, scale: attention.scale,
              logSumExp: sums, d: products)
            if dropsOut {
              dropped.update(from: probabilities, count: keys.count * block)
              multiply(mask, into: dropped, keys.count * block)
            }
            let place = keys.lowerBound * width
            smallProduct(
              Multiplier(used, rowStep: block, columnStep: 1), outRows, bStep: width,
              into: dValues + place, cStep: width, m: keys.count, n: size, k: queries.count,
              accumulate: true)
            smallProduct(
              Multiplier(dScores, rowStep: block, columnStep: 1), queryRows, bStep: width,
              into: dKeys + place, cStep: width, m: keys.count, n: size, k: queries.count,
              accumulate: true)
            smallProduct(
              Multiplier(dScores, rowStep: 1, columnStep: block), keyRows + place, bStep: width,
              into: dQueries, cStep: width, m: queries.count, n: size, k: keys.count,
              accumulate: index > 0)
          }
          copyRows(
            dQueries, fromStep: width, rows: queries.count, columns: size,
            to: dQ.row(tokens.lowerBound + queries.lowerBound) + head * size, toStep: dQ.stride,
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
