import Diagnostics
import Reports
import Testing

@testable import Personality

@Suite struct TraitUnitSetTests {
  static func line(_ trait: String, _ group: String, _ unit: Int) -> String {
    #"{"compared":10,"group":"\#(group)","kind":"residual","layer":3,"trait":"\#(trait)","unit":\#(unit)}"#
      + "\n"
  }

  static func set(_ trait: String, _ units: [Int]) throws -> TraitUnitSet {
    let text =
      units.map { line(trait, trait, $0) }.joined() + line(trait, "emoji", 9)
    return try #require(try TraitUnitSet(Array(text.utf8), shown: "units"))
  }

  @Test func twoSetsAreHeldAgainstRandomOnes() throws {
    let sets = [
      try Self.set("openness", [0, 1, 2]), try Self.set("extraversion", [1, 2, 3]),
      try Self.set("neuroticism", [7, 8, 6]),
    ]
    let overlaps = TraitUnitSet.overlaps(sets)
    #expect(overlaps.map(\.shared) == [2, 0, 0])
    #expect(overlaps.allSatisfy { abs($0.expected - 0.9) < 1e-12 && $0.population == 10 })
    // C(3,2)·C(7,1) + C(3,3) = 22 of C(10,3) = 120 sets share two units or three.
    #expect(abs(overlaps[0].p - 22.0 / 120) < 1e-9)
    #expect(abs(overlaps[0].adjustedP - 66.0 / 120) < 1e-9 && overlaps[1].adjustedP == 1)
    let section = TraitSection(
      TraitComparisonTests.comparison(
        TraitComparisonTests.study(tuned: 0.9, prompted: 0.4, emoji: false)), metrics: [],
      names: .init(tuned: "peft", prompted: "ike", edited: "mend", base: "base"), units: sets)
    #expect(section.figures.count { $0.name == "trait_unit_overlap" } == 3)
    let table = try #require(section.unitTable)
    #expect(table.rows[0].prefix(4) == ["openness", "extraversion", "2", "0.9000"])
  }

  @Test func onlyTheTraitsOwnGroupCounts() throws {
    let own = try Self.set("openness", [4])
    #expect(own.units == ["residual/3/4"] && own.compared == 10)
    let other = Self.line("openness", "emoji", 9)
    #expect(try TraitUnitSet(Array(other.utf8), shown: "units") == nil)
    #expect(throws: Diagnostic.self) {
      try TraitUnitSet(Array(#"{"group":"openness"}"#.utf8), shown: "units")
    }
  }
}
