// MEND: a model, networks that turn the gradient of an example into an edit of its last feed-forward
// layers, and the edit as a low-rank adapter beside weights that stay as they are.
//
//   ∇W = Σₙ δₙ·uₙᵀ      W̃ = W − a·Σₙ δ̃ₙ·ũₙᵀ      (ũ, δ̃) = g(u, δ)
//
// Mitchell et al. 2022, "Fast Model Editing at Scale" (arXiv 2110.11309). An edit has the form of an
// adapter, A = ũ and B = −a·δ̃ᵀ, so gradients of A and B are those of ũ and δ̃: no second-order term.

import Diagnostics
import Kernels
import LanguageModels
import ModelFiles
import Networks
import Randomness
import Tensors

/// Makes edits of a model, and learns to.
public final class GradientEditor {
  public let model: LanguageModel
  public let settings: EditorSettings
  /// The edit: all zero, or what `edit` made.
  public let adapter: LowRankAdapter
  /// A rate for each edited layer, in the order of `modules`.
  public internal(set) var rates: [Double]
  let sites: [EditSite]
  /// One for each shape.
  public let networks: [EditNetwork]
  let transformer: Transformer
  private let capture: FactorCapture

  /// Layers that are edited.
  public var modules: [String] { sites.map(\.module) }

  /// - Parameters:
  ///   - capacity: tokens of the longest batch: an edit's answers with their prompts, or one example.
  ///   - learntTokens: most answer tokens of one edit: the rank of the adapter.
  ///
  /// **Throws**: `model-is-an-encoder`, `edit-layers`, `adapter-target`.
  public init(
    _ model: LanguageModel, _ settings: EditorSettings, capacity: Int, learntTokens: Int
  ) throws(Diagnostic) {
    try model.specification.requireDecoder()
    guard settings.layers <= model.specification.layers else {
      throw .editLayers(settings.layers, of: model.specification.layers)
    }
    self.model = model
    self.settings = settings
    let edited = Self.parameters(model.table, last: settings.layers, of: model.specification.layers)
    var configuration = LowRankConfiguration(
      rank: learntTokens, alpha: Double(learntTokens), targets: edited.map(\.module))
    configuration.dropout = 0
    adapter = try LowRankAdapter(configuration, for: model.table, seed: 0)
    adapter.weights.everything.fill(0)

    var networks: [EditNetwork] = []
    var shapes: [Shape] = []
    for parameter in edited where !shapes.contains(parameter.shape) {
      shapes.append(parameter.shape)
      networks.append(
        EditNetwork(
          width: parameter.shape.rows + parameter.shape.columns, rank: settings.rank,
          modes: edited.count { $0.shape == parameter.shape }, capacity: learntTokens,
          random: RandomStream(
            seed: settings.seed,
            name: "edit-network/\(parameter.shape.rows)x\(parameter.shape.columns)")))
    }
    var used = [Int](repeating: 0, count: shapes.count)
    var sites: [EditSite] = []
    for parameter in edited {
      let number = shapes.firstIndex(of: parameter.shape)!
      sites.append(
        EditSite(
          module: parameter.module, inputs: parameter.shape.columns,
          outputs: parameter.shape.rows, network: networks[number], mode: used[number]))
      used[number] += 1
    }
    self.networks = networks
    self.sites = sites
    rates = sites.map { _ in settings.editRate }
    transformer = Transformer(model, capacity: capacity, trains: true, adapter: adapter)
    capture = FactorCapture(sites)
  }

  /// Gate, up and down of the last blocks.
  static func parameters(
    _ table: ParameterTable, last layers: Int, of total: Int
  ) -> [Parameter] {
    table.parameters.filter { parameter in
      guard case .block(let layer, let part) = parameter.role, layer >= total - layers else {
        return false
      }
      return [.gateWeight, .upWeight, .downWeight].contains(part)
    }
  }

  /// Bytes beside the model.
  public static func bytes(
    _ model: ModelSpecification, _ settings: EditorSettings, capacity: Int, learntTokens: Int
  ) -> Int {
    let edited = parameters(
      ParameterTable(model), last: min(settings.layers, model.layers), of: model.layers)
    var sum = Transformer.bytes(model, capacity: capacity, trains: false)
    // All activations are kept, and the logits of two passes of one example.
    sum += BlockStack.bytes(model, capacity: capacity, trainedBytes: 64)
    sum += 2 * 4 * capacity * model.vocabulary
    for parameter in edited {
      let width = parameter.shape.rows + parameter.shape.columns
      sum += 4 * learntTokens * width * (8 + 2)
      // Once for each shape; counted for each layer it is a little too much.
      sum += 4 * 4 * 2 * width * (2 * min(settings.rank, width) + 3)
    }
    return sum
  }

  // MARK: Editing

  /// Makes the adapter an edit towards some answers; before it, there is none.
  ///
  /// - Parameters:
  ///   - answers: with marks on what is to be learnt.
  ///   - learnsNorm: whether the norms take in what they see.
  /// - Returns: mean −log p of the answers before the edit.
  ///
  /// **Throws**: `token-outside-vocabulary`.
  @discardableResult
  public func edit(towards answers: [TokenSequence], learnsNorm: Bool) throws(Diagnostic) -> Double
  {
    for answer in answers { try model.requireKnown(answer.tokens) }
    clear()
    let batch = Batch(answers)
    capture.marks = batch.targets.map { $0 >= 0 }
    transformer.gradientObserver = capture
    let total = transformer.learn(batch, supervisedCount: max(1, batch.supervisedCount))
    transformer.gradientObserver = nil
    zeroGradients()
    for (number, site) in sites.enumerated() {
      let edit = adapter.lowRank(module: site.module, gradients: nil)!
      site.write(rate: Float(rates[number]), learnsNorm: learnsNorm, into: (edit.a, edit.b))
    }
    return total.negativeLogLikelihood / Double(max(1, total.count))
  }

  /// The edit as an adapter of its own, of the rank that it has: a row for each learnt token.
  ///
  /// - Precondition: an edit was made.
  ///
  /// **Throws**: `adapter-target`.
  public func edited() throws(Diagnostic) -> LowRankAdapter {
    let rank = sites[0].rows
    precondition(rank > 0, "no edit was made")
    let own = LowRankConfiguration(rank: rank, alpha: Double(rank), targets: modules)
    let result = try LowRankAdapter(own, for: model.table, seed: 0)
    for module in modules {
      let (from, to) = (
        adapter.lowRank(module: module, gradients: nil)!,
        result.lowRank(module: module, gradients: nil)!
      )
      to.a.copy(from: from.a.slice(rows: 0..<rank))
      to.b.copy(from: from.b.slice(columns: 0..<rank))
    }
    return result
  }

  /// ‖ΔW‖ / ‖W‖ of each edited layer, Frobenius norms, in the order of `modules`.
  public func relativeSizes() -> [Double] {
    modules.map { module in
      let edit = adapter.lowRank(module: module, gradients: nil)!
      // ‖B·A‖² is the sum of products of (Bᵀ·B) and (A·Aᵀ).
      return Scratch.with(2 * edit.rank * edit.rank) { memory in
        let (outer, inner) = (
          Tensor(memory, rows: edit.rank, columns: edit.rank),
          Tensor(memory + edit.rank * edit.rank, rows: edit.rank, columns: edit.rank)
        )
        matmul(edit.b, edit.b, .first, into: outer)
        matmul(edit.a, edit.a, .second, into: inner)
        var square = 0.0
        for index in 0..<outer.count {
          square += Double(outer.data[index]) * Double(inner.data[index])
        }
        let weight = model.table.parameters.first { $0.module == module && $0.isLinearWeight }!
        return (max(0, square) / max(squares(of: weight), 1e-300)).squareRoot()
      }
    }
  }

  private func squares(of weight: Parameter) -> Double {
    let store = model.store(weight.role)
    let columns = weight.shape.columns
    return Scratch.with(columns + 16) { memory in
      (0..<weight.shape.rows).reduce(0) { sum, row in
        store.read(rows: row..<row + 1, into: Tensor(memory, rows: 1, columns: columns))
        return sum + Double(sumOfSquares(memory, columns))
      }
    }
  }

  /// Takes the edit back.
  public func clear() { adapter.weights.everything.fill(0) }

  func zeroGradients() { transformer.stack.adapterGradients!.everything.fill(0) }

  /// From the gradients beside the adapter to those of networks and rates.
  ///
  /// - Returns: ∂/∂a of each layer.
  func learnFromEdit() -> [Double] {
    sites.enumerated().map { number, site in
      let edit = adapter.lowRank(
        module: site.module, gradients: transformer.stack.adapterGradients!)!
      return site.learn(
        rate: Float(rates[number]), dA: edit.aGradient!, dB: edit.bGradient!)
    }
  }

  // MARK: Measuring

  /// Mean −log p of the learnt tokens under the model with the edit as it is.
  ///
  /// **Throws**: `token-outside-vocabulary`.
  public func loss(of sequences: [TokenSequence]) throws(Diagnostic) -> Double {
    var total = HeadLoss.Total()
    for sequence in sequences { try model.requireKnown(sequence.tokens) }
    for run in Batch.runs(of: sequences.map(\.tokens.count), atMost: transformer.capacity) {
      total = total + transformer.evaluate(Batch(sequences[run])).total
    }
    return total.negativeLogLikelihood / Double(max(1, total.count))
  }
}

/// Gives each layer its rows as a backward pass comes by.
private final class FactorCapture: GradientObserver {
  private let places: [String: EditSite]
  var marks: [Bool] = []

  init(_ sites: [EditSite]) {
    places = Dictionary(uniqueKeysWithValues: sites.map { ($0.module, $0) })
  }

  func observe(input: Tensor, gradient: Tensor, of module: String) {
    places[module]?.keep(input: input, gradient: gradient, where: marks)
  }
}
