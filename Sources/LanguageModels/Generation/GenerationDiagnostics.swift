// What beam search says where it cannot run, and the pages behind it.

import Diagnostics

extension Diagnostic {
  static func beams(_ beams: Int, batch: Int) -> Diagnostic {
    Diagnostic(
      "beams", "\(beams) beams of a prompt are read together, and there is room for \(batch)",
      help: "lower beams, or raise batch", consequence: .stageFailed)
  }

  static func beams(_ search: BeamSearch, vocabulary: Int) -> Diagnostic {
    Diagnostic(
      "beams",
      "\(search.beams) beams look at \(search.candidates) tokens, and the vocabulary has "
        + "\(vocabulary)", help: "lower beams", consequence: .stageFailed)
  }
}

let generationExplanations: [(id: String, text: String)] = [
  (
    "beams",
    """
    Beam search keeps several continuations of a prompt and reads their newest tokens together, so its
    batch holds at least one prompt's beams. In each step it looks at two continuations of each beam, at
    one more for each token that ends a text: they must not be more than the vocabulary has tokens.
    """
  )
]
