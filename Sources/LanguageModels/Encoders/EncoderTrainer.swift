// Fine-tuning an encoder with a classification head, as a loop over a state that can be put down and
// taken up (EncoderCheckpoint.swift). After each epoch it is tried on texts held out for that, and the
// best epoch's weights are the result.

import Diagnostics
import ModelFiles
import Networks
import Tensors

/// Trains a model made with `LanguageModel.withClassifier`.
///
/// ```swift
/// let trainer = try EncoderTrainer(model, on: texts, validation: others, settings) { macroF1($0, $1) }
/// while let step = try trainer.step() { print(step.loss) }
/// ```
///
/// The loss of a step is Σ w·(−log p) / Σ w over all its texts: how the step is cut into
/// micro-batches changes last bits only. When `step` returns nil the model has the best weights.
public final class EncoderTrainer {
  /// Where the run is. Randomness needs no state: every draw is a function of seed, name and step.
  public struct State: Sendable, Equatable {
    /// Finished optimizer steps of the whole run.
    public var step = 0
    /// Finished epochs.
    public var epoch = 0
    /// Finished optimizer steps of this epoch.
    public var cursor = 0
    /// Index of the best epoch in `epochs`.
    public var best: Int?
    /// Whether patience has ended the run.
    public var isStopped = false
  }

  /// How good some predictions are, such as macro-F1: larger is better.
  public typealias Score = (_ labels: [Int], _ predictions: [Int]) -> Double

  public let model: LanguageModel
  public let settings: EncoderTrainingSettings
  /// Steps if no patience ends the run.
  public let totalSteps: Int
  public internal(set) var state = State()
  public internal(set) var history: [TrainingStep] = []
  public internal(set) var epochs: [EncoderEpoch] = []

  let texts: [LabelledSequence]
  let validation: [LabelledSequence]
  /// What is trained, in order of the model's table.
  let trained: [Parameter]
  /// Places of the trained parameters in the arenas below.
  let plan: ArenaPlan
  let firstMoments: Arena
  let secondMoments: Arena
  /// Weights of the best epoch.
  let best: Arena
  private let source: EncoderSource
  private let head: ClassificationHead
  private let gradients: Arena
  private let parameters: [TrainedParameter]
  private let score: Score
  private let loss: ClassificationLoss
  private let schedule: Schedule
  private let optimizer: AdamW
  private var order: EpochPlan

  /// - Parameters:
  ///   - validation: tried after each epoch; without any the last weights are kept.
  ///   - score: the best epoch is the one with the highest.
  ///
  /// **Throws**: `classifier-missing`, `nothing-to-learn`, `encoder-sequence`,
  /// `token-outside-vocabulary`.
  public init(
    _ model: LanguageModel, on texts: [LabelledSequence], validation: [LabelledSequence] = [],
    _ settings: EncoderTrainingSettings, score: @escaping Score
  ) throws(Diagnostic) {
    guard let (labels, _) = model.specification.classifier else { throw .classifierMissing }
    guard !texts.isEmpty else { throw .nothingToLearn(documents: 0) }
    try model.requireReadable((texts + validation).map(\.tokens))
    precondition(
      settings.classWeights.count == labels.count,
      "\(settings.classWeights.count) weights for \(labels.count) classes")
    for text in texts + validation {
      precondition(labels.indices.contains(text.label), "class \(text.label) of \(labels.count)")
    }
    self.model = model
    self.settings = settings
    self.texts = texts
    self.validation = validation
    self.score = score
    loss = ClassificationLoss(weights: settings.classWeights)
    order = EpochPlan(
      supervised: texts.map { _ in 1 }, epoch: 0, batching: .documents(settings.batch),
      seed: settings.seed)
    totalSteps = settings.epochs * order.steps.count
    schedule = Schedule(
      settings.schedule,
      warmupSteps: Int((settings.warmupFraction * Double(totalSteps)).rounded(.up)),
      totalSteps: totalSteps)
    optimizer = AdamW(
      beta1: settings.beta1, beta2: settings.beta2, epsilon: settings.epsilon,
      weightDecay: settings.weightDecay)

    let headRoles = Set(ClassificationHead.roles(of: model.specification))
    let trained = model.table.parameters.filter {
      settings.scope == .everything ? $0.isTrainable : headRoles.contains($0.role)
    }
    var plan = ArenaPlan()
    let places = trained.map {
      plan.add($0.name, rows: $0.shape.rows, columns: $0.shape.columns)
    }
    self.trained = trained
    self.plan = plan
    (firstMoments, secondMoments, best) = (Arena(plan), Arena(plan), Arena(plan))
    source = EncoderSource(model, texts, validation, settings)
    let gradients = source.gradients ?? Arena(plan)
    self.gradients = gradients
    let own = source.gradients == nil
    var found: [ParameterRole: Tensor] = [:]
    for (parameter, place) in zip(trained, places) {
      found[parameter.role] = gradients[own ? place : parameter.region]
    }
    head = ClassificationHead(model, capacity: source.capacity) { found[$0] }
    let (first, second) = (firstMoments, secondMoments)
    parameters = zip(trained, places).map { parameter, place in
      TrainedParameter(
        value: model.weights[parameter.region], gradient: found[parameter.role]!,
        firstMoment: first[place], secondMoment: second[place], decays: parameter.decays)
    }
  }

  /// Takes the next optimizer step; after the last one of an epoch, tries the validation texts.
  ///
  /// - Returns: nil once all steps are done or patience has ended; the model then has the weights of
  ///   the best epoch.
  ///
  /// **Throws**: `training-diverged`; weights and state are as before the step.
  public func step() throws(Diagnostic) -> TrainingStep? {
    guard state.step < totalSteps, !state.isStopped else {
      takeBest()
      return nil
    }
    let numbers = Array(order.order[order.steps[state.cursor]])
    let weight = loss.totalWeight(of: numbers.map { texts[$0].label })

    zero(gradients)
    var sum = 0.0
    var firstText = 0
    var firstToken = 0
    for run in source.runs(of: numbers) {
      let dropout = HeadDropout(
        rate: settings.headDropout, seed: settings.seed, step: state.step, firstRow: firstText)
      let pooled = source.forward(run, step: state.step, firstRow: firstToken)
      let logits = head.forward(pooled, dropout: dropout)
      sum += loss.forwardBackward(
        logits, labels: run.map { texts[$0].label }, textWeights: run.map { texts[$0].weight },
        totalWeight: weight)
      head.backward(logits, dropout: dropout, dPooled: source.gradients == nil ? nil : pooled)
      source.backward(pooled)
      firstText += run.count
      firstToken += run.reduce(0) { $0 + texts[$1].tokens.count }
    }

    let value = sum / weight
    let rate = settings.learningRate * schedule.factor(at: state.step)
    guard value.isFinite else {
      throw .trainingDiverged(step: state.step + 1, loss: value, norm: nil)
    }
    let norm: Double
    switch optimizer.step(
      parameters, step: state.step + 1, learningRate: rate, clipNorm: settings.clipNorm)
    {
    case .updated(let gradientNorm): norm = gradientNorm
    case .refused(let gradientNorm):
      throw .trainingDiverged(step: state.step + 1, loss: value, norm: gradientNorm)
    }
    let row = TrainingStep(
      step: state.step + 1, loss: value, learningRate: rate, gradientNorm: norm,
      tokens: numbers.reduce(0) { $0 + texts[$1].tokens.count })
    history.append(row)
    try advance()
    return row
  }

  /// The one place where the state moves on.
  private func advance() throws(Diagnostic) {
    state.step += 1
    state.cursor += 1
    guard state.cursor == order.steps.count else { return }
    let losses = history.suffix(state.cursor).map(\.loss)
    var row = EncoderEpoch(
      epoch: state.epoch + 1, step: state.step,
      trainingLoss: losses.reduce(0, +) / Double(losses.count))
    if !validation.isEmpty {
      let (value, score) = validate()
      guard value.isFinite else {
        throw .trainingDiverged(step: state.step, loss: value, norm: nil)
      }
      (row.validationLoss, row.score) = (value, score)
    }
    epochs.append(row)
    if row.isBetter(than: state.best.map { epochs[$0] }) {
      state.best = epochs.count - 1
      for (parameter, place) in zip(trained, plan.regions) {
        best[place].copy(from: model.weights[parameter.region])
      }
    }
    if let patience = settings.patience, let best = state.best,
      epochs.count - 1 - best >= patience
    {
      state.isStopped = true
    }
    (state.epoch, state.cursor) = (state.epoch + 1, 0)
    draw()
  }

  /// The order of the current epoch is drawn from its name.
  func draw() {
    order = EpochPlan(
      supervised: texts.map { _ in 1 }, epoch: state.epoch, batching: .documents(settings.batch),
      seed: settings.seed)
  }

  /// Weighted mean loss and score on the validation texts.
  private func validate() -> (loss: Double, score: Double) {
    var sum = 0.0
    var predictions = [Int](repeating: 0, count: validation.count)
    for group in source.validationGroups {
      let logits = head.forward(source.validate(group))
      sum += loss.forward(logits, labels: group.map { validation[$0].label })
      for (row, number) in group.enumerated() {
        let values = UnsafeBufferPointer(start: logits.row(row), count: logits.columns)
        predictions[number] = values.indices.max { values[$0] < values[$1] } ?? 0
      }
    }
    let labels = validation.map(\.label)
    let weight = loss.totalWeight(of: labels)
    return (sum / (weight > 0 ? weight : 1), score(labels, predictions))
  }

  private func takeBest() {
    guard state.best != nil, !validation.isEmpty else { return }
    for (parameter, place) in zip(trained, plan.regions) {
      model.weights[parameter.region].copy(from: best[place])
    }
  }

  private func zero(_ arena: Arena) {
    let everything = arena.everything
    parallelFor(everything.count, by: 1 << 18) { range in
      (everything.data + range.lowerBound).update(repeating: 0, count: range.count)
    }
  }
}
