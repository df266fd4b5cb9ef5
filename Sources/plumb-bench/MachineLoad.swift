// What else happened on the machine while something was measured: other processes, the hypervisor.

import CanonicalJSON
import Foundation
import Glibc

/// A reading of the machine's and this process' clocks.
struct MachineLoad {
  private let wall = ContinuousClock.now
  /// Processor seconds of the whole machine at work.
  private let busy: Double
  /// Processor seconds that the hypervisor gave to others.
  private let stolen: Double
  /// Processor seconds of this process and of its children that have ended.
  private let own: Double
  private let average: Double

  /// A greater part of the processors' time lost to others makes a figure doubtful.
  static let disturbance = 0.04

  static func now() -> MachineLoad { MachineLoad() }

  private init() {
    let tick = Double(sysconf(Int32(_SC_CLK_TCK)))
    let text = (try? String(contentsOfFile: "/proc/stat", encoding: .utf8)) ?? ""
    let fields = text.prefix { $0 != "\n" }.split(separator: " ").dropFirst().prefix(8)
      .map { Double($0) ?? 0 }
    busy = fields.count == 8 ? [0, 1, 2, 5, 6].reduce(0) { $0 + fields[$1] } / tick : 0
    stolen = fields.count == 8 ? fields[7] / tick : 0
    own = Self.processorSeconds(RUSAGE_SELF) + Self.processorSeconds(RUSAGE_CHILDREN)
    var averages = [0.0]
    average = getloadavg(&averages, 1) == 1 ? averages[0] : 0
  }

  struct Period {
    /// Load average at the start: what ran just before counts.
    let average: Double
    /// Part of the machine's processor time that other processes took.
    let others: Double
    /// Part of it that the hypervisor took away.
    let stolen: Double

    /// Whether the figures of this time are worth little.
    var isDisturbed: Bool { others + stolen > MachineLoad.disturbance }

    var sentence: String {
      String(
        format: "others took %.0f %% of the processors meanwhile, the hypervisor %.0f %%",
        100 * others, 100 * stolen)
    }

    var json: JSONValue { .object(JSONObject(members)) }

    var members: [(String, JSONValue)] {
      [
        ("load_average", .number(average)), ("others_share", .number(others)),
        ("steal_share", .number(stolen)),
      ]
    }
  }

  func since(_ start: MachineLoad) -> Period {
    let seconds = max(1e-9, start.wall.duration(to: wall) / .seconds(1))
    let processors = Double(ProcessInfo.processInfo.activeProcessorCount)
    let own = own - start.own
    return Period(
      average: start.average,
      others: max(0, busy - start.busy - own) / seconds / processors,
      stolen: (stolen - start.stolen) / seconds / processors)
  }

  /// Largest resident set of this process, bytes.
  static var peakBytes: Int {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    return usage.ru_maxrss * 1024
  }

  /// Processor seconds of this process.
  static var ownSeconds: Double { processorSeconds(RUSAGE_SELF) }

  static func seconds(_ usage: rusage) -> Double {
    Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
  }

  private static func processorSeconds(_ whose: __rusage_who) -> Double {
    var usage = rusage()
    getrusage(__rusage_who_t(whose.rawValue), &usage)
    return seconds(usage)
  }

  /// The processor's name and how many there are.
  static let processor: String = {
    let text = (try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)) ?? ""
    let fields = text.split(separator: "\n").map { $0.split(separator: ":", maxSplits: 1) }
    func value(_ name: String) -> String? {
      fields.first { $0.count == 2 && $0[0].trimmingCharacters(in: .whitespaces) == name }
        .map { $0[1].trimmingCharacters(in: .whitespaces) }
    }
    let name = value("model name") ?? "unknown processor"
    let model = value("cpu family").map { " (family \($0), model \(value("model") ?? "?"))" } ?? ""
    return "\(ProcessInfo.processInfo.activeProcessorCount) × \(name)\(model)"
  }()
}
