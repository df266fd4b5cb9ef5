import Testing

@testable import Console

@Suite struct LiveBlockTests {
  private let block = LiveBlock(style: Style(colours: false))

  private var picture: RunPicture {
    var picture = RunPicture(started: 0)
    picture.queued = 31
    picture.reused = 88
    picture.produced = 12
    picture.start(7, label: "train[strategy=preserve,seed=1,generation=2]", at: 50)
    picture.start(9, label: "write[strategy=none,seed=1,generation=1]", at: 58)
    picture.progress(
      7, step: 100, of: 400, loss: 3.21456, rate: 41_260, unit: "tokens", note: nil, at: 51)
    picture.progress(
      7, step: 200, of: 400, loss: 3.1, rate: 41_260, unit: "tokens", note: nil, at: 61)
    return picture
  }

  @Test func `140 columns show everything`() {
    #expect(
      block.lines(of: picture, width: 140, at: 61) == [
        " train[strategy=preserve,seed=1,generation=2]  ━━━━━━━━━━━━────────────"
          + " 200/400 · loss 3.100 · 41.3k tokens/s · ~20s left",
        " write[strategy=none,seed=1,generation=1]      " + String(repeating: " ", count: 25)
          + "3s",
        " 2 running · 31 queued · 12 produced · 88 reused · 0 failed · 1m01s",
      ])
  }

  @Test func `80 columns leave out the least important`() {
    #expect(
      block.lines(of: picture, width: 80, at: 61) == [
        " train[strategy=preserve,seed=1,g…  ━━━━━━────── 200/400 · ~20s left",
        " write[strategy=none,seed=1,gener…               3s",
        " 2 running · 31 queued · 12 produced · 88 reused · 0 failed · 1m01s",
      ])
  }

  @Test(arguments: [12, 20, 33, 40, 60, 69, 70, 79, 80, 109, 110, 111, 200])
  func `no line reaches the last column`(width: Int) {
    var picture = picture
    picture.isStopping = true
    picture.waiting = 3
    picture.progress(
      9, step: 3, of: nil, loss: nil, rate: 12, unit: "documents", note: "日本語 und mehr", at: 61)
    for coloured in [false, true] {
      let block = LiveBlock(style: Style(colours: coloured))
      for line in block.lines(of: picture, width: width, at: 61) {
        #expect(line.columnsWithoutColours < width, "\(line)")
      }
    }
  }

  @Test func `many stages are counted, not drawn`() {
    var picture = RunPicture(started: 0)
    for id in 0..<30 { picture.start(id, label: "s\(id)", at: 0) }
    let lines = block.lines(of: picture, width: 80, height: 8, at: 1)
    #expect(lines.count == 7)
    #expect(lines[5] == "  … and 25 more running")
  }

  @Test func `a finished stage leaves, and an unknown one does no harm`() {
    var picture = picture
    #expect(picture.finish(7)?.step == 200)
    #expect(picture.finish(7) == nil)
    picture.progress(7, step: 1, of: 2, loss: nil, rate: nil, unit: nil, note: nil, at: 70)
    #expect(picture.running.map(\.id) == [9])
  }

  @Test func `the time that is left follows the pace, and a new part starts afresh`() throws {
    var picture = RunPicture(started: 0)
    picture.start(1, label: "a", at: 0)
    func progress(_ step: Int, _ total: Int, _ time: Double) {
      picture.progress(
        1, step: step, of: total, loss: nil, rate: nil, unit: nil, note: nil, at: time)
    }
    progress(0, 10, 5)
    #expect(picture.running[0].stage.secondsLeft(at: 5) == nil)
    progress(5, 10, 10)
    #expect(picture.running[0].stage.secondsLeft(at: 10) == 5)
    #expect(picture.running[0].stage.secondsLeft(at: 12) == 3)
    progress(0, 100, 13)
    #expect(picture.running[0].stage.secondsLeft(at: 13) == nil)
  }
}
