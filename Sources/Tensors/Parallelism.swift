// All threads of the learning code come from here. Work is cut into tiles by its size alone; threads
// only decide who computes a tile, so they never change a bit of the result.

import Foundation
import Synchronization

/// How many threads compute.
public enum Parallelism {
  private static let setting = Atomic<Int>(initialThreads())

  /// Threads of this process, from `PLUMB_THREADS`, else one for each core. Never part of a key.
  public static var threads: Int {
    get { setting.load(ordering: .relaxed) }
    set {
      precondition(newValue >= 1, "\(newValue) threads cannot compute anything")
      setting.store(newValue, ordering: .relaxed)
    }
  }

  private static func initialThreads() -> Int {
    let cores = ProcessInfo.processInfo.activeProcessorCount
    guard let text = ProcessInfo.processInfo.environment["PLUMB_THREADS"], let count = Int(text),
      count >= 1
    else { return cores }
    return count
  }
}

/// Calls `body` once for each tile 0..<count, on up to `Parallelism.threads` threads at a time.
///
/// Tiles must write disjoint memory and must not depend on each other. Which thread takes which
/// tile is open; sums over tiles are therefore made by the caller, in order of tiles, afterwards.
public func parallelFor(_ count: Int, _ body: (Int) -> Void) {
  let workers = min(Parallelism.threads, count)
  guard workers > 1 else {
    for tile in 0..<max(0, count) { body(tile) }
    return
  }
  // A tile that is cut into tiles itself, or a second caller, finds the team at work and goes alone.
  if !WorkerTeam.shared.run(count, workers: workers, body) {
    for tile in 0..<count { body(tile) }
  }
}

/// Cuts 0..<count into ranges of `size` and computes them in parallel; the last may be shorter.
@inlinable public func parallelFor(
  _ count: Int, by size: Int, _ body: (Range<Int>) -> Void
) {
  let size = max(1, size)
  parallelFor((count + size - 1) / size) { tile in
    body(tile * size..<min(count, (tile + 1) * size))
  }
}

/// Cuts the rows of an activation into tiles of about 16,384 numbers and computes them in parallel.
@inlinable public func parallelRows(of tensor: Tensor, _ body: (Range<Int>) -> Void) {
  parallelFor(tensor.rows, by: max(1, 16_384 / max(1, tensor.columns)), body)
}

/// Cuts channels into ranges of 64: the way to sum over tokens in one fixed order.
@inlinable public func parallelColumns(of tensor: Tensor, _ body: (Range<Int>) -> Void) {
  parallelFor(tensor.columns, by: 64, body)
}
