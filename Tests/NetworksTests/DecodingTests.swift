// What decoding promises bit by bit, and that it computes the same as the training path.

import Foundation
import Kernels
import Networks
import Tensors
import Testing

extension Ops {
  /// Sizes with tails in every direction.
  @Test(arguments: [(1, 1), (17, 5), (64, 64), (129, 200), (768, 33)])
  func packedRowsDoNotDependOnTheirNeighbours(_ inputs: Int, _ outputs: Int) {
    let (w, b, x) = (
      tensor(outputs, inputs, seed: 1), tensor(1, outputs, seed: 2), tensor(64, inputs, seed: 3)
    )
    let linear = Linear(weight: .f32(w), bias: b)
    let packed = PackedLinear(linear)
    let all = tensor(64, outputs)
    _ = sameBits("PackedLinear") {
      packed.forward(x, into: all)
      return [all.values]
    }
    for rows in [0..<1, 3..<5, 7..<14, 10..<43, 63..<64] {
      let some = tensor(rows.count, outputs)
      packed.forward(x.slice(rows: rows), into: some)
      let expected = all.slice(rows: rows).values.map(\.bitPattern)
      #expect(some.values.map(\.bitPattern) == expected, "rows \(rows)")
    }
    let reference = tensor(64, outputs)
    linear.forward(x, into: reference)
    for (a, r) in zip(all.values, reference.values) { #expect(abs(a - r) < 1e-4) }
  }

  /// Weights that become single precision give the bits of weights that were expanded before, codes of
  /// few bits the same numbers nearly; whatever the rows, also those of several layers side by side with
  /// low-rank parts.
  @Test(arguments: BlockFormat.allCases) func packedBlocksEqualExpandedOnes(format: BlockFormat) {
    let isFixedPoint = PanelFormat(format, inputs: 512).isFixedPoint
    let inputs = 512
    let x = tensor(19, inputs, seed: 3)
    let pairs = [144, 37].enumerated().map { number, outputs in
      let matrix = QuantisedMatrix(tensor(outputs, inputs, seed: number), as: format)
      let expanded = tensor(outputs, inputs)
      matrix.dequantise(into: expanded)
      let bias = tensor(1, outputs, seed: 8)
      let low = LowRank(
        a: tensor(3 + number, inputs, seed: 4), b: tensor(outputs, 3 + number, seed: 5), scale: 2)
      return (
        Linear(weight: .blocks(matrix), bias: bias, lowRank: low),
        Linear(weight: .f32(expanded), bias: bias, lowRank: low)
      )
    }
    let stored = PackedLinear(pairs.map(\.0))
    let expanded = PackedLinear(pairs.map(\.1))
    for rows in [1, 2, 3, 8, 19] {
      let (y, reference) = (tensor(rows, 181), tensor(rows, 181))
      _ = sameBits("PackedLinear \(format)") {
        stored.forward(x.slice(rows: 0..<rows), into: y)
        return [y.values]
      }
      expanded.forward(x.slice(rows: 0..<rows), into: reference)
      if isFixedPoint {
        for (a, r) in zip(y.values, reference.values) { #expect(abs(a - r) < 2e-4) }
      } else {
        #expect(y.values.map(\.bitPattern) == reference.values.map(\.bitPattern), "\(rows) rows")
      }
    }
    let plain = tensor(19, 181)
    pairs[0].1.forward(x, into: plain.slice(columns: 0..<144))
    pairs[1].1.forward(x, into: plain.slice(columns: 144..<181))
    let all = tensor(19, 181)
    stored.forward(x, into: all)
    for (a, r) in zip(all.values, plain.values) { #expect(abs(a - r) < 2e-4) }
    if format != .q5_1, format != .nf4 { #expect(stored.bytes < expanded.bytes * 6 / 10) }
  }

  /// A scale whose eightfold is no half-precision number keeps its weights exact all the same.
  @Test func hugeScalesAreExpanded() {
    let matrix = QuantisedMatrix(tensor(16, 32, seed: 1), as: .q4_0)
    let first = UnsafeMutableRawPointer(mutating: matrix.row(3))
    first.storeBytes(of: Float16(30_000).bitPattern, as: UInt16.self)
    let expanded = tensor(16, 32)
    matrix.dequantise(into: expanded)
    let (x, y, reference) = (tensor(1, 32, seed: 2), tensor(1, 16), tensor(1, 16))
    PackedLinear(Linear(weight: .blocks(matrix))).forward(x, into: y)
    PackedLinear(Linear(weight: .f32(expanded))).forward(x, into: reference)
    #expect(y.values == reference.values)
    #expect(abs(y[0, 3]) > 1000)
  }

  @Test(arguments: [nil, 1, 40, 290]) func tokensHaveOneFormInPromptsAndAlone(window: Int?) {
    let (h, g, d) = (6, 2, 20)
    let lengths = [300, 5, 61]
    let segments = Segments(lengths: lengths)
    let n = segments.tokenCount
    let (q, k, v) = (
      tensor(n, h * d, seed: 1), tensor(n, g * d, seed: 2), tensor(n, g * d, seed: 3)
    )
    let op = Attention(heads: h, keyValueHeads: g, headSize: d, window: window)
    func caches() -> [KeyValueCache] {
      KeyValueCache.make(3, capacity: 300, keyValueHeads: g, headSize: d)
    }
    func append(_ rows: Range<Int>, to cache: KeyValueCache) {
      cache.append(k: k.slice(rows: rows), v: v.slice(rows: rows))
    }
    let whole = caches()
    for index in 0..<3 { append(segments[index], to: whole[index]) }
    let prompts = tensor(n, h * d)
    _ = sameBits("decode") {
      op.decode(q: q, segments: segments, caches: whole, into: prompts)
      return [prompts.values]
    }
    let reference = tensor(n, h * d)
    op.forward(q: q, k: k, v: v, segments: segments, into: reference, logSumExp: nil)
    for (a, r) in zip(prompts.values, reference.values) { #expect(abs(a - r) < 1e-5) }
    let single = caches()
    let one = tensor(1, h * d)
    for index in 0..<3 {
      for row in segments[index] {
        append(row..<row + 1, to: single[index])
        op.decode(q: q.slice(rows: row..<row + 1), caches: [single[index]], into: one)
        #expect(one.values == prompts.slice(rows: row..<row + 1).values, "row \(row)")
      }
    }
  }

  @Test(arguments: [(4, 4, 8), (6, 2, 16), (3, 1, 33)])
  func cachedAttentionEqualsTheWholeAndIgnoresItsBatch(_ h: Int, _ g: Int, _ d: Int) {
    let lengths = [1, 37, 300, 16]
    let segments = Segments(lengths: lengths)
    let n = segments.tokenCount
    let (q, k, v) = (
      tensor(n, h * d, seed: 1), tensor(n, g * d, seed: 2), tensor(n, g * d, seed: 3)
    )
    let op = Attention(heads: h, keyValueHeads: g, headSize: d)
    let whole = tensor(n, h * d)
    op.forward(q: q, k: k, v: v, segments: segments, into: whole, logSumExp: nil)
    let newest = tensor(lengths.count, h * d)
    let caches = lengths.indices.map { index in
      let cache = KeyValueCache(capacity: 301, keyValueHeads: g, headSize: d)
      let rows = segments[index]
      // A prefix by copy, the rest one by one or at once.
      let prefix = KeyValueCache(capacity: rows.count, keyValueHeads: g, headSize: d)
      prefix.append(k: k.slice(rows: rows), v: v.slice(rows: rows))
      let shared = rows.count / 3
      cache.copy(from: prefix, count: shared)
      cache.append(
        k: k.slice(rows: rows.lowerBound + shared..<rows.upperBound),
        v: v.slice(rows: rows.lowerBound + shared..<rows.upperBound))
      newest.slice(rows: index..<index + 1)
        .copy(from: q.slice(rows: rows.upperBound - 1..<rows.upperBound))
      return cache
    }
    let together = tensor(lengths.count, h * d)
    let bits = sameBits("decode") {
      op.decode(q: newest, caches: caches, into: together)
      return [together.values]
    }[0]
    for index in lengths.indices {
      let alone = tensor(1, h * d)
      op.decode(
        q: newest.slice(rows: index..<index + 1), caches: [caches[index]], into: alone)
      #expect(
        alone.values.map(\.bitPattern)
          == bits[index * h * d..<(index + 1) * h * d].map(\.bitPattern))
      for (a, r) in zip(alone.values, whole.slice(rows: segments[index]).values.suffix(h * d)) {
        #expect(abs(a - r) < 1e-5)
      }
    }
  }

  /// Rows of attention have the same bits alone, packed, and with another future.
  @Test func attentionRowsIgnoreNeighboursAndFuture() {
    let (h, d) = (2, 20)
    let lengths = [9, 270, 40]
    let segments = Segments(lengths: lengths)
    let n = segments.tokenCount
    let (q, k, v) = (
      tensor(n, h * d, seed: 1), tensor(n, h * d, seed: 2), tensor(n, h * d, seed: 3)
    )
    let op = Attention(heads: h, headSize: d)
    let together = tensor(n, h * d)
    op.forward(q: q, k: k, v: v, segments: segments, into: together, logSumExp: nil)
    for index in lengths.indices {
      for end in [1, lengths[index] / 2, lengths[index]] where end > 0 {
        let rows = segments[index].lowerBound..<segments[index].lowerBound + end
        let alone = tensor(end, h * d)
        op.forward(
          q: q.slice(rows: rows), k: k.slice(rows: rows), v: v.slice(rows: rows),
          segments: Segments(lengths: [end]), into: alone, logSumExp: nil)
        #expect(
          alone.values.map(\.bitPattern)
            == together.slice(rows: rows).values.map(\.bitPattern), "first \(end) of \(lengths)")
      }
    }
  }
}
