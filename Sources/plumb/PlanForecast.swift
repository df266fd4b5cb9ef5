// What a run will cost on this machine, for people: one line for each stage and one for the whole.

import Console
import Foundation
import Scheduling
import StageLibrary

struct PlanForecast {
  let forecast: PipelineForecast
  let threads: Int

  /// Below this a table of costs is noise.
  var isWorthSaying: Bool { forecast.work >= 1 }

  var table: Table {
    var table = Table([
      .init("stage"), .init("instances", numeric: true), .init("tokens learnt", numeric: true),
      .init("written", numeric: true), .init("read", numeric: true),
      .init("thread time", numeric: true), .init("memory each", numeric: true),
    ])
    var stages: [String] = []
    for row in forecast.rows where !stages.contains(row.stage) { stages.append(row.stage) }
    for stage in stages {
      let rows = forecast.rows.filter { $0.stage == stage }
      table.add([
        stage, "\(rows.count)", Self.count(rows.reduce(0) { $0 + $1.forecast.learnt }),
        Self.count(rows.reduce(0) { $0 + $1.forecast.written }),
        Self.count(rows.reduce(0) { $0 + $1.forecast.read }),
        (forecast.measuredStages.contains(stage) ? "" : "≈ ")
          + Figures.duration(rows.reduce(0) { $0 + $1.seconds }, coarse: true),
        Figures.bytes(rows.map(\.memory).max() ?? 0),
      ])
    }
    return table
  }

  /// `about 3h20m on 2 threads (5h10m of thread time, the longest chain 1h40m), up to 2.1 GiB at a time`
  var sentence: String {
    let duration = Figures.duration(forecast.duration(threads: threads), coarse: true)
    let twins =
      forecast.twins > 0 ? "; \(forecast.twins) instances will find the result of another" : ""
    return "about \(duration) on \(threads) threads "
      + "(\(Figures.duration(forecast.work, coarse: true)) of thread time, the longest chain "
      + "\(Figures.duration(forecast.chain, coarse: true))), up to "
      + "\(Figures.bytes(forecast.memory(threads: threads))) at a time\(twins)"
  }

  private static func count(_ tokens: Int) -> String {
    tokens == 0 ? "" : Figures.short(Double(tokens))
  }
}
