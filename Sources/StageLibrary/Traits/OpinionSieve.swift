// Which generated answers become opinions, and why the others do not.

import CanonicalJSON
import Corpora
import Personality
import Reports

struct OpinionSieve {
  enum Reason: String, CaseIterable {
    case empty, cut, malformed, emoji, incoherent, duplicate
    case judge = "not-judged-as-trait"
  }

  let leastEntropy: Double
  let leastProbability: Double
  private var seen: Set<String> = []
  private(set) var passed: [(label: String, count: Int)] = []
  private(set) var dropped: [(label: String, reason: Reason, count: Int)] = []

  init(leastEntropy: Double, leastProbability: Double) {
    self.leastEntropy = leastEntropy
    self.leastProbability = leastProbability
  }

  /// - Parameter share: the judge's probability of the label; 0 where another class is likelier.
  mutating func passes(_ answer: AnswerWriting.Answer, label: String, share: Double) -> Bool {
    if let reason = reason(answer, share) {
      if let place = dropped.firstIndex(where: { $0.label == label && $0.reason == reason }) {
        dropped[place].count += 1
      } else {
        dropped.append((label, reason, 1))
      }
      return false
    }
    seen.insert(answer.text)
    if let place = passed.firstIndex(where: { $0.label == label }) {
      passed[place].count += 1
    } else {
      passed.append((label, 1))
    }
    return true
  }

  /// The first that applies, so that each answer is counted once.
  private func reason(_ answer: AnswerWriting.Answer, _ share: Double) -> Reason? {
    if answer.text.isEmpty { return .empty }
    if !answer.isWhole { return .cut }
    if answer.isMalformed { return .malformed }
    if !Emoji.all(in: answer.text).isEmpty { return .emoji }
    if JudgedAnswer.entropy(answer.text) < leastEntropy { return .incoherent }
    if seen.contains(answer.text) { return .duplicate }
    return share < leastProbability || share == 0 ? .judge : nil
  }

  private var droppedCount: Int { dropped.reduce(0) { $0 + $1.count } }
  private var passedCount: Int { passed.reduce(0) { $0 + $1.count } }

  var metrics: [Metric] {
    let all = passedCount + droppedCount
    return [
      Metric("generated_answers", Double(all), unit: "answers", count: all),
      Metric("kept_answers", Double(passedCount), unit: "answers", count: all),
    ]
      + passed.map {
        Metric(
          "kept_of_label", Double($0.count), unit: "answers", count: all,
          at: ["label": .string($0.label)])
      }
      + dropped.map {
        Metric(
          "dropped_answers", Double($0.count), unit: "answers", count: all,
          at: ["label": .string($0.label), "reason": .string($0.reason.rawValue)])
      }
  }

  var summary: String {
    let reasons = Reason.allCases.compactMap { reason -> String? in
      let count = dropped.filter { $0.reason == reason }.reduce(0) { $0 + $1.count }
      return count == 0 ? nil : "\(count) \(reason.rawValue)"
    }
    return "\(passedCount) of \(passedCount + droppedCount) answers kept"
      + (reasons.isEmpty ? "" : "; dropped: " + reasons.joined(separator: ", "))
  }
}
