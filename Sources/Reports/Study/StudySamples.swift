// The same prompt's continuations across generations and strategies, side by side. Which prompts are
// shown is decided by their ids alone, never by what the texts say.

import CanonicalJSON
import Diagnostics

struct StudySamples {
  private struct Text {
    let series: String
    let x: Double
    let id: String
    let text: String
  }

  private let ids: [String]
  private let texts: [Text]
  private let series: [String]
  private let axis: String
  let note: String

  var isEmpty: Bool { ids.isEmpty }

  /// **Throws**: `report-axis-number`.
  init(_ input: StudyInput) throws(Diagnostic) {
    axis = input.axes.x
    var items: [(place: StudyTable.Place, samples: [StudyInput.Sample])] = []
    let constant = StudyTable.Place.constant(input.samples.map(\.coordinates), input.axes)
    for item in input.samples {
      let place = try StudyTable.Place(item.coordinates, input.axes, without: constant)
      items.append((place, item.content))
    }
    let replicate = items.first?.place.replicate
    items = items.filter { $0.place.replicate == replicate }
    // Ids that every item has.
    var common = Set(items.first?.samples.map(\.id) ?? [])
    for item in items.dropFirst() { common.formIntersection(item.samples.map(\.id)) }
    ids = StudyFigures.spread(common.sorted(by: bytesPrecede), max(1, input.shownPrompts))
    var texts: [Text] = []
    var series: [String] = []
    for item in items {
      if !series.contains(item.place.series) { series.append(item.place.series) }
      for sample in item.samples where ids.contains(sample.id) {
        texts.append(
          Text(
            series: item.place.series, x: item.place.x, id: sample.id,
            text: sample.text))
      }
    }
    self.texts = texts
    self.series = series
    let first = replicate.map { $0.isEmpty ? "" : ", \(input.axes.replicate) \($0)" } ?? ""
    note =
      "Chosen by document id, evenly over those that all corpora share"
      + "\(first). Texts are cut after 700 characters."
  }

  var context: [[String: Any]] {
    ids.map { id in
      [
        "id": id,
        "series": series.map { name -> [String: Any] in
          [
            "name": name,
            "texts": texts.filter { $0.id == id && $0.series == name }.sorted { $0.x < $1.x }.map {
              text -> [String: Any] in
              [
                "place": axis.isEmpty ? name : "\(axis) \(Format.figure(text.x))",
                "text": Self.cut(text.text),
              ]
            },
          ]
        },
      ]
    }
  }

  static func cut(_ text: String, to length: Int = 700) -> String {
    text.count <= length ? text : text.prefix(length) + "…"
  }
}
