// Products against plain loops in Double, for all transpositions, odd sizes and views with gaps.

import Randomness
import Tensors
import Testing

private func random(_ rows: Int, _ columns: Int, stride: Int, seed: Int) -> Tensor {
  let data = UnsafeMutablePointer<Float>.allocate(capacity: rows * stride)
  var stream = RandomStream(seed: seed, name: "matmul")
  for index in 0..<rows * stride { data[index] = Float(stream.uniform() * 2 - 1) }
  return Tensor(data, rows: rows, columns: columns, stride: stride)
}

@Suite(.serialized) struct MatmulTests {
  @Test(arguments: [
    (1, 1, 1), (3, 5, 7), (16, 16, 16), (33, 17, 65), (2, 300, 129), (300, 2, 64), (513, 260, 130),
    (17, 4099, 150),
  ])
  func equalsPlainLoopsOnAnyNumberOfThreads(_ m: Int, _ n: Int, _ k: Int) {
    for transposition in [Transposition.none, .first, .second] {
      let (aRows, aColumns) = transposition == .first ? (k, m) : (m, k)
      let (bRows, bColumns) = transposition == .second ? (n, k) : (k, n)
      let a = random(aRows, aColumns, stride: aColumns + 3, seed: 1)
      let b = random(bRows, bColumns, stride: bColumns + 5, seed: 2)
      let bias = random(1, n, stride: n, seed: 4)
      for mode in 0..<3 {
        var bits: [[UInt32]] = []
        for threads in [1, 2, 3] {
          Parallelism.threads = threads
          let c = random(m, n, stride: n + 2, seed: 3)
          let before = c.values
          matmul(
            a, b, transposition, into: c, accumulate: mode == 1, rowBias: mode == 2 ? bias : nil)
          let values = c.values
          bits.append(values.map(\.bitPattern))
          guard threads == 1 else { continue }
          var worst = 0.0
          for i in 0..<m {
            for j in 0..<n {
              var right = 0.0
              if mode == 1 { right = Double(before[i * n + j]) }
              if mode == 2 { right = Double(bias[0, j]) }
              for l in 0..<k {
                let x = transposition == .first ? a[l, i] : a[i, l]
                let y = transposition == .second ? b[j, l] : b[l, j]
                right += Double(x) * Double(y)
              }
              worst = max(worst, abs(Double(values[i * n + j]) - right))
            }
          }
          #expect(worst < 2e-6 * Double(k).squareRoot() * 4, "\(transposition), mode \(mode)")
          // The gap between rows is not ours.
          let fresh = random(m, n, stride: n + 2, seed: 3)
          #expect((0..<m - 1).allSatisfy { c.row($0)[n] == fresh.row($0)[n] })
        }
        #expect(bits[0] == bits[1] && bits[0] == bits[2], "bits depend on threads")
      }
    }
  }

  /// What follows a product sees each number once, finished, and may change it.
  @Test(arguments: [
    (3, 5, 7), (33, 200, 65), (70, 900, 400), (513, 260, 130), (17, 4099, 150), (20, 3200, 800),
    (5, 7, 0),
  ])
  func finishedPiecesCoverTheProduct(_ m: Int, _ n: Int, _ k: Int) {
    for transposition in [Transposition.none, .first, .second] {
      let (aRows, aColumns) = transposition == .first ? (k, m) : (m, k)
      let (bRows, bColumns) = transposition == .second ? (n, k) : (k, n)
      let a = random(aRows, aColumns, stride: aColumns + 3, seed: 1)
      let b = random(bRows, bColumns, stride: bColumns + 5, seed: 2)
      let bias = random(1, n, stride: n, seed: 4)
      for mode in 0..<3 {
        func product(
          into c: Tensor, then: ((Range<Int>, Range<Int>) -> Void)? = nil
        ) {
          matmul(
            a, b, transposition, into: c, accumulate: mode == 1, rowBias: mode == 2 ? bias : nil,
            then: then)
        }
        let whole = random(m, n, stride: n + 2, seed: 3)
        product(into: whole)
        for threads in [1, 3] {
          Parallelism.threads = threads
          let c = random(m, n, stride: n + 2, seed: 3)
          let visits = random(m, n, stride: n, seed: 5)
          visits.fill(0)
          product(into: c) { rows, columns in
            #expect(columns.lowerBound % finishedColumns == 0 && !rows.isEmpty && !columns.isEmpty)
            for row in rows {
              for column in columns {
                visits[row, column] += 1
                c[row, column] = c[row, column] * 2 + 1
              }
            }
          }
          #expect(visits.values.allSatisfy { $0 == 1 }, "\(transposition), mode \(mode)")
          #expect(
            c.values.map(\.bitPattern) == whole.values.map { ($0 * 2 + 1).bitPattern },
            "\(transposition), mode \(mode)")
        }
      }
    }
  }

  /// Joined layers have the bits that they have one by one, borders inside a panel or not.
  @Test(
    arguments: [[48, 96], [24, 8, 8], [5, 1, 70], [384, 384, 384], [3000, 200]], [false, true])
  func joinedProductsEqualEachAlone(_ widths: [Int], _ hasBias: Bool) {
    for (m, k) in [(1, 40), (50, 24), (130, 400)] {
      let a = random(m, k, stride: k + 3, seed: 1)
      let parts = widths.enumerated().map { number, n in
        (
          b: random(n, k, stride: k + number, seed: 2 + number),
          bias: hasBias ? random(1, n, stride: n, seed: 20 + number) : nil
        )
      }
      let n = widths.reduce(0, +)
      let joined = random(m, n, stride: n + 2, seed: 3)
      let alone = random(m, n, stride: n + 2, seed: 4)
      for threads in [1, 2] {
        Parallelism.threads = threads
        matmul(a, joined: parts, into: joined)
        var start = 0
        for (b, bias) in parts {
          matmul(
            a, b, .second, into: alone.slice(columns: start..<start + b.rows), rowBias: bias)
          start += b.rows
        }
        #expect(joined.values.map(\.bitPattern) == alone.values.map(\.bitPattern))
      }
    }
  }

  @Test func everyTileIsVisitedOnce() {
    for threads in [1, 2, 5] {
      Parallelism.threads = threads
      for count in [0, 1, 2, 7, 1000] {
        let visits = UnsafeMutablePointer<Int>.allocate(capacity: count + 1)
        visits.update(repeating: 0, count: count + 1)
        parallelFor(count) { visits[$0] += 1 }
        #expect((0..<count).allSatisfy { visits[$0] == 1 } && visits[count] == 0)
        parallelFor(count, by: 3) { for index in $0 { visits[index] += 1 } }
        #expect((0..<count).allSatisfy { visits[$0] == 2 })
        visits.deallocate()
      }
    }
  }
}
