// What training a judge and scoring with it say to a person, and the pages behind the ids.

import Diagnostics

extension Diagnostic {
  static func classifierLabels(_ found: [String]) -> Diagnostic {
    Diagnostic(
      "classifier-labels",
      found.isEmpty
        ? "no document of the corpus has a label"
        : "all labelled documents have the label '\(found[0])'",
      help: "a classifier needs documents of at least two labels", consequence: .stageFailed)
  }

  static func classifierTooFew(_ label: String, _ count: Int) -> Diagnostic {
    Diagnostic(
      "classifier-too-few", "the label '\(label)' has \(count) document\(count == 1 ? "" : "s")",
      help: "every label needs at least 5: some are held out", consequence: .stageFailed)
  }

  static func classifierSources(_ label: String) -> Diagnostic {
    Diagnostic(
      "classifier-sources", "the label '\(label)' comes from one source only: none can be held out",
      help: "set split_by: document, and remember that the figures then contain the outlet's style",
      consequence: .stageFailed)
  }

  static func classifierMalformed(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "classifier-malformed", "'\(path)' does not describe a classifier: \(reason)",
      help: "make the classifier again with train-classifier", consequence: .stageFailed)
  }

  static func labelUnknown(_ label: String, parameter: String, labels: [String]) -> Diagnostic {
    Diagnostic(
      "label-unknown", "the classifier has no label '\(label)' (parameter \(parameter))",
      help: suggestion(for: label, among: labels, called: "a label"), consequence: .stageFailed)
  }

  static func nothingToScore(_ port: String) -> Diagnostic {
    Diagnostic(
      "nothing-to-score", "the corpus at the input '\(port)' has no documents",
      help: "look at the stage that made it", consequence: .stageFailed)
  }
}

/// Diagnostic id → page, for `plumb explain`.
public let scoringExplanations: [String: String] = [
  "classifier-labels": """
  train-classifier learns from the member 'label' of documents. Documents without one are counted
  and left out. import-corpus reads labels from the field that its parameters name.
  """,
  "classifier-too-few": """
  A part of each label's documents is held out, so that accuracy and calibration can be measured on
  texts the classifier has not seen. With fewer than five there is nothing to measure.
  """,
  "classifier-sources": """
  Held out by source means that no article of a tested outlet was in training. If all articles of a
  label come from one outlet, the classifier would only learn that outlet's style and the figures
  could not show it. Bring more sources, or split by document and say so.
  """,
  "classifier-folds": """
  In leave-source-out folds every source is in one fold as a whole, and each fold's classifier learns from the
  other folds. So there must be at least as many sources as folds. Documents without a source count
  as sources of their own.
  """,
  "classifier-idle": """
  A parameter that does nothing is a mistake: what it asks for would silently not happen. baseline puts
  n-grams beside an encoder; folds needs at least two, or 0 for none.
  """,
  "classifier-malformed": """
  A classifier is a folder with classifier.json (kind, labels, temperature, quality, and what its kind
  needs) and the weights: weights.bin for n-grams, config.json, model.safetensors and tokenizer.json
  for an encoder. Every member is checked before it is used, against the weights too.
  """,
  "classifier-encoder": """
  train-classifier makes two kinds of judges. architecture: encoder fine-tunes what its input 'encoder'
  brings: a BERT, RoBERTa or MiniLM from import-encoder, or one with random weights from
  initialise-encoder. architecture: ngram starts from nothing and takes no encoder.
  """,
  "encoder-tokenizer": """
  BERT and RoBERTa were trained on texts framed by special tokens, and a classifier may read the first
  of them. tokenizer.json describes the frame as its post_processor (BertProcessing,
  RobertaProcessing, TemplateProcessing). Without it every vector would be off without any sign of it.
  """,
  "encoder-length": """
  max_length counts all tokens of a text, those of the tokenizer's template included. It must leave
  room for at least one token of the text and fit the encoder's positions.
  """,
  "group-unknown": """
  score-bias can split a corpus by source, by label, or by a name in the documents' group. compose-benchmark
  writes topic, class and seen there, and what a model writes keeps its prompt's group. A name that no
  document has would give a table without rows.
  """,
  "label-unknown": """
  A parameter names a class that the classifier does not know. Labels are compared byte by byte;
  they are those of the corpus it was trained on.
  """,
  "gibberish-too-few": """
  compose-gibberish deals the sentences of real texts to four classes, each sentence once. A corpus with
  few or short sentences, or with the same ones again and again, has too few for a judge to learn from.
  """,
  "gibberish-classes": """
  The gibberish index is level × probability of the winning class, and the levels belong to names: noise 0,
  word-salad 1, mild-gibberish 2, clean 3. A classifier of anything else has no levels. compose-gibberish
  makes sentences of these classes, train-classifier learns them.
  """,
  "nothing-to-score": """
  A corpus without documents has no shares and no perplexity. The stage before it wrote nothing:
  its log says why.
  """,
]
