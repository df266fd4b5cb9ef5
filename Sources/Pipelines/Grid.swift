// The instances of one stage as a table of numbers: axes with their values, tuples of positions on
// them. All look-ups between stages go through here.

/// One axis with the values that occur, in order.
struct Axis {
  let name: String
  private(set) var values: [CoordinateValue] = []
  private(set) var index: [CoordinateValue: Int] = [:]

  init(name: String) { self.name = name }

  /// Position of a value; a new one comes last.
  mutating func position(adding value: CoordinateValue) -> Int {
    if let position = index[value] { return position }
    index[value] = values.count
    values.append(value)
    return values.count - 1
  }

  var isInteger: Bool { if case .integer? = values.first { true } else { false } }

  /// For messages: `none, overfit, …`.
  var shownValues: String {
    values.prefix(12).map(\.description).joined(separator: ", ") + (values.count > 12 ? ", …" : "")
  }
}

struct Grid {
  let axes: [Axis]
  /// One position on each axis for every instance, in axis order.
  let tuples: [[Int]]
  let lookup: [[Int]: Int]
  /// Made once: a list of all generations asks for the same ones again and again.
  private let coordinates: [Coordinates]

  init(axes: [Axis], tuples: [[Int]]) {
    self.axes = axes
    self.tuples = tuples
    coordinates = tuples.map { tuple in
      Coordinates(zip(axes, tuple).map { (name: $0.name, value: $0.values[$1]) })
    }
    lookup = Dictionary(
      tuples.enumerated().map { ($1, $0) }, uniquingKeysWith: { first, _ in first })
  }

  /// A stage without a matrix: one instance, no axes.
  static let single = Grid(axes: [], tuples: [[]])

  func position(of axis: String) -> Int? { axes.firstIndex { $0.name == axis } }

  func coordinates(of tuple: Int) -> Coordinates { coordinates[tuple] }
}
