// Sharpness without a reference: what others use, to the letter. Each number grows with contrast and
// noise as much as with sharpness, which is why none of them is the default anywhere.

import Foundation

/// Measures of one picture; borders are mirrored (reflect-101).
public enum Sharpness {
  /// Variance of the Laplacian 0 1 0 / 1 −4 1 / 0 1 0, in DN².
  ///
  /// White noise of standard deviation s adds 20·s², the sum of the squared weights.
  ///
  /// **Source**: Pech-Pacheco et al. 2000; `cv2.Laplacian(gray, CV_64F).var()`.
  public static func laplacianVariance(_ image: GrayImage) -> Double {
    variance(image.laplacian().values)
  }

  /// Mean of Gx² + Gy² with Sobel's 3×3 kernels, in DN².
  ///
  /// **Source**: Tenenbaum 1970; Krotkov 1987.
  public static func tenengrad(_ image: GrayImage) -> Double {
    let (x, y) = image.sobel()
    var sum = 0.0
    for index in x.values.indices {
      let gx = Double(x.values[index])
      let gy = Double(y.values[index])
      sum += gx * gx + gy * gy
    }
    return sum / Double(x.values.count)
  }

  private static func variance(_ values: [Float]) -> Double {
    let mean = values.reduce(0.0) { $0 + Double($1) } / Double(values.count)
    let square = values.reduce(0.0) { $0 + (Double($1) - mean) * (Double($1) - mean) }
    return square / Double(values.count)
  }
}
