// The Prescott trap is noticed.

import Testing

@testable import Tensors

@Suite struct BLASInfoTests {
  @Test(arguments: [
    ("Prescott", "SkylakeX", true), ("Haswell", "SkylakeX", true), ("SkylakeX", "SkylakeX", false),
    ("Cooperlake", "SkylakeX", false), ("Zen", "Haswell", false), ("Prescott", "Haswell", true),
  ])
  func warnsBelowWhatTheCPUOffers(_ core: String, _ recommended: String, _ warns: Bool) {
    let warning = BLASInfo.warning(core: core, recommended: recommended)
    #expect((warning != nil) == warns)
    if let warning { #expect(warning.contains("OPENBLAS_CORETYPE=\(recommended)")) }
  }

  @Test func nothingIsRecommendedToUnknownCPUs() {
    #expect(BLASInfo.warning(core: "Prescott", recommended: nil) == nil)
    #expect(!BLASInfo.coreName.isEmpty)
  }
}
