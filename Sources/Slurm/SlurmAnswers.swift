// Answers of Slurm's commands, read from their machine-readable forms. Nothing in them is trusted: a
// line that makes no sense is passed over.

/// A line of squeue.
public struct SlurmJob: Sendable, Equatable {
  /// `123`, or `123_4` for a task of an array.
  public var id: String
  public var name: String
  public var state: SlurmState
  /// Why it waits, or why it ended.
  public var reason: String

  /// The number that sbatch gave.
  public var number: String { String(id.prefix { $0 != "_" }) }
  /// 0 for a job that is no array.
  public var task: Int { Int(id.drop { $0 != "_" }.dropFirst()) ?? 0 }
}

public enum SlurmAnswers {
  /// The job's number in the answer of `sbatch --parsable`: `123` or `123;cluster`, perhaps after lines
  /// of some plugin. nil if there is none: the submission may have worked all the same.
  public static func submitted(_ output: String) -> String? {
    for line in lines(output).reversed() {
      let number = line.prefix { $0 != ";" }
      if isNumber(number) { return String(number) }
    }
    return nil
  }

  /// Lines `id|state|name|reason`.
  public static func queue(_ output: String) -> [SlurmJob] {
    lines(output).compactMap { line in
      let fields = line.split(separator: "|", maxSplits: 3, omittingEmptySubsequences: false)
      guard fields.count == 4, let id = id(fields[0]), let state = SlurmState(String(fields[1]))
      else { return nil }
      return SlurmJob(
        id: id, name: String(fields[2]), state: state,
        reason: fields[3].trimmed == "None" ? "" : fields[3].trimmed)
    }
  }

  /// Lines `id|state|status:signal` of sacct, by id; the last one counts, since a job that was requeued
  /// has several.
  public static func accounting(_ output: String) -> [String: SlurmObituary] {
    var found: [String: SlurmObituary] = [:]
    for line in lines(output) {
      let fields = line.split(separator: "|", omittingEmptySubsequences: false)
      guard fields.count >= 3, let id = id(fields[0]),
        case .ended(let end)? = SlurmState(String(fields[1]))
      else { continue }
      let code = code(fields[2])
      found[id] = SlurmObituary(
        job: id, end: end, exitStatus: code?.status, signal: code?.signal)
    }
    return found
  }

  /// `scontrol --oneliner show job`: the first line about this job. nil if it is not there, or has not
  /// ended.
  public static func description(_ output: String, of job: String) -> SlurmObituary? {
    for line in lines(output) {
      var fields: [Substring: Substring] = [:]
      for word in line.split(separator: " ") {
        let pair = word.split(separator: "=", maxSplits: 1)
        // The first counts: what users may write (comments, commands) stands behind.
        if pair.count == 2, fields[pair[0]] == nil { fields[pair[0]] = pair[1] }
      }
      let own = fields["ArrayJobId"].map { "\($0)_\(fields["ArrayTaskId"] ?? "")" }
      guard fields["JobId"].map(String.init) == job || own == job,
        case .ended(let end)? = fields["JobState"].flatMap({ SlurmState(String($0)) })
      else { continue }
      let code = fields["ExitCode"].flatMap { Self.code($0) }
      return SlurmObituary(
        job: job, end: end, exitStatus: code?.status, signal: code?.signal,
        reason: fields["Reason"].map(String.init).flatMap { $0 == "None" ? nil : $0 },
        node: fields["BatchHost"].map(String.init))
    }
    return nil
  }

  /// `MaxArraySize = 1001` of `scontrol show config`: tasks have smaller numbers than this.
  public static func largestArray(_ output: String) -> Int? {
    for line in lines(output) where line.hasPrefix("MaxArraySize") {
      let words = line.split(whereSeparator: { $0 == " " || $0 == "=" })
      return words.count == 2
        ? Int(words[1]).flatMap { (0...4_000_001).contains($0) ? $0 : nil } : nil
    }
    return nil
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(whereSeparator: \.isNewline).map { Substring($0.trimmed) }
  }

  private static func isNumber(_ text: Substring) -> Bool {
    (1...18).contains(text.utf8.count) && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// `123` or `123_4`. A pending array without `--array` would be `123_[4-9]`: no single job.
  private static func id(_ text: Substring) -> String? {
    let parts = text.split(separator: "_", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.allSatisfy(isNumber) else { return nil }
    return String(text)
  }

  /// `0:9`.
  private static func code(_ text: Substring) -> (status: Int32, signal: Int32?)? {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let status = Int32(parts[0]), let signal = Int32(parts[1]),
      (0...255).contains(status), (0...127).contains(signal)
    else { return nil }
    return (status, signal == 0 ? nil : signal)
  }
}

extension StringProtocol {
  var trimmed: String {
    var text = self[...]
    while text.first?.isWhitespace == true { text.removeFirst() }
    while text.last?.isWhitespace == true { text.removeLast() }
    return String(text)
  }
}
