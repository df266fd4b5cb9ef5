// Masks are functions of their place: the share is right, the backward mask is the forward one, and
// another step, site or seed gives another mask.

import Networks
import Tensors
import Testing

@Suite struct DropoutTests {
  func mask(_ dropout: Dropout, rows: Int = 50, columns: Int = 77) -> [Float] {
    let x = tensor(rows, columns, fill: 1)
    dropout.apply(to: x)
    return x.values
  }

  @Test(arguments: [Float(0.1), 0.5, 0.9])
  func keepsTheRightShareAndScale(_ rate: Float) {
    let values = mask(
      Dropout(rate: rate, seed: 1, step: 1, site: 1), rows: 400, columns: 250)
    let kept = Double(values.count { $0 != 0 }) / Double(values.count)
    // Five standard deviations of 100,000 draws.
    #expect(abs(kept - Double(1 - rate)) < 5 * 0.5 / 100_000.0.squareRoot())
    #expect(values.allSatisfy { $0 == 0 || $0 == 1 / (1 - rate) })
  }

  @Test func dependsOnPlaceAndNothingElse() {
    let base = Dropout(rate: 0.5, seed: 1, step: 1, site: 1)
    #expect(mask(base) == mask(base))
    for other in [
      Dropout(rate: 0.5, seed: 2, step: 1, site: 1), Dropout(rate: 0.5, seed: 1, step: 2, site: 1),
      Dropout(rate: 0.5, seed: 1, step: 1, site: 2),
      Dropout(rate: 0.5, seed: 1, step: 1, site: 1, firstRow: 1),
    ] {
      let same = zip(mask(base), mask(other)).count { $0 == $1 }
      #expect(abs(Double(same) / 3850 - 0.5) < 0.05, "masks of different places are related")
    }
    // Two micro-batches see the mask that the whole batch would see.
    let second = Dropout(rate: 0.5, seed: 1, step: 1, site: 1, firstRow: 20)
    #expect(mask(second, rows: 30) == Array(mask(base).suffix(30 * 77)))
  }

  @Test func rateZeroLeavesEveryBit() {
    let values = mask(Dropout(rate: 0, seed: 1, step: 1, site: 1))
    #expect(values.allSatisfy { $0 == 1 })
  }
}
