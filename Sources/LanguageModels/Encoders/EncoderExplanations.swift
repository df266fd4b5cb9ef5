// The pages that `plumb explain ID` prints for the diagnostics of encoders.

/// Diagnostic id and its page.
let encoderExplanations: [(id: String, text: String)] = [
  (
    "encoder-needed",
    """
    Embeddings and text classes come from encoders (BERT, RoBERTa, MiniLM), in which every token sees
    its whole text. GPT-2 and Llama see only what stands before a token and are refused here.
    """
  ),
  (
    "classifier-missing",
    """
    The encoder's files hold no classification head (classifier.weight, or classifier.dense and
    classifier.out_proj), so it can embed texts but not name their classes. train-classifier puts a
    head on it and trains both.
    """
  ),
  (
    "classifier-class-count",
    """
    A classifier tells classes apart: with fewer than two there is nothing to tell.
    """
  ),
  (
    "encoder-sequence",
    """
    An encoder reads a text as a whole, special tokens included, and has as many positions as
    config.json's max_position_embeddings says (RoBERTa: fewer those up to its padding token).
    Longer texts are cut to max_length before, and counted.
    """
  ),
]
