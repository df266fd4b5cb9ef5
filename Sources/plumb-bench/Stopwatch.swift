// One bench, its measurement, and how it is written.

import CanonicalJSON
import Foundation

/// Something that can be done again and again.
struct Bench {
  let name: String
  /// Floating-point operations of one go; 0 where the figure would say nothing.
  var operations: Double = 0
  /// Bytes that one go has to read and write; 0 where arithmetic is what counts.
  var bytes: Double = 0
  /// Tokens of one go; 0 where there are none.
  var tokens: Double = 0
  let body: () -> Void

  /// The median of `runs` goes, after one that warms up. Short bodies are repeated within a run until
  /// it lasts ten milliseconds.
  func measure(runs: Int) -> Measurement {
    body()
    let once = Self.seconds(1, body)
    let repeats = max(1, min(10_000, Int(0.01 / max(1e-9, once))))
    let times = (0..<runs).map { _ in Self.seconds(repeats, body) / Double(repeats) }
    return Measurement(
      name: name, seconds: median(times), operations: operations, bytes: bytes, tokens: tokens)
  }

  private static func seconds(_ repeats: Int, _ body: () -> Void) -> Double {
    let start = ContinuousClock.now
    for _ in 0..<repeats { body() }
    return start.duration(to: .now) / .seconds(1)
  }
}

struct Measurement {
  let name: String
  let seconds: Double
  let operations: Double
  let bytes: Double
  let tokens: Double

  /// **Units**: 10⁹ floating-point operations per second.
  var gigaflops: Double? { operations > 0 ? operations / seconds * 1e-9 : nil }

  /// **Units**: 10⁹ bytes per second.
  var gigabytes: Double? { bytes > 0 ? bytes / seconds * 1e-9 : nil }

  static let heading = ["bench", "time", "GFLOP/s", "of peak", "GB/s", "tokens/s"]

  func row(peak: Measurement) -> [String] {
    let share = gigaflops.map { String(format: "%.0f %%", 100 * $0 / peak.gigaflops!) }
    return [
      name, Self.time(seconds), gigaflops.map { String(format: "%.1f", $0) } ?? "", share ?? "",
      gigabytes.map { String(format: $0 < 1 ? "%.3f" : "%.1f", $0) } ?? "",
      tokens > 0 ? String(format: "%.0f", tokens / seconds) : "",
    ]
  }

  func json(peak: Measurement) -> JSONValue {
    var members: [(String, JSONValue)] = [("name", .string(name)), ("seconds", .number(seconds))]
    if let gigaflops {
      members.append(("gflops", .number(gigaflops)))
      members.append(("share_of_peak", .number(gigaflops / peak.gigaflops!)))
    }
    if let gigabytes { members.append(("gigabytes_per_second", .number(gigabytes))) }
    if tokens > 0 { members.append(("tokens_per_second", .number(tokens / seconds))) }
    return .object(JSONObject(members))
  }

  private static func time(_ seconds: Double) -> String {
    seconds < 1e-3
      ? String(format: "%.1f µs", seconds * 1e6)
      : seconds < 1 ? String(format: "%.2f ms", seconds * 1e3) : String(format: "%.2f s", seconds)
  }
}
