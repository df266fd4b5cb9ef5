// How much of its slopes a picture loses when it is blurred once more: a sharp one loses many.

import Foundation

extension Sharpness {
  /// 0 for sharp, 1 for blurred; 1 where there is no slope at all.
  ///
  /// **Source**: Crété et al. 2007; `skimage.measure.blur_effect(gray, h_size=11)` on 0…255, whose box
  /// filter repeats the outermost pixel at the border (half-sample symmetric).
  public static func blurEffect(_ image: GrayImage) -> Double {
    guard image.width >= 4, image.height >= 4 else { return 1 }
    return max(along(image, horizontal: true), along(image, horizontal: false))
  }

  private static func along(_ image: GrayImage, horizontal: Bool) -> Double {
    let blurred = boxFiltered(image, horizontal: horizontal)
    let (x, y) = image.sobel()
    let (bx, by) = blurred.sobel()
    let sharp = horizontal ? x : y
    let soft = horizontal ? bx : by
    var total = 0.0
    var lost = 0.0
    for row in 2..<image.height - 1 {
      for column in 2..<image.width - 1 {
        let a = abs(Double(sharp[column, row]))
        let b = abs(Double(soft[column, row]))
        total += a
        lost += max(0, a - b)
      }
    }
    return total > 0 ? abs(total - lost) / total : 1
  }

  private static func boxFiltered(_ image: GrayImage, horizontal: Bool) -> GrayImage {
    let size = 11
    let half = size / 2
    let length = horizontal ? image.width : image.height
    let lines = horizontal ? image.height : image.width
    let step = horizontal ? 1 : image.width
    let jump = horizontal ? image.width : 1
    var out = image
    for line in 0..<lines {
      var sum = 0.0
      func value(_ place: Int) -> Double {
        var index = place % (2 * length)
        if index < 0 { index += 2 * length }
        if index >= length { index = 2 * length - 1 - index }
        return Double(image.values[line * jump + index * step])
      }
      for place in -half...half { sum += value(place) }
      for place in 0..<length {
        out.values[line * jump + place * step] = Float(sum / Double(size))
        sum += value(place + half + 1) - value(place - half)
      }
    }
    return out
  }
}
