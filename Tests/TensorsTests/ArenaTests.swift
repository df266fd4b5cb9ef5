// Regions do not overlap unless overlaid, are aligned and zero.

import Tensors
import Testing

@Suite struct ArenaTests {
  @Test func regionsAreAlignedZeroAndApart() {
    var plan = ArenaPlan()
    let a = plan.add("a", rows: 3, columns: 5)
    let b = plan.add("b", count: 17)
    let c = plan.add("c", rows: 0, columns: 4)
    let arena = Arena(plan)
    #expect(plan.bytes == (16 + 32) * 4)
    for region in [a, b, c] { #expect(UInt(bitPattern: arena[region].data) % 64 == 0) }
    #expect(arena.everything.values.allSatisfy { $0 == 0 })
    arena[a].fill(1)
    arena[b].fill(2)
    #expect(arena[a].values == [Float](repeating: 1, count: 15))
    #expect(arena[b].values == [Float](repeating: 2, count: 17))
  }

  @Test func overlaysShareTheirPlace() {
    var plan = ArenaPlan()
    plan.add("kept", count: 16)
    let first = plan.overlay { $0.add("first", count: 64) }
    let second = plan.overlay { $0.add("second", count: 32) }
    #expect(first.offset == second.offset)
    #expect(plan.count == 80)
  }

  @Test func viewsOfColumnsKeepTheirRows() {
    var plan = ArenaPlan()
    let region = plan.add("x", rows: 3, columns: 4)
    let arena = Arena(plan)
    let x = arena[region]
    x.values = (0..<12).map(Float.init)
    let middle = x.slice(columns: 1..<3)
    #expect(middle.values == [1, 2, 5, 6, 9, 10])
    #expect(!middle.isContiguous)
    #expect(middle.slice(rows: 1..<2).values == [5, 6])
    #expect(x.reshaped(rows: 4, columns: 3)[3, 2] == 11)
  }

  @Test func scratchIsReusedAndDistinctWhileLent() {
    Scratch.with(100) { a in
      Scratch.with(100) { b in #expect(a != b) }
    }
    let before = Scratch.bytes
    Scratch.with(100) { $0.update(repeating: 1, count: 100) }
    #expect(Scratch.bytes == before)
  }
}
