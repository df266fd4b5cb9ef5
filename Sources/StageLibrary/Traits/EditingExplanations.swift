// Pages behind the ids of diagnostics about edits of models and about looking inside tuned ones.

import ModelEditing

/// Diagnostic id → page, for `plumb explain`.
public let editingExplanations: [(id: String, text: String)] =
  modelEditingExplanations + [
    (
      "edit-label",
      """
      edit-with-network makes edits from the answered questions that have its parameter 'label', such as
      extraversion or neuroticism-low, as compose-opinions labels them. The corpus has none.
      """
    ),
    (
      "probe-empty",
      """
      probe-answers compares two models along answers. After 'labels' and 'limit' an input had none: no
      document, only empty texts, or, at 'answers', only questions that nobody has answered.
      """
    ),
    (
      "probe-texts",
      """
      A context of edit-in-context stands before a question. probe-answers was given one, and a text
      without a question, for which there would be nothing to compare.
      """
    ),
    (
      "emoji-answers",
      """
      analyse-emoji compares answers of models: documents with a question, whose group says trait and method
      and, for doses, the scale of the adapter. None of the inputs' documents answers a question, or
      none by the method that was asked for.
      """
    ),
    (
      "explain-prompts",
      """
      explain-trait compares what units do on several prompts of each kind: at least two questions of each
      label in trait_questions, two neutral ones, and emoji and words in at least two templates, each
      with {} where the emoji or the word goes.
      """
    ),
  ]
