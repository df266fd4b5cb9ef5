// Where a marker could be: boxes that look the same in every frame, hold edges, and hold them in more
// than one direction.

import Foundation
import Imaging

/// A box that could serve as marker, and why.
public struct MarkerSuggestion: Sendable, Equatable {
  public let box: PixelBox
  /// Mean multiple correlation between frames, 0…1.
  public let stillness: Double
  /// Cells with edges, of those that the box has.
  public let edgeTiles: Int
  public let cells: Int
  /// 1 where all edges run in one direction.
  public let coherence: Double
  /// What boxes are ranked by: stillness² × share of cells with edges × (1 − coherence²).
  public let score: Double

  /// Boxes of the given side that do not overlap, best first.
  ///
  /// - Parameters:
  ///   - frames: of one size, better under different skies.
  ///   - side: of the box, in pixels; smaller where the frames are.
  ///   - count: at most so many.
  public static func suggest(
    _ frames: [GrayImage], side: Int = 128, count: Int = 3
  ) -> [MarkerSuggestion] {
    guard let first = frames.first else { return [] }
    let cell = EdgeTiles.side
    let side = min(side, first.width, first.height) / cell * cell
    guard side >= leastMarkerSide else { return [] }
    let columns = first.width / cell
    let rows = first.height / cell
    let map = CellMap(frames, columns: columns, rows: rows)
    let span = side / cell
    var found: [MarkerSuggestion] = []
    for row in 0...(rows - span) {
      for column in 0...(columns - span) {
        found.append(map.suggestion(column: column, row: row, span: span))
      }
    }
    found.sort {
      $0.score != $1.score
        ? $0.score > $1.score : ($0.box.y, $0.box.x) < ($1.box.y, $1.box.x)
    }
    var chosen: [MarkerSuggestion] = []
    for item in found where chosen.count < count && item.score > 0 {
      if chosen.allSatisfy({ !overlap($0.box, item.box) }) { chosen.append(item) }
    }
    return chosen
  }

  private static func overlap(_ a: PixelBox, _ b: PixelBox) -> Bool {
    a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height
  }
}

/// What cells of 16×16 pixels of the whole picture are like over all frames.
private struct CellMap {
  let columns: Int
  let rows: Int
  var stillness: [Double]
  var hasEdges: [Bool]
  /// Structure tensor of each cell, trace 1.
  var tensors: [(xx: Double, yy: Double, xy: Double)]

  init(_ frames: [GrayImage], columns: Int, rows: Int) {
    self.columns = columns
    self.rows = rows
    let cell = EdgeTiles.side
    let count = columns * rows
    // Detail finer than 6 px; clouds are softer, and move.
    let bands = frames.map { $0.bandPassed(1, 6) }
    stillness = [Double](repeating: 0, count: count)
    hasEdges = [Bool](repeating: false, count: count)
    tensors = [(xx: Double, yy: Double, xy: Double)](repeating: (0, 0, 0), count: count)
    let gradients = frames.map { $0.blurred(0.7).gradients() }
    for index in 0..<count {
      let x = index % columns * cell
      let y = index / columns * cell
      var patches: [[Float]] = []
      var strong = 0
      var tensor = (xx: 0.0, yy: 0.0, xy: 0.0)
      for (frame, gradient) in zip(bands, gradients) {
        var patch: [Float] = []
        var edges = 0
        for row in y..<y + cell {
          let start = row * frame.width + x
          patch += frame.values[start..<start + cell]
          for place in start..<start + cell {
            let gx = Double(gradient.x.values[place])
            let gy = Double(gradient.y.values[place])
            guard gx * gx + gy * gy > 36 else { continue }
            edges += 1
            tensor = (tensor.xx + gx * gx, tensor.yy + gy * gy, tensor.xy + gx * gy)
          }
        }
        if edges > EdgeTiles.leastPixels { strong += 1 }
        let mean = patch.reduce(0, +) / Float(patch.count)
        for i in patch.indices { patch[i] -= mean }
        let norm = patch.reduce(0) { $0 + $1 * $1 }.squareRoot()
        patches.append(norm > 16 ? patch.map { $0 / norm } : [])
      }
      hasEdges[index] = 2 * strong > frames.count
      let trace = tensor.xx + tensor.yy
      if trace > 0 {
        tensors[index] = (tensor.xx / trace, tensor.yy / trace, tensor.xy / trace)
      }
      stillness[index] = Self.agreement(patches)
    }
  }

  /// Mean |correlation| of neighbouring frames and of frames far apart; a patch without contrast
  /// agrees with nothing.
  private static func agreement(_ patches: [[Float]]) -> Double {
    let n = patches.count
    guard n > 1 else { return patches.first.map { $0.isEmpty ? 0 : 1 } ?? 0 }
    var sum = 0.0
    var pairs = 0
    for i in 0..<n {
      for step in [1, max(1, n / 2)] where i + step < n {
        pairs += 1
        let a = patches[i]
        let b = patches[i + step]
        guard !a.isEmpty, !b.isEmpty else { continue }
        sum += Double(abs(zip(a, b).reduce(Float(0)) { $0 + $1.0 * $1.1 }))
      }
    }
    return pairs == 0 ? 0 : sum / Double(pairs)
  }

  func suggestion(column: Int, row: Int, span: Int) -> MarkerSuggestion {
    var still = 0.0
    var edges = 0
    var tensor = (xx: 0.0, yy: 0.0, xy: 0.0)
    for y in row..<row + span {
      for x in column..<column + span where hasEdges[y * columns + x] {
        let index = y * columns + x
        edges += 1
        still += stillness[index]
        tensor.xx += tensors[index].xx
        tensor.yy += tensors[index].yy
        tensor.xy += tensors[index].xy
      }
    }
    let trace = tensor.xx + tensor.yy
    let coherence =
      trace > 0
      ? ((tensor.xx - tensor.yy) * (tensor.xx - tensor.yy) + 4 * tensor.xy * tensor.xy)
        .squareRoot() / trace : 1
    let mean = edges > 0 ? still / Double(edges) : 0
    let share = Double(edges) / Double(span * span)
    let usable = edges >= MarkerCalibration.leastTiles
    return MarkerSuggestion(
      box: PixelBox(
        x: column * EdgeTiles.side, y: row * EdgeTiles.side, width: span * EdgeTiles.side,
        height: span * EdgeTiles.side),
      stillness: mean, edgeTiles: edges, cells: span * span, coherence: coherence,
      score: usable ? mean * mean * share * (1 - coherence * coherence) : 0)
  }
}
