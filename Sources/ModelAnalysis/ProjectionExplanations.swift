// Pages of the diagnostics of statements and projections.

public let projectionExplanations: [(id: String, text: String)] = [
  (
    "statements-missing",
    """
    A bias in statements is the difference between two means, one over statements of the left, one
    over statements of the right. Without a statement there is no mean.
    """
  ),
  (
    "statement-length",
    """
    A statement is scored whole: its tokens, after end-of-text and the prompt, must fit the model's
    context, and at least one of them must have something before it. Cut statements would be other
    statements, so none is cut: leave out the document that the message names.
    """
  ),
  (
    "statements-not-finite",
    """
    The model gives a statement the probability 0, or its weights are not numbers. A model that was
    trained at far too high a rate does that; the step at which it went wrong stands in the history of
    its training.
    """
  ),
]
