// In which form a model's weights are kept in memory while it is read.

import Kernels
import ModelFiles
import Networks
import Tensors

/// What becomes of a file's weights when they are loaded.
public enum WeightStorage: Sendable, Equatable {
  /// All in single precision, whatever the file holds: everything can be trained.
  case float32
  /// Matrices in blocks or in 16 bits stay as they are in the file, which stays mapped. They are
  /// frozen; an adapter can be trained on them.
  case asStored
  /// Matrices of the blocks are quantised to 4 bits while they are read (Dettmers et al. 2023), all
  /// else is single precision. They are frozen.
  case nf4(doubleQuantised: Bool)
}

/// Matrices that are not in the model's arena, by their role.
typealias QuantisedWeights = [ParameterRole: QuantisedMatrix]

extension QuantisedMatrix {
  /// A matrix where it lies in a file; the file stays mapped as long as it lives.
  convenience init(_ blocks: MatchedCheckpoint.Blocks) {
    self.init(
      format: blocks.format, rows: blocks.rows, columns: blocks.columns, bytes: blocks.bytes,
      rowOrder: blocks.rowOrder, owner: blocks.file)
  }
}
