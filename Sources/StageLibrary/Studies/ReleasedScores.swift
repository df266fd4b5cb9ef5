// Scores of articles as the study's authors released them: a row for each article of each generation,
// a column for each class. The label is the class with the highest score.

import CanonicalJSON
import Diagnostics
import Statistics

/// Shares per generation of one setup, recomputed.
struct ReleasedScores {
  /// What becomes of an article whose highest score is that of several classes.
  enum Ties: String {
    /// The class listed first, as argmax has it.
    case first
    /// Each of them gets an equal part.
    case split
    /// It is left out.
    case skip
  }

  struct Columns {
    let generation: String
    let id: String
    let classes: [(name: String, column: String)]

    /// - Parameter classes: CLASS=COLUMN each.
    ///
    /// **Throws**: `result-classes`.
    init(generation: String, id: String, classes: [String]) throws(Diagnostic) {
      self.generation = generation
      self.id = id
      var pairs: [(name: String, column: String)] = []
      for text in classes {
        let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        guard parts.count == 2, !parts[0].isEmpty, !parts[1].isEmpty,
          !pairs.contains(where: { bytesEqual($0.name, String(parts[0])) })
        else { throw .resultClasses(text) }
        pairs.append((String(parts[0]), String(parts[1])))
      }
      guard pairs.count >= 2 else { throw .resultClasses(classes.joined(separator: ", ")) }
      self.classes = pairs
    }
  }

  struct Generation {
    let number: Int
    /// Articles that were counted.
    let count: Int
    let ties: Int
    /// Counts by class; halves and thirds only where ties are split.
    let counts: [Double]

    func share(_ label: Int) -> Double { count > 0 ? counts[label] / Double(count) : 0 }

    func interval(_ label: Int) -> Interval? {
      guard count > 0, counts[label] == counts[label].rounded() else { return nil }
      return Interval.wilson(successes: Int(counts[label]), of: count)
    }
  }

  let setup: String
  /// Ascending.
  let generations: [Generation]

  /// **Throws**: `result-table`, `result-column`.
  init(
    _ table: ResultTable, setup: String, columns: Columns, shift: Int, ties: Ties
  ) throws(Diagnostic) {
    self.setup = setup
    let numbers = try table.integers(columns.generation, parameter: "generation_column")
    let ids = try table.texts(columns.id, parameter: "id_column")
    var scores: [[Double]] = []
    for item in columns.classes {
      scores.append(try table.numbers(item.column, parameter: "classes"))
    }
    var seen: Set<String> = []
    var rows: [Int: [Int]] = [:]
    for row in 0..<table.count {
      guard seen.insert("\(numbers[row])\u{0}\(ids[row])").inserted else {
        throw .resultTable(
          table.path, line: table.line(row),
          "has the article '\(ids[row].prefix(40))' of generation \(numbers[row]) again")
      }
      rows[numbers[row], default: []].append(row)
    }
    generations = rows.keys.sorted().map { number in
      var counts = [Double](repeating: 0, count: scores.count)
      var counted = 0
      var tied = 0
      for row in rows[number]! {
        let best = scores.map { $0[row] }.max()!
        let winners = scores.indices.filter { scores[$0][row] == best }
        if winners.count > 1 {
          tied += 1
          if ties == .skip { continue }
        }
        counted += 1
        switch ties {
        case .first, .skip: counts[winners[0]] += 1
        case .split: for winner in winners { counts[winner] += 1 / Double(winners.count) }
        }
      }
      return Generation(number: number + shift, count: counted, ties: tied, counts: counts)
    }
  }

  /// A straight line through the shares of a class; its error allows for neighbouring generations
  /// depending on each other (Newey–West, one lag). One chain: it says nothing about another.
  func trend(_ label: Int) -> LeastSquares? {
    LeastSquares(
      generations.map { $0.share(label) }, on: [generations.map { Double($0.number) }],
      chains: [generations.count], lags: 1)
  }
}
