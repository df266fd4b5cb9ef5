import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import Testing

@testable import Personality

@Suite struct InventoryTests {
  /// Sheets that five-factor-e scored (fixtures/inventory.py); its items lie in the order N, E, O, A, C.
  @Test func sumsAgreeWithAnIndependentScorer() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("fixtures/inventory.json")
    let bytes = [UInt8](try Data(contentsOf: path))
    let fixture = try JSONValue(parsing: SourceText(path: "inventory.json", bytes: bytes))
    let reversed = Set(fixture["reversed"]?.array?.compactMap(\.integer) ?? [])
    #expect(reversed.count == 55)
    let letters = ["N", "E", "O", "A", "C"]
    let table = (1...120).map { n in
      "\(n)\t\(letters[(n - 1) % 5])\tfacet\t\(reversed.contains(n) ? -1 : 1)\titem \(n)"
    }
    let text = "n\ttrait\tfacet\tkey\titem\n" + table.joined(separator: "\n") + "\n"
    let inventory = try Inventory(table: Array(text.utf8), path: "table")
    let sheets = try #require(fixture["sheets"]?.array)
    #expect(sheets.count == 200)
    for sheet in sheets {
      let answers = try #require(sheet["answers"]?.string).map { Double(String($0))! }
      for trait in Trait.allCases {
        let expected = sheet["domains"]?[trait.letter]?.double
        #expect(inventory.sum(trait, answers) == expected)
      }
    }
  }

  /// The items that users bring have the keys of the independent scorer.
  @Test func theProjectsItemsHaveTheSameKeys() throws {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    let table = root.appendingPathComponent("../../../shared/data/traits/ipip_neo_120.tsv")
    guard let data = try? Data(contentsOf: table) else {
      print("skipped: ../shared/data/traits/ipip_neo_120.tsv is not here")
      return
    }
    let inventory = try Inventory(table: [UInt8](data), path: "ipip")
    let bytes = [UInt8](
      try Data(contentsOf: root.appendingPathComponent("fixtures/inventory.json")))
    let fixture = try JSONValue(parsing: SourceText(path: "inventory.json", bytes: bytes))
    let reversed = fixture["reversed"]?.array?.compactMap(\.integer)
    #expect(inventory.items.filter(\.isReversed).map(\.number) == reversed)
  }

  @Test(arguments: [
    "", "n\ttrait\tkey\titem\n1\tE\t1\tx\n", "n\ttrait\tfacet\tkey\titem\n",
    "n\ttrait\tfacet\tkey\titem\n1\tX\tf\t1\tx\n", "n\ttrait\tfacet\tkey\titem\n1\tE\tf\t0\tx\n",
    "n\ttrait\tfacet\tkey\titem\n1\tE\tf\t1\n", "n\ttrait\tfacet\tkey\titem\n1\tE\tf\t1\t\n",
    "n\ttrait\tfacet\tkey\titem\n1\tE\tf\t1\ta\n1\tE\tf\t1\tb\n",
  ])
  func badTablesAreRefused(_ text: String) {
    let error = #expect(throws: Diagnostic.self) {
      try Inventory(table: Array(text.utf8), path: "t")
    }
    #expect(error?.id == "inventory-table")
  }

  @Test func alphaAndAcquiescence() throws {
    let text = "n\ttrait\tfacet\tkey\titem\n1\tE\tf\t1\ta\n2\tE\tf\t-1\tb\n3\tE\tf\t1\tc\n"
    let inventory = try Inventory(table: Array(text.utf8), path: "t")
    // Keyed sheets 1 1 1, 2 3 2, 5 5 4: item variances 13/3, 4, 7/3, sums 3, 7, 14 of variance 31.
    let alpha = try #require(
      inventory.alpha(.extraversion, sheets: [[1, 5, 1], [2, 3, 2], [5, 1, 4]]))
    #expect(abs(alpha - 1.5 * (1 - (13.0 / 3 + 4 + 7.0 / 3) / 31)) < 1e-12)
    #expect(inventory.alpha(.extraversion, sheets: [[1, 5, 1]]) == nil)
    #expect(inventory.acquiescence([5, 5, 5]) == 5)
    #expect(inventory.acquiescence([5, 1, 5]) == 3)
  }
}
