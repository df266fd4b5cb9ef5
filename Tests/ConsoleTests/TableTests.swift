import Testing

@testable import Console

@Suite struct TableTests {
  private var table: Table {
    var table = Table([
      .init("stage", mayShrink: true), .init("seconds", numeric: true), .init("note"),
    ])
    table.add(["train[strategy=preserve]", "12.3", "slow"])
    table.add(["real", "0.1", ""])
    return table
  }

  @Test func `columns line up, numbers at the right, nothing behind the last word`() {
    #expect(
      table.lines() == [
        "stage                     seconds  note",
        "train[strategy=preserve]     12.3  slow",
        "real                          0.1",
      ])
  }

  @Test func `a narrow terminal cuts only what may shrink`() {
    #expect(
      table.lines(width: 30) == [
        "stage            seconds  note",
        "train[strategy…     12.3  slow",
        "real                 0.1",
      ])
  }

  @Test func `a table without titles has no heading`() {
    var table = Table([.init(""), .init("")])
    table.add(["key", "value"])
    #expect(table.lines() == ["key  value"])
  }
}
