// How an editor learns: episodes of one edit, one answer that it should help with, one text that it
// should leave alone.
//
//   L = c_edit · (−log p(outer; W̃)) + c_loc · KL(p(·; W) ‖ p(·; W̃) on other text)

import CanonicalJSON
import Diagnostics
import Kernels
import LanguageModels
import Networks
import Randomness
import Tensors

/// Trains the networks and rates of an editor.
public final class EditorTrainer {
  /// One optimizer step.
  public struct Step: Sendable, Equatable {
    /// From 1 up.
    public var step: Int
    /// Mean −log p of the outer answers after their edits; `before` them it was.
    public var loss: Double
    public var before: Double
    /// Mean KL of the other texts, nats per token.
    public var locality: Double
    public var gradientNorm: Double
    public var tokens: Int

    /// nil unless every figure is there.
    init?(json: JSONValue) {
      guard let step = json["step"]?.integer, let loss = json["loss"]?.double,
        let before = json["loss_before"]?.double, let locality = json["locality"]?.double,
        let norm = json["gradient_norm"]?.double, let tokens = json["tokens"]?.integer
      else { return nil }
      self.init(
        step: step, loss: loss, before: before, locality: locality, gradientNorm: norm,
        tokens: tokens)
    }

    init(
      step: Int, loss: Double, before: Double, locality: Double, gradientNorm: Double, tokens: Int
    ) {
      self.step = step
      self.loss = loss
      self.before = before
      self.locality = locality
      self.gradientNorm = gradientNorm
      self.tokens = tokens
    }

    /// A row of `history.jsonl`.
    public func json(learningRate: Double) -> JSONValue {
      .object([
        "step": .integer(step), "loss": .number(loss), "learning_rate": .number(learningRate),
        "gradient_norm": .number(gradientNorm), "tokens": .integer(tokens),
        "loss_before": .number(before), "locality": .number(locality),
      ])
    }
  }

  public let editor: GradientEditor
  public private(set) var history: [Step] = []
  let answers: [TokenSequence]
  let others: [TokenSequence]
  private let optimizer: AdamW
  let moments: [(first: Arena, second: Arena)]
  private(set) var rateMoments: [(first: Double, second: Double)]
  private(set) var rateGradients: [Double]
  /// Episodes that were taken.
  private(set) var episode = 0
  /// What the episodes of the step under way measured; their gradients are in the networks.
  private(set) var partial: Step?
  private let logits: (before: Arena, after: Arena, region: ArenaPlan.Region)

  /// Optimizer steps of the whole run.
  public var totalSteps: Int {
    (editor.settings.episodes + editor.settings.accumulate - 1) / editor.settings.accumulate
  }

  /// - Parameters:
  ///   - answers: what edits are made of and tried on: at least one more than an edit takes.
  ///   - others: what should stay as it is.
  ///
  /// **Throws**: `edit-examples`, `token-outside-vocabulary`.
  public init(
    _ editor: GradientEditor, answers: [TokenSequence], others: [TokenSequence]
  ) throws(Diagnostic) {
    guard answers.count > editor.settings.edits, !others.isEmpty else {
      throw .editExamples(
        answers: answers.count, others: others.count, edits: editor.settings.edits)
    }
    for sequence in answers + others { try editor.model.requireKnown(sequence.tokens) }
    self.editor = editor
    self.answers = answers
    self.others = others
    optimizer = AdamW(weightDecay: 0)
    moments = editor.networks.map { (Arena($0.plan), Arena($0.plan)) }
    rateMoments = editor.rates.map { _ in (0, 0) }
    rateGradients = editor.rates.map { _ in 0 }
    var plan = ArenaPlan()
    let region = plan.add(
      "logits", rows: others.reduce(0) { max($0, $1.tokens.count) },
      columns: editor.model.specification.vocabulary)
    logits = (Arena(plan), Arena(plan), region)
  }

  /// Goes on behind the steps of a checkpoint.
  func take(_ place: Place) {
    (history, partial, episode) = (place.history, place.partial, place.episode)
    (rateMoments, rateGradients) = (place.rateMoments, place.rateGradients)
  }

  struct Place {
    var history: [Step]
    var partial: Step?
    var episode: Int
    var rateMoments: [(first: Double, second: Double)]
    var rateGradients: [Double]
  }

  /// Takes the next step; nil once all episodes are done.
  ///
  /// - Parameter progress: called after each episode with how many there were. `save` may be called in
  ///   it; after it throws, the next step goes on behind that episode.
  ///
  /// **Throws**: `edit-diverged`: networks and rates are as before the step; what `progress` throws.
  public func step(
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> Step? {
    let settings = editor.settings
    guard episode < settings.episodes || partial != nil else { return nil }
    let begin = history.count * settings.accumulate
    let count = min(settings.accumulate, settings.episodes - begin)
    if partial == nil {
      for network in editor.networks { network.gradients.everything.fill(0) }
      rateGradients = rateGradients.map { _ in 0 }
    }
    var row =
      partial
      ?? Step(step: history.count + 1, loss: 0, before: 0, locality: 0, gradientNorm: 0, tokens: 0)
    while episode < begin + count {
      let figures = try run(share: 1 / Double(count))
      row.loss += figures.loss / Double(count)
      row.before += figures.before / Double(count)
      row.locality += figures.locality / Double(count)
      row.tokens += figures.tokens
      episode += 1
      partial = row
      try progress(episode)
    }
    partial = nil
    guard row.loss.isFinite, row.locality.isFinite, rateGradients.allSatisfy(\.isFinite) else {
      throw .editDiverged(step: row.step, loss: row.loss, locality: row.locality)
    }
    row.gradientNorm = try update(row)
    history.append(row)
    return row
  }

  /// What one episode measured.
  struct Figures {
    var loss: Double
    var before: Double
    var locality: Double
    var tokens: Int
  }

  /// One episode; adds its gradients.
  private func run(share: Double) throws(Diagnostic) -> Figures {
    let settings = editor.settings
    var random = RandomStream(seed: settings.seed, name: "episode/\(episode)")
    let drawn = random.sample(settings.edits + 1, of: answers.count)
    return try learn(
      inner: drawn.dropLast().map { answers[$0] }, outer: answers[drawn.last!],
      other: others[random.integer(below: others.count)], share: share)
  }

  /// The same with examples of the caller's choice.
  ///
  /// - Parameters:
  ///   - inner: what the edit is made from.
  ///   - outer: what it should help with.
  ///   - other: what it should leave alone.
  ///   - share: of this episode in a step.
  func learn(
    inner: [TokenSequence], outer: TokenSequence, other: TokenSequence, share: Double
  ) throws(Diagnostic) -> Figures {
    let settings = editor.settings
    let (otherBatch, outerBatch) = (Batch([other]), Batch([outer]))
    let rows = 0..<other.tokens.count
    let before = logits.before[logits.region].slice(rows: rows)
    let after = logits.after[logits.region].slice(rows: rows)
    let transformer = editor.transformer
    editor.clear()
    transformer.logits(otherBatch, into: before)
    let lossBefore = try editor.loss(of: [outer])
    try editor.edit(towards: inner, learnsNorm: true)

    // The loss is divided by its tokens inside; the weights of both terms go in from outside.
    let total = transformer.learn(outerBatch, supervisedCount: max(1, outer.supervisedCount))
    let gradients = transformer.stack.adapterGradients!.everything
    scale(gradients.data, by: Float(settings.editWeight * share), gradients.count)
    let marks = otherBatch.targets.map { $0 >= 0 }
    let divergence = transformer.learn(otherBatch, logits: after) { after in
      Locality.divergence(
        before, after, isLearnt: marks, weight: settings.localityWeight * share)
    }
    for (number, gradient) in editor.learnFromEdit().enumerated() {
      rateGradients[number] += gradient
    }
    editor.zeroGradients()
    return Figures(
      loss: total.negativeLogLikelihood / Double(max(1, total.count)), before: lossBefore,
      locality: divergence,
      tokens: inner.reduce(outer.supervisedCount) { $0 + $1.supervisedCount })
  }

  private func update(_ row: Step) throws(Diagnostic) -> Double {
    let settings = editor.settings
    var parameters: [TrainedParameter] = []
    for (network, moments) in zip(editor.networks, moments) {
      for region in network.plan.regions {
        parameters.append(
          TrainedParameter(
            value: network.weights[region], gradient: network.gradients[region],
            firstMoment: moments.first[region], secondMoment: moments.second[region],
            decays: false))
      }
    }
    let norm: Double
    switch optimizer.step(
      parameters, step: row.step, learningRate: settings.learningRate,
      clipNorm: settings.clipNorm)
    {
    case .updated(let gradientNorm): norm = gradientNorm
    case .refused:
      throw .editDiverged(step: row.step, loss: row.loss, locality: row.locality)
    }
    // Adam on a handful of numbers.
    let (beta1, beta2) = (0.9, 0.999)
    for (number, gradient) in rateGradients.enumerated() {
      rateMoments[number].first = beta1 * rateMoments[number].first + (1 - beta1) * gradient
      rateMoments[number].second =
        beta2 * rateMoments[number].second + (1 - beta2) * gradient * gradient
      let first = rateMoments[number].first / (1 - power(beta1, row.step))
      let second = rateMoments[number].second / (1 - power(beta2, row.step))
      editor.rates[number] -= settings.rateLearningRate * first / (second.squareRoot() + 1e-8)
    }
    return norm
  }

  private func power(_ base: Double, _ exponent: Int) -> Double {
    var result = 1.0
    for _ in 0..<exponent { result *= base }
    return result
  }
}
