// Writing straight from a GGUF, as llama.cpp does.

import Diagnostics
import LanguageModels

extension Workloads {
  static var quantisedFiles: [Workload] {
    [
      Workload(
        name: "prompt-gguf-512", summary: "a prompt of 512 tokens read from a GGUF's weights",
        needs: [.gguf], script: "decode_gguf.py", speedBar: 3
      ) { files in
        let writer = try GGUFWriter(files, batch: 1, prompt: 512)
        return PreparedWork(tokens: 512) { try writer.write(1) }
      },
      decode("decode-gguf-1", batch: 1, bar: 1.5), decode("decode-gguf-16", batch: 16, bar: 2),
    ]
  }

  /// Only the writing counts: what 64 tokens cost more than one, which the prompt gives.
  private static func decode(_ name: String, batch: Int, bar: Double) -> Workload {
    Workload(
      name: name, summary: "64 tokens behind 64 from a GGUF's weights, greedy, \(batch) at a time",
      needs: [.gguf], script: "decode_gguf.py", speedBar: bar
    ) { files in
      let writer = try GGUFWriter(files, batch: batch, prompt: 64)
      var counted = (wall: 0.0, processor: 0.0)
      var work = PreparedWork(tokens: batch * 63) {
        let short = try writer.timed(1)
        let long = try writer.timed(64)
        counted = (long.wall - short.wall, long.processor - short.processor)
      }
      work.counted = { counted }
      return work
    }
  }
}

/// A GGUF's model and prompts that never come twice, since a generator remembers beginnings.
private final class GGUFWriter {
  private let generator: Generator
  private let batch: Int
  private let prompt: Int
  private var next = 0

  init(_ files: WorkloadFiles, batch: Int, prompt: Int) throws {
    let model = try LanguageModel(files: ["model.gguf": files.gguf!], storage: .asStored)
    generator = Generator(model, batch: batch)
    self.batch = batch
    self.prompt = prompt
  }

  func write(_ length: Int) throws {
    let vocabulary = generator.model.specification.vocabulary
    let requests = (0..<batch).map { number in
      next += 1
      return GenerationRequest(
        prompt: Workloads.tokens(prompt, from: next * 997, vocabulary: vocabulary), length: length,
        stream: "bench/\(number)")
    }
    _ = try generator.run(requests, .greedy())
  }

  func timed(_ length: Int) throws -> (wall: Double, processor: Double) {
    let watch = Watch()
    try write(length)
    return watch.read()
  }
}
