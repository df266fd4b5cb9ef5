// How much memory a stage with a model will need, from nothing but the size of the model's folder:
// the scheduler asks before anything of it is read.

import Foundation

/// Estimates that are meant to be a little too high.
struct ModelMemory {
  /// Weights in single precision, and config.json and tokenizer.json with them.
  let modelBytes: Int
  /// Activations of a token in all layers, as if the model had GPT-2's proportions (a layer for each
  /// 64 channels): weights take 48·L·C² bytes, a token keeps about 60·L·C. 76 covers deeper models such
  /// as GPT-2 medium (a layer for each 43 channels).
  private let tokenBytes: Double

  init(modelBytes: Int) {
    self.modelBytes = modelBytes
    let width = cbrt(Double(modelBytes) * 64 / 48)
    tokenBytes = 76 * max(2, width / 64) * max(64, width)
  }

  /// Weights, gradients, two moments, activations, a chunk of logits.
  func training(tokens: Int) -> Int {
    192 << 20 + 4 * modelBytes + Int(tokenBytes * Double(tokens))
  }

  /// Frozen weights, room for the largest matrix of blocks, activations, a chunk of logits, and low-rank
  /// matrices beside every linear layer with gradient and two moments.
  func trainingAdapter(tokens: Int, rank: Int) -> Int {
    // Sizes in and out of a block's linear layers add up to some 20 C; 16 bytes for each weight.
    let adapter = 16 * 20 / 76 * tokenBytes * Double(rank)
    return 256 << 20 + 2 * modelBytes + Int(tokenBytes * Double(tokens) + adapter)
  }

  /// Weights twice (one copy packed), working memory, keys and values.
  func writing(sequences: Int, tokens: Int) -> Int {
    192 << 20 + 2 * modelBytes + Int(tokenBytes * Double(sequences * tokens) / 4)
      + Int(tokenBytes * 2048 / 8)
  }
}
