import Corpora
import Testing

@testable import Personality

@Suite struct TraitAdjectivesTests {
  @Test func areaUnderTheCurve() {
    #expect(TraitAdjectives.auc(positives: [3, 2], negatives: [1, 2]) == 0.875)
    #expect(TraitAdjectives.auc(positives: [1], negatives: [2]) == 0)
    #expect(TraitAdjectives.auc(positives: [], negatives: [2]) == nil)
  }

  @Test func noAdjectiveStandsTwice() {
    let all = Trait.allCases.flatMap(TraitAdjectives.list)
    #expect(all.count == 40 && Set(all).count == 40)
  }
}
