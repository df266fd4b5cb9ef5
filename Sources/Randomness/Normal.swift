// Normal deviates from two uniforms; libm's logarithm and cosine are the only functions used, and
// both are correctly rounded often enough that bits agree between glibc versions in practice.

import Foundation

extension RandomStream {
  /// A standard normal deviate (Box–Muller, the cosine branch; two words of the stream each).
  public mutating func normal() -> Double {
    let radius = (-2 * log(1 - uniform())).squareRoot()
    return radius * cos(2 * .pi * uniform())
  }
}
