// How the study lets a model rewrite an article: title and consecutive blocks of the body are the
// prompts, each is continued by a block, and the new tokens one after the other are the new body.

import Diagnostics

/// Cuts an article's tokens into prompts.
///
/// **Source**: Wang et al. 2024 (arXiv 2410.15234), section 4.2: blocks of 64 tokens.
public struct BlockContinuation: Sendable, Equatable {
  /// Tokens of a block and of its continuation.
  public let block: Int
  /// Most tokens of a prompt: a title may be longer than a block.
  public let longestPrompt: Int

  /// **Throws**: `block-length`.
  public init(block: Int, context: Int) throws(Diagnostic) {
    guard block >= 1, 2 * block <= context else { throw .blockLength(block, context: context) }
    self.block = block
    longestPrompt = context - block
  }

  /// The title is block 0, then the body's blocks; empty ones are left out.
  ///
  /// - Returns: prompts in order, and how many tokens of the title did not fit.
  public func prompts(title: [Int32], body: [Int32]) -> (prompts: [[Int32]], cut: Int) {
    var prompts: [[Int32]] = []
    if !title.isEmpty { prompts.append(Array(title.prefix(longestPrompt))) }
    for start in stride(from: 0, to: body.count, by: block) {
      prompts.append(Array(body[start..<min(body.count, start + block)]))
    }
    return (prompts, max(0, title.count - longestPrompt))
  }
}
