// Many values as few points: a scatter of thousands on a grid, a sample as a histogram. A page with a
// mark for each of 9,216 neurons would weigh a megabyte and show a blot.

extension Figure.Series {
  /// A scatter on a grid of at most `columns` × `rows` cells: each filled cell becomes one point at the
  /// mean of its points, with their number. Few points stay as they are.
  public init(
    binned points: [(x: Double, y: Double)], name: String, style: Figure.Style? = nil,
    columns: Int = 48, rows: Int = 32
  ) {
    let kept = points.filter { $0.x.isFinite && $0.y.isFinite }
    guard kept.count > 400, let left = kept.map(\.x).min(), let right = kept.map(\.x).max(),
      let bottom = kept.map(\.y).min(), let top = kept.map(\.y).max()
    else {
      self.init(name: name, style: style, points: kept.map { .init(x: $0.x, y: $0.y) })
      return
    }
    func cell(_ value: Double, _ low: Double, _ high: Double, _ count: Int) -> Int {
      // Halves, since high − low may overflow.
      let width = high / 2 - low / 2
      return width > 0 ? min(count - 1, Int((value / 2 - low / 2) / width * Double(count))) : 0
    }
    var sums = [(x: Double, y: Double, count: Int)](
      repeating: (0, 0, 0), count: columns * rows)
    for point in kept {
      let index =
        cell(point.y, bottom, top, rows) * columns + cell(point.x, left, right, columns)
      // Running means do not overflow either.
      sums[index].count += 1
      sums[index].x +=
        point.x / Double(sums[index].count) - sums[index].x / Double(sums[index].count)
      sums[index].y +=
        point.y / Double(sums[index].count) - sums[index].y / Double(sums[index].count)
    }
    self.init(
      name: name, style: style,
      points: sums.filter { $0.count > 0 }.map { .init(x: $0.x, y: $0.y, count: $0.count) })
  }

  /// Shares (%) of values in equal bins between two ends; values outside count into the outer bins.
  ///
  /// - Returns: one point for each bin, at its middle; none for no values.
  public init(
    histogramOf values: [Double], name: String, style: Figure.Style? = nil, from low: Double,
    to high: Double, bins: Int
  ) {
    precondition(low < high && bins > 0, "\(bins) bins from \(low) to \(high)")
    var counts = [Int](repeating: 0, count: bins)
    let kept = values.filter(\.isFinite)
    let width = (high - low) / Double(bins)
    for value in kept {
      counts[Int(max(0, min(Double(bins - 1), ((value - low) / width).rounded(.down))))] += 1
    }
    self.init(
      name: name, style: style,
      points: kept.isEmpty
        ? []
        : counts.enumerated().map { index, count in
          .init(
            x: low + (Double(index) + 0.5) * width,
            y: 100 * Double(count) / Double(kept.count), count: count)
        })
  }
}
