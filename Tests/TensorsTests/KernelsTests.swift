// Kernels against libm and plain loops: ends of ranges, tails, NaN.

import Foundation
import Kernels
import Testing

@Suite struct KernelsTests {
  @Test func exponentialIsAccurateOverItsRange() {
    let x = stride(from: Float(-87.3), through: 88, by: 0.0137).map { $0 }
    var y = [Float](repeating: 0, count: x.count)
    expVector(x, &y, x.count)
    let worst = zip(x, y).map { abs(Double($1) / exp(Double($0)) - 1) }.max()!
    #expect(worst < 2.4e-7)
    let ends: [Float] = [0, -.infinity, -1000, .infinity, .nan, -0.0]
    var out = [Float](repeating: 7, count: ends.count)
    expVector(ends, &out, ends.count)
    #expect(out[0] == 1 && out[1] == 0 && out[2] == 0 && out[5] == 1)
    #expect(out[3] > 1e38 && out[4].isNaN)
  }

  @Test(arguments: [0, 1, 15, 16, 17, 63, 64, 65, 200])
  func reductionsTakeEveryElementOnce(_ count: Int) {
    let x = (0..<count).map { Float(($0 * 37) % 101) - 50 }
    let y = (0..<count).map { Float(($0 * 53) % 97) - 48 }
    #expect(sum(x, count) == x.reduce(0, +))
    #expect(dot(x, y, count) == zip(x, y).reduce(0) { $0 + $1.0 * $1.1 })
    #expect(sumOfSquares(x, centre: 2, count) == x.reduce(0) { $0 + ($1 - 2) * ($1 - 2) })
    #expect(sumOfSquares(x, count) == x.reduce(0.0) { $0 + Double($1) * Double($1) })
    #expect(maximum(x, count) == (x.max() ?? -.infinity))
  }

  @Test(arguments: [(1, 16, 1), (2, 20, 3), (9, 48, 17), (13, 70, 33), (8, 32, 64)])
  func smallProductsEqualOneChainEach(_ m: Int, _ n: Int, _ k: Int) {
    let padded = (n + 15) & ~15
    let a = (0..<m * k).map { Float(($0 * 29) % 83) / 41 - 1 }
    let b = (0..<k * padded).map { Float(($0 * 31) % 89) / 44 - 1 }
    for transposed in [false, true] {
      for accumulate in [false, true] {
        var c = [Float](repeating: 0.5, count: m * padded)
        a.withUnsafeBufferPointer { a in
          smallProduct(
            Multiplier(
              a.baseAddress!, rowStep: transposed ? 1 : k, columnStep: transposed ? m : 1),
            b, bStep: padded, into: &c, cStep: padded, m: m, n: n, k: k, accumulate: accumulate)
        }
        for i in 0..<m {
          for j in 0..<n {
            var chain: Float = accumulate ? 0.5 : 0
            for l in 0..<k {
              chain.addProduct(transposed ? a[l * m + i] : a[i * k + l], b[l * padded + j])
            }
            #expect(c[i * padded + j].bitPattern == chain.bitPattern)
          }
        }
      }
    }
  }
}
