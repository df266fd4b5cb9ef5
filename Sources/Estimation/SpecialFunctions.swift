// Derivatives of the logarithm of the gamma function, for maximum likelihood with beta densities.

import Foundation

/// ψ(x) = d/dx ln Γ(x) for x > 0.
///
/// **Source**: recurrence 5.5.2 up to x ≥ 10, then the asymptotic series 5.11.2 of the NIST Digital
/// Library of Mathematical Functions.
func digamma(_ x: Double) -> Double {
  precondition(x > 0, "digamma(\(x)) needs a positive argument")
  var x = x
  var shift = 0.0
  while x < 10 {
    shift -= 1 / x
    x += 1
  }
  let y = 1 / (x * x)
  let series =
    y * (1.0 / 12 - y * (1.0 / 120 - y * (1.0 / 252 - y * (1.0 / 240 - y * (1.0 / 132)))))
  return shift + log(x) - 0.5 / x - series
}

/// ψ′(x) for x > 0.
///
/// **Source**: as `digamma`, differentiated term by term.
func trigamma(_ x: Double) -> Double {
  precondition(x > 0, "trigamma(\(x)) needs a positive argument")
  var x = x
  var shift = 0.0
  while x < 10 {
    shift += 1 / (x * x)
    x += 1
  }
  let y = 1 / (x * x)
  let series =
    y * (1.0 / 6 - y * (1.0 / 30 - y * (1.0 / 42 - y * (1.0 / 30 - y * (5.0 / 66)))))
  return shift + 1 / x + y / 2 + series / x
}
