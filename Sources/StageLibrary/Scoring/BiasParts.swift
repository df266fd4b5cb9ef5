// Shares of parts of a corpus: by outlet, by topic, by class of prompt.

import CanonicalJSON
import Corpora
import Diagnostics
import Reports
import Statistics

extension BiasMeasure {
  /// Shares and mean score of every part, parts in order of their names' bytes.
  ///
  /// - Parameter name: `source`, `label`, or a name in the documents' group.
  ///
  /// **Throws**: `group-unknown` where no document has it.
  func parts(of scores: BiasScores, by name: String) throws(Diagnostic) -> [Metric] {
    func part(_ document: Document) -> String? {
      switch name {
      case "source": document.source
      case "label": document.label
      default: document.groupValue(name)
      }
    }
    var rows: [String: [Int]] = [:]
    for (row, document) in scores.documents.enumerated() {
      if let value = part(document) { rows[value, default: []].append(row) }
    }
    guard !rows.isEmpty else { throw .groupUnknown(name) }
    var result: [Metric] = []
    for value in rows.keys.sorted(by: bytesPrecede) {
      let members = rows[value]!
      let own = BiasScores(
        documents: members.map { scores.documents[$0] },
        probabilities: members.map { scores.probabilities[$0] }, poles: scores.poles)
      let at: [(String, JSONValue)] = [("by", .string(name)), ("group", .string(value))]
      var count = Metric(
        "group_documents", Double(members.count), unit: "documents", count: members.count)
      count.at = JSONObject(at)
      result.append(count)
      // The same figures as of the whole corpus; probabilities would be a third row of numbers.
      for metric in metrics(of: own, against: nil)
      where metric.name == "share" || metric.name == "mean_score" {
        var metric = metric
        metric.name = "group_" + metric.name
        metric.at = JSONObject(at + metric.at.members.map { ($0.key, $0.value) })
        result.append(metric)
      }
    }
    return result
  }
}

extension Diagnostic {
  static func groupUnknown(_ name: String) -> Diagnostic {
    Diagnostic(
      "group-unknown", "no document has a '\(name)' to split by (parameter by)",
      help: "'by' takes source, label, or a name that documents have in their group, as topic of "
        + "\"topic=health;class=title\"", consequence: .stageFailed)
  }
}
