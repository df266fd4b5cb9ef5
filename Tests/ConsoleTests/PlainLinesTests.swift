import Testing

@testable import Console

@Suite struct PlainLinesTests {
  @Test func `words are aligned and outside text is cleaned`() {
    let plain = PlainLines(style: Style(colours: false))
    #expect(
      plain.line(clock: "12:04:31", word: "failed", label: "a\u{7}b", detail: "exit 3")
        == "12:04:31  failed    a\u{FFFD}b  exit 3")
    #expect(
      plain.line(clock: "12:04:31", word: "produced", label: "real")
        == "12:04:31  produced  real")
  }

  @Test func `a heartbeat says what runs`() {
    var picture = RunPicture(started: 0)
    picture.queued = 2
    picture.start(1, label: "train", at: 0)
    picture.progress(1, step: 3, of: 9, loss: 2.5, rate: nil, unit: nil, note: nil, at: 30)
    #expect(
      PlainLines(style: Style(colours: false)).heartbeat(clock: "12:05:00", of: picture, at: 60)
        == "12:05:00  alive     1m00s  2 queued, 0 produced, 0 reused, 0 failed; "
        + "train 3/9 loss 2.500")
  }

  @Test func `the last line of a run`() {
    var summary = RunTotals(
      produced: 12, reused: 88, failed: 0, cancelled: 0, seconds: 134,
      report: "artifacts/runs/x/report.html")
    #expect(
      summary.line()
        == "12 produced, 88 reused, 0 failed in 2m14s; report artifacts/runs/x/report.html")
    summary.failed = 1
    summary.cancelled = 4
    summary.report = nil
    #expect(summary.line() == "12 produced, 88 reused, 1 failed, 4 not run in 2m14s")
  }
}
