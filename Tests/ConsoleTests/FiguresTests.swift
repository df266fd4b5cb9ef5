import Testing

@testable import Console

@Suite struct FiguresTests {
  @Test(arguments: [
    (0.0, "0ms"), (0.48, "480ms"), (0.9996, "1.0s"), (12.34, "12.3s"), (59.96, "1m00s"),
    (134.2, "2m14s"), (3599.6, "1h00m"), (3720, "1h02m"), (273_600, "3d04h"), (-1, "?"),
    (.infinity, "?"), (.nan, "?"),
  ])
  func `durations`(seconds: Double, text: String) {
    #expect(Figures.duration(seconds) == text)
  }

  @Test(arguments: [
    (0, "0 B"), (1023, "1023 B"), (3482, "3.4 KiB"), (1_048_575, "1.0 MiB"),
    (1_288_490_189, "1.2 GiB"), (536_870_912, "512 MiB"), (.max, "8.0 EiB"),
  ])
  func `sizes`(bytes: Int, text: String) {
    #expect(Figures.bytes(bytes) == text)
  }

  @Test(arguments: [
    (0.0, "0"), (7.0, "7"), (9.5, "9.50"), (41.26, "41.3"), (950, "950"), (999.6, "1.00k"),
    (1240, "1.24k"), (41_260, "41.3k"), (412_600, "413k"), (2_050_000, "2.05M"),
    (3e9, "3.00G"), (5e12, "5.0T"), (.nan, "?"),
  ])
  func `rates and counts`(value: Double, text: String) {
    #expect(Figures.short(value) == text)
  }

  @Test(arguments: [
    (0.41666, "0.4167"), (21.345, "21.34"), (3.0, "3"), (0.00123456, "0.001235"),
    (1234.56, "1235"), (0.00001234, "1.234e-05"), (-0.5, "-0.5000"), (.nan, "nan"),
    (-.infinity, "-inf"), (12_345_678.9, "1.235e+07"),
  ])
  func `measured values keep four digits`(value: Double, text: String) {
    #expect(Figures.value(value) == text)
  }
}
