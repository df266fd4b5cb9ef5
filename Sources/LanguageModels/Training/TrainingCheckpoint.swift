// A training run put down in one file and taken up again, bit for bit: what learns, both moments,
// state and history as a safetensors file, whose rename makes it whole or not there.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Tensors

/// What became of an attempt to resume.
public enum Resumption: Sendable {
  /// There was no checkpoint.
  case fresh
  case resumed(step: Int)
  /// There was one, but not of this run or not readable; training starts at the beginning.
  case discarded(Diagnostic)
}

extension Trainer {
  public static let checkpointName = "training.safetensors"

  private var arenas: [(prefix: String, arena: Arena)] {
    [("weight/", learnt.weights), ("first/", firstMoments), ("second/", secondMoments)]
  }

  /// What the run is: a checkpoint of anything else is refused.
  private var fingerprint: String {
    var hash = RunFingerprint()
    for sequence in sequences { hash.mix(sequence) }
    var members: [(String, JSONValue)] = [
      ("model", model.specification.family.json), ("settings", settings.json),
      ("sequences", .string(hash.text)),
    ]
    if let adapter {
      // The file does not hold the model beside which the adapter learns.
      members.append(("base", .string(frozenBase)))
      members.append(
        ("adapter", adapter.configuration.json(baseName: nil, fansInFirst: false, task: "")))
    }
    return JSONValue.object(JSONObject(members)).canonicalText
  }

  /// Writes the checkpoint into an existing folder; the one before it stays until this one is whole.
  ///
  /// **Throws**: `file-unwritable`.
  public func save(to folder: String) throws(Diagnostic) {
    var tensors: [TensorToWrite] = []
    for (prefix, arena) in arenas {
      for item in learnt.items {
        let shape = item.region.shape
        tensors.append(
          TensorToWrite(
            name: prefix + item.name, shape: [shape.rows, shape.columns],
            values: UnsafeBufferPointer(start: arena[item.region].data, count: shape.count)))
      }
    }
    let place = JSONValue.object([
      "step": .integer(state.step), "epoch": .integer(state.epoch),
      "cursor": .integer(state.cursor),
    ])
    try Safetensors.write(
      tensors,
      metadata: [
        ("run", fingerprint), ("state", place.canonicalText),
        ("history", JSONValue.array(history.map(\.json)).canonicalText),
      ],
      to: folder + "/" + Self.checkpointName)
  }

  /// Takes up the folder's checkpoint if it is one of this very run.
  public func resume(from folder: String) -> Resumption {
    let path = folder + "/" + Self.checkpointName
    guard fileExists(path) else { return .fresh }
    do {
      let file = try Safetensors(at: path)
      try restore(from: file, path: path)
      return .resumed(step: state.step)
    } catch { return .discarded(error) }
  }

  /// Checks everything first, then reads: a refused checkpoint changes nothing.
  private func restore(from file: Safetensors, path: String) throws(Diagnostic) {
    func text(_ key: String) -> String? { file.metadata.first { $0.key == key }?.value }
    guard text("run") == fingerprint else { throw .checkpointOfAnotherRun(path) }
    guard let place = text("state").flatMap({ try? JSONValue(parsing: $0) }),
      let step = place["step"]?.integer, let epoch = place["epoch"]?.integer,
      let cursor = place["cursor"]?.integer,
      let rows = text("history").flatMap({ try? JSONValue(parsing: $0) })?.array
    else { throw .checkpointOfAnotherRun(path) }
    let state = State(step: step, epoch: epoch, cursor: cursor)
    let history = rows.compactMap(TrainingStep.init(json:))
    guard isPossible(state), history.count == step, rows.count == step else {
      throw .checkpointOfAnotherRun(path)
    }
    var reads: [(Safetensors.Entry, UnsafeMutableBufferPointer<Float>)] = []
    for (prefix, arena) in arenas {
      for item in learnt.items {
        let shape = item.region.shape
        guard let entry = file[prefix + item.name], entry.type == .float32,
          entry.shape == [shape.rows, shape.columns]
        else { throw .checkpointOfAnotherRun(path) }
        reads.append(
          (
            entry,
            UnsafeMutableBufferPointer(start: arena[item.region].data, count: shape.count)
          ))
      }
    }
    for (entry, place) in reads { file.read(entry, into: place) }
    self.history = history
    enter(state)
  }
}
