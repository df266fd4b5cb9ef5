// Training as a loop over a state that can be put down and taken up: TrainingCheckpoint.swift.

import Diagnostics
import ModelFiles
import Networks
import Tensors

/// Trains all weights of a model, or an adapter beside them, on sequences.
///
/// ```swift
/// let trainer = try Trainer(model, on: sequences, settings)
/// while let step = try trainer.step() { print(step.loss) }
/// ```
///
/// The loss of a step is the sum over all its supervised tokens, divided once by their number: how
/// the step is cut into micro-batches changes last bits only.
public final class Trainer {
  /// Where the run is. Randomness needs no state: every draw is a function of seed, name and step.
  public struct State: Sendable, Equatable {
    /// Finished optimizer steps of the whole run.
    public var step = 0
    public var epoch = 0
    /// Finished optimizer steps of this epoch.
    public var cursor = 0
  }

  public let model: LanguageModel
  /// What learns in place of the model's own weights.
  public let adapter: LowRankAdapter?
  public let settings: TrainingSettings
  public let totalSteps: Int
  public internal(set) var state = State()
  public internal(set) var history: [TrainingStep] = []
  /// Sees the activations of every training pass.
  public var observer: (any ActivationObserver)? {
    didSet { transformer.observer = observer }
  }

  let sequences: [TokenSequence]
  let learnt: LearntParameters
  let firstMoments: Arena
  let secondMoments: Arena
  /// Names the numbers of the model beside an adapter, for its checkpoints.
  private(set) lazy var frozenBase = model.baseChecksum
  private let supervised: [Int]
  private let transformer: Transformer
  private let parameters: [TrainedParameter]
  private let schedule: Schedule
  private let optimizer: AdamW
  private var plan: EpochPlan
  private let gradients: Arena
  /// Whether no step has ended early: an update leaves gradients at zero by itself.
  private var gradientsAreZero = true

  /// - Parameters:
  ///   - model: a decoder; in single precision unless there is an adapter.
  ///   - sequences: none longer than the context. One with nothing to learn costs nothing but takes a
  ///     place in `Batching.documents`: steps become more and smaller, as with padded examples.
  ///   - adapter: learns in place of the model, which stays as it is.
  ///
  /// **Throws**: `nothing-to-learn`, `token-outside-vocabulary`, `example-length`,
  /// `model-is-an-encoder`, `weights-frozen`.
  public init(
    _ model: LanguageModel, on sequences: [TokenSequence], _ settings: TrainingSettings,
    adapter: LowRankAdapter? = nil
  ) throws(Diagnostic) {
    try model.specification.requireDecoder()
    if let adapter {
      learnt = LearntParameters(of: adapter)
    } else {
      learnt = try LearntParameters(of: model)
    }
    let context = model.specification.context
    for sequence in sequences {
      guard sequence.tokens.count <= context else {
        throw .exampleLength(sequence.tokens.count, context: context)
      }
      try model.requireKnown(sequence.tokens)
    }
    guard sequences.contains(where: { $0.supervisedCount > 0 }) else {
      throw .nothingToLearn(documents: sequences.count)
    }
    self.model = model
    self.adapter = adapter
    self.settings = settings
    self.sequences = sequences
    supervised = sequences.map(\.supervisedCount)

    let steps = settings.stepCount(supervised: supervised)
    totalSteps = steps
    plan = EpochPlan(
      supervised: supervised, epoch: 0, batching: settings.batching, seed: settings.seed)
    schedule = Schedule(
      settings.schedule,
      warmupSteps: Int((settings.warmupFraction * Double(steps)).rounded(.up)), totalSteps: steps)
    optimizer = AdamW(
      beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
      weightDecay: settings.weightDecay)

    let longest = sequences.reduce(0) { max($0, $1.tokens.count) }
    let total = sequences.reduce(0) { $0 + $1.tokens.count }
    transformer = Transformer(
      model, capacity: min(max(settings.microBatchTokens, longest), total), trains: true,
      adapter: adapter)
    guard let gradients = transformer.stack.adapterGradients ?? transformer.gradients else {
      preconditionFailure("a Transformer made with trains: true has gradients")
    }
    self.gradients = gradients
    firstMoments = Arena(learnt.plan)
    secondMoments = Arena(learnt.plan)
    parameters = learnt.trained(
      gradients: gradients, first: firstMoments, second: secondMoments)
  }

  /// Bytes of a run beside its sequences: weights, gradients, two moments, activations, a chunk of
  /// logits.
  public static func bytes(
    _ specification: ModelSpecification, longest: Int, microBatchTokens: Int
  ) -> Int {
    3 * ParameterTable(specification).plan.bytes
      + Transformer.bytes(
        specification, capacity: max(longest, microBatchTokens), trains: true)
  }

  /// Bytes of a run that trains an adapter: the model as it is stored, room for its largest matrix in
  /// single precision, activations, and the adapter with gradients and two moments.
  ///
  /// - Parameter adapterBytes: of its parameters, `LowRankAdapter.plan.bytes`.
  public static func bytes(
    _ specification: ModelSpecification, _ table: ParameterTable, adapterBytes: Int, longest: Int,
    microBatchTokens: Int
  ) -> Int {
    let capacity = max(longest, microBatchTokens)
    return table.weightBytes + table.expansionBytes + 3 * adapterBytes
      + BlockStack.bytes(specification, capacity: capacity, trainedBytes: adapterBytes)
      + Transformer.lossBytes(specification, capacity: capacity)
  }

  /// Takes the next optimizer step.
  ///
  /// - Returns: nil once all steps are done.
  ///
  /// **Throws**: `training-diverged`; weights and state are as before the step.
  public func step() throws(Diagnostic) -> TrainingStep? {
    guard state.step < totalSteps else { return nil }
    let batch = plan.order[plan.steps[state.cursor]].map { sequences[$0] }
      .filter { $0.supervisedCount > 0 }
    let count = batch.reduce(0) { $0 + $1.supervisedCount }

    if !gradientsAreZero { gradients.everything.fill(0) }
    gradientsAreZero = false
    var total = HeadLoss.Total()
    var firstRow = 0
    for run in Batch.runs(of: batch.map(\.tokens.count), atMost: transformer.capacity) {
      let packed = Batch(batch[run])
      var masks: DropoutMasks?
      if !settings.dropout.isNone || (adapter?.configuration.dropout ?? 0) > 0 {
        masks = DropoutMasks(
          rates: settings.dropout, seed: settings.seed, step: state.step, firstRow: firstRow)
      }
      total = total + transformer.learn(packed, supervisedCount: count, dropout: masks)
      firstRow += packed.tokenCount
    }

    // A step of empty places has no loss; AdamW's memory and its decay still move the weights.
    let loss = count == 0 ? 0 : total.negativeLogLikelihood / Double(count)
    let rate = settings.learningRate * schedule.factor(at: state.step)
    guard loss.isFinite else {
      throw .trainingDiverged(step: state.step + 1, loss: loss, norm: nil)
    }
    let norm: Double
    switch optimizer.step(
      parameters, step: state.step + 1, learningRate: rate, clipNorm: settings.clipNorm)
    {
    case .updated(let gradientNorm):
      norm = gradientNorm
      gradientsAreZero = true
    case .refused(let gradientNorm):
      throw .trainingDiverged(step: state.step + 1, loss: loss, norm: gradientNorm)
    }

    advance()
    let row = TrainingStep(
      step: state.step, loss: loss, learningRate: rate, gradientNorm: norm, tokens: count)
    history.append(row)
    return row
  }

  /// The one place where the state moves on.
  private func advance() {
    state.step += 1
    state.cursor += 1
    if state.cursor == plan.steps.count {
      enter(State(step: state.step, epoch: state.epoch + 1, cursor: 0))
    }
  }

  /// Takes up a state; the order of its epoch is drawn again from its name.
  func enter(_ state: State) {
    if state.epoch != self.state.epoch, state.step < totalSteps {
      plan = EpochPlan(
        supervised: supervised, epoch: state.epoch, batching: settings.batching,
        seed: settings.seed)
    }
    self.state = state
  }

  /// Whether a state can be one of this run.
  func isPossible(_ state: State) -> Bool {
    guard (0...totalSteps).contains(state.step), state.epoch >= 0, state.cursor >= 0 else {
      return false
    }
    func steps(of epoch: Int) -> Int {
      EpochPlan(
        supervised: supervised, epoch: epoch, batching: settings.batching, seed: settings.seed
      ).steps.count
    }
    var before = 0
    var epoch = 0
    while epoch < state.epoch, before < state.step {
      before += steps(of: epoch)
      epoch += 1
    }
    return epoch == state.epoch && before + state.cursor == state.step
      && (state.step == totalSteps || state.cursor < steps(of: epoch))
  }
}
