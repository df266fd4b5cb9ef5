// Bitmaps, boxes, luma.

import Testing

@testable import Imaging

@Suite struct BitmapTests {
  @Test func lumaIsOpenCVs() {
    let bitmap = Bitmap(
      width: 4, height: 1, channels: 3,
      pixels: [255, 0, 0, 0, 255, 0, 0, 0, 255, 12, 200, 77])
    // By hand: (4899 R + 9617 G + 1868 B + 8192) >> 14.
    #expect(GrayImage.luma(bitmap).values == [76, 150, 29, 130])
    let white = Bitmap(width: 2, height: 2, channels: 3, filled: 255)
    #expect(GrayImage.luma(white).values == [255, 255, 255, 255])
    let gray = testScene(width: 6, height: 5, channels: 1)
    #expect(GrayImage.luma(gray).values == gray.pixels.map(Float.init))
    #expect(GrayImage.luma(gray.rgb).values == gray.pixels.map(Float.init))
  }

  @Test func lumaOfABoxIsTheBoxOfTheLuma() {
    let bitmap = testScene(width: 31, height: 17, channels: 3)
    let box = PixelBox(x: 4, y: 3, width: 20, height: 9)
    #expect(GrayImage.luma(bitmap, in: box) == GrayImage.luma(bitmap).cropped(to: box))
    #expect(GrayImage.luma(bitmap.cropped(to: box)) == GrayImage.luma(bitmap, in: box))
    #expect(GrayImage.luma(bitmap).bitmap.pixels.map(Float.init) == GrayImage.luma(bitmap).values)
  }

  @Test func boxesKnowWhereTheyAre() {
    let box = PixelBox(x: 2, y: 3, width: 10, height: 4)
    #expect(box.isInside(width: 12, height: 7) && !box.isInside(width: 11, height: 7))
    #expect(!PixelBox(x: -1, y: 0, width: 1, height: 1).isInside(width: 9, height: 9))
    #expect(!PixelBox(x: 0, y: 0, width: .max, height: 1).isInside(width: 9, height: 9))
    #expect(!PixelBox(x: .max, y: 0, width: 1, height: 1).isInside(width: 9, height: 9))
    #expect(!PixelBox(x: 1, y: 1, width: 0, height: 1).isInside(width: 9, height: 9))
    #expect(
      box.padded(by: 5, width: 14, height: 40) == PixelBox(x: 0, y: 0, width: 14, height: 12))
  }

  @Test(arguments: [1, 3])
  func rowsThatWereFilledUpAreCounted(channels: Int) {
    var bitmap = testScene(width: 20, height: 12, channels: channels)
    #expect(bitmap.constantBottomRows == 0)
    for index in 7 * 20 * channels..<bitmap.pixels.count { bitmap.pixels[index] = 128 }
    #expect(bitmap.constantBottomRows == 5)
    #expect(Bitmap(width: 3, height: 4, channels: channels, filled: 9).constantBottomRows == 4)
  }
}
