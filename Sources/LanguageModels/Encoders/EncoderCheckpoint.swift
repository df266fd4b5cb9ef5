// An encoder's training put down in one file and taken up again, bit for bit, as TrainingCheckpoint
// does for language models: the trained weights, both moments, the best epoch's weights, the state.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Tensors

extension EncoderTrainer {
  public static let checkpointName = "encoder-training.safetensors"

  /// Each trained parameter's places by the prefix of their names in the file.
  private func places() -> [(name: String, tensor: Tensor)] {
    zip(trained, plan.regions).flatMap { parameter, region in
      var places = [
        ("weight/" + parameter.name, model.weights[parameter.region]),
        ("first/" + parameter.name, firstMoments[region]),
        ("second/" + parameter.name, secondMoments[region]),
      ]
      if !validation.isEmpty { places.append(("best/" + parameter.name, best[region])) }
      return places
    }
  }

  /// What the run is: a checkpoint of anything else is refused.
  private var fingerprint: String {
    var hash = RunFingerprint()
    for list in [texts, validation] {
      hash.mix(UInt64(list.count))
      for text in list {
        hash.mix(UInt64(text.label))
        hash.mix(text.weight.bitPattern)
        hash.mix(text.tokens)
      }
    }
    var members: [(String, JSONValue)] = [
      ("model", model.specification.family.json), ("settings", settings.json),
      ("texts", .string(hash.text)),
    ]
    // The file does not hold an encoder that stays as it is.
    if settings.scope == .head { members.append(("encoder", .string(frozenChecksum))) }
    return JSONValue.object(JSONObject(members)).canonicalText
  }

  /// Over the bits of all weights that do not learn.
  private var frozenChecksum: String {
    let learnt = Set(trained.map(\.name))
    var hash = RunFingerprint()
    for parameter in model.table.parameters where !learnt.contains(parameter.name) {
      let values = model.weights[parameter.region]
      for index in 0..<values.count {
        hash.mix(UInt64(values.data[index].bitPattern))
      }
    }
    return hash.text
  }

  /// Writes the checkpoint into an existing folder; the one before it stays until this one is whole.
  ///
  /// **Throws**: `file-unwritable`.
  public func save(to folder: String) throws(Diagnostic) {
    let tensors = places().map { name, tensor in
      TensorToWrite(
        name: name, shape: [tensor.rows, tensor.columns],
        values: UnsafeBufferPointer(start: tensor.data, count: tensor.count))
    }
    let place = JSONValue.object([
      "step": .integer(state.step), "epoch": .integer(state.epoch),
      "cursor": .integer(state.cursor), "best": state.best.map { .integer($0) } ?? .null,
      "stopped": .boolean(state.isStopped),
    ])
    try Safetensors.write(
      tensors,
      metadata: [
        ("run", fingerprint), ("state", place.canonicalText),
        ("history", JSONValue.array(history.map(\.json)).canonicalText),
        ("epochs", JSONValue.array(epochs.map(\.json)).canonicalText),
      ],
      to: folder + "/" + Self.checkpointName)
  }

  /// Takes up the folder's checkpoint if it is one of this very run.
  public func resume(from folder: String) -> Resumption {
    let path = folder + "/" + Self.checkpointName
    guard fileExists(path) else { return .fresh }
    do {
      try restore(from: try Safetensors(at: path), path: path)
      return .resumed(step: state.step)
    } catch { return .discarded(error) }
  }

  /// Checks everything first, then reads: a refused checkpoint changes nothing.
  private func restore(from file: Safetensors, path: String) throws(Diagnostic) {
    func json(_ key: String) -> JSONValue? {
      file.metadata.first { $0.key == key }.flatMap { try? JSONValue(parsing: $0.value) }
    }
    guard file.metadata.first(where: { $0.key == "run" })?.value == fingerprint,
      let place = json("state"), let step = place["step"]?.integer,
      let epoch = place["epoch"]?.integer, let cursor = place["cursor"]?.integer,
      let stopped = place["stopped"]?.boolean,
      let rows = json("history")?.array, let epochRows = json("epochs")?.array
    else { throw .checkpointOfAnotherRun(path) }
    let state = State(
      step: step, epoch: epoch, cursor: cursor, best: place["best"]?.integer, isStopped: stopped)
    let history = rows.compactMap(TrainingStep.init(json:))
    let epochs = epochRows.compactMap(EncoderEpoch.init(json:))
    guard isPossible(state), history.count == step, rows.count == step, epochs.count == epoch,
      epochRows.count == epoch, epochs.indices.contains(state.best ?? 0) || state.best == nil
    else { throw .checkpointOfAnotherRun(path) }
    var reads: [(Safetensors.Entry, Tensor)] = []
    for (name, tensor) in places() {
      guard let entry = file[name], entry.type == .float32,
        entry.shape == [tensor.rows, tensor.columns]
      else { throw .checkpointOfAnotherRun(path) }
      reads.append((entry, tensor))
    }
    for (entry, tensor) in reads {
      file.read(entry, into: UnsafeMutableBufferPointer(start: tensor.data, count: tensor.count))
    }
    self.history = history
    self.epochs = epochs
    self.state = state
    draw()
  }

  /// Whether a state can be one of this run: every epoch has as many steps.
  private func isPossible(_ state: State) -> Bool {
    let perEpoch = totalSteps / settings.epochs
    return (0...settings.epochs).contains(state.epoch) && (0..<perEpoch).contains(state.cursor)
      && state.step == state.epoch * perEpoch + state.cursor && state.step <= totalSteps
  }
}
