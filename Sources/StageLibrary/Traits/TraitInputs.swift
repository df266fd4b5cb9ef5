// What several trait stages read in the same way.

import Diagnostics
import Personality
import Scheduling
import Tokenizers

extension StageContext {
  /// How the model at port `model` is asked, after the parameter `chat`; holds its tokenizer.
  ///
  /// **Throws**: what reading `tokenizer.json` and `ChatForm.init` throw.
  func chatForm() throws(Diagnostic) -> ChatForm {
    let model = input("model")
    return try ChatForm(
      parameters.string("chat"), of: model, ModelTokenizer.read(model.bytes("tokenizer.json")))
  }

  /// All lines at port `scores`.
  ///
  /// **Throws**: `trait-scores`, where the judges' classes differ too.
  func judgedAnswers() throws(Diagnostic) -> (labels: [String], answers: [JudgedAnswer]) {
    var labels: [String] = []
    var answers: [JudgedAnswer] = []
    for (number, input) in inputs("scores").enumerated() {
      let path = "scores[\(number)]"
      let (own, rows) = try JudgedAnswer.read(input.bytes("scores.jsonl"), shown: path)
      guard labels.isEmpty || own == labels else {
        throw .traitScores(path, 1, "has other classes than the scores before")
      }
      labels = own
      answers += rows
    }
    return (labels, answers)
  }
}
