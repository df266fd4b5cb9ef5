// An editor's learning put down in one file and taken up again, bit for bit: networks, both moments,
// rates, the norms of what networks read, and the history.

import CanonicalJSON
import Diagnostics
import Glibc
import LanguageModels
import ModelFiles
import Tensors

extension EditorTrainer {
  public static let checkpointName = "editor.safetensors"

  private func places() -> [(name: String, tensor: Tensor)] {
    zip(editor.networks, moments).enumerated().flatMap { number, pair in
      let (network, moments) = pair
      return [
        ("weight/", network.weights), ("gradient/", network.gradients),
        ("first/", moments.first), ("second/", moments.second),
      ].flatMap { prefix, arena in
        network.plan.regions.enumerated().map { region in
          ("\(prefix)\(number)/\(region.offset)", arena[region.element])
        }
      }
    }
  }

  /// What the run is: a checkpoint of anything else is refused.
  private var fingerprint: String {
    var hash = RunFingerprint()
    for list in [answers, others] {
      hash.mix(UInt64(list.count))
      for sequence in list { hash.mix(sequence) }
    }
    return JSONValue.object([
      "model": editor.model.specification.family.json,
      "base": .string(editor.model.baseChecksum), "settings": editor.settings.json,
      "texts": .string(hash.text),
    ]).canonicalText
  }

  /// Writes the checkpoint into an existing folder; the one before it stays until this one is whole.
  ///
  /// **Throws**: `file-unwritable`.
  public func save(to folder: String) throws(Diagnostic) {
    var tensors = places().map { name, tensor in
      TensorToWrite(
        name: name, shape: [tensor.rows, tensor.columns],
        values: UnsafeBufferPointer(start: tensor.data, count: tensor.count))
    }
    // Double precision has no type there: its bits go in as pairs of single ones.
    var norms = editor.sites.map { $0.norm.mean + $0.norm.squares }
    let state = JSONValue.object([
      "episode": .integer(episode), "rates": .array(editor.rates.map(JSONValue.bits)),
      "rate_moments": .array(rateMoments.flatMap { [.bits($0.first), .bits($0.second)] }),
      "rate_gradients": .array(rateGradients.map(JSONValue.bits)),
      "norm_counts": .array(editor.sites.map { .integer($0.norm.count) }),
      "partial": partial.map {
        .array([.bits($0.loss), .bits($0.before), .bits($0.locality), .integer($0.tokens)])
      } ?? .null,
    ])
    let rows = history.map { $0.json(learningRate: editor.settings.learningRate) }
    let metadata = [
      ("run", fingerprint), ("state", state.canonicalText),
      ("history", JSONValue.array(rows).canonicalText),
    ]
    try withSingles(&norms, editor.sites.map(\.module)) { singles throws(Diagnostic) in
      tensors += singles
      try Safetensors.write(tensors, metadata: metadata, to: folder + "/" + Self.checkpointName)
    }
  }

  private func withSingles(
    _ norms: inout [[Double]], _ names: [String],
    _ body: ([TensorToWrite]) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let copies = norms.map { values in
      let copy = UnsafeMutableBufferPointer<Double>.allocate(capacity: values.count)
      _ = copy.initialize(from: values)
      return copy
    }
    defer { for copy in copies { copy.deallocate() } }
    try body(
      zip(names, copies).map { name, copy in
        TensorToWrite(
          name: "norm/" + name, shape: [2, copy.count],
          values: UnsafeBufferPointer(
            UnsafeMutableRawBufferPointer(copy).bindMemory(to: Float.self)))
      })
  }

  /// Takes up the folder's checkpoint if it is one of this very run; its step is an episode.
  public func resume(from folder: String) -> Resumption {
    let path = folder + "/" + Self.checkpointName
    guard access(path, F_OK) == 0 else { return .fresh }
    do {
      try restore(from: try Safetensors(at: path), path: path)
      return .resumed(step: episode)
    } catch { return .discarded(error) }
  }

  /// Checks everything first, then reads: a refused checkpoint changes nothing.
  private func restore(from file: Safetensors, path: String) throws(Diagnostic) {
    func json(_ key: String) -> JSONValue? {
      file.metadata.first { $0.key == key }.flatMap { try? JSONValue(parsing: $0.value) }
    }
    let sites = editor.sites
    guard file.metadata.first(where: { $0.key == "run" })?.value == fingerprint,
      let state = json("state"), let rows = json("history")?.array,
      let rates = state["rates"]?.array?.compactMap(\.bits), rates.count == sites.count,
      let moments = state["rate_moments"]?.array?.compactMap(\.bits),
      moments.count == 2 * sites.count,
      let gradients = state["rate_gradients"]?.array?.compactMap(\.bits),
      gradients.count == sites.count, let episode = state["episode"]?.integer,
      let counts = state["norm_counts"]?.array?.compactMap(\.integer), counts.count == sites.count
    else { throw .checkpointOfAnotherRun(path) }
    let steps = rows.compactMap(Step.init(json:))
    var partial: Step?
    if let figures = state["partial"]?.array, figures.count == 4, let loss = figures[0].bits,
      let before = figures[1].bits, let locality = figures[2].bits, let tokens = figures[3].integer
    {
      partial = Step(
        step: steps.count + 1, loss: loss, before: before, locality: locality, gradientNorm: 0,
        tokens: tokens)
    }
    let taken = steps.count * editor.settings.accumulate
    guard steps.count == rows.count, counts.allSatisfy({ $0 >= 0 }),
      steps.indices.allSatisfy({ steps[$0].step == $0 + 1 }),
      episode <= editor.settings.episodes,
      partial == nil
        ? episode == min(taken, editor.settings.episodes)
        : (taken + 1...taken + editor.settings.accumulate).contains(episode)
    else { throw .checkpointOfAnotherRun(path) }
    var reads: [(Safetensors.Entry, Tensor)] = []
    for (name, tensor) in places() {
      guard let entry = file[name], entry.type == .float32,
        entry.shape == [tensor.rows, tensor.columns]
      else { throw .checkpointOfAnotherRun(path) }
      reads.append((entry, tensor))
    }
    var norms: [RunningNorm] = []
    for (site, count) in zip(sites, counts) {
      let width = site.norm.mean.count
      guard let entry = file["norm/" + site.module], entry.type == .float32,
        entry.shape == [2, 2 * width]
      else { throw .checkpointOfAnotherRun(path) }
      var values = [Double](repeating: 0, count: 2 * width)
      values.withUnsafeMutableBytes { file.read(entry, into: $0.bindMemory(to: Float.self)) }
      norms.append(
        RunningNorm(mean: Array(values[..<width]), squares: Array(values[width...]), count: count))
    }
    for (entry, tensor) in reads {
      file.read(entry, into: UnsafeMutableBufferPointer(start: tensor.data, count: tensor.count))
    }
    for (site, norm) in zip(sites, norms) { site.norm = norm }
    editor.rates = rates
    take(
      Place(
        history: steps, partial: partial, episode: episode,
        rateMoments: stride(from: 0, to: moments.count, by: 2).map {
          (moments[$0], moments[$0 + 1])
        }, rateGradients: gradients))
  }
}

extension JSONValue {
  /// A number whose every bit counts.
  fileprivate static func bits(_ value: Double) -> JSONValue {
    .string(String(value.bitPattern, radix: 16))
  }

  fileprivate var bits: Double? {
    string.flatMap { UInt64($0, radix: 16) }.map(Double.init(bitPattern:))
  }
}
